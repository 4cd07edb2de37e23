import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct ContractCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract",
        abstract: "Removes the compatibility objects that no statement uses any more.",
        discussion: """
            Evidence comes from pg_stat_statements. The first call begins to count; a later one refuses as long as
            statements used an old name within the window. What it removes strata rollback can bring back.

            Examples:
              strata contract                       # begins counting, or says who still uses old names
              strata contract --window 7d --yes
              strata contract --accept USE_UNKNOWN  # where pg_stat_statements is not installed
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var limits: RunLimitOptions

    @Option(help: ArgumentHelp("How long nobody may have used an old name, 1s to 30d.", valueName: "duration"))
    var window = WindowArgument()

    @Option(help: ArgumentHelp("Accept hazards of this code; may be given several times.", valueName: "code"))
    var accept: [HazardArgument] = []

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func validate() throws {
        guard (.seconds(1))...(.seconds(30 * 86_400)) ~= window.duration else {
            throw ValidationError(
                "--window must be from 1s to 30d; to drop old names without evidence say --accept USE_UNKNOWN")
        }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let layout = global.url == nil ? try workplace.layoutIfPresent() : nil
        let connection = try await workplace.connect(layout, command: "contract")
        let progress = RunProgress(console: workplace.console, quiet: global.format == .json)
        defer { progress.end() }
        let applier = Applier(connection, options: runOptions(limits), report: limits.listener(progress))
        let report: RunReport? = try await applier.exclusively { applier in
            if let run = try await applier.ledger.unfinished() {
                guard run.kind == .contract, run.state != .undoing else { throw ApplyCommand.otherRun(run) }
                return try await resume(run, applier, connection, workplace)
            }
            return try await start(applier, connection, workplace)
        }
        await connection.close()
        guard let report else { return }
        try RunReportOutput(report: report, verb: "applied").write(to: workplace.console, format: global.format)
    }

    private var accepted: Set<Hazard.Code> { Set(accept.map(\.code)) }

    private func start(
        _ applier: Applier, _ connection: Connection, _ workplace: Workplace
    ) async throws -> RunReport? {
        let look = try await ContractLook.take(connection, window: window.duration)
        guard !look.plan.isEmpty else {
            let nothing = "There are no compatibility objects to remove.\n"
            workplace.console.output(global.format == .json ? "{\"steps\":0}\n" : nothing)
            return nil
        }
        try showing(look.plan, workplace) { try applier.check(look, accepted: accepted) }
        if !yes && workplace.console.inputIsTerminal {
            workplace.console.error(PlanText(style: workplace.console.errorStyle).render(look.plan) + "\n")
            let question = "Remove \(counted(look.plan.steps.count, "compatibility object"))?"
            guard workplace.console.confirm(question) else { return nil }
        }
        return try await applier.apply(
            look.plan, kind: .contract, accepted: accepted.sorted { $0.rawValue < $1.rawValue }, catalog: look.catalog)
    }

    /// Time has passed since the run began: what is left may be in use by now.
    private func resume(
        _ run: Run, _ applier: Applier, _ connection: Connection, _ workplace: Workplace
    ) async throws -> RunReport {
        workplace.say("resuming run \(run.id), begun \(run.startedAt) by \(run.actor)@\(run.host)")
        let look = try await ContractLook.take(connection, window: window.duration)
        try showing(look.plan, workplace) { try applier.check(look, accepted: accepted) }
        return try await applier.resume(run)
    }

    /// Who is refused for hazards sees them.
    private func showing(_ plan: Plan, _ workplace: Workplace, _ check: () throws -> Void) throws {
        do {
            try check()
        } catch let failure as EngineFailure where failure.kind == .hazards && !plan.hazards.isEmpty {
            workplace.console.error(PlanText(style: workplace.console.errorStyle).render(plan) + "\n")
            throw failure
        }
    }
}

/// A duration whose default is told as `1d`.
struct WindowArgument: ExpressibleByArgument {
    var duration: Duration = .seconds(86_400)

    init() {}

    init?(argument: String) {
        guard let parsed = DurationArgument(argument: argument) else { return nil }
        duration = parsed.duration
    }

    var defaultValueDescription: String { "1d" }
}
