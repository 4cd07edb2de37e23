import GRDBSQLite

/// A value of a key exactly as the file has it: compared with another one it gives what SQLite itself gives.
package enum KeyValue: Sendable, Hashable {
    case integer(Int64)
    case real(Double)
    /// Its bytes in the file's encoding, whatever they are.
    case text([UInt8])
    case blob([UInt8])

    /// Of the row on which a statement stands. Nil for NULL.
    init?(_ handle: OpaquePointer, _ column: Int32) {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: self = .integer(sqlite3_column_int64(handle, column))
        case SQLITE_FLOAT: self = .real(sqlite3_column_double(handle, column))
        // Asked for as a blob, a text is not converted.
        case SQLITE_TEXT: self = .text(Self.bytes(handle, column))
        case SQLITE_BLOB: self = .blob(Self.bytes(handle, column))
        default: return nil
        }
    }

    private static func bytes(_ handle: OpaquePointer, _ column: Int32) -> [UInt8] {
        let start = sqlite3_column_blob(handle, column)
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// As it stands in a statement. A text is written out: bound, SQLite would mend what is no UTF-16, and take a byte order
    /// mark away.
    ///
    /// - Parameter number: the parameter that it is bound to otherwise.
    func sql(_ number: Int) -> String {
        guard case .text(let bytes) = self else { return "?\(number)" }
        return "CAST(x'\(Self.hex(bytes))' AS TEXT)"
    }

    /// SQLite's result code.
    func bind(_ handle: OpaquePointer, _ number: Int) -> Int32 {
        let number = Int32(number)
        switch self {
        case .integer(let value): return sqlite3_bind_int64(handle, number, value)
        case .real(let value): return sqlite3_bind_double(handle, number, value)
        case .text: return SQLITE_OK
        // A null pointer would be bound as NULL.
        case .blob(let bytes) where bytes.isEmpty: return sqlite3_bind_zeroblob(handle, number, 0)
        case .blob(let bytes):
            let copy = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            return sqlite3_bind_blob64(handle, number, bytes, UInt64(bytes.count), copy)
        }
    }

    static func hex(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.count)
        let digits = Array("0123456789abcdef".utf8)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}
