/// The order in which rows without a rowid are read: that of a unique index over columns without NULL, in which each row
/// has a place of its own.
package struct KeyOrder: Sendable, Hashable {
    /// Its name in the file.
    package let index: String
    package let keys: [SourceIndex.Key]

    /// Nil for a table with rowids, and for one whose rows no such index tells apart.
    package init?(_ table: SourceTable) {
        guard table.rowidName == nil else { return nil }
        let usable = table.indexes.filter { Self.isUsable($0, table) }
        guard let index = usable.first(where: { $0.origin == .primaryKey }) ?? usable.first,
            // Read with all others, in one statement of SQLite.
            table.columns.count + index.keys.count < 2000
        else { return nil }
        (self.index, keys) = (index.name, index.keys)
    }

    private static func isUsable(_ index: SourceIndex, _ table: SourceTable) -> Bool {
        guard index.isUnique, index.condition == nil, index.unread == nil, !index.keys.isEmpty else { return false }
        // SQLite lets no NULL into the key of a table WITHOUT ROWID, whatever its columns say.
        let holdsNoNull = table.isWithoutRowid && index.origin == .primaryKey
        return index.keys.allSatisfy { key in
            guard let column = key.column else { return false }
            return holdsNoNull || table.column(column)?.isNotNull == true
        }
    }

    package var columns: [String] { keys.compactMap(\.column) }

    /// What follows `SELECT … FROM table` and is bound to it.
    package struct Part: Sendable, Hashable {
        package var sql: String
        /// By the number of the parameter less one.
        package var bindings: [KeyValue] = []
    }

    /// The rows behind a key, in the order of the index: one statement after the other.
    ///
    /// Behind (a, b, c) come those of the same a and b with another c, then those of the same a with another b, then those
    /// with another a. Each is a single search in the index, also where directions are mixed or many rows have the same a;
    /// no row is looked at twice.
    ///
    /// - Parameter key: nil for all rows.
    package func parts(behind key: [KeyValue]?) -> [Part] {
        let source = "INDEXED BY \(SourceSQL.identifier(index))"
        guard let key else { return [Part(sql: "\(source) ORDER BY \(order(from: 0))")] }
        return keys.indices.reversed().map { last in
            var terms = keys[..<last].indices.map { term($0, "=", key[$0]) }
            terms.append(term(last, keys[last].isDescending ? "<" : ">", key[last]))
            let condition = terms.joined(separator: " AND ")
            return Part(
                sql: "\(source) WHERE \(condition) ORDER BY \(order(from: last))", bindings: Array(key[...last]))
        }
    }

    /// The collation stands on the right, where it counts before the column's own and leaves the column to the index.
    private func term(_ position: Int, _ comparison: String, _ value: KeyValue) -> String {
        let column = SourceSQL.identifier(keys[position].column ?? "")
        let collation = SourceSQL.identifier(keys[position].collation)
        return "\(column) \(comparison) \(value.sql(position + 1)) COLLATE \(collation)"
    }

    private func order(from position: Int) -> String {
        keys[position...].map { key in
            "\(SourceSQL.identifier(key.column ?? "")) COLLATE \(SourceSQL.identifier(key.collation))"
                + (key.isDescending ? " DESC" : "")
        }.joined(separator: ", ")
    }

    /// The key of the row on which a statement stands.
    ///
    /// - Parameter first: the statement's column of the key's first.
    /// - Throws: `SourceError` where a value is NULL, which SQLite does not let in.
    func key(
        _ handle: OpaquePointer, from first: Int32, of table: String, in path: String
    ) throws(SourceError) -> [KeyValue] {
        var values: [KeyValue] = []
        for position in keys.indices {
            guard let value = KeyValue(handle, first + Int32(position)) else {
                throw SourceError.damaged("a key of table \(table) is NULL", path: path)
            }
            values.append(value)
        }
        return values
    }
}
