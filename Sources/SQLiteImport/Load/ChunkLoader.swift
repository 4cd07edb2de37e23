import PostgresDriver

/// What became of the rows of a chunk.
package struct ChunkResult: Sendable, Hashable {
    package var read = 0
    package var loaded = 0
    /// Rows that were not loaded.
    package var rejected = 0
    package var rejects: [Reject] = []
    /// Bytes sent.
    package var bytes = 0
    /// Where it stopped before its end: after many rejects, or when it had as many rows as a chunk is meant to have. The
    /// rest is a chunk of its own.
    package var stop: Stop?

    package enum Stop: Sendable, Hashable {
        /// The last one that was read.
        case rowid(Int64)
        /// Of the last row that was read.
        case key([KeyValue])
    }

    package init(read: Int = 0, stop: Stop? = nil) { (self.read, self.stop) = (read, stop) }
}

/// Loads a chunk inside a transaction of the caller: all rows that can be loaded are, and each other one is a reject.
struct ChunkLoader {
    let reader: SourceReader
    let connection: Connection
    let table: LoadTable
    let chunk: Chunk
    /// After which a chunk by keys ends.
    let size: Int
    /// Rejects kept in memory; a chunk with more ends there.
    var mostRejects = 1000
    let progress: @Sendable (_ rows: Int, _ bytes: Int) -> Void

    private static let batchBytes = 1 << 18

    /// All rows in one COPY; where the server refuses one, which no encoder foresaw (a CHECK, a key, an enum), again in
    /// small batches.
    func load() async throws -> ChunkResult {
        try await connection.execute("SAVEPOINT strata_chunk")
        do {
            return try await stream()
        } catch let error as PostgresError where error.isAboutARow {
            try await connection.execute("ROLLBACK TO strata_chunk")
            return try await loadCarefully()
        }
    }

    private func stream() async throws -> ChunkResult {
        let rows = try await open()
        var result = ChunkResult()
        let total = try await connection.copyIn(table.copy) { writer in
            while true {
                let (most, mostRows) = (mostRejects - result.rejects.count, mostRows - result.read)
                let batch = try await reader.run { _ in
                    try rows.next(bytes: Self.batchBytes, rows: mostRows, rejects: most)
                }
                result.add(batch)
                if !batch.bytes.isEmpty { try await writer.write(batch.bytes) }
                progress(batch.read, batch.bytes.count)
                if batch.isLast { break }
                result.stop = try await stop(rows, batch, result)
                if result.stop != nil { break }
            }
        }
        result.loaded = total
        return result
    }

    private var mostRows: Int {
        if case .keys = chunk.rows { size } else { .max }
    }

    /// Nil where the chunk goes on behind the batch.
    private func stop(
        _ rows: RowReader, _ batch: RowReader.Batch, _ result: ChunkResult
    ) async throws -> ChunkResult.Stop? {
        guard result.rejects.count >= mostRejects || result.read >= mostRows else { return nil }
        switch chunk.rows {
        case .rowids: return batch.lastRowid.map { .rowid($0) }
        case .keys: return .key(try await reader.run { [reader] _ in try rows.key(in: reader.path) })
        case .all: throw TooManyRejects(table: chunk.table)
        }
    }

    /// A table whose rows nothing tells apart is one chunk, which cannot end before its end.
    struct TooManyRejects: Error, Sendable { var table: String }

    private func open() async throws -> RowReader {
        let (table, rows) = (table, chunk.rows)
        return try await reader.run { try RowReader($0, table, rows) }
    }

    // MARK: Row by row, as far as it must be

    private static let carefulRows = 500

    private func loadCarefully() async throws -> ChunkResult {
        let rows = try await open()
        var result = ChunkResult()
        while true {
            let most = mostRejects - result.rejects.count
            let count = min(Self.carefulRows, mostRows - result.read)
            let batch = try await reader.run { _ in
                try rows.next(bytes: Self.batchBytes, rows: count, rejects: most, keepsEnds: true)
            }
            result.add(batch)
            try await insert(batch, 0..<batch.ends.count, &result)
            progress(batch.read, batch.bytes.count)
            if batch.isLast { return result }
            result.stop = try await stop(rows, batch, result)
            if result.stop != nil { return result }
        }
    }

    /// Rows of a batch; where the server refuses one, those before it, then those behind it.
    private func insert(_ batch: RowReader.Batch, _ range: Range<Int>, _ result: inout ChunkResult) async throws {
        var rest = range
        while !rest.isEmpty {
            guard let (error, line) = try await refusal(batch, rest, &result) else { return }
            if let line, rest.indices.contains(rest.lowerBound + line - 1) {
                let bad = rest.lowerBound + line - 1
                if bad > rest.lowerBound {
                    // Loaded alone these were accepted; refused now they are looked at one by one.
                    try await insert(batch, rest.lowerBound..<bad, &result)
                }
                result.refuse(batch, bad, error, table)
                rest = bad + 1..<rest.upperBound
            } else if rest.count == 1 {
                result.refuse(batch, rest.lowerBound, error, table)
                return
            } else {
                let middle = rest.lowerBound + rest.count / 2
                try await insert(batch, rest.lowerBound..<middle, &result)
                rest = middle..<rest.upperBound
            }
        }
    }

    /// Nil where all rows were loaded, else the error and the line of the COPY that it names.
    private func refusal(
        _ batch: RowReader.Batch, _ range: Range<Int>, _ result: inout ChunkResult
    ) async throws -> (error: PostgresError, line: Int?)? {
        let start = range.lowerBound == 0 ? 0 : batch.ends[range.lowerBound - 1].end
        let bytes = Array(batch.bytes[start..<batch.ends[range.upperBound - 1].end])
        try await connection.execute("SAVEPOINT strata_rows")
        do {
            let loaded = try await connection.copyIn(table.copy) { try await $0.write(bytes) }
            try await connection.execute("RELEASE strata_rows")
            result.loaded += loaded
            return nil
        } catch let error as PostgresError where error.isAboutARow {
            try await connection.execute("ROLLBACK TO strata_rows")
            return (error, error.copyLine(table.mapping.name))
        }
    }
}

extension ChunkResult {
    mutating func add(_ batch: RowReader.Batch) {
        read += batch.read
        rejected += batch.rejected
        rejects += batch.rejects
        bytes += batch.bytes.count
    }

    mutating func refuse(_ batch: RowReader.Batch, _ row: Int, _ error: PostgresError, _ table: LoadTable) {
        let name = error.column ?? error.copyColumn(table.mapping.name)
        let column = table.columns.first { $0.name == name }?.source
        var reject = Reject(table: table.source.name, column: column, reason: .server, action: .row)
        if table.hasRowids { reject.rowid = batch.ends[row].rowid } else { reject.key = batch.ends[row].key }
        reject.message =
            [error.message, error.detail].compactMap { $0 }.joined(separator: "; ")
            + (error.sqlState.map { " [\($0.rawValue)]" } ?? "")
        rejects.append(reject)
        rejected += 1
    }
}

extension PostgresError {
    /// About what a row holds, not about the server's state: data exceptions, violated constraints, limits of a row, and
    /// what triggers raise.
    var isAboutARow: Bool {
        guard kind == .server, let state = sqlState?.rawValue, severity == "ERROR" else { return false }
        return ["22", "23", "54", "P0"].contains(String(state.prefix(2))) || state == "44000"
    }

    /// From the context `COPY table, line 12, column x: "…"`, where it is in English; nil where it is not. The table's name
    /// stands there without quotes.
    func copyLine(_ table: String) -> Int? {
        copyPlace(table).flatMap { Int($0.prefix { $0.isNumber }) }
    }

    /// As it is written there, without quotes.
    func copyColumn(_ table: String) -> String? {
        guard let place = copyPlace(table) else { return nil }
        let rest = place.drop { $0.isNumber }
        guard rest.hasPrefix(", column ") else { return nil }
        return rest.dropFirst(", column ".count).split(separator: ":", maxSplits: 1).first.map(String.init)
    }

    private func copyPlace(_ table: String) -> Substring? {
        let start = "COPY \(table), line "
        return context?.split(separator: "\n").first { $0.hasPrefix(start) }?.dropFirst(start.count)
    }
}
