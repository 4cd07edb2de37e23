import GRDB
import GRDBSQLite

/// One ordinary table: columns, keys, indexes and references as the pragmas tell them, the rest from its statement.
struct TableReader {
    let db: Database
    let entry: SchemaEntry

    func read() throws -> SourceTable {
        var table = SourceTable(entry.name, sql: entry.sql ?? "")
        do {
            _ = try db.makeStatement(sql: "SELECT * FROM main.\(entry.quotedName) LIMIT 0")
            try columns(of: &table)
            table.indexes = try IndexReader(db: db, table: entry.name).read()
            table.foreignKeys = try foreignKeys()
        } catch let error as DatabaseError where error.resultCode == .SQLITE_ERROR {
            throw UnreadableTable(error)
        }
        options(of: &table)
        keys(of: &table)
        addStatement(to: &table)
        return table
    }

    private func addStatement(to table: inout SourceTable) {
        do throws(DefinitionProblem) {
            try StatementParts(try TableDefinitionReader.read(table.sql)).join(&table)
        } catch {
            table.unread = "\(error)"
        }
    }

    private func columns(of table: inout SourceTable) throws {
        let sql = """
            SELECT name, type, "notnull", dflt_value, pk, hidden, CAST(name AS BLOB)
            FROM pragma_table_xinfo(?, 'main') ORDER BY cid
            """
        let isUTF8 = try String.fetchOne(db, sql: "PRAGMA main.encoding") == "UTF-8"
        for row in try Row.fetchAll(db, sql: sql, arguments: [entry.name]) {
            if isUTF8, String(validating: DataOrText.bytes(row[6]), as: UTF8.self) == nil {
                throw UnreadableTable(reason: "the name of a column is not valid UTF-8")
            }
            var column = SourceColumn(String.fromDatabaseValue(row[0]) ?? "", String.fromDatabaseValue(row[1]) ?? "")
            column.isNotNull = row[2] == 1
            column.defaultSQL = String.fromDatabaseValue(row[3])
            column.keyPosition = row[4]
            let hidden: Int = row[5]
            column.generation = hidden == 2 ? .virtual : hidden == 3 ? .stored : nil
            table.columns.append(column)
        }
        // Also told of a name that is in the schema, yet in no table.
        guard !table.columns.isEmpty else { throw UnreadableTable(reason: "SQLite knows no columns of it") }
        guard Set(table.columns.map(\.name)).count == table.columns.count else {
            throw UnreadableTable(reason: "two of its columns have the same name but for how Unicode composes it")
        }
        for index in table.columns.indices { metadata(ofColumn: index, of: &table) }
    }

    /// What no pragma tells: how a column's text is compared.
    private func metadata(ofColumn index: Int, of table: inout SourceTable) {
        var collation: UnsafePointer<CChar>?
        var isAutoincrement: CInt = 0
        let code = sqlite3_table_column_metadata(
            db.sqliteConnection, "main", table.name, table.columns[index].name, nil, &collation, nil, nil,
            &isAutoincrement)
        guard code == SQLITE_OK else { return }
        if let collation { table.columns[index].collation = String(cString: collation) }
        if isAutoincrement == 1 { table.isAutoincrement = true }
    }

    private func options(of table: inout SourceTable) {
        let sql = "SELECT wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?"
        guard let row = try? Row.fetchOne(db, sql: sql, arguments: [table.name]) else { return }
        table.isWithoutRowid = row[0] == 1
        table.isStrict = row[1] == 1
    }

    /// A key of one column without an index of its own is the rowid under another name.
    private func keys(of table: inout SourceTable) {
        let key = table.columns.filter { $0.keyPosition > 0 }.sorted { $0.keyPosition < $1.keyPosition }
        table.primaryKey = key.map(\.name)
        guard !table.isWithoutRowid else { return }
        if key.count == 1, !table.indexes.contains(where: { $0.origin == .primaryKey }) {
            table.rowidAlias = key.first?.name
        }
        let names = Set(table.columns.map(\.name.asciiLowercased))
        table.rowidName =
            ["rowid", "_rowid_", "oid"].first { !names.contains($0) }
            ?? table.rowidAlias.map(SourceSQL.identifier)
    }

    /// Rows of one id are one reference. SQLite gives the last one first.
    private func foreignKeys() throws -> [SourceForeignKey] {
        let sql = """
            SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?, 'main')
            ORDER BY id DESC, seq
            """
        var keys: [SourceForeignKey] = []
        var last: Int?
        for row in try Row.fetchAll(db, sql: sql, arguments: [entry.name]) {
            let id: Int = row[0]
            if id != last {
                var key = SourceForeignKey([], parent: String.fromDatabaseValue(row[1]) ?? "", parentColumns: [])
                key.onUpdate = String.fromDatabaseValue(row[4]) ?? "NO ACTION"
                key.onDelete = String.fromDatabaseValue(row[5]) ?? "NO ACTION"
                keys.append(key)
                last = id
            }
            keys[keys.count - 1].columns.append(String.fromDatabaseValue(row[2]) ?? "")
            if let parent = String.fromDatabaseValue(row[3]) { keys[keys.count - 1].parentColumns.append(parent) }
        }
        return keys
    }
}
