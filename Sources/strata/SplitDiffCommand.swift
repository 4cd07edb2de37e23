import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct SplitDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compares every row of a followed schema on both databases. Changes nothing.",
        discussion: """
            Goes on where an earlier call was cut off. Exit code 4 where something differs, or was written all the while.

            Examples:
              strata split diff audit
              strata split diff audit --format json
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("A schema that strata split has copied.", valueName: "schema"))
    var schema: String

    @Option(help: ArgumentHelp("Rows that are compared at a time, 100 to 100000.", valueName: "number"))
    var rangeRows = 5_000

    func validate() throws {
        guard 100...100_000 ~= rangeRows else { throw ValidationError("--range-rows must be from 100 to 100000") }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let place = try SplitPlace(workplace, schema)
        let source = try await workplace.settings(place.layout)
        let console = workplace.console
        let diff = SplitDiff(schema, source: source, target: place.target, rangeRows: rangeRows) { table, rows in
            guard console.errorIsTerminal else { return }
            console.error("\r\u{1B}[K" + "  \(table): \(grouped(rows)) rows".prefix(console.errorStyle.width - 1))
        }
        let report = try await diff.run()
        if console.errorIsTerminal { console.error("\r\u{1B}[K") }
        switch global.format {
        case .json: console.output(try JSONOutput.text(report))
        case .text: console.output(Self.text(report, console.outputStyle))
        }
        if !report.isClean { throw ExitCode.verificationDiffers }
    }

    static func text(_ report: SplitDiffReport, _ style: TextStyle) -> String {
        var table = TextTable([.left, .right, .left, .left])
        table.add(["TABLE", "ROWS", "BY", "FOUND"])
        for found in report.tables {
            let outcome =
                switch found.outcome {
                case .equal: "equal"
                case .differs: "\(counted(found.differing, "row")) differ"
                case .changing: "\(counted(found.changing, "row")) written meanwhile"
                }
            table.add([found.name, grouped(found.rows), found.method.rawValue, outcome])
        }
        var text = table.render(indentation: 0) + "\n"
        for found in report.tables where !found.examples.isEmpty {
            let keys = found.examples.map { "(\($0.joined(separator: ", ")))" }.joined(separator: ", ")
            text += style.wrap("\(found.name) differs at \(keys)", indentation: 2, first: 0) + "\n"
        }
        text +=
            report.isClean
            ? style.green("Both databases have the same rows.") + "\n"
            : "Not the same: mend it, or: strata split cancel \(report.schema), and begin again.\n"
        return text
    }
}
