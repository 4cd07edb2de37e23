import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsOrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organization",
        abstract: "Organisations: each has streams, keys and people of its own, and sees nothing of another.",
        subcommands: [Add.self, List.self, SetActive.self], defaultSubcommand: List.self)

    struct Shown: Encodable {
        var id: String
        var name: String
        var createdAt: Date
        var isActive: Bool

        init(_ organization: Organization) {
            (id, name) = (organization.id.uuidString.lowercased(), organization.name)
            (createdAt, isActive) = (organization.createdAt, organization.isActive)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes an organisation.", discussion: "Example:\n  strata events organization add Shelter")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @Argument(help: "1 to 200 characters.") var name: String

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let made = Shown(try await place.directory.createOrganization(name))
                place.workplace.console.output(
                    global.format == .json ? try JSONOutput.text(made) : "Organisation \(made.name): \(made.id)\n")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the organisations.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let all = try await place.directory.organizations().map { Shown($0) }
                guard global.format == .text else { return place.workplace.console.output(try JSONOutput.text(all)) }
                guard !all.isEmpty else {
                    return place.workplace.console.output("No organisation yet: strata events organization add NAME\n")
                }
                var table = TextTable([.left, .left, .left, .left])
                table.add(["ID", "NAME", "SINCE", "STATE"])
                for one in all {
                    table.add([
                        one.id, EventText.printable(one.name), EventText.time(one.createdAt),
                        one.isActive ? "active" : "inactive",
                    ])
                }
                place.workplace.console.output(table.render(indentation: 0) + "\n")
            }
        }
    }

    struct SetActive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Switches an organisation off or on.",
            discussion: """
                What an inactive organisation's keys and people ask for is refused from the next request on; its events stay.

                Example:
                  strata events organization set Shelter --inactive
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @Argument(help: "Its id or name.") var organization: String
        @Flag(help: "Switches it off.") var inactive = false

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                var option = OrganizationOption()
                option.organization = organization
                let found = try await place.organization(option)
                try await place.directory.setOrganization(found.id, isActive: !inactive)
                place.workplace.say("Organisation \(found.name) is \(inactive ? "inactive" : "active").")
            }
        }
    }
}

/// How times and names look.
enum EventText {
    /// What producers call things must not steer the terminal.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        return text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control
                ? "<U+\(String(scalar.value, radix: 16, uppercase: true))>" : String(scalar)
        }.joined()
    }

    /// `2026-11-22 07:15:03`, UTC.
    static func time(_ date: Date) -> String {
        date.formatted(
            Date.ISO8601FormatStyle(dateSeparator: .dash, dateTimeSeparator: .space, timeSeparator: .colon).year()
                .month().day()
                .dateTimeSeparator(.space).time(includingFractionalSeconds: false))
    }
}
