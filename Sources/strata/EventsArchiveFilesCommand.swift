import ArgumentParser
import EventStore
import Foundation
import Planning
import PostgresDriver

struct EventsArchiveListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows what is in a folder, by the manifests.",
        discussion: "Example:\n  strata events archive list /archive/events")

    @Option(help: "Output for people or for machines: text, json.") var format: OutputFormat = .text
    @Argument(help: "The folder.") var folder: String

    func run() async throws {
        do {
            try ArchiveFolderOutput.show(try await ArchiveFolder(folder).entries(verifies: false), folder, format)
        } catch { throw EventFailure.readable(error) }
    }
}

struct EventsArchiveVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Reads every file of a folder, and compares it with its manifest.",
        discussion:
            "Exits with 4 where one is missing or differs.\n\nExample:\n  strata events archive verify /archive/events")

    @Option(help: "Output for people or for machines: text, json.") var format: OutputFormat = .text
    @Argument(help: "The folder.") var folder: String

    func run() async throws {
        let entries: [ArchiveFolder.Entry]
        do {
            entries = try await ArchiveFolder(folder).entries(verifies: true)
            try ArchiveFolderOutput.show(entries, folder, format)
        } catch { throw EventFailure.readable(error) }
        let bad = entries.filter { $0.state != .intact }
        guard bad.isEmpty else {
            Console.shared.report(
                bad.map {
                    Diagnostic(
                        .error, "archive",
                        $0.state == .missing ? "\($0.file) is missing" : "\($0.file) is not what was written",
                        nextStep: "take it from a backup of the folder")
                })
            throw ExitCode.verificationDiffers
        }
    }
}

private enum ArchiveFolderOutput {
    struct Shown: Encodable {
        var file: String
        var state: ArchiveFolder.Entry.State
        var manifest: EventManifest
    }

    static func show(_ entries: [ArchiveFolder.Entry], _ folder: String, _ format: OutputFormat) throws {
        let console = Console.shared
        guard format == .text else {
            return console.output(
                try JSONOutput.text(entries.map { Shown(file: $0.file, state: $0.state, manifest: $0.manifest) }))
        }
        guard !entries.isEmpty else { return console.output("Nothing is archived in \(folder).\n") }
        var table = TextTable([.left, .left, .right, .right, .left, .left])
        table.add(["FILE", "FROM", "EVENTS", "BYTES", "SHA-256", "STATE"])
        for entry in entries {
            table.add([
                entry.manifest.file, String((entry.manifest.from ?? "").prefix(10)), grouped(entry.manifest.events),
                grouped(entry.manifest.bytes), String(entry.manifest.sha256.prefix(12)),
                entry.state == .unverified ? "" : entry.state.rawValue,
            ])
        }
        console.output(table.render(indentation: 0) + "\n")
    }
}

struct EventsArchiveRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Makes a table of an archived or exported file, to look into.",
        discussion: """
            The events do not go back into their streams. The table is made in the main
            database, in a schema that is there, all of it or nothing.

            Example:
              strata events archive restore /archive/events/events_2026_08.jsonl \\
                --into old.august
            """)

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The file; its manifest stands beside it.") var file: String
    @Option(help: ArgumentHelp("A table that is not there yet.", valueName: "schema.table")) var into: String

    private var names: [String] {
        into.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    }

    func validate() throws {
        guard names.count == 2, names.allSatisfy({ (1...63).contains($0.utf8.count) }) else {
            throw ValidationError("--into is schema.table")
        }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let connection = try await workplace.connect(
            global.url == nil ? try workplace.layoutIfPresent() : nil, command: "events archive restore")
        let tally: EventTally
        do {
            tally = try await ArchiveRestore(file).restore(into: names[0], names[1], on: connection)
        } catch {
            await connection.close()
            throw EventFailure.readable(error)
        }
        await connection.close()
        switch global.format {
        case .json: workplace.console.output(try JSONOutput.text(tally))
        case .text:
            workplace.console.output("\(grouped(tally.events)) events of \(file) are in the table \(into).\n")
        }
    }
}
