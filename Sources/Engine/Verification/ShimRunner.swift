import Planning
import PostgresDriver

/// Tries each shim in a transaction of its own, which is rolled back.
struct ShimRunner {
    let connection: Connection
    let options: VerifyOptions
    let context: VerificationContext
    let progress: @Sendable (VerifyEvent) -> Void
    private var server: ServerFacts { context.catalog.server }

    func run(_ trials: [ShimTrial], into verification: inout Verification) async throws {
        for (position, trial) in trials.enumerated() {
            try Task.checkCancellation()
            progress(.shim(trial.shim.display, position: position + 1, of: trials.count))
            let attempts = try await attempt(trial)
            let check = attempts.check(trial)
            verification.add(check)
            if !trial.hiddenColumns.isEmpty { verification.add(hidden(trial)) }
            count(attempts, check, into: &verification.figures)
        }
    }

    private func hidden(_ trial: ShimTrial) -> Verification.Check {
        .init(
            .warning, .shims, "shim-hides-columns", trial.shim.display,
            "columns added to \(trial.shim.target) later cannot be seen through it: "
                + trial.hiddenColumns.joined(separator: ", "),
            nextStep: "use the new name for them, or add them: CREATE OR REPLACE VIEW \(trial.shim.display) AS "
                + "SELECT … FROM \(trial.shim.target)")
    }

    private func count(_ attempts: ShimAttempts, _ check: Verification.Check, into figures: inout Verification.Figures)
    {
        figures.shims += 1
        guard check.outcome != .skipped else { return figures.shimsSkipped += 1 }
        guard check.outcome == .passed else { return }
        switch attempts.form {
        case .row: figures.shimsWithRow += 1
        case .noRows: figures.shimsWithoutRow += 1
        case .planned, .resolved: figures.shimsPlanned += 1
        }
    }

    // MARK: One shim

    private func attempt(_ trial: ShimTrial) async throws -> ShimAttempts {
        var attempts = ShimAttempts(form: trial.form, reason: trial.reason, isSuperuser: server.isSuperuser)
        do {
            return try await connection.rolledBack(
                TransactionOptions(isolation: .readCommitted, readOnly: server.isInRecovery)
            ) {
                [attempts] connection in
                var attempts = attempts
                try await configure(connection)
                switch trial.shim.reference.kind {
                case .function: try await resolve(trial, connection, &attempts)
                default: try await read(trial, connection, &attempts)
                }
                for write in trial.writes { try await perform(write, connection, &attempts) }
                return attempts
            }
        } catch let error as PostgresError where !error.isConnectionLost {
            attempts.note(error, of: "the trial")
            return attempts
        }
    }

    /// A superuser's trials fire no triggers, and are not counted: contract would take them for use.
    private func configure(_ connection: Connection) async throws {
        try await connection.execute(
            """
            SET LOCAL lock_timeout = \(options.lockTimeout.milliseconds);
            SET LOCAL statement_timeout = \(options.shimTimeout.milliseconds);
            SET LOCAL idle_in_transaction_session_timeout = '30s';
            SET LOCAL client_min_messages = warning\
            \(server.isSuperuser ? ";SET LOCAL pg_stat_statements.track = 'none'" : "")\
            \(server.isSuperuser && !server.isInRecovery ? ";SET LOCAL session_replication_role = replica" : "")
            """)
    }

    /// Read-only, so that a view which calls nextval is refused instead of moving a sequence.
    private func read(_ trial: ShimTrial, _ connection: Connection, _ attempts: inout ShimAttempts) async throws {
        let explain = trial.form == .planned ? "EXPLAIN (COSTS OFF) " : ""
        try await attempts.record("SELECT") {
            try await connection.undone {
                try await $0.execute("SET LOCAL transaction_read_only = on")
                _ = try await $0.query(explain + trial.select)
            }
        }
    }

    private func resolve(_ trial: ShimTrial, _ connection: Connection, _ attempts: inout ShimAttempts) async throws {
        try await attempts.record("a call") {
            try await connection.undone {
                let statement = try await $0.prepare(trial.select)
                try await $0.deallocate(statement)
            }
        }
    }

    private func perform(
        _ write: ShimTrial.Write, _ connection: Connection, _ attempts: inout ShimAttempts
    ) async throws {
        guard !attempts.isBusy else { return }
        if attempts.form == .row, let statement = write.row {
            let outcome = try await withRow(statement, connection)
            switch outcome {
            case .done: return attempts.passed(write.operation)
            case .failed(let error): return attempts.note(error, of: write.operation)
            case .without(let reason): attempts.useNoRows(because: reason)
            }
        }
        let explain = attempts.form == .planned ? "EXPLAIN (COSTS OFF) " : ""
        try await attempts.record(write.operation) {
            try await connection.undone { _ = try await $0.query(explain + write.noRows) }
        }
    }

    private enum RowOutcome {
        case done
        case without(reason: String)
        case failed(PostgresError)
    }

    private func withRow(_ statement: String, _ connection: Connection) async throws -> RowOutcome {
        do {
            let found = try await connection.undone { connection in
                try await connection.execute(statement)
                return try await connection.query("SELECT current_setting('\(ShimTrial.setting)', true) AS found")
                    .only().optionalString("found")
            }
            return found == "row" ? .done : .without(reason: "no row is there, or free")
        } catch let error as PostgresError where !error.isConnectionLost {
            let state = error.sqlState?.conditionClass
            // A row that breaks a NOT VALID constraint could not be written under the new name either.
            if state == "22" || state == "23" {
                return .without(reason: "the first row cannot be written again: \(error.message)")
            }
            return .failed(error)
        }
    }
}
