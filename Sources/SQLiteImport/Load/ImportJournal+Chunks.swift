package import PostgresDriver

/// Which rows are loaded.
extension ImportJournal {
    struct Loaded: Sendable {
        var ranges: [ClosedRange<Int64>] = []
        /// Of a table without rowids: where the next chunk begins.
        var next: Chunk.Place?
        /// Of a table without rowids: loaded to its end.
        var isWhole = false
        var read = 0
        var loaded = 0
        var rejected = 0
    }

    /// By table of the file.
    func loaded() async throws -> [String: Loaded] {
        var tables: [String: Loaded] = [:]
        let rows = try await connection.query(
            "SELECT source, first, last, key, read, loaded, rejected FROM strata.import_chunks WHERE import_id = $1 ORDER BY source, first",
            [.int(id)]
        )
        for row in rows {
            var table = tables[try row.string("source")] ?? Loaded()
            table.read += try row.int("read")
            if let first = try row.optionalInt("first"), let last = try row.optionalInt("last") {
                table.ranges.append(Int64(first)...Int64(last))
            } else if let number = try row.optionalInt("first"), let key = try row.optionalString("key") {
                table.next = Chunk.Place(number: number + 1, behind: try KeyText.key(key), rowsBefore: table.read)
            } else {
                table.isWhole = true
            }
            table.loaded += try row.int("loaded")
            table.rejected += try row.int("rejected")
            tables[try row.string("source")] = table
        }
        return tables
    }

    /// On the connection, and in the transaction, that loaded the rows.
    func add(_ chunk: Chunk, _ result: ChunkResult, on connection: Connection) async throws {
        var last = chunk.rowids?.upperBound
        var key: String?
        switch result.stop {
        case .rowid(let rowid): last = rowid
        case .key(let values): key = try KeyText.text(values)
        case nil: break
        }
        _ = try await connection.query(
            "INSERT INTO strata.import_chunks (import_id, source, first, last, key, read, loaded, rejected) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                .int(id), .text(chunk.table), Self.first(chunk), last.map { .int(Int($0)) } ?? .null,
                key.map { .text($0) } ?? .null, .int(result.read), .int(result.loaded), .int(result.rejected),
            ])
        guard !result.rejects.isEmpty else { return }
        _ = try await connection.query(
            "INSERT INTO strata.import_rejects (import_id, source, reject) SELECT $1, $2, line FROM unnest($3::text[]) AS line",
            [.int(id), .text(chunk.table), .textArray(try result.rejects.map(RejectLine.text))])
    }

    /// By which two calls cannot commit the same chunk.
    private static func first(_ chunk: Chunk) -> Parameter {
        switch chunk.rows {
        case .rowids(let range): .int(Int(range.lowerBound))
        case .keys(let place): .int(place.number)
        case .all: .typed(nil, type: 20)
        }
    }

    /// Waits for chunks of an earlier call whose commit is still under way, so that what the journal says next is all there
    /// is: their lines refer to this row, and hold it until they are committed.
    func waitForCommits(on connection: Connection? = nil) async throws {
        _ = try await (connection ?? self.connection).query(
            "SELECT FROM strata.imports WHERE id = $1 FOR UPDATE", [.int(id)])
    }

    /// Of a chunk that was committed although nobody heard of it.
    func result(of chunk: Chunk, on connection: Connection) async throws -> ChunkResult? {
        let rows = try await connection.query(
            """
            SELECT last, key, read, loaded, rejected FROM strata.import_chunks
            WHERE import_id = $1 AND source = $2 AND first IS NOT DISTINCT FROM $3
            """, [.int(id), .text(chunk.table), Self.first(chunk)])
        return try rows.first.map { row in
            var result = ChunkResult()
            (result.read, result.loaded) = (try row.int("read"), try row.int("loaded"))
            result.rejected = try row.int("rejected")
            if let rowid = try row.optionalInt("last") { result.stop = .rowid(Int64(rowid)) }
            if let key = try row.optionalString("key") { result.stop = .key(try KeyText.key(key)) }
            return result
        }
    }
}
