import PostgresDriver

/// Ends a transaction that did all it was to do: nothing of it may stay.
private struct Done: Error {}

extension Connection {
    /// Runs `body` in a transaction that is rolled back in any case.
    nonisolated(nonsending) func rolledBack<T>(
        _ options: TransactionOptions, _ body: (Connection) async throws -> T
    ) async throws -> T {
        var result: T?
        do {
            try await transaction(options) { connection in
                result = try await body(connection)
                throw Done()
            }
        } catch is Done {}
        guard let result else { throw CancellationError() }
        return result
    }

    /// Runs `body` behind a savepoint and goes back to it, which also gives back the locks taken since.
    nonisolated(nonsending) func undone<T>(_ body: (Connection) async throws -> T) async throws -> T {
        try await execute("SAVEPOINT strata_verify")
        do {
            let result = try await body(self)
            try await execute("ROLLBACK TO SAVEPOINT strata_verify; RELEASE SAVEPOINT strata_verify")
            return result
        } catch {
            _ = try? await executeShielded("ROLLBACK TO SAVEPOINT strata_verify; RELEASE SAVEPOINT strata_verify")
            throw error
        }
    }
}
