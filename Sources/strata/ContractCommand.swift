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

    @Option(help: ArgumentHelp("How long nobody may have used an old name, 0s to 30d.", valueName: "duration"))
    var window = DurationArgument(.seconds(86_400))

    @Option(help: ArgumentHelp("Accept hazards of this code; may be given several times.", valueName: "code"))
    var accept: [HazardArgument] = []

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() async throws {
        let workplace = Workplace(global)
        let layout = global.url == nil ? try workplace.layoutIfPresent() : nil
        let connection = try await workplace.connect(layout, command: "contract")
        let progress = RunProgress(console: workplace.console, quiet: global.format == .json)
        let applier = Applier(connection, options: runOptions(limits), report: limits.listener(progress))
        let accepted = Set(accept.map(\.code))
        let report: RunReport? = try await applier.exclusively { applier in
            if let run = try await applier.ledger.unfinished() {
                guard run.kind == .contract, run.state != .undoing else { throw ApplyCommand.otherRun(run) }
                return try await applier.resume(run)
            }
            let catalog = try await CatalogReader.read(connection)
            let use = try await StatementUseReader.read(connection)
            let observations = try await ShimObservations(connection).look(use, window: window.duration)
            let plan = try Pipeline.contract(catalog, observations: observations.before, use: use)
            let text = PlanText(style: workplace.console.errorStyle)
            guard !plan.isEmpty else {
                workplace.console.output("There are no compatibility objects to remove.\n")
                return nil
            }
            if let diagnostic = observations.tooYoung(accepted: accepted) { throw EngineFailure(.hazards, diagnostic) }
            do { try applier.check(plan, against: catalog, accepted: accepted, kind: .contract) } catch let failure
                as EngineFailure
                where failure.kind == .hazards
            {
                workplace.console.error(text.render(plan) + "\n")
                throw failure
            }
            if !yes && workplace.console.inputIsTerminal {
                workplace.console.error(text.render(plan) + "\n")
                guard workplace.console.confirm("Remove \(counted(plan.steps.count, "compatibility object"))?") else {
                    return nil
                }
            }
            return try await applier.apply(plan, kind: .contract, accepted: Array(accepted))
        }
        await connection.close()
        guard let report else { return }
        try RunReportOutput(report: report, verb: "applied").write(to: workplace.console, format: global.format)
    }
}
