import GRDB

/// A row of sqlite_master that is not SQLite's own.
struct SchemaEntry {
    /// table, index, view or trigger.
    var type: String
    var name: String
    var table: String
    var sql: String?
    /// Why it cannot be asked for by its name, else nil.
    var problem: String?

    var isTable: Bool { type == "table" }
    var kind: SourceObject.Kind { type == "view" ? .view : .trigger }
    var quotedName: String { SQLite.identifier(name) }

    /// In the order of their making. sqlite_master, because sqlite_schema is a name that came later.
    static func all(_ db: Database) throws -> [SchemaEntry] {
        let isUTF8 = try String.fetchOne(db, sql: "PRAGMA main.encoding") == "UTF-8"
        let sql = """
            SELECT type, name, tbl_name, sql, CAST(name AS BLOB) FROM main.sqlite_master
            WHERE type IN ('table', 'view', 'trigger', 'index') ORDER BY rowid
            """
        return try Row.fetchAll(db, sql: sql).compactMap { row in
            let entry = SchemaEntry(
                type: text(row, 0) ?? "", name: text(row, 1) ?? "", table: text(row, 2) ?? "", sql: text(row, 3),
                problem: isUTF8 ? problem(row) : nil)
            return entry.name.asciiLowercased.hasPrefix("sqlite_") ? nil : entry
        }
    }

    /// Nil for NULL and for what is no text.
    private static func text(_ row: Row, _ column: Int) -> String? { String.fromDatabaseValue(row[column]) }

    /// GRDB repairs what is no UTF-8, so that the name it gives is not the table's.
    private static func problem(_ row: Row) -> String? {
        let bytes = DataOrText.bytes(row[4])
        return String(validating: bytes, as: UTF8.self) == nil ? "its name is not valid UTF-8" : nil
    }
}

enum DataOrText {
    /// Of a blob; of anything else none.
    static func bytes(_ value: DatabaseValue) -> [UInt8] {
        guard case .blob(let data) = value.storage else { return [] }
        return Array(data)
    }
}
