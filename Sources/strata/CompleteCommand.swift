import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct CompleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "complete",
        abstract: "Ends a split: the way back is closed, and what is left on the main database is put aside.",
        discussion: """
            The old tables are kept in schema strata_parked_NAME of the main database, until --drop removes them.

            Examples:
              strata complete audit
              strata complete audit --drop      # later: the rows that were put aside
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("A schema that has been switched.", valueName: "schema"))
    var schema: String

    @Flag(help: "Drops what an earlier call has put aside.")
    var drop = false

    @Flag(name: .shortAndLong, help: "Do not ask.")
    var yes = false

    func run() async throws {
        let workplace = Workplace(global)
        let place = try SplitPlace(workplace, schema)
        let console = workplace.console
        let parked = SplitCompletion.parkedName(schema)
        let question =
            drop ? "Drop schema \(parked) with all rows in it?" : "Close the way back of schema \(schema)?"
        if !yes, console.inputIsTerminal, !console.confirm(question) { return console.output("Nothing was done.\n") }
        guard !drop else { return try await dropParked(workplace, place, parked) }
        let report = try await SplitCompletion(
            schema, mainDatabase: place.layout.mainDatabase, source: try await workplace.settings(place.layout),
            target: place.target
        ).run()
        switch global.format {
        case .json: console.output(try JSONOutput.text(report))
        case .text: console.output(text(report, console.outputStyle))
        }
    }

    private func dropParked(_ workplace: Workplace, _ place: SplitPlace, _ parked: String) async throws {
        let connection = try await workplace.connect(place.layout, command: "complete")
        let bytes: Int
        do { bytes = try await SplitCompletion.drop(schema, connection) } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        switch global.format {
        case .json: workplace.console.output(try JSONOutput.text(["dropped": parked, "bytes": "\(bytes)"]))
        case .text: workplace.console.output("Schema \(parked) is dropped: \(sized(Int64(bytes))) are free.\n")
        }
    }

    private func text(_ report: SplitCompletion.Report, _ style: TextStyle) -> String {
        var text = style.green("Schema \(report.schema) lives on database \(report.database)") + ", for good.\n"
        text += "What was left of it is in schema \(report.parked) of the main database.\n"
        if !report.views.isEmpty {
            text +=
                style.wrap(
                    "Views of old names that read it are gone: \(report.views.joined(separator: ", "))", indentation: 0,
                    first: 0) + "\n"
        }
        text += "next: strata complete \(report.schema) --drop, once nobody needs those rows\n"
        return text
    }
}
