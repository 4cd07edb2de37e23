import CLibPQ
import Foundation

extension Session {
    func startCopy(_ sql: String, _ kind: Stream) throws {
        try requireReady()
        try Self.refuseNUL(sql)
        guard PQsendQuery(connection, sql) == 1 else { throw sendFailure().about(statement: sql) }
        try flush()
        guard let result = try nextResult() else { throw lost().about(statement: sql) }
        let expected = kind == .copyIn ? PGRES_COPY_IN : PGRES_COPY_OUT
        guard result.status == expected else { throw try refuse(result, kind, sql) }
        stream = kind
        copy = CopyState()
    }

    func putCopyData(_ bytes: [UInt8], _ sql: String) throws {
        try requireCopyIn()
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
            // So that the writer hears early of a row that was not accepted, and of a lost connection.
            lookForRefusal()
            if copy.isRefused { throw try copyFailure(sql) }
            if PQconsumeInput(connection) == 0 { throw lost().about(statement: sql) }
        }
    }

    func finishCopyIn(_ sql: String) throws -> ResultHandle {
        try requireCopyIn()
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

    private func copyFailure(_ sql: String) throws -> PostgresError {
        stream = .none
        var failure = PostgresError(.protocolViolation, "the server ended the COPY early").about(statement: sql)
        do {
            // As a failure, so that nothing is kept whatever it was that ended the COPY.
            try endCopy(error: "a row was not accepted")
            _ = try collect(sql)
        } catch let error as PostgresError {
            failure = error
        }
        copy.failure = failure
        return failure
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
