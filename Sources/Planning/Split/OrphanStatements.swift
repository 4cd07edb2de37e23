internal import SQLSyntax

/// The statements that look for rows of a child whose parent row is not there, a range of a key after the other. A key with
/// a NULL in it points nowhere (MATCH SIMPLE). Pure.
package struct OrphanStatements {
    /// What the ranges are of.
    package struct Range: Sendable, Equatable {
        package var columns: [String]
        package var types: [String]
        /// Each row has a value of its own.
        package var isUnique: Bool

        package init(columns: [String], types: [String], isUnique: Bool) {
            (self.columns, self.types, self.isUnique) = (columns, types, isUnique)
        }
    }

    let statements: LooseKeyStatements
    let range: Range
    private var key: LooseKey { statements.key }

    package init(_ statements: LooseKeyStatements, range: Range) { (self.statements, self.range) = (statements, range) }

    /// Parent and child in one database. `$1`: where the range begins, as `text[]`, NULL for the first; `$2`: how many.
    /// Gives `rows`, `last`, `orphans`.
    package var together: String {
        let match = zip(key.parentColumns, key.childColumns.indices).map { "p.\(SQL.identifier($0)) = b.f\($1)" }
            .joined(separator: " AND ")
        return """
            WITH \(batch)
            SELECT \(figures), (SELECT coalesce(sum(b.n), 0) FROM batch AS b WHERE \(points)
                AND NOT EXISTS (SELECT FROM \(statements.parent) AS p WHERE \(match)))::bigint AS orphans
            """
    }

    /// The child's half where they are not: `rows`, `last`, and the keys as `keys`, JSON arrays whose last element counts.
    package var keys: String {
        let columns = key.childColumns.indices.map { "b.f\($0)" }
        let texts = columns.map { "\($0)::text" }.joined(separator: ", ")
        return """
            WITH \(batch), pointing AS (SELECT jsonb_build_array(\(texts), sum(b.n)::text) AS value FROM batch AS b
                WHERE \(points) GROUP BY \(columns.joined(separator: ", ")))
            SELECT \(figures), (SELECT coalesce(jsonb_agg(value), '[]')::text FROM pointing) AS keys
            """
    }

    /// The parent's half: of the keys in `$1`, how many rows have none.
    package var missing: String {
        """
        SELECT coalesce(sum((v.value ->> \(key.childColumns.count))::bigint), 0)::bigint AS orphans
          FROM jsonb_array_elements($1::jsonb) AS v (value)
         WHERE NOT EXISTS (SELECT FROM \(statements.parent) AS p
            WHERE \(statements.equal("p", key.parentColumns, to: "v.value")))
        """
    }

    /// For whoever wants to see them; needs both tables in one database.
    package static func example(_ key: LooseKey) -> String {
        let match = zip(key.parentColumns, key.childColumns)
            .map { "p.\(SQL.identifier($0)) = c.\(SQL.identifier($1))" }.joined(separator: " AND ")
        let points = key.childColumns.map { "c.\(SQL.identifier($0)) IS NOT NULL" }.joined(separator: " AND ")
        return "SELECT c.* FROM \(key.child.sql) c WHERE \(points) AND NOT EXISTS "
            + "(SELECT FROM \(key.parent.sql) p WHERE \(match))"
    }

    private var points: String { key.childColumns.indices.map { "b.f\($0) IS NOT NULL" }.joined(separator: " AND ") }

    private var figures: String {
        let names = range.columns.indices.map { "b.r\($0)" }
        let order = names.map { "\($0) DESC" }.joined(separator: ", ")
        return "(SELECT coalesce(sum(b.n), 0) FROM batch AS b)::bigint AS rows, "
            + "(SELECT ARRAY[\(names.map { "\($0)::text" }.joined(separator: ", "))] FROM batch AS b ORDER BY \(order) LIMIT 1) AS last"
    }

    private var batch: String {
        let ranged = range.columns.map { "c.\(SQL.identifier($0))" }
        let foreign = key.childColumns.map { "c.\(SQL.identifier($0))" }
        let begin = range.types.enumerated().map { "($1::text[])[\($0 + 1)]::\($1)" }.joined(separator: ", ")
        let after = "($1::text[] IS NULL OR (\(ranged.joined(separator: ", "))) > (\(begin)))"
        let outputs =
            ranged.enumerated().map { "\($1) AS r\($0)" } + foreign.enumerated().map { "\($1) AS f\($0)" }
        let order = ranged.joined(separator: ", ")
        guard !range.isUnique else {
            return """
                batch AS MATERIALIZED (SELECT \(outputs.joined(separator: ", ")), 1 AS n FROM \(statements.child) AS c
                    WHERE \(after) ORDER BY \(order) LIMIT $2)
                """
        }
        // The range is the key itself.
        let pointing = foreign.map { "\($0) IS NOT NULL" }.joined(separator: " AND ")
        return """
            batch AS MATERIALIZED (SELECT \(outputs.joined(separator: ", ")), count(*) AS n FROM \(statements.child) AS c
                WHERE \(pointing) AND \(after) GROUP BY \(order) ORDER BY \(order) LIMIT $2)
            """
    }
}
