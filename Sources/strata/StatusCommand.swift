import ArgumentParser
import Engine
import EventStore
import Foundation
import Planning
import PostgresDriver

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows the runs of this database, newest first, and what is unfinished.",
        discussion: """
            Examples:
              strata status
              strata status --limit 5 --format json
            """)

    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("How many runs, 1 to 1000.", valueName: "number"))
    var limit = 20

    func validate() throws {
        guard 1...1000 ~= limit else { throw ValidationError("--limit must be from 1 to 1000") }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let layout = global.url == nil ? try workplace.layoutIfPresent() : nil
        let connection = try await workplace.connect(layout, command: "status")
        let ledger = Ledger(connection)
        let history = try await ledger.exists() ? try await ledger.history(limit: limit) : []
        // Also one that is older than those shown.
        let open = try await ledger.openRun()
        // For machines they are in `split status`.
        var splits: [SplitStanding] = []
        if global.format == .text {
            splits =
                (try? await SplitStanding.all(connection) {
                    try await SplitStatusCommand.connect(workplace, layout, $0)
                }) ?? []
        }
        let store =
            global.format == .text ? try await eventStore(layout, connection, workplace.console.outputStyle) : nil
        await connection.close()
        switch global.format {
        case .json:
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            workplace.console.output(String(decoding: try encoder.encode(history), as: UTF8.self) + "\n")
        case .text:
            let style = workplace.console.outputStyle
            workplace.console.output(text(history, open: open, style: style))
            if let store { workplace.console.output("\n" + store + "\n") }
            if !splits.isEmpty { workplace.console.output("\n" + SplitStatusCommand.text(splits, style)) }
        }
    }

    /// Of a layout that has one in this database.
    private func eventStore(
        _ layout: Layout?, _ connection: Connection, _ style: TextStyle
    ) async throws -> String? {
        guard layout?.eventStoreHere != nil, let events = layout?.events else { return nil }
        let standing = try await EventSchema(events).standing(on: connection)
        guard let problem = standing.problem(schema: events.schema) else {
            return "Event store: schema \(events.schema), version \(EventSchema.version)."
        }
        let message = problem.message.prefix(1).uppercased() + problem.message.dropFirst()
        return style.yellow(style.wrap("\(message).", indentation: 5, first: 0))
            + (problem.nextStep.map { "\n" + style.wrap("try: \($0)", indentation: 5, first: 0) } ?? "")
    }

    private func text(_ history: [RunSummary], open: RunSummary?, style: TextStyle) -> String {
        guard !history.isEmpty else { return "No run yet. strata plan shows what there is to do.\n" }
        var table = TextTable([.right, .left, .left, .right, .right, .right, .left, .left])
        table.add(["RUN", "KIND", "STATE", "STEPS", "RETRIES", "SECONDS", "BEGUN", "BY"])
        for run in history {
            table.add([
                String(run.id), run.kind, run.state, "\(run.stepsDone)/\(run.steps)", String(run.retries),
                run.seconds.map { String(format: "%.1f", $0) } ?? "-", run.startedAt, run.actor,
            ])
        }
        var text = table.render(indentation: 0) + "\n"
        if let open {
            text += "\n" + style.yellow("Run \(open.id) is not finished") + (open.error.map { ": \($0)" } ?? "") + "\n"
            text += open.warning.nextStep.map { style.wrap("try: \($0)", indentation: 5, first: 0) + "\n" } ?? ""
        }
        return text
    }
}
