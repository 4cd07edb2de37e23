import ArgumentParser
import EventStore
import Foundation
import JSONSchemas
import Planning

struct EventsStreamCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Streams of an organisation, and the JSON Schemas of their payloads.",
        subcommands: [Add.self, List.self, Schema.self], defaultSubcommand: List.self)

    struct Shown: Encodable {
        var id: String
        var name: String
        var events: Int
        var archivedUpTo: Int
        var schemaVersion: Int
        var compatibility: String
        var createdAt: Date
        var isActive: Bool

        init(_ stream: EventStream) {
            (id, name) = (stream.id.uuidString.lowercased(), stream.name)
            (events, archivedUpTo) = (stream.lastPosition, stream.floorPosition)
            (schemaVersion, compatibility) = (stream.schemaVersion, stream.compatibility)
            (createdAt, isActive) = (stream.createdAt, stream.isActive)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a stream.", discussion: "Example:\n  strata events stream add animals")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "1 to 200 characters.") var name: String

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(owner)
                let made = Shown(try await place.directory.createStream(name, of: organization.id))
                place.workplace.console.output(
                    global.format == .json ? try JSONOutput.text(made) : "Stream \(made.name): \(made.id)\n")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the streams.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(owner)
                var streams: [Shown] = []
                while true {
                    let next = try await place.directory.streams(
                        of: organization.id, after: streams.last?.name ?? "", limit: 1_000)
                    if next.isEmpty { break }
                    streams += next.map { Shown($0) }
                }
                guard global.format == .text else {
                    return place.workplace.console.output(try JSONOutput.text(streams))
                }
                guard !streams.isEmpty else {
                    return place.workplace.console.output("No stream yet: strata events stream add NAME\n")
                }
                var table = TextTable([.left, .right, .right, .left, .left])
                table.add(["STREAM", "EVENTS", "SCHEMA", "SINCE", "STATE"])
                for stream in streams {
                    table.add([
                        EventText.printable(stream.name), String(stream.events),
                        stream.schemaVersion == 0 ? "-" : "v\(stream.schemaVersion)",
                        EventText.time(stream.createdAt), stream.isActive ? "active" : "inactive",
                    ])
                }
                place.workplace.console.output(table.render(indentation: 0) + "\n")
            }
        }
    }

    struct Schema: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what payloads a stream takes, or gives it another JSON Schema.",
            discussion: """
                A new version has to go with the one before by the stream's rule: backward (what the old one
                allows, the new one does), forward (the reverse), full, none. Draft 2020-12 and draft 7.

                Examples:
                  strata events stream schema animals
                  strata events stream schema animals animal.schema.json --compatibility backward
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "The stream, by name or id.") var stream: String
        @Argument(help: "A file with a JSON Schema.") var file: String?
        @Option(help: "The rule from now on: none, backward, forward, full.") var compatibility:
            SchemaCompatibility.Rule?

        private struct Version: Encodable {
            var version: Int
            var compatibility: String
            var createdAt: Date
            var schema: String
        }

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(owner)
                let stream = try await place.stream(stream, of: organization)
                if let file {
                    let added = try await place.directory.setSchema(
                        try Files.read(file), of: stream.id, organization.id, rule: compatibility)
                    for keyword in added.ignored {
                        place.workplace.console.report([
                            Diagnostic(
                                .warning, "ignored", "\(keyword) has no effect",
                                nextStep: "look whether it is a slip of the pen")
                        ])
                    }
                    place.workplace.say(
                        "Stream \(stream.name) takes schema version \(added.version.version) (\(added.version.compatibility)) from now on."
                    )
                    return
                }
                let versions = try await place.directory.schemas(of: stream.id, organization.id).map {
                    Version(
                        version: $0.version, compatibility: $0.compatibility, createdAt: $0.createdAt, schema: $0.schema
                    )
                }
                if global.format == .json { return place.workplace.console.output(try JSONOutput.text(versions)) }
                guard let last = versions.last else {
                    return place.workplace.console.output("Stream \(stream.name) takes any JSON.\n")
                }
                place.workplace.say("version \(last.version) of \(versions.count), \(last.compatibility):")
                place.workplace.console.output(last.schema + "\n")
            }
        }
    }
}

extension SchemaCompatibility.Rule: ExpressibleByArgument {}
