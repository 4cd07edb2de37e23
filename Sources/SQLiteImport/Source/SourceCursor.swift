import GRDB
import GRDBSQLite

/// A query that is stepped through by SQLite's own calls, without an object for each row. Only inside `SourceReader.run`
/// of the reader that made it, one call at a time.
final class SourceCursor: @unchecked Sendable {
    private let statement: Statement
    let handle: OpaquePointer

    init(_ database: Database, _ sql: String) throws {
        statement = try database.makeStatement(sql: sql)
        handle = statement.sqliteStatement
    }

    /// Binds numbers to ?1, ?2 …
    func bind(_ values: [Int64]) {
        sqlite3_reset(handle)
        for (index, value) in values.enumerated() { sqlite3_bind_int64(handle, Int32(index + 1), value) }
    }

    /// Values of a key to ?1, ?2 …
    func bind(_ values: [KeyValue]) throws {
        sqlite3_reset(handle)
        for (index, value) in values.enumerated() {
            let code = value.bind(handle, index + 1)
            guard code == SQLITE_OK else { throw failure(code) }
        }
    }

    /// False at the end.
    @inline(__always)
    func step() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        throw failure(code)
    }

    private func failure(_ code: Int32) -> DatabaseError {
        let connection = sqlite3_db_handle(handle)
        let text = sqlite3_errmsg(connection).map { String(cString: $0) }
        let extended = sqlite3_extended_errcode(connection)
        return DatabaseError(resultCode: ResultCode(rawValue: extended), message: text)
    }
}

/// Names in SQLite's SQL.
enum SourceSQL {
    static func identifier(_ name: String) -> String {
        SQLite.identifier(name)
    }
}
