internal import SQLSyntax

/// The statements of a loose key's worker. Key values come as `$1`, a JSON array of arrays of texts, and are cast to the
/// parent's types, so that the indexes of both tables can serve. Pure.
package struct LooseKeyStatements {
    let key: LooseKey
    /// A partitioned table is all its partitions; of any other, rows of tables that inherit from it are not its own.
    let childIsPartitioned: Bool
    let parentIsPartitioned: Bool

    package init(_ key: LooseKey, childIsPartitioned: Bool, parentIsPartitioned: Bool) {
        self.key = key
        self.childIsPartitioned = childIsPartitioned
        self.parentIsPartitioned = parentIsPartitioned
    }

    var child: String { (childIsPartitioned ? "" : "ONLY ") + key.child.sql }
    var parent: String { (parentIsPartitioned ? "" : "ONLY ") + key.parent.sql }

    /// Positions, from 1, of the keys in `$1` that the parent has.
    package var present: String {
        """
        SELECT v.n FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS v (value, n)
         WHERE EXISTS (SELECT FROM \(parent) AS p WHERE \(equal("p", key.parentColumns, to: "v.value")))
        """
    }

    /// Deletes, or sets NULL in, at most about `$2` rows that point to keys in `$1`; nil where nothing is declared.
    package var removal: String? {
        switch key.onDelete {
        case .ignore: nil
        case .delete: "WITH \(values) DELETE FROM \(child) AS c WHERE \(chunk)"
        case .setNull:
            "WITH \(values) UPDATE \(child) AS c SET "
                + key.childColumns.map { "\(SQL.identifier($0)) = NULL" }.joined(separator: ", ") + " WHERE \(chunk)"
        }
    }

    /// Has at most about `$2` rows that point to the key in `$1` point to the one in `$3`. Not those that do already, for
    /// a type in whose eyes both are equal.
    package var change: String {
        let new = key.types.enumerated().map { "($3::jsonb ->> \($0))::\($1)" }
        let columns = key.childColumns.map { SQL.identifier($0) }
        let differs =
            "ROW(\(columns.map { "c.\($0)" }.joined(separator: ", "))) IS DISTINCT FROM ROW(\(new.joined(separator: ", ")))"
        return "WITH \(values) UPDATE \(child) AS c SET "
            + zip(columns, new).map { "\($0) = \($1)" }.joined(separator: ", ")
            + " WHERE \(chunk(and: differs)) AND \(differs)"
    }

    private var values: String {
        let columns = key.types.enumerated().map { "(value ->> \($0))::\($1) AS k\($0)" }.joined(separator: ", ")
        return "v AS MATERIALIZED (SELECT \(columns) FROM jsonb_array_elements($1::jsonb))"
    }

    private var chunk: String { chunk(and: nil) }

    /// By place in the table, and by value once more: a row that somebody changes meanwhile is looked at again.
    private func chunk(and condition: String?) -> String {
        let match = key.childColumns.enumerated().map { "c.\(SQL.identifier($1)) = v.k\($0)" }.joined(
            separator: " AND ")
        let more = condition.map { " WHERE \($0)" } ?? ""
        return "c.ctid = ANY (ARRAY(SELECT c.ctid FROM v JOIN \(child) AS c ON \(match)\(more) LIMIT $2)) "
            + "AND EXISTS (SELECT FROM v WHERE \(match))"
    }

    func equal(_ table: String, _ columns: [String], to value: String) -> String {
        columns.enumerated().map { "\(table).\(SQL.identifier($1)) = (\(value) ->> \($0))::\(key.types[$0])" }
            .joined(separator: " AND ")
    }
}
