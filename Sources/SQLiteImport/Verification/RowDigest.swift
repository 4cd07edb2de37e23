internal import COpenSSL
import GRDB
import GRDBSQLite
import SQLSyntax

/// How many rows, and the sum over 64 bits of each row's MD5: the same whatever their order, and computed on both sides.
package struct RowDigest: Sendable, Hashable {
    package var rows = 0
    package var sum: Int128 = 0

    package static func + (left: RowDigest, right: RowDigest) -> RowDigest {
        RowDigest(rows: left.rows + right.rows, sum: left.sum + right.sum)
    }
}

/// The digest of a table's rows from the file: of those that the import loads, by the same rules that rejected the others.
struct SourceDigest {
    let table: LoadTable
    /// By column of the load table.
    let values: [CanonicalValue]
    /// Rows that the server refused.
    let refused: Set<Int64>
    let refusedKeys: Set<[String: String]>

    /// Inside `SourceReader.run`.
    func digest(_ database: Database, _ range: ClosedRange<Int64>?, _ progress: (Int) -> Void) throws -> RowDigest {
        let cursor = try SourceCursor(database, table.select(isBounded: range != nil))
        if let range { cursor.bind([range.lowerBound, range.upperBound]) }
        let first: Int32 = table.hasRowids ? 1 : 0
        let encoders = table.columns.map(ValueEncoder.init)
        let (scratch, row) = (CopyBuffer(), CopyBuffer())
        var result = RowDigest()
        var seen = 0
        while try cursor.step() {
            seen += 1
            if seen % 4096 == 0 { progress(4096) }
            if first > 0, refused.contains(sqlite3_column_int64(cursor.handle, 0)) { continue }
            if !refusedKeys.isEmpty, refusedKeys.contains(RowKey.of(cursor.handle, table, first)) { continue }
            row.removeAll()
            guard append(cursor.handle, first, encoders, scratch, row) else { continue }
            result.rows += 1
            result.sum += Int128(Self.hash(row))
        }
        progress(seen % 4096)
        return result
    }

    /// Each value as `length:text`, NULL as `~`. False for a row that is rejected.
    private func append(
        _ handle: OpaquePointer, _ first: Int32, _ encoders: [ValueEncoder], _ scratch: CopyBuffer, _ row: CopyBuffer
    ) -> Bool {
        for index in values.indices {
            let column = first + Int32(index)
            scratch.removeAll()
            do throws(RejectReason) {
                try encoders[index].append(handle, column, to: scratch)
            } catch {
                guard table.columns[index].invalid == .null || table.columns[index].invalid == .text else {
                    return false
                }
                row.append(UInt8(ascii: "~"))
                continue
            }
            scratch.removeAll()
            guard values[index].append(handle, column, to: scratch) else {
                row.append(UInt8(ascii: "~"))
                continue
            }
            row.append(Int64(scratch.count))
            row.append(UInt8(ascii: ":"))
            row.append(raw: UnsafeRawBufferPointer(start: scratch.bytes, count: scratch.count))
        }
        return true
    }

    private static func hash(_ row: CopyBuffer) -> Int64 {
        withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { digest in
            _ = MD5(row.bytes, row.count, digest.baseAddress?.assumingMemoryBound(to: UInt8.self))
            return Int64(bigEndian: digest.loadUnaligned(as: Int64.self))
        }
    }
}

/// The same from PostgreSQL.
struct TargetDigest {
    let table: LoadTable
    let values: [CanonicalValue]

    /// - Parameter key: the column that has the rowid, for a range.
    func sql(_ range: ClosedRange<Int64>?, key: String?) -> String {
        let fields = zip(table.columns, values).map { column, value in
            "coalesce(octet_length(\(value.sql("v." + SQL.identifier(column.name))))::text || ':' || \(value.sql("v." + SQL.identifier(column.name))), '~')"
        }
        let row = fields.isEmpty ? "''" : fields.joined(separator: " || ")
        var sql = """
            SELECT count(*) AS rows, coalesce(sum(('x' || left(md5(\(row)), 16))::bit(64)::bigint), 0)::text AS sum
            FROM \(table.target) AS v
            """
        if let range, let key {
            sql += " WHERE v.\(SQL.identifier(key)) BETWEEN \(range.lowerBound) AND \(range.upperBound)"
        }
        return sql
    }
}

/// The key of the row on which a statement stands, as text, where it has no rowid.
enum RowKey {
    static func of(_ handle: OpaquePointer, _ table: LoadTable, _ first: Int32) -> [String: String] {
        var key: [String: String] = [:]
        let names = table.order?.columns ?? table.source.primaryKey
        for (index, column) in table.columns.enumerated() where names.contains(column.source) {
            key[column.source] = SourceText.of(handle, first + Int32(index)).text
        }
        let others = first + Int32(table.columns.count + (table.order?.keys.count ?? 0))
        for (index, name) in table.otherKeys.enumerated() {
            key[name] = SourceText.of(handle, others + Int32(index)).text
        }
        return key
    }
}
