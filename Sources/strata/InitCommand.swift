import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a layout from a live database; with --suggest, proposes schemas for what lies in one pile.",
        discussion: """
            Nothing in the database is changed. Without --suggest the layout describes what is there, and a plan of it
            is empty, or builds the indexes that foreign keys between schemas lack. With --suggest each proposed schema says why.

            Examples:
              strata init --url postgresql://localhost/shop
              strata init --suggest --out strata.yaml
              strata init --suggest --format json
            """)

    @OptionGroup var global: GlobalOptions

    @Flag(help: "Propose bounded contexts, and say why for each.")
    var suggest = false

    @Option(help: ArgumentHelp("Write the layout to this file, which must not exist yet.", valueName: "file"))
    var out: String?

    @Flag(help: "Overwrite the file of --out.")
    var force = false

    func run() async throws {
        let workplace = Workplace(global)
        if let out, !force, FileManager.default.fileExists(atPath: out) {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "file-exists", "\(out) exists", nextStep: "choose another name, or --force to overwrite it")
            )
        }
        let connection = try await workplace.connect(try workplace.layoutIfPresent(), command: "init")
        let (catalog, events) = EventComponent.found(in: try await CatalogReader.read(connection))
        let suggestion =
            suggest
            ? ContextSuggester.suggest(catalog: catalog, use: try await StatementUseReader.read(connection)) : nil
        await connection.close()
        let layout = LayoutWriter.write(catalog: catalog, suggestion: suggestion, events: events)
        if let out {
            try Files.write(layout, to: out)
            workplace.say("wrote \(out); look at it, then: strata plan --layout \(out)")
            if let suggestion { workplace.console.output(try text(suggestion, workplace)) }
        } else if global.format == .json, let suggestion {
            workplace.console.output(try text(suggestion, workplace))
        } else {
            workplace.console.output(layout)
        }
    }

    private func text(_ suggestion: ContextSuggestion, _ workplace: Workplace) throws -> String {
        guard global.format == .json else {
            return SuggestionText.render(suggestion, style: workplace.console.outputStyle)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(suggestion), as: UTF8.self) + "\n"
    }
}
