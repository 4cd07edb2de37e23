import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Undoes the newest run that still stands, finished or cut off, step by step in reverse.",
        discussion: """
            Examples:
              strata rollback
              strata rollback --yes --format json
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var limits: RunLimitOptions

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() async throws {
        let workplace = Workplace(global)
        let layout = global.url == nil ? try workplace.layoutIfPresent() : nil
        let connection = try await workplace.connect(layout, command: "rollback")
        guard try await Ledger(connection).exists() else { return nothing(workplace) }
        let progress = RunProgress(console: workplace.console, quiet: global.format == .json, prefix: "undo: ")
        let applier = Applier(connection, options: runOptions(limits), report: limits.listener(progress))
        let report: RunReport? = try await applier.exclusively { applier in
            guard let run = try await applier.ledger.latestEffective() else { return nil }
            let done = run.stepStates.values.count { $0 == .done || $0 == .running }
            let question = "Undo run \(run.id) (\(run.kind.rawValue), \(run.startedAt), \(counted(done, "step")) done)?"
            if !yes && workplace.console.inputIsTerminal && !workplace.console.confirm(question) { return nil }
            return try await applier.rollback(run)
        }
        await connection.close()
        guard let report else { return nothing(workplace) }
        try RunReportOutput(report: report, verb: "undone").write(to: workplace.console, format: global.format)
        guard global.format == .text else { return }
        if report.fingerprintAfter == report.fingerprintBefore {
            workplace.console.output("The catalog is exactly as it was before the run.\n")
        } else {
            workplace.console.output(
                "The run is undone. The catalog is not quite the one before it: something was changed meanwhile.\n"
            )
        }
    }

    private func nothing(_ workplace: Workplace) {
        workplace.console.output(global.format == .json ? "{\"steps\":0}\n" : "Nothing was undone.\n")
    }
}
