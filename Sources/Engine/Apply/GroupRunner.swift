import Foundation
import Planning
import PostgresDriver
import SQLSyntax

/// Runs one group of steps, forward or back, until it is done, its time is over, or it cannot be done.
struct GroupRunner {
    enum Direction { case apply, undo }

    let connection: Connection
    let run: Int
    let direction: Direction
    let options: RunOptions
    let report: @Sendable (RunEvent) -> Void

    struct Outcome {
        var attempts: Int
        var waits: Int
        var took: Duration
    }

    func perform(_ steps: [Step]) async throws -> Outcome {
        if steps.contains(where: { !$0.inTransaction }) { return try await performOutside(steps) }
        let text = transaction(steps, attempts: 1)
        return try await retrying(steps) { attempt in
            try await send(attempt == 1 ? text : transaction(steps, attempts: attempt), steps)
        }
    }

    // MARK: In a transaction

    /// One string, one round trip: the locks are held no longer than PostgreSQL itself needs.
    private func transaction(_ steps: [Step], attempts: Int) -> String {
        var lines = [
            "BEGIN",
            "SET LOCAL lock_timeout = \(options.lockTimeout.milliseconds)",
            "SET LOCAL idle_in_transaction_session_timeout = '60s'",
            // A partial index's predicate may name what the public path finds, as in its parts' own builds.
            "SET LOCAL search_path = \(steps.contains { $0.kind == .attachIndex } ? "\"$user\", public" : "pg_catalog")",
            "SET LOCAL client_min_messages = warning",
        ]
        let locked = steps.flatMap(\.locks).map(\.oid).filter { $0 != 0 }
        if !locked.isEmpty {
            let oids = locked.map { "\($0)" }.joined(separator: ", ")
            lines.append(
                "SELECT strata.refuse_long_holders(ARRAY[\(oids)]::oid[], interval '\(options.patienceWithHolders.milliseconds) milliseconds')"
            )
        }
        switch direction {
        case .apply:
            lines += expectations(steps.flatMap(\.expects))
            lines += steps.flatMap(\.statements)
            lines.append(Ledger.doneStatement(steps, run: run, attempts: attempts))
        case .undo:
            lines += expectations(steps.flatMap(\.undoExpects))
            lines += steps.reversed().flatMap(\.undo)
            lines.append(Ledger.undoneStatement(steps, run: run))
        }
        lines.append("COMMIT")
        return lines.joined(separator: ";\n")
    }

    private func expectations(_ pins: [ObjectPin]) -> [String] {
        pins.map {
            "SELECT strata.expect_object(\(SQL.literal($0.catalog.rawValue)), \($0.oid), \(SQL.literal($0.schema)), \(SQL.literal($0.name)))"
        }
    }

    private func send(_ text: String, _ steps: [Step]) async throws {
        do {
            try await connection.execute(text)
        } catch {
            _ = try? await connection.executeShielded("ROLLBACK")
            // What somebody dropped since cannot be moved back; its shim went with it.
            if direction == .undo, let gone = error as? PostgresError,
                gone.sqlState?.rawValue == LedgerSchema.goneObject
            {
                try await connection.execute(Ledger.undoneStatement(steps, run: run))
                report(.gone(steps[0], gone.message))
                return
            }
            throw error
        }
    }

    // MARK: Trying again

    private func retrying(_ steps: [Step], _ attempt: (Int) async throws -> Void) async throws -> Outcome {
        let clock = ContinuousClock()
        let start = clock.now
        let deadline = start + options.lockWaitLimit
        var attempts = 0
        var waits = 0
        while true {
            let begun = clock.now
            do {
                try await attempt(attempts + 1)
                return Outcome(attempts: attempts + 1, waits: waits, took: clock.now - begun)
            } catch let error as PostgresError where error.sqlState?.rawValue == LedgerSchema.longHolder {
                waits += 1
                try giveUp(at: deadline, now: clock.now, steps: steps, error: error, since: start)
                if waits % 10 == 1 {
                    report(.waiting(steps[0], holder: error.detail ?? error.message, waited: clock.now - start))
                }
                try await Task.sleep(for: .milliseconds(min(50 * waits, 500)))
            } catch let error as PostgresError
                where error.isLockTimeout || error.isRetryable || error.isConcurrentCatalogChange
            {
                attempts += 1
                try giveUp(at: deadline, now: clock.now, steps: steps, error: error, since: start)
                let delay = min(
                    Backoff.delay(attempt: attempts, random: .random(in: 0..<1)),
                    max(deadline - clock.now, .milliseconds(1)))
                report(
                    .retrying(
                        steps[0], attempt: attempts, after: delay,
                        reason: error.isLockTimeout ? "the lock was not free" : "a deadlock was resolved"))
                try await Task.sleep(for: delay)
            }
        }
    }

    private func giveUp(
        at deadline: ContinuousClock.Instant, now: ContinuousClock.Instant, steps: [Step], error: PostgresError,
        since start: ContinuousClock.Instant
    ) throws {
        guard now >= deadline else { return }
        let waited = (now - start).seconds
        throw EngineFailure(
            .resumable,
            Diagnostic(
                .error, "lock-not-free",
                "\(steps[0].object): the lock did not come free in \(waited) s (\(error.detail ?? error.message))",
                object: steps[0].object,
                nextStep:
                    "end the transaction that holds it, or give it longer (--lock-wait); then strata apply resumes, strata rollback undoes"
            ))
    }

    // MARK: Outside a transaction

    /// CREATE INDEX CONCURRENTLY and its undo: what a kill leaves behind is an invalid index, which is dropped first.
    private func performOutside(_ steps: [Step]) async throws -> Outcome {
        var total = Outcome(attempts: 0, waits: 0, took: .zero)
        let ledger = Ledger(connection)
        for step in steps {
            try await connection.execute(
                "SET lock_timeout = \(max(options.lockWaitLimit, options.lockTimeout).milliseconds); SET search_path = \"$user\", public"
            )
            // Else the server would go on waiting for old transactions, run lock in hand, after Strata was killed.
            if connection.serverVersion >= 140_000 {
                // Not every platform has it.
                _ = try? await connection.execute("SET client_connection_check_interval = '1s'")
            }
            let outcome = try await retrying([step]) { attempt in
                switch direction {
                case .apply:
                    // Before the ledger says that something of ours may be there, which undo would drop.
                    let found = try await inspect(step)
                    try await ledger.markRunning([step], of: run, attempts: attempt)
                    try await build(step, found: found)
                    try await connection.execute(Ledger.doneStatement([step], run: run, attempts: attempt))
                case .undo:
                    try await drop(step)
                    try await connection.execute(Ledger.undoneStatement([step], run: run))
                }
            }
            try await connection.execute("RESET lock_timeout; RESET search_path")
            total.attempts += outcome.attempts
            total.waits += outcome.waits
            total.took += outcome.took
        }
        return total
    }

    private func build(_ step: Step, found: IndexInspector.State) async throws {
        switch found {
        case .valid: return
        case .invalid: for statement in step.undo { try await connection.execute(statement) }
        case .absent: break
        }
        do {
            for statement in step.statements { try await connection.execute(statement) }
        } catch {
            await clear(step)
            throw error
        }
    }

    private func inspect(_ step: Step) async throws -> IndexInspector.State {
        guard let pin = step.index else { return .absent }
        return try await IndexInspector(connection).state(of: pin, step: step)
    }

    /// Not what somebody else has put in its place.
    private func drop(_ step: Step) async throws {
        if step.index != nil {
            do {
                _ = try await inspect(step)
            } catch let failure as EngineFailure {
                return report(.gone(step, failure.diagnostics.first?.message ?? "another index has its name"))
            } catch let error as PostgresError where !error.isConnectionLost {
                // Its table was renamed or changed: it cannot be compared, and the name is all there is to go by.
            }
        }
        for statement in step.undo { try await connection.execute(statement) }
    }

    /// An index that could not be finished slows writes and serves no query. Dropping it waits for the same
    /// transactions as building it, so not for long: what stays is cleared by `resume` or `rollback`.
    private func clear(_ step: Step) async {
        _ = try? await connection.executeShielded("SET lock_timeout = \(options.lockTimeout.milliseconds)")
        for statement in step.undo { _ = try? await connection.executeShielded(statement) }
        _ = try? await connection.executeShielded(
            "SET lock_timeout = \(max(options.lockWaitLimit, options.lockTimeout).milliseconds)")
    }
}

extension PostgresError {
    var isUndoRefused: Bool { sqlState?.rawValue == LedgerSchema.undoRefused }

    /// Two sessions changed the rights of one object at the same time; the second attempt goes through.
    var isConcurrentCatalogChange: Bool { sqlState == "XX000" && message.contains("concurrently updated") }
}

extension Duration {
    /// Whole milliseconds, at least 1 for anything above zero.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let whole = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        return whole == 0 && attoseconds > 0 ? 1 : whole
    }

    /// Seconds with one decimal, for messages.
    package var seconds: String {
        let tenths = (milliseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `45 s`, `10 min`, `24 h`, `7 d`: whole units where they fit, for messages.
    package var inWords: String {
        let whole = components.seconds
        for (unit, seconds) in [("d", Int64(86_400)), ("h", 3600), ("min", 60)]
        where whole >= 2 * seconds && whole % seconds == 0 {
            return "\(whole / seconds) \(unit)"
        }
        return "\(seconds) s"
    }
}
