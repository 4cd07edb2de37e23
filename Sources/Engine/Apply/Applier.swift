package import Planning
package import PostgresDriver

/// Applies plans, resumes runs that were cut off, and undoes them. Holds the run lock from `begin` to `end`.
package struct Applier: Sendable {
    let connection: Connection
    let options: RunOptions
    let report: @Sendable (RunEvent) -> Void
    package let ledger: Ledger

    package init(
        _ connection: Connection, options: RunOptions = RunOptions(),
        report: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) {
        self.connection = connection
        self.options = options
        self.report = report
        ledger = Ledger(connection)
    }

    /// Takes the lock and readies the ledger, runs the body, gives the lock back.
    package nonisolated(nonsending) func exclusively<T>(_ body: (Applier) async throws -> T) async throws -> T {
        let lock = RunLock(connection)
        // Settings of the role or the database are for applications, not for this session.
        try await connection.execute(
            "SET statement_timeout = 0; SET default_transaction_read_only = off; SET standard_conforming_strings = on; "
                + "SET idle_in_transaction_session_timeout = 0")
        try await lock.take()
        do {
            try await ledger.prepare()
            let value = try await body(self)
            await lock.release()
            return value
        } catch {
            await lock.release()
            throw error
        }
    }

    // MARK: Apply

    /// Refuses a plan whose catalog is not the one that is there, and hazards that nobody accepted.
    package func check(
        _ plan: Plan, against catalog: Catalog, accepted: Set<Hazard.Code>, kind: Run.Kind = .apply
    ) throws {
        guard plan.server.databaseOID == catalog.server.databaseOID,
            plan.server.systemIdentifier == catalog.server.systemIdentifier
        else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "other-database", "the plan was made from another database (\(plan.server.database))",
                    nextStep: "plan against this one: strata plan"))
        }
        guard plan.fingerprint == catalog.fingerprint else {
            throw EngineFailure(.failed, CatalogChange.diagnostic(plan: plan, catalog: catalog))
        }
        let missing = plan.hazards.filter { !accepted.contains($0.code) }
        guard missing.isEmpty else {
            let codes = Set(missing.map(\.code.rawValue)).sorted()
            throw EngineFailure(
                .hazards,
                Diagnostic(
                    .error, "hazards-not-accepted",
                    "the plan has \(missing.count) hazard\(missing.count == 1 ? "" : "s") that nobody accepted: \(codes.joined(separator: ", "))",
                    nextStep:
                        "read them\(kind == .apply ? " (strata plan)" : ""), act on them, then: strata \(kind.rawValue) "
                        + codes.map { "--accept \($0)" }.joined(separator: " ")))
        }
    }

    /// Applies a plan that `check` let pass against this catalog, which is read where it is not given.
    package func apply(
        _ plan: Plan, kind: Run.Kind = .apply, accepted: [Hazard.Code] = [], catalog: Catalog? = nil
    ) async throws -> RunReport {
        let before: Catalog
        if let catalog { before = catalog } else { before = try await CatalogReader.read(connection) }
        let run = try await ledger.create(kind, plan: plan, accepted: accepted, identity: options.identity)
        // Not where somebody changed the database after the plan was made: the steps find out what that means for them.
        if catalog != nil || before.fingerprint == plan.fingerprint { try await ledger.keep(before, of: run.id) }
        return try await forward(run, resumed: false)
    }

    /// Goes on with a run that was cut off. Refuses where something else than its own steps changed the database.
    package func resume(_ run: Run) async throws -> RunReport {
        guard run.state == .running || run.state == .stopped else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "not-resumable", "run \(run.id) is \(run.state.rawValue) and cannot be resumed",
                    nextStep: run.state == .undoing ? "finish undoing it: strata rollback" : "plan again: strata plan"))
        }
        if let changed = try await ResumeCheck(run: run, connection: connection).diagnostic() {
            throw EngineFailure(.resumable, changed)
        }
        try await ledger.setState(.running, of: run.id)
        return try await forward(run, resumed: true)
    }

    private func forward(_ run: Run, resumed: Bool) async throws -> RunReport {
        let groups = run.plan.groups.filter { group in !group.steps.allSatisfy { run.stepStates[$0.number] == .done } }
        let before = run.plan.steps.count - groups.reduce(0) { $0 + $1.steps.count }
        report(.started(run: run.id, groups: groups.count, resumed: resumed))
        let runner = GroupRunner(
            connection: connection, run: run.id, direction: .apply, options: options, report: report)
        var result = try await perform(groups, run: run, runner: runner, failedState: .stopped)
        result.stepsBefore = before
        result.fingerprintAfter = try await close(run, undone: false).fingerprint
        report(.finished(run: run.id))
        return result
    }

    // MARK: Undo

    /// Undoes the run's steps in reverse, each in its own transaction. Resumable like `apply`.
    package func rollback(_ run: Run) async throws -> RunReport {
        try await ledger.setState(.undoing, of: run.id)
        // A step that was running outside a transaction may have left something behind: undo says IF EXISTS.
        let groups = run.plan.groups.reversed().filter { group in
            group.steps.contains { run.stepStates[$0.number] == .done || run.stepStates[$0.number] == .running }
        }
        report(.started(run: run.id, groups: groups.count, resumed: run.state == .undoing))
        let runner = GroupRunner(
            connection: connection, run: run.id, direction: .undo, options: options, report: report)
        var result = try await perform(Array(groups), run: run, runner: runner, failedState: .undoing)
        (result.fingerprintAfter, result.differences) = try await close(run, undone: true)
        report(.finished(run: run.id))
        return result
    }

    /// Writes down what came out; where the run is undone, with what is not as it was. A failure here leaves a run
    /// without open steps, which the same command closes.
    private func close(_ run: Run, undone: Bool) async throws -> (fingerprint: String, differences: [String]) {
        do {
            let catalog = try await CatalogReader.read(connection)
            let after = catalog.fingerprint
            let differences = undone ? try await self.differences(from: run, after, catalog) : []
            try await ledger.setFingerprint(after, of: run.id, undone: undone)
            try await ledger.setState(undone ? .undone : .done, of: run.id)
            if undone { try await ledger.forgetCatalog(of: run.id) }
            return (after, differences)
        } catch {
            let reason = (error as? DiagnosticsError)?.diagnostics.first?.message ?? (error as? PostgresError)?.message
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "run-not-closed",
                    "all steps of run \(run.id) are \(undone ? "undone" : "done"), but its end could not be recorded: "
                        + (reason ?? (error is CancellationError ? "interrupted" : "\(error)")),
                    object: "run \(run.id)",
                    nextStep: "strata \(undone ? "rollback" : run.kind.rawValue) once more records it"))
        }
    }

    private func differences(from run: Run, _ fingerprint: String, _ catalog: Catalog) async throws -> [String] {
        guard fingerprint != run.fingerprintBefore else { return [] }
        guard let before = try await ledger.catalogLines(before: run.id) else {
            return ["what is different is not known: the catalog from before run \(run.id) was not kept"]
        }
        let lines = ComponentLines(run.plan.components ?? [])
        return CatalogDifference.between(
            lines.withoutPassing(before), lines.withoutPassing(catalog.canonicalLines())
        ).lines()
    }

    // MARK: Groups

    private func perform(
        _ groups: [StepGroup], run: Run, runner: GroupRunner, failedState: Run.State
    ) async throws -> RunReport {
        let clock = ContinuousClock()
        let start = clock.now
        var result = RunReport(
            run: run.id, stepsDone: 0, stepsBefore: 0, retries: 0, waits: 0, took: .zero, longestTransaction: .zero,
            fingerprintBefore: run.fingerprintBefore, fingerprintAfter: "")
        let total = groups.reduce(0) { $0 + $1.steps.count }
        for group in groups {
            do {
                try Task.checkCancellation()
                report(.beginning(group.steps[0], position: result.stepsDone + 1, of: total))
                let outcome = try await runner.perform(group.steps)
                result.retries += outcome.attempts - 1
                result.waits += outcome.waits
                if group.inTransaction { result.longestTransaction = max(result.longestTransaction, outcome.took) }
                for step in group.steps { report(.done(step, took: outcome.took, attempts: outcome.attempts)) }
                result.stepsDone += group.steps.count
            } catch {
                throw await stopped(run, at: group, done: result.stepsDone, total: total, state: failedState, by: error)
            }
        }
        result.took = clock.now - start
        return result
    }

    /// What the first step to be undone does not let go: the run stands as it did.
    private func refused(_ run: Run, _ cause: StopCause) async -> EngineFailure {
        let ledger = self.ledger
        _ = await Task.detached { try? await ledger.restoreState(run.state, of: run.id) }.value
        return EngineFailure(
            .failed, cause.diagnostic,
            Diagnostic(
                .note, "run-stands", "nothing was undone: run \(run.id) stands as before", object: "run \(run.id)"))
    }

    /// Leaves the run in the ledger as it is and says how to go on.
    private func stopped(
        _ run: Run, at group: StepGroup, done: Int, total: Int, state: Run.State, by error: any Error
    ) async -> EngineFailure {
        let cause = StopCause(error, step: group.steps[0])
        let ledger = self.ledger
        if done == 0, state == .undoing, run.state != .undoing, (error as? PostgresError)?.isUndoRefused == true {
            return await refused(run, cause)
        }
        let work = Task.detached {
            try? await ledger.recordError(cause.message, steps: group.steps, of: run.id, attempts: 1)
            try? await ledger.setState(state, of: run.id, error: cause.message)
        }
        _ = await work.value
        let way =
            state == .undoing
            ? "strata rollback goes on where it stopped"
            : "strata \(run.kind.rawValue) resumes it, strata rollback undoes what is done"
        // What runs outside a transaction may leave an index that is not valid; each command clears it away first.
        let state =
            group.inTransaction ? "nothing is half done" : "an unfinished index, if one is left, serves no query"
        return EngineFailure(
            .resumable, cause.diagnostic,
            Diagnostic(
                .note, "run-stopped", "run \(run.id) stopped after \(done) of \(total) steps; \(state)",
                object: "run \(run.id)", nextStep: way))
    }
}
