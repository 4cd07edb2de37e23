import CLibPQ
import Foundation

/// Some rows of a result that is still arriving.
struct RowBatch: Sendable {
    var rows: [Row]
    var isLast: Bool
}

extension Session {
    /// Bounds of one batch of rows or one chunk of COPY data, which is all that is in memory at a time.
    static let batchRows = 512
    static let batchBytes = 1 << 20

    // MARK: Rows, one by one

    func startRows(_ sql: String, _ parameters: [Parameter]) throws {
        try sendQuery(sql, parameters)
        guard PQsetSingleRowMode(connection) == 1 else { throw sendFailure().about(statement: sql) }
        stream = .rows
    }

    /// - Parameter columns: of the batch before, so that all rows share one set.
    func nextRows(_ sql: String, columns: ColumnSet?) throws -> (RowBatch, ColumnSet?) {
        var columns = columns
        var batch = RowBatch(rows: [], isLast: false)
        var bytes = 0
        while batch.rows.count < Self.batchRows && bytes < Self.batchBytes {
            guard let result = try nextResult() else {
                batch.isLast = true
                stream = .lastRows
                break
            }
            switch result.status {
            case PGRES_SINGLE_TUPLE:
                let shared = columns ?? ColumnSet(result)
                columns = shared
                bytes += PQresultMemorySize(result.pointer)
                batch.rows.append(Row(result: result, index: 0, columnSet: shared))
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            default: throw try failStream(result, sql)
            }
        }
        return (batch, columns)
    }

    /// Stops a stream whose reader gave up, and leaves the connection ready for the next statement.
    func abandonStream() throws {
        guard stream != .none else { return }
        defer { stream = .none }
        guard !isLost, stream != .lastRows else { return }
        if stream == .copyIn { return try finishAbort() }
        ticket?.cancelOwnStatement()
        if stream == .copyOut { try discardCopyData() }
        try drain()
    }

    // MARK: COPY

    func startCopy(_ sql: String, _ kind: Stream) throws {
        try requireReady()
        try Self.refuseNUL(sql)
        guard PQsendQuery(connection, sql) == 1 else { throw sendFailure().about(statement: sql) }
        try flush()
        guard let result = try nextResult() else { throw lost().about(statement: sql) }
        let expected = kind == .copyIn ? PGRES_COPY_IN : PGRES_COPY_OUT
        guard result.status == expected else { throw try refuse(result, kind, sql) }
        stream = kind
    }

    func putCopyData(_ bytes: [UInt8], _ sql: String) throws {
        guard stream == .copyIn else { throw PostgresError(.protocolViolation, "the COPY has ended") }
        var start = 0
        while start < bytes.count {
            // libpq copies what it gets; in pieces its buffer stays small.
            let end = min(start + Self.batchBytes, bytes.count)
            let accepted = bytes[start..<end].withUnsafeBytes { piece in
                PQputCopyData(connection, piece.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(piece.count))
            }
            if accepted < 0 { throw try copyFailure(sql) }
            if accepted == 1 { start = end }
            try flush()
        }
        // Looks for an error that the server sent in the meantime, so that the writer hears of it early.
        if PQconsumeInput(connection) == 0 { throw lost().about(statement: sql) }
    }

    func finishCopyIn(_ sql: String) throws -> ResultHandle {
        guard stream == .copyIn else { throw PostgresError(.protocolViolation, "the COPY has ended") }
        stream = .none
        try endCopy(error: nil)
        return try collect(sql).last
    }

    /// Some whole rows; nil at the end, when the command's result has been checked.
    func nextCopyChunk(_ sql: String) throws -> [UInt8]? {
        var chunk: [UInt8] = []
        while chunk.count < Self.chunkBytes {
            var buffer: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(connection, &buffer, 1)
            if length > 0, let buffer {
                chunk.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: Int(length)))
                PQfreemem(buffer)
            } else if length == 0 {
                // What is there goes out first: the reader need not wait for a slow server.
                if !chunk.isEmpty { break }
                try waitForSocket(POLLIN)
                if PQconsumeInput(connection) == 0 { throw lost().about(statement: sql) }
            } else {
                if !chunk.isEmpty { break }
                stream = .none
                _ = try collect(sql)
                return nil
            }
        }
        return chunk
    }

    func endCopy(error: String?) throws {
        while true {
            let result = PQputCopyEnd(connection, error)
            if result < 0 {
                // The server has ended the COPY by itself; the result says why.
                if PQstatus(connection) == CONNECTION_BAD { markLost() }
                return
            }
            try flush()
            if result == 1 { return }
        }
    }

    func discardCopyData() throws {
        while true {
            var buffer: UnsafeMutablePointer<CChar>?
            let length = PQgetCopyData(connection, &buffer, 1)
            PQfreemem(buffer)
            if length < 0 { return }
            if length > 0 { continue }
            try waitForSocket(POLLIN)
            if PQconsumeInput(connection) == 0 { throw lost() }
        }
    }

    /// Small enough to keep memory flat, large enough to make the hop between threads cheap.
    private static let chunkBytes = 1 << 16

    private func finishAbort() throws {
        try endCopy(error: "the client gave up")
        try drain()
    }

    private func failStream(_ result: ResultHandle, _ sql: String) throws -> PostgresError {
        let refused = [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH].contains(result.status)
        let failure = refused ? Self.wrongCall("COPY", use: "copyIn or copyOut") : error(from: result)
        if refused { try abandonCopy(result.status) }
        stream = .none
        if !isLost { try drain() }
        return failure.about(statement: sql)
    }

    private func copyFailure(_ sql: String) throws -> PostgresError {
        stream = .none
        do {
            _ = try collect(sql)
        } catch let error as PostgresError {
            return error
        }
        return PostgresError(.protocolViolation, "the server ended the COPY early").about(statement: sql)
    }

    private func refuse(_ result: ResultHandle, _ kind: Stream, _ sql: String) throws -> PostgresError {
        let failure: PostgresError
        switch result.status {
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE: failure = error(from: result)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            failure = Self.wrongCall("a COPY in this direction", use: kind == .copyIn ? "copyOut" : "copyIn")
            try abandonCopy(result.status)
        default: failure = Self.wrongCall("a statement that is not a COPY", use: "query or execute")
        }
        if !isLost { try drain() }
        return failure.about(statement: sql)
    }
}
