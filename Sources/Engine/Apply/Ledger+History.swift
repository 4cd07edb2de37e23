package import Planning
import PostgresDriver

/// What is read without the plans, and so of any format.
extension Ledger {
    /// Newest first.
    package func history(limit: Int = 20) async throws -> [RunSummary] { try await summaries("true", limit: limit) }

    /// The run that is not finished, if there is one and this role may see it.
    package func openRun() async throws -> RunSummary? {
        let mayRead = try await connection.query(
            """
            SELECT coalesce(bool_and(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')), false)
                   AND count(*) = 2 AS may
              FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'strata' AND c.relname IN ('runs', 'steps')
            """
        ).only().bool("may")
        return mayRead ? try await summaries("r.state IN ('running', 'stopped', 'undoing')", limit: 1).first : nil
    }

    private func summaries(_ condition: String, limit: Int) async throws -> [RunSummary] {
        let rows = try await understood {
            try await connection.query(
                """
                SELECT r.id, r.kind, r.state, r.actor, r.host,
                    to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS') AS started_at,
                    to_char(r.finished_at, 'YYYY-MM-DD HH24:MI:SS') AS finished_at, r.error,
                    extract(epoch FROM max(s.finished_at) - r.started_at)::float8 AS seconds,
                    count(s.number) AS steps, count(*) FILTER (WHERE s.state = 'done') AS done,
                    coalesce(sum(greatest(s.attempts - 1, 0)), 0)::bigint AS retries
                FROM strata.runs r LEFT JOIN strata.steps s ON s.run = r.id WHERE \(condition)
                GROUP BY r.id ORDER BY r.id DESC LIMIT $1
                """, [.int(limit)])
        }
        return try rows.map { row in
            RunSummary(
                id: try row.int("id"), kind: try row.string("kind"), state: try row.string("state"),
                actor: try row.string("actor"), host: try row.string("host"), startedAt: try row.string("started_at"),
                finishedAt: try row.optionalString("finished_at"), steps: try row.int("steps"),
                stepsDone: try row.int("done"),
                retries: try row.int("retries"), seconds: try row.optionalDouble("seconds"),
                error: try row.optionalString("error"))
        }
    }

    // MARK: Other formats

    /// Turns what a ledger of another format makes a query fail with into something to act on.
    nonisolated(nonsending) func understood<T>(_ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as PostgresError where error.sqlState == .undefinedColumn || error.sqlState == .undefinedTable
        {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "ledger-format",
                    "the ledger in schema strata is not of a format that this Strata (\(StrataVersion.current)) reads: "
                        + error.message,
                    nextStep: "use the Strata that wrote it; it can finish or undo its runs"))
        }
    }

    /// A plan of the ledger. One of an earlier format is named with the version that can go on with it.
    func readPlan(_ row: Row) throws -> Plan {
        do {
            return try PlanFile.decode(try row.string("plan"))
        } catch let failure as EngineFailure {
            let (id, state) = (try row.int("id"), try row.string("state"))
            let version = try row.string("strata_version")
            let why =
                failure.diagnostics.first?.message.split(separator: ": ", maxSplits: 1).last.map { String($0) } ?? ""
            let isOpen = state != Run.State.done.rawValue && state != Run.State.undone.rawValue
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "run-not-readable",
                    "the plan of run \(id) (\(state)) was written by Strata \(version) and cannot be read: \(why)",
                    object: "run \(id)",
                    nextStep: (isOpen ? "finish or undo it" : "to undo it, run strata rollback")
                        + " with Strata \(version); this one is \(StrataVersion.current)"))
        }
    }
}

extension RunSummary {
    package var isUnfinished: Bool {
        Run.State(rawValue: state).map { [.running, .stopped, .undoing].contains($0) } ?? false
    }

    /// `run 3 stopped after 4 of 9 steps: …`, and what to do about it; for runs that are not finished.
    package var warning: Diagnostic {
        let isUndoing = state == Run.State.undoing.rawValue
        let reason = error.map { ": \($0)" } ?? ""
        let how =
            isUndoing
            ? "is half undone (\(counted(stepsDone, "step")) of \(grouped(steps)) still done)"
            : "stopped after \(grouped(stepsDone)) of \(counted(steps, "step"))"
        return Diagnostic(
            .warning, "run-unfinished", "run \(id) (\(kind), begun \(startedAt)) \(how)\(reason)", object: "run \(id)",
            nextStep: isUndoing
                ? "strata rollback goes on undoing it; strata apply refuses until then"
                : "strata \(kind) resumes it by its own plan, strata rollback undoes it; until then nothing else is applied"
        )
    }
}
