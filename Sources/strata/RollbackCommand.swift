import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct RollbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Undoes the newest run that still stands, finished or cut off, step by step in reverse.",
        discussion: """
            Afterwards the catalog is compared with the one before the run.

            Examples:
              strata rollback
              strata rollback --yes --format json

            Exit code 4 where the catalog is not as it was.
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
        defer { progress.end() }
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
        guard report.differences.isEmpty else { return try differs(report, workplace) }
        if global.format == .text { workplace.console.output("The catalog is exactly as it was before the run.\n") }
    }

    /// Undone, and yet not as before: others changed something meanwhile, or Strata could not bring something back.
    private func differs(_ report: RunReport, _ workplace: Workplace) throws {
        let shown = 20
        var text = "Run \(report.run) is undone, but the catalog is not as it was before it:\n"
        for line in report.differences.prefix(shown) { text += "  \(line.prefix(400))\n" }
        if report.differences.count > shown { text += "  and \(report.differences.count - shown) more\n" }
        text += "try: find out whether others changed that since; what the run itself lost has to be made again\n"
        // The result for machines is one object on stdout.
        if global.format == .text { workplace.console.output(text) } else { workplace.console.error(text) }
        throw ExitCode.verificationDiffers
    }

    private func nothing(_ workplace: Workplace) {
        workplace.console.output(global.format == .json ? "{\"steps\":0}\n" : "Nothing was undone.\n")
    }
}
