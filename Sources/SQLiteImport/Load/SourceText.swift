import GRDBSQLite

/// A value as a reject shows it.
enum SourceText {
    static func of(_ handle: OpaquePointer, _ column: Int32) -> (text: String, storage: ValueClass.Storage) {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: return (String(sqlite3_column_int64(handle, column)), .integer)
        case SQLITE_FLOAT: return (sqlite3_column_double(handle, column).description, .real)
        case SQLITE_TEXT:
            let start = sqlite3_column_text(handle, column)
            let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
            let scan = TextScan(bytes)
            return (scan.isValid && !scan.hasNUL ? String(decoding: bytes, as: UTF8.self) : hex(bytes), .text)
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(handle, column)
            return (hex(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))), .blob)
        default: return ("", .null)
        }
    }

    private static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        "\\x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
