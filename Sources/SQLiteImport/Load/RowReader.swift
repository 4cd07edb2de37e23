import GRDB
import GRDBSQLite

/// Rows of one table of the file as COPY's text, in batches. Only inside `SourceReader.run` of the reader that made it.
final class RowReader: @unchecked Sendable {
    struct Batch: Sendable {
        /// Whole rows, each ending with a line break.
        var bytes: [UInt8] = []
        /// Where each row in `bytes` ends, with its rowid or key: only where asked for.
        var ends: [(end: Int, rowid: Int64, key: [String: String])] = []
        var read = 0
        var sent = 0
        var rejects: [Reject] = []
        /// Rows among `rejects` that are not loaded.
        var rejected = 0
        var lastRowid: Int64?
        var isLast = false
    }

    /// The import stops: the mapping says `fail` for a value.
    struct Failed: Error, Sendable { var reject: Reject }

    private let table: LoadTable
    private var cursor: SourceCursor
    /// Those that come after it, the next one last.
    private var others: [SourceCursor] = []
    private let encoders: [ValueEncoder]
    private let buffer = CopyBuffer()
    private let first: Int32
    private var sideTexts: [Int: String] = [:]

    init(_ database: Database, _ table: LoadTable, _ rows: Chunk.Rows) throws {
        self.table = table
        switch rows {
        case .rowids(let range):
            cursor = try SourceCursor(database, table.select(isBounded: true))
            cursor.bind([range.lowerBound, range.upperBound])
        case .keys(let place):
            others = try (table.order?.parts(behind: place.behind) ?? []).reversed().map { part in
                let cursor = try SourceCursor(database, table.select(part))
                try cursor.bind(part.bindings)
                return cursor
            }
            cursor = try others.popLast() ?? SourceCursor(database, table.select(isBounded: false))
        case .all: cursor = try SourceCursor(database, table.select(isBounded: false))
        }
        encoders = table.columns.map(ValueEncoder.init)
        first = table.source.rowidName == nil ? 0 : 1
    }

    /// - Parameters:
    ///   - bytes: after which the batch ends, with the row that reaches it.
    ///   - rejects: after which it ends as well.
    func next(bytes limit: Int, rows: Int = .max, rejects most: Int, keepsEnds: Bool = false) throws -> Batch {
        var batch = Batch()
        buffer.removeAll()
        while buffer.count < limit, batch.read < rows, batch.rejects.count < most {
            guard try step() else {
                batch.isLast = true
                break
            }
            batch.read += 1
            let rowid = first == 0 ? 0 : sqlite3_column_int64(cursor.handle, 0)
            if first > 0 { batch.lastRowid = rowid }
            if try append(&batch) {
                batch.sent += 1
                if keepsEnds {
                    batch.ends.append((buffer.count, rowid, first > 0 ? [:] : RowKey.of(cursor.handle, table, first)))
                }
            } else {
                batch.rejected += 1
            }
        }
        batch.bytes = buffer.array()
        return batch
    }

    @inline(__always)
    private func step() throws -> Bool {
        while try !cursor.step() {
            guard let next = others.popLast() else { return false }
            cursor = next
        }
        return true
    }

    /// Of the last row that was read, of a table that is read in the order of its key.
    func key(in path: String) throws -> [KeyValue] {
        let place = first + Int32(table.columns.count)
        return try table.order?.key(cursor.handle, from: place, of: table.source.name, in: path) ?? []
    }

    /// False for a row that is rejected, of which nothing stays in the buffer.
    @inline(__always)
    private func append(_ batch: inout Batch) throws -> Bool {
        let start = buffer.count
        for index in encoders.indices {
            if index > 0 { buffer.append(UInt8(ascii: "\t")) }
            let place = buffer.count
            do throws(RejectReason) {
                try encoders[index].append(cursor.handle, first + Int32(index), to: buffer)
            } catch {
                buffer.cut(to: place)
                guard try replace(index, error, &batch) else {
                    buffer.cut(to: start)
                    sideTexts = [:]
                    return false
                }
            }
        }
        if table.hasSides { appendSides() }
        buffer.append(UInt8(ascii: "\n"))
        return true
    }

    /// What the mapping says for a value that its type cannot hold. False where the row is not loaded.
    private func replace(_ index: Int, _ reason: RejectReason, _ batch: inout Batch) throws -> Bool {
        let column = table.columns[index]
        var reject = self.reject(index, reason)
        switch column.invalid {
        case .fail: throw Failed(reject: reject)
        case .reject:
            batch.rejects.append(reject)
            return false
        case .null:
            reject.action = .null
            buffer.appendNull()
        case .text:
            reject.action = .text
            sideTexts[index] = SourceText.of(cursor.handle, first + Int32(index)).text
            buffer.appendNull()
        }
        batch.rejects.append(reject)
        return true
    }

    private func appendSides() {
        for (index, column) in table.columns.enumerated() where column.side != nil {
            buffer.append(UInt8(ascii: "\t"))
            if var text = sideTexts[index] {
                text.withUTF8 { buffer.append(text: UnsafeRawBufferPointer($0)) }
            } else {
                buffer.appendNull()
            }
        }
        sideTexts = [:]
    }

    private func reject(_ index: Int, _ reason: RejectReason) -> Reject {
        let (value, storage) = SourceText.of(cursor.handle, first + Int32(index))
        var reject = Reject(
            table: table.source.name, column: table.columns[index].source, storage: storage, reason: reason,
            action: .row)
        if first > 0 {
            reject.rowid = sqlite3_column_int64(cursor.handle, 0)
        } else {
            reject.key = RowKey.of(cursor.handle, table, first)
        }
        if value.utf8.count > Reject.mostBytes {
            reject.value = String(value.unicodeScalars.prefix(Reject.mostBytes / 4))
            reject.bytes = Int(sqlite3_column_bytes(cursor.handle, first + Int32(index)))
        } else {
            reject.value = value
        }
        return reject
    }
}
