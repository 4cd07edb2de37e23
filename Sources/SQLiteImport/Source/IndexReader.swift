import GRDB

/// The indexes of a table, those of its keys among them.
struct IndexReader {
    let db: Database
    let table: String

    /// In the order of their making, which is the reverse of the pragma's.
    func read() throws -> [SourceIndex] {
        let sql = """
            SELECT l.name, l."unique", l.origin, l.partial, m.sql FROM pragma_index_list(?, 'main') l
            LEFT JOIN main.sqlite_master m ON m.type = 'index' AND m.name = l.name ORDER BY l.seq DESC
            """
        return try Row.fetchAll(db, sql: sql, arguments: [table]).map { row in
            var index = SourceIndex(
                String.fromDatabaseValue(row[0]) ?? "", isUnique: row[1] == 1,
                origin: String.fromDatabaseValue(row[2]).flatMap { SourceIndex.Origin(rawValue: $0) } ?? .created,
                keys: [])
            index.keys = try keys(of: index.name)
            index.sql = String.fromDatabaseValue(row[4])
            addStatement(to: &index, isPartial: row[3] == 1)
            return index
        }
    }

    /// Without the columns that SQLite adds to lead back to the row. The rowid as a key has no name there: it is an expression.
    private func keys(of index: String) throws -> [SourceIndex.Key] {
        let sql = """
            SELECT cid, name, "desc", coll FROM pragma_index_xinfo(?, 'main') WHERE key = 1 ORDER BY seqno
            """
        return try Row.fetchAll(db, sql: sql, arguments: [index]).map { row in
            SourceIndex.Key(
                column: String.fromDatabaseValue(row[1]), expression: row[0] == -1 ? "rowid" : nil,
                isDescending: row[2] == 1, collation: String.fromDatabaseValue(row[3]) ?? "BINARY")
        }
    }

    private func addStatement(to index: inout SourceIndex, isPartial: Bool) {
        let hasExpressions = index.keys.contains { $0.column == nil && $0.expression == nil }
        guard isPartial || hasExpressions else { return }
        do {
            let definition = try IndexDefinitionReader.read(index.sql ?? "")
            guard definition.keys.count == index.keys.count, isPartial == (definition.condition != nil) else {
                index.unread = "its statement says something else than SQLite's own list of indexes"
                return
            }
            index.condition = definition.condition
            for (position, key) in definition.keys.enumerated() where index.keys[position].column == nil {
                index.keys[position].expression = index.keys[position].expression ?? key.text
            }
        } catch {
            index.unread = "\(error)"
        }
    }
}
