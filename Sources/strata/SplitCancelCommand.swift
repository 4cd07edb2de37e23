import ArgumentParser
import Engine
import Planning
import PostgresDriver

struct SplitCancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Takes a split back: the copy, its streams and guards go, the schema stays where it is.",
        discussion: """
            Examples:
              strata split cancel audit
            """)

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The schema that is being split off.", valueName: "schema"))
    var schema: String

    func run() async throws {
        let workplace = Workplace(global)
        let place = try SplitPlace(workplace, schema)
        let source = try await workplace.settings(place.layout)
        let (record, kept) = try await SplitCancel(
            schema, mainDatabase: place.layout.mainDatabase, source: source, target: place.target
        ).run()
        switch global.format {
        case .json:
            workplace.console.output(try JSONOutput.text(["cancelled": "\(record.id)", "schema": schema]))
        case .text:
            var text = "Split \(record.id) is cancelled: schema \(schema) is only where it was before.\n"
            if !kept.isEmpty {
                text += "Still in use on database \(record.database): \(kept.joined(separator: ", ")).\n"
            }
            workplace.console.output(text)
        }
    }
}
