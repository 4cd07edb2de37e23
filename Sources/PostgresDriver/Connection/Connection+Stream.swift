extension Connection {
    /// Runs a statement and gives its rows one after the other, at most some hundred in memory.
    ///
    /// When `body` throws or the task is cancelled, the server is told to stop, and the connection stays usable. Until
    /// the last row the connection takes no other statement of this task; those of other tasks wait.
    package func forEachRow(
        _ sql: String, _ parameters: [Parameter] = [], isolation: isolated (any Actor)? = #isolation,
        _ body: (Row) async throws -> Void
    ) async throws {
        try await streaming { connection in
            // Captured, so that this runs where the caller does: changing threads for each row costs more than the row.
            _ = isolation
            try await connection.step { try $0.startRows(sql, parameters) }
            var columns: ColumnSet?
            while true {
                let known = columns
                let (batch, seen) = try await connection.step { try $0.nextRows(sql, columns: known) }
                columns = seen
                for row in batch.rows { try await body(row) }
                if batch.isLast { return try await connection.step(cancellable: false) { $0.stream = .none } }
                try Task.checkCancellation()
            }
        }
    }

    /// Holds the connection for a stream, and cleans up after one that ended early.
    func streaming<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Connection) async throws -> T
    ) async throws -> T {
        let lease = try await gate.enter()
        defer { if let lease { gate.leave(lease) } }
        return try await Gate.Lease.$current.withValue(lease ?? Gate.Lease.current) {
            _ = isolation
            try await requireNoStream()
            do {
                return try await body(self)
            } catch {
                try? await step(cancellable: false) { try $0.abandonStream() }
                throw error
            }
        }
    }

    private nonisolated func requireNoStream() async throws {
        try await step(wakeOnly: true) { try $0.requireReady() }
    }
}
