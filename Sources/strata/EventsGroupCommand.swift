import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsGroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Consumer groups of a stream: how far they are, and where they begin anew.",
        subcommands: [Add.self, List.self, Seek.self], defaultSubcommand: List.self)

    struct Shown: Encodable {
        var id: String
        var name: String
        var position: Int
        var lag: Int
        var slots: Int
        var members: Int
        var deadLetters: Int

        init(_ group: GroupStatus) {
            (id, name, position, lag) = (group.id.uuidString.lowercased(), group.name, group.position, group.lag)
            (slots, members, deadLetters) = (group.slots, group.members, group.dead)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a group.",
            discussion: """
                Examples:
                  strata events group add animals mailer
                  strata events group add animals search --slots 64 --from-end
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "The stream, by name or id.") var stream: String
        @Argument(help: "The group's name.") var name: String
        @Option(help: "How many members may work at once, decided once, 1 to 256.") var slots = 16
        @Option(help: "Attempts at an event before it is a dead letter, 1 to 1000.") var attempts = 5
        @Flag(help: "Begins with what comes next, not with the first event.") var fromEnd = false

        func validate() throws {
            guard 1...256 ~= slots else { throw ValidationError("--slots must be from 1 to 256") }
            guard 1...1_000 ~= attempts else { throw ValidationError("--attempts must be from 1 to 1000") }
            guard (1...200).contains(name.unicodeScalars.count) else {
                throw ValidationError("a group's name has 1 to 200 characters")
            }
        }

        func run() async throws {
            try await EventsGroupCommand.with(global, store, owner, stream) { place, organization, stream, reader in
                var settings = GroupSettings()
                (settings.slots, settings.attempts) = (slots, attempts)
                settings.after = fromEnd ? stream.lastPosition : 0
                let known = try await place.directory.groups(on: stream.id, of: organization.id)
                if known.contains(where: { $0.name == name }) {
                    throw EventFailure.diagnostic(
                        "taken", "stream \(stream.name) has a group \(name) already", "choose another name")
                }
                let id = try await reader.createGroup(name, on: stream.id, of: organization.id, settings)
                place.workplace.console.output("Group \(name) of \(stream.name): \(id.uuidString.lowercased())\n")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows how far each group is.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "The stream, by name or id.") var stream: String

        func run() async throws {
            try await EventsGroupCommand.with(global, store, owner, stream) { place, organization, stream, _ in
                let groups = try await place.directory.groups(on: stream.id, of: organization.id).map { Shown($0) }
                guard global.format == .text else { return place.workplace.console.output(try JSONOutput.text(groups)) }
                guard !groups.isEmpty else {
                    return place.workplace.console.output(
                        "No group of \(stream.name) yet: strata events group add STREAM NAME\n")
                }
                var table = TextTable([.left, .right, .right, .right, .right, .right])
                table.add(["GROUP", "DONE UP TO", "LAG", "SLOTS", "MEMBERS", "DEAD"])
                for group in groups {
                    table.add([
                        DiagnosticText.printable(group.name), String(group.position), String(group.lag),
                        String(group.slots),
                        String(group.members),
                        String(group.deadLetters),
                    ])
                }
                place.workplace.console.output(table.render(indentation: 0) + "\n")
            }
        }
    }

    struct Seek: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has a group begin anew, at a position, a time, the start or the end.",
            discussion: """
                Who works in the group is sent away and polls again; what it had not committed is delivered anew.

                Examples:
                  strata events group seek animals mailer start
                  strata events group seek animals mailer 1500
                  strata events group seek animals mailer 2026-11-22T06:00:00Z
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "The stream, by name or id.") var stream: String
        @Argument(help: "The group's name.") var name: String
        @Argument(help: "start, end, the position after which it goes on, or a time (ISO 8601).") var place: String

        func validate() throws { _ = try target() }

        private func target() throws -> EventReader.SeekTarget {
            if place == "start" { return .start }
            if place == "end" { return .end }
            if let position = Int(place), position >= 0 { return .after(position) }
            if let time = EventTime.date(place) { return .time(time) }
            throw ValidationError("\(place) is neither start, end, a position nor a time such as 2026-11-22T06:00:00Z")
        }

        func run() async throws {
            let target = try target()
            try await EventsGroupCommand.with(global, store, owner, stream) { place, organization, stream, reader in
                let group = try await EventsGroupCommand.group(name, of: stream, organization, place)
                let position = try await reader.seek(group.id, of: organization.id, to: target)
                place.workplace.say("Group \(name) of \(stream.name) goes on after position \(position).")
            }
        }
    }

    static func group(
        _ name: String, of stream: EventStream, _ organization: Organization, _ place: EventPlace
    ) async throws -> GroupStatus {
        let groups = try await place.directory.groups(on: stream.id, of: organization.id)
        guard let found = groups.first(where: { $0.name == name || $0.id == UUID(uuidString: name) }) else {
            throw EventFailure.diagnostic(
                "group", "stream \(stream.name) has no group \(name)",
                "strata events group list \(stream.name) shows them")
        }
        return found
    }

    static func with(
        _ global: GlobalOptions, _ store: EventStoreOptions, _ owner: OrganizationOption, _ name: String,
        _ body: (EventPlace, Organization, EventStream, EventReader) async throws -> Void
    ) async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let stream = try await place.stream(name, of: organization)
            let reader = EventReader(place.settings, schema: place.schema, connections: 1)
            do {
                try await body(place, organization, stream, reader)
            } catch {
                await reader.close()
                throw error
            }
            await reader.close()
        }
    }
}
