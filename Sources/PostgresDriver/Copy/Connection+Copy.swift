extension Connection {
    /// Runs a `COPY … FROM STDIN` and sends what `body` writes. Gives the number of rows.
    ///
    /// When `body` throws or the task is cancelled, the server takes back all rows and the connection stays usable.
    /// A row that the server does not accept is reported by a later `write`, at the latest at the end.
    @discardableResult
    package func copyIn(
        _ sql: String, isolation: isolated (any Actor)? = #isolation, _ body: (CopyWriter) async throws -> Void
    ) async throws -> Int {
        try await streaming { connection in
            _ = isolation
            try await connection.step { try $0.startCopy(sql, .copyIn) }
            let writer = CopyWriter(connection, sql)
            try await body(writer)
            try await writer.flush()
            try Task.checkCancellation()
            return try await connection.step { try $0.finishCopyIn(sql).affectedRows ?? 0 }
        }
    }

    /// Runs a `COPY … TO STDOUT` and gives the data in chunks of whole rows, about 64 kB each. Gives nothing more
    /// to read before `body` has returned.
    ///
    /// When `body` throws or the task is cancelled, the server is told to stop, and the connection stays usable.
    package func copyOut(
        _ sql: String, isolation: isolated (any Actor)? = #isolation, _ body: ([UInt8]) async throws -> Void
    ) async throws {
        try await streaming { connection in
            _ = isolation
            try await connection.step { try $0.startCopy(sql, .copyOut) }
            while let chunk = try await connection.step({ try $0.nextCopyChunk(sql) }) {
                try await body(chunk)
                try Task.checkCancellation()
            }
        }
    }
}
