import Foundation
package import Planning
package import PostgresDriver

/// One application of a plan, as the ledger keeps it.
package struct Run: Sendable {
    package enum Kind: String, Sendable, Codable { case apply, contract }
    /// `running` with nobody at work means that it was cut off; like `stopped` it can be resumed or undone.
    package enum State: String, Sendable, Codable { case running, stopped, done, undoing, undone }

    package var id: Int
    package var kind: Kind
    package var state: State
    package var plan: Plan
    package var actor: String
    package var host: String
    package var startedAt: String
    package var finishedAt: String?
    package var fingerprintBefore: String
    package var fingerprintAfter: String?
    package var stepStates: [Int: StepState]
    package var error: String?

    package enum StepState: String, Sendable, Codable { case planned, running, done, undone }

    package var isUnfinished: Bool { state == .running || state == .stopped || state == .undoing }
}

/// A line of the history.
package struct RunSummary: Sendable, Codable, Equatable {
    package var id: Int
    package var kind: String
    package var state: String
    package var actor: String
    package var host: String
    package var startedAt: String
    package var finishedAt: String?
    package var steps: Int
    package var stepsDone: Int
    package var retries: Int
    package var seconds: Double?
    package var error: String?
}

/// Reads and writes schema `strata`.
package struct Ledger: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    /// Whether the database has a ledger at all; reading commands do not create one.
    package func exists() async throws -> Bool {
        try await connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = 'strata' AND c.relname = 'runs') AS present
            """
        ).only().bool("present")
    }

    /// Creates or completes the ledger. Throws a diagnostic where the role may not, or where it is of a newer Strata.
    package func prepare() async throws {
        if try await exists() {
            let version = try await understood {
                try await connection.query("SELECT max(version) AS version FROM strata.ledger").only()
                    .optionalInt("version")
            }
            if let version, version > LedgerSchema.version {
                throw EngineFailure(
                    .failed,
                    Diagnostic(
                        .error, "newer-ledger",
                        "the ledger in schema strata was written by a newer Strata (format \(version))",
                        nextStep: "use that version, or a newer one"))
            }
        }
        do {
            try await connection.execute(
                "BEGIN; SET LOCAL client_min_messages = warning; SELECT pg_advisory_xact_lock(\(CrossingStore.lock));\n\(LedgerSchema.statements)\nCOMMIT"
            )
        } catch let error as PostgresError {
            _ = try? await connection.executeShielded("ROLLBACK")
            let names = try? await connection.query(
                "SELECT quote_ident(current_database()) AS database, quote_ident(current_user) AS role"
            ).only()
            throw EngineFailure.ledgerRefused(
                error, database: (try? names?.string("database")) ?? "", role: (try? names?.string("role")) ?? "")
        }
    }

    // MARK: Runs

    package func create(
        _ kind: Run.Kind, plan: Plan, accepted: [Hazard.Code], identity: ActorIdentity
    ) async throws -> Run {
        let text = try PlanFile.encode(plan)
        let accepted: [String?] = accepted.map(\.rawValue)
        let steps = try Self.stepsJSON(plan)
        let row = try await connection.query(
            """
            WITH run AS (
                INSERT INTO strata.runs (kind, state, plan, plan_hash, layout_fingerprint, fingerprint_before, accepted, actor, host, strata_version, lsn_before)
                VALUES ($1, 'running', $2, md5($2), $3, $4, $5, $6, $7, $8, pg_current_wal_lsn()) RETURNING id, started_at::text
            ), steps AS (
                INSERT INTO strata.steps (run, number, transaction, kind, object)
                SELECT run.id, s.number, s.transaction, s.kind, s.object
                FROM run, jsonb_to_recordset($9::jsonb) AS s(number integer, transaction integer, kind text, object text)
            )
            SELECT id, started_at FROM run
            """,
            [
                .text(kind.rawValue), .text(text), .text(plan.layoutFingerprint), .text(plan.fingerprint),
                .textArray(accepted), .text(identity.actor), .text(identity.host), .text(StrataVersion.current),
                .text(steps),
            ]
        ).only()
        return Run(
            id: try row.int("id"), kind: kind, state: .running, plan: plan, actor: identity.actor, host: identity.host,
            startedAt: try row.string("started_at"), fingerprintBefore: plan.fingerprint, stepStates: [:])
    }

    private struct StepRow: Encodable {
        var number: Int
        var transaction: Int
        var kind: String
        var object: String
    }

    private static func stepsJSON(_ plan: Plan) throws -> String {
        let rows = plan.steps.map {
            StepRow(number: $0.number, transaction: $0.group, kind: $0.kind.rawValue, object: $0.object)
        }
        return String(decoding: try JSONEncoder().encode(rows), as: UTF8.self)
    }

    /// The newest run that is not finished, if any.
    package func unfinished() async throws -> Run? {
        try await run(where: "state IN ('running', 'stopped', 'undoing')", [])
    }

    /// The newest run that has an effect: what `rollback` undoes next.
    package func latestEffective() async throws -> Run? {
        try await run(where: "state <> 'undone'", [])
    }

    package func run(id: Int) async throws -> Run? { try await run(where: "id = $1", [.int(id)]) }

    private func run(where condition: String, _ parameters: [Parameter]) async throws -> Run? {
        let rows = try await understood {
            try await connection.query(
                """
                SELECT id, kind, state, plan, actor, host, started_at::text, finished_at::text, fingerprint_before,
                    fingerprint_after, strata_version, error
                FROM strata.runs WHERE \(condition) ORDER BY id DESC LIMIT 1
                """, parameters)
        }
        guard let row = rows.first else { return nil }
        let id = try row.int("id")
        var states: [Int: Run.StepState] = [:]
        for step in try await connection.query("SELECT number, state FROM strata.steps WHERE run = $1", [.int(id)]) {
            states[try step.int("number")] = Run.StepState(rawValue: try step.string("state"))
        }
        return Run(
            id: id, kind: Run.Kind(rawValue: try row.string("kind")) ?? .apply,
            state: Run.State(rawValue: try row.string("state")) ?? .stopped,
            plan: try readPlan(row),
            actor: try row.string("actor"), host: try row.string("host"), startedAt: try row.string("started_at"),
            finishedAt: try row.optionalString("finished_at"), fingerprintBefore: try row.string("fingerprint_before"),
            fingerprintAfter: try row.optionalString("fingerprint_after"), stepStates: states,
            error: try row.optionalString("error"))
    }

    // MARK: States

    func setState(_ state: Run.State, of run: Int, error: String? = nil) async throws {
        let ended = state == .done || state == .undone || state == .stopped
        _ = try await connection.query(
            """
            UPDATE strata.runs SET state = $2, error = $3, finished_at = CASE WHEN $4 THEN clock_timestamp() END,
                lsn_after = CASE WHEN $4 THEN pg_current_wal_lsn() END WHERE id = $1
            """, [.int(run), .text(state.rawValue), error.map { .text($0) } ?? .typed(nil, type: 25), .bool(ended)])
    }

    /// As it was before somebody began to undo it, of which nothing came.
    func restoreState(_ state: Run.State, of run: Int) async throws {
        _ = try await connection.query(
            """
            UPDATE strata.runs r SET state = $2, error = NULL, (finished_at, lsn_after) =
                (SELECT max(s.finished_at), max(s.lsn) FROM strata.steps s WHERE s.run = r.id) WHERE id = $1
            """, [.int(run), .text(state.rawValue)])
    }

    func setFingerprint(_ fingerprint: String, of run: Int, undone: Bool) async throws {
        let column = undone ? "fingerprint_undone" : "fingerprint_after"
        _ = try await connection.query(
            "UPDATE strata.runs SET \(column) = $2 WHERE id = $1", [.int(run), .text(fingerprint)])
    }

    func markRunning(_ steps: [Step], of run: Int, attempts: Int) async throws {
        _ = try await connection.query(
            "UPDATE strata.steps SET state = 'running', started_at = coalesce(started_at, clock_timestamp()), attempts = $3 WHERE run = $1 AND number = ANY ($2)",
            [.int(run), .intArray(steps.map(\.number)), .int(attempts)])
    }

    func recordError(_ message: String, steps: [Step], of run: Int, attempts: Int) async throws {
        _ = try await connection.query(
            "UPDATE strata.steps SET error = $3, attempts = greatest(attempts, $4) WHERE run = $1 AND number = ANY ($2)",
            [.int(run), .intArray(steps.map(\.number)), .text(message), .int(attempts)])
    }

    /// As text, to be sent in the transaction of the steps themselves. Numbers only: nothing to quote.
    static func doneStatement(_ steps: [Step], run: Int, attempts: Int) -> String {
        let numbers = steps.map { String($0.number) }.joined(separator: ", ")
        return """
            UPDATE strata.steps SET state = 'done', attempts = \(attempts), error = NULL, started_at = coalesce(started_at, now()), \
            finished_at = clock_timestamp(), duration_ms = extract(epoch FROM clock_timestamp() - now()) * 1000, \
            lsn = pg_current_wal_insert_lsn() WHERE run = \(run) AND number IN (\(numbers))
            """
    }

    static func undoneStatement(_ steps: [Step], run: Int) -> String {
        let numbers = steps.map { String($0.number) }.joined(separator: ", ")
        return
            "UPDATE strata.steps SET state = 'undone', undone_at = clock_timestamp() WHERE run = \(run) AND number IN (\(numbers))"
    }
}
