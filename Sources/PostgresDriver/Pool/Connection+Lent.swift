/// What a pool does with a connection before and after it is lent.
extension Connection {
    /// Makes the connection as good as new, also when the task is cancelled. False when that is not possible.
    nonisolated func reset(discards: Bool = true) async -> Bool {
        let status = await statusIfAlive
        // Each look at it is a way to its thread and back.
        if status == .unknown { return false }
        if status == .idle, !discards { return true }
        do {
            if status == .inTransaction || status == .inFailedTransaction { try await executeShielded("ROLLBACK") }
            if discards { try await executeShielded("DISCARD ALL") }
            return await transactionStatus == .idle
        } catch {
            return false
        }
    }

    /// - Returns: nil: it is not alive, and nothing was sent.
    nonisolated func queryIfAlive(
        keeping sql: String, _ parameters: [Parameter]
    ) async throws -> (rows: Rows, isIdle: Bool)? {
        try await exclusive { session in
            guard session.isAlive() else { return nil }
            let rows = Rows(try session.query(keeping: sql, parameters))
            return (rows, session.transactionStatus == .idle)
        }
    }
}
