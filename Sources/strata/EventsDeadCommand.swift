import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsDeadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead",
        abstract: "Dead letters of a group: events that it could not do.",
        subcommands: [List.self, Redrive.self, Discard.self], defaultSubcommand: List.self)

    struct Shown: Encodable {
        var id: String
        var position: Int
        var type: String
        var key: String?
        var reason: String
        var kind: String
        var attempts: Int
        var status: DeadLetter.Status
        var failedAt: Date
        var payload: String

        init(_ letter: DeadLetter) {
            (id, position, type, key) = (
                letter.id.uuidString.lowercased(), letter.event.position, letter.event.type, letter.event.key
            )
            (reason, kind, attempts, status) = (letter.reason, letter.kind, letter.attempts, letter.status)
            (failedAt, payload) = (letter.failedAt, letter.event.payload)
        }
    }

    struct Place: ParsableArguments {
        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "The stream, by name or id.") var stream: String
        @Argument(help: "The group, by name or id.") var group: String

        func with(
            _ body: (EventPlace, Organization, GroupStatus, EventReader) async throws -> Void
        ) async throws {
            try await EventsGroupCommand.with(global, store, owner, stream) { place, organization, stream, reader in
                let group = try await EventsGroupCommand.group(group, of: stream, organization, place)
                try await body(place, organization, group, reader)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows dead letters, with what went wrong.",
            discussion: "Example:\n  strata events dead list animals mailer --all --format json")

        @OptionGroup var place: Place
        @Flag(help: "Also those that are resolved, discarded, or being tried once more.") var all = false
        @Option(help: ArgumentHelp("Behind the event at this position.", valueName: "position")) var after = 0

        func run() async throws {
            try await place.with { store, organization, group, _ in
                let page = try await store.directory.deadLetters(
                    of: group.id, organization.id, status: all ? nil : .dead, after: after)
                let letters = page.letters.map { Shown($0) }
                let console = store.workplace.console
                defer { if let next = page.next { console.error("more: --after \(next)\n") } }
                guard place.global.format == .text else { return console.output(try JSONOutput.text(letters)) }
                guard !letters.isEmpty else { return console.output("No dead letters of \(group.name).\n") }
                let style = console.outputStyle
                for letter in letters {
                    let key = letter.key.map { "  " + DiagnosticText.printable($0) } ?? ""
                    console.output(
                        "\(letter.position)  \(style.bold(DiagnosticText.printable(letter.type)))\(key)  \(letter.status.rawValue)  \(letter.id)\n"
                    )
                    let attempts = letter.attempts == 1 ? "1 attempt" : "\(letter.attempts) attempts"
                    console.output(
                        style.wrap(
                            "\(letter.reason) (\(attempts), \(EventText.time(letter.failedAt)))", indentation: 4,
                            first: 4) + "\n")
                }
            }
        }
    }

    struct Redrive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Has dead letters delivered once more, to this group alone.",
            discussion: """
                Examples:
                  strata events dead redrive animals mailer --all
                  strata events dead redrive animals mailer 019a…
                """)

        @OptionGroup var place: Place
        @Argument(help: "Their ids.") var ids: [String] = []
        @Flag(help: "All of them, at most 10,000 at a time.") var all = false

        func validate() throws { try EventsDeadCommand.check(ids, all) }

        func run() async throws {
            try await place.with { store, organization, group, reader in
                let count = try await reader.redrive(
                    group.id, of: organization.id, all ? nil : ids.compactMap { UUID(uuidString: $0) })
                try EventsDeadCommand.say(
                    count, of: all ? nil : ids.count, "dead letters of \(group.name) come once more", store)
            }
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Puts dead letters aside for good; they stay on record.")

        @OptionGroup var place: Place
        @Argument(help: "Their ids.") var ids: [String] = []
        @Flag(help: "All of them, at most 10,000 at a time.") var all = false

        func validate() throws { try EventsDeadCommand.check(ids, all) }

        func run() async throws {
            try await place.with { store, organization, group, reader in
                let count = try await reader.discard(
                    group.id, of: organization.id, all ? nil : ids.compactMap { UUID(uuidString: $0) })
                try EventsDeadCommand.say(
                    count, of: all ? nil : ids.count, "dead letters of \(group.name) are discarded", store)
            }
        }
    }

    /// - Parameter wanted: how many were named.
    private static func say(_ count: Int, of wanted: Int?, _ what: String, _ place: EventPlace) throws {
        place.workplace.say("\(count) \(what).")
        if let wanted, count < wanted {
            throw EventFailure.diagnostic(
                "dead-letter", "\(wanted - count) of the ids name no dead letter of this group that waits for that",
                "strata events dead list shows them")
        }
    }

    static func check(_ ids: [String], _ all: Bool) throws {
        guard all != !ids.isEmpty else { throw ValidationError("name their ids, or say --all") }
        for id in ids where UUID(uuidString: id) == nil {
            throw ValidationError("\(id) is no id: strata events dead list --format json shows them")
        }
    }
}
