import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsReadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Reads a stream from a position on.",
        discussion: """
            For machines each event is one line of JSON, which events append takes back.

            Examples:
              strata events read animals --limit 20
              strata events read animals --after 15 --all --format json > animals.ndjson
              strata events read people --as-stored
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The stream, by name or id.") var stream: String
    @Option(help: ArgumentHelp("Events behind this position.", valueName: "position")) var after = 0
    @Option(help: ArgumentHelp("How many, 1 to 10000.", valueName: "number")) var limit = 100
    @Flag(help: "Up to the end, however many.") var all = false
    @Flag(help: "Members that are encrypted for a subject stay so.") var asStored = false

    func validate() throws {
        guard 1...10_000 ~= limit else { throw ValidationError("--limit must be from 1 to 10000") }
        guard after >= 0 else { throw ValidationError("--after must be 0 or more") }
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let stream = try await place.stream(stream, of: organization)
            let reader = EventReader(
                place.settings, schema: place.schema, connections: 1, subjects: asStored ? .asStored : .environment)
            do {
                try await read(stream, organization, reader, place.workplace.console)
            } catch {
                await reader.close()
                throw error
            }
            await reader.close()
        }
    }

    private func read(
        _ stream: EventStream, _ organization: Organization, _ reader: EventReader, _ console: Console
    ) async throws {
        var position = after
        while true {
            let slice = try await reader.read(
                stream.id, of: organization.id, after: position, limit: all ? 1_000 : limit)
            for event in slice.events {
                console.output(global.format == .json ? Self.line(event) : Self.text(event, console))
            }
            guard let last = slice.next else {
                if position == after, global.format == .text {
                    console.output("Nothing behind position \(after); the stream ends at \(slice.lastPosition).\n")
                }
                return
            }
            position = last
            if !all {
                if last < slice.lastPosition, global.format == .text {
                    console.error("\(slice.lastPosition - last) more: --after \(last)\n")
                }
                return
            }
        }
    }

    static func text(_ event: StoredEvent, _ console: Console) -> String {
        let style = console.outputStyle
        let key = event.key.map { "  " + DiagnosticText.printable($0) } ?? ""
        let head =
            "\(event.position)  \(EventText.time(event.at))  \(style.bold(DiagnosticText.printable(event.type)))\(key)"
        let metadata = event.metadata == "{}" ? "" : "    " + style.dim(event.metadata) + "\n"
        return "\(head)\n    \(event.payload)\n\(metadata)"
    }

    private struct Head: Encodable {
        var position: Int
        var id: String
        var type: String
        var key: String?
        var at: String
    }

    /// Payload and metadata are put into the line as they are in the store.
    static func line(_ event: StoredEvent) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let head = Head(
            position: event.position, id: event.id.uuidString.lowercased(), type: event.type, key: event.key,
            at: EventTime.text(event.at))
        let text = (try? encoder.encode(head)).map { String(decoding: $0, as: UTF8.self) } ?? "{"
        return text.dropLast() + ",\"payload\":\(event.payload),\"metadata\":\(event.metadata)}\n"
    }
}
