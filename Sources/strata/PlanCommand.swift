import ArgumentParser
import Engine
import Planning
import PostgresDriver

enum PlanFormat: String, ExpressibleByArgument, CaseIterable { case text, json, sql }

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Shows the steps from what the database has to what the layout says. Changes nothing.",
        discussion: """
            Examples:
              strata plan
              strata plan --show-sql
              strata plan --format sql > move.sql
              strata plan --out friday.plan && strata apply --plan friday.plan
              strata plan --detailed-exit-code     # 2 if there is something to do
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The layout file.", valueName: "file"))
    var layout = "strata.yaml"

    @Option(help: ArgumentHelp("Connection string instead of the layout's.", valueName: "url"))
    var url: String?

    @Option(help: "text, json (an object with steps and hazards) or sql (a script for psql).")
    var format: PlanFormat = .text

    @Option(help: ArgumentHelp("Save the plan; it applies only to the catalog it was made from.", valueName: "file"))
    var out: String?

    @Flag(help: "Show every statement, and what undoes it.")
    var showSQL = false

    @Flag(help: "List every object that no schema places, not only the first dozen.")
    var all = false

    @Flag(help: "Exit with 2 if there is something to do.")
    var detailedExitCode = false

    func run() async throws {
        var options = GlobalOptions()
        options.layout = layout
        options.url = url
        options.format = .text
        let workplace = Workplace(options)
        let layout = try workplace.layout()
        let connection = try await workplace.connect(layout, command: "plan")
        var plan = try await LivePlanner.plan(layout, on: connection, components: EventComponent.here).plan
        if let splits = plan.splits {
            plan.splits = try await SplitServers(global: options, layout: layout).fill(splits, source: connection)
        }
        await connection.close()
        if let out {
            try Files.write(try PlanFile.encode(plan, pretty: true), to: out)
            workplace.say("saved to \(out); apply it with: strata apply --plan \(out)")
        }
        workplace.console.output(try render(plan, style: workplace.console.outputStyle))
        if detailedExitCode && !plan.isEmpty { throw ExitCode.changesPending }
    }

    private func render(_ plan: Plan, style: TextStyle) throws -> String {
        switch format {
        case .text: PlanText(style: style, showsStatements: showSQL, showsAllUnplaced: all).render(plan)
        case .json: try PlanFile.encode(plan, pretty: true) + "\n"
        case .sql: PlanSQL.render(plan)
        }
    }
}
