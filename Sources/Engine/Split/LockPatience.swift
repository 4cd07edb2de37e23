import Planning
import PostgresDriver

/// Short transactions that take a strong lock: each queues for it only briefly, steps back, and tries again, as the steps
/// of a plan do.
struct LockPatience {
    let options: RunOptions
    let report: @Sendable (LooseKeyEvent) -> Void

    /// Sends the statements as one transaction, in one round trip.
    /// - Parameters:
    ///   - locks: the tables that it locks; where a long transaction holds one, it is waited for beside the queue.
    ///   - resume: the command that goes on where this one gives up.
    func run(
        _ statements: [String], locks: [OID], what: String, resume: String, on connection: Connection
    ) async throws {
        let deadline = ContinuousClock.now + options.lockWaitLimit
        let text = transaction(statements, locks)
        var attempts = 0
        while true {
            do {
                try await connection.execute(text)
                return
            } catch let error as PostgresError {
                _ = try? await connection.executeShielded("ROLLBACK")
                let isHeld = error.sqlState?.rawValue == LedgerSchema.longHolder
                guard isHeld || error.isLockTimeout || error.isRetryable || error.isConcurrentCatalogChange else {
                    throw error
                }
                attempts += 1
                let left = deadline - ContinuousClock.now
                guard left > .zero else { throw gaveUp(what, error, resume) }
                let delay = min(Backoff.delay(attempt: attempts, random: .random(in: 0..<1)), left)
                report(.waiting(what, reason: error.detail ?? error.message, after: delay))
                try await Task.sleep(for: delay)
            } catch {
                _ = try? await connection.executeShielded("ROLLBACK")
                throw error
            }
        }
    }

    private func transaction(_ statements: [String], _ locks: [OID]) -> String {
        var lines = [
            "BEGIN", "SET LOCAL lock_timeout = \(options.lockTimeout.milliseconds)",
            "SET LOCAL idle_in_transaction_session_timeout = '60s'", "SET LOCAL client_min_messages = warning",
        ]
        if !locks.isEmpty {
            let oids = locks.map { "\($0)" }.joined(separator: ", ")
            lines.append(
                "SELECT strata.refuse_long_holders(ARRAY[\(oids)]::oid[], interval '\(options.patienceWithHolders.milliseconds) milliseconds')"
            )
        }
        return (lines + statements + ["COMMIT"]).joined(separator: ";\n")
    }

    private func gaveUp(_ what: String, _ error: PostgresError, _ resume: String) -> EngineFailure {
        EngineFailure(
            .resumable,
            Diagnostic(
                .error, "lock-not-free",
                "\(what): the lock did not come free in \(options.lockWaitLimit.seconds) s (\(error.detail ?? error.message))",
                nextStep: "end the transaction that holds it, or give it longer (--lock-wait); \(resume) goes on"))
    }
}
