import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Carries a plan out, step by step, while the application goes on. Resumes a run that was cut off.",
        discussion: """
            Each step is one short transaction: it waits for locks only briefly, steps back when somebody holds one, and
            tries again. Every step can be undone with strata rollback.

            Examples:
              strata apply
              strata apply --yes --accept BINDS_BY_NAME --accept SHIM_INSUFFICIENT
              strata apply --plan friday.plan --lock-timeout 100ms --lock-wait 1h
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var limits: RunLimitOptions

    @Option(help: ArgumentHelp("Apply this saved plan instead of making one.", valueName: "file"))
    var plan: String?

    @Option(help: ArgumentHelp("Accept hazards of this code; may be given several times.", valueName: "code"))
    var accept: [HazardArgument] = []

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() async throws {
        let workplace = Workplace(global)
        let saved = try plan.map { try PlanFile.decode(try Files.read($0)) }
        let layout = saved == nil ? try workplace.layout() : try workplace.layoutIfPresent()
        let connection = try await workplace.connect(layout, command: "apply")
        let progress = RunProgress(console: workplace.console, quiet: global.format == .json)
        defer { progress.end() }
        let applier = Applier(connection, options: runOptions(limits), report: limits.listener(progress))
        let report = try await applier.exclusively { applier in
            if let run = try await applier.ledger.unfinished() {
                return try await resume(run, applier, layout, workplace)
            }
            return try await start(saved, layout, applier, connection, workplace)
        }
        await connection.close()
        guard let report else { return }
        try RunReportOutput(report: report, verb: "applied").write(to: workplace.console, format: global.format)
    }

    private func resume(
        _ run: Run, _ applier: Applier, _ layout: Layout?, _ workplace: Workplace
    ) async throws -> RunReport? {
        guard run.kind == .apply, run.state != .undoing else { throw Self.otherRun(run) }
        if plan != nil {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "run-unfinished",
                    "run \(run.id) of \(run.startedAt) is unfinished; a saved plan cannot be applied beside it",
                    nextStep: "finish it with strata apply, or undo it with strata rollback"))
        }
        if let layout, layout.fingerprint != run.plan.layoutFingerprint {
            workplace.console.report([
                Diagnostic(
                    .warning, "layout-changed",
                    "the layout changed since run \(run.id) began; the run is finished by its own plan first",
                    nextStep: "afterwards strata plan shows what is left")
            ])
        }
        workplace.say("resuming run \(run.id), begun \(run.startedAt) by \(run.actor)@\(run.host)")
        return try await applier.resume(run)
    }

    static func otherRun(_ run: Run) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "run-unfinished",
                "run \(run.id) (\(run.kind.rawValue)) is \(run.state.rawValue) and not finished",
                nextStep: run.state == .undoing
                    ? "finish undoing it: strata rollback" : "go on with it: strata \(run.kind.rawValue)"))
    }

    private func start(
        _ saved: Plan?, _ layout: Layout?, _ applier: Applier, _ connection: Connection, _ workplace: Workplace
    ) async throws -> RunReport? {
        let plan: Plan
        var catalog: Catalog
        if let saved {
            (plan, catalog) = (saved, try await CatalogReader.read(connection))
        } else if let layout {
            (plan, catalog) = try await LivePlanner.plan(layout, on: connection, components: EventComponent.here)
        } else {
            return nil
        }
        let text = PlanText(style: workplace.console.errorStyle)
        guard !plan.isEmpty else {
            workplace.console.output(global.format == .json ? "{\"steps\":0}\n" : text.render(plan))
            return nil
        }
        let accepted = Set(accept.map(\.code))
        do {
            try applier.check(plan, against: catalog, accepted: accepted)
        } catch let failure as EngineFailure where failure.kind == .hazards {
            workplace.console.error(text.render(plan) + "\n")
            throw failure
        }
        if !yes && workplace.console.inputIsTerminal {
            workplace.console.error(text.render(plan) + "\n")
            guard
                workplace.console.confirm(
                    "Apply these \(counted(plan.steps.count, "step")) to database \(plan.server.database)?")
            else {
                workplace.say("nothing was changed")
                return nil
            }
            // Time has passed while the question stood.
            catalog = try await CatalogReader.read(connection)
            try applier.check(plan, against: catalog, accepted: accepted)
        }
        return try await applier.apply(
            plan, accepted: accepted.sorted { $0.rawValue < $1.rawValue }, catalog: catalog)
    }
}

func runOptions(_ limits: RunLimitOptions) -> RunOptions {
    var options = RunOptions()
    options.lockTimeout = limits.lockTimeout.duration
    options.patienceWithHolders = limits.lockTimeout.duration
    options.lockWaitLimit = limits.lockWait.duration
    return options
}

/// A hazard code as the plan prints it; a wrong one lists all.
struct HazardArgument: ExpressibleByArgument {
    var code: Hazard.Code

    init?(argument: String) {
        guard let code = Hazard.Code(rawValue: argument.uppercased()) else { return nil }
        self.code = code
    }

    static var allValueStrings: [String] { Hazard.Code.allCases.map(\.rawValue) }
}
