/// How a transaction begins; nil leaves it to the server's defaults.
package struct TransactionOptions: Sendable, Hashable {
    package enum Isolation: String, Sendable, Hashable {
        case readCommitted = "READ COMMITTED"
        case repeatableRead = "REPEATABLE READ"
        case serializable = "SERIALIZABLE"
    }

    package var isolation: Isolation?
    package var readOnly: Bool?

    package init(isolation: Isolation? = nil, readOnly: Bool? = nil) {
        self.isolation = isolation
        self.readOnly = readOnly
    }

    /// One unchanging view of the whole database, for reading.
    package static let snapshot = TransactionOptions(isolation: .repeatableRead, readOnly: true)

    var begin: String {
        var modes: [String] = []
        if let isolation { modes.append("ISOLATION LEVEL \(isolation.rawValue)") }
        if let readOnly { modes.append(readOnly ? "READ ONLY" : "READ WRITE") }
        return modes.isEmpty ? "BEGIN" : "BEGIN \(modes.joined(separator: ", "))"
    }
}

extension Connection {
    /// Runs `body` in a transaction: COMMIT when it returns, ROLLBACK when it throws or the task was cancelled.
    /// Other tasks wait until it has ended.
    ///
    /// Throws what `body` throws; an error of COMMIT; `25P02` when `body` swallowed an error and nothing was committed;
    /// `.protocolViolation` inside another transaction.
    package nonisolated(nonsending) func transaction<T>(
        _ options: TransactionOptions = TransactionOptions(), _ body: (Connection) async throws -> T
    ) async throws -> T {
        guard let lease = try await gate.enter() else {
            throw PostgresError(.protocolViolation, "a transaction or a stream is already open in this task")
        }
        defer { gate.leave(lease) }
        return try await Gate.Lease.$current.withValue(lease) {
            guard await transactionStatus == .idle else { throw await notIdle() }
            do {
                try await execute(options.begin)
                let value = try await body(self)
                try Task.checkCancellation()
                try await commit()
                return value
            } catch {
                await rollback()
                throw error
            }
        }
    }

    private nonisolated func notIdle() async -> PostgresError {
        guard await isAlive else { return PostgresError(.connection(.lost), "the connection was lost or closed") }
        return PostgresError(.protocolViolation, "a transaction is already open on this connection")
    }

    private nonisolated func commit() async throws {
        // Shielded: a COMMIT cut off half-way would leave its outcome unknown.
        let result = try await executeShielded("COMMIT")
        guard result.commandTag == "COMMIT" else {
            throw PostgresError(
                .server, "the transaction was rolled back, because a statement in it had failed",
                sqlState: .inFailedTransaction)
        }
    }

    /// Errors are not reported: the one that led here says more, and a connection that cannot roll back is given up.
    private nonisolated func rollback() async {
        let status = await transactionStatus
        guard status == .inTransaction || status == .inFailedTransaction else { return }
        do {
            try await executeShielded("ROLLBACK")
        } catch {
            await close()
        }
    }
}
