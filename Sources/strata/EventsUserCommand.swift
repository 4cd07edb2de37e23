import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsUserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "People of an organisation, who log in to strata serve.",
        subcommands: [Add.self, List.self, SetActive.self], defaultSubcommand: List.self)

    struct Shown: Encodable {
        var id: String
        var email: String
        var role: String
        var createdAt: Date
        var isActive: Bool

        init(_ person: Person) {
            (id, email, role) = (person.id.uuidString.lowercased(), person.email, person.role.rawValue)
            (createdAt, isActive) = (person.createdAt, person.isActive)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a person. The password is the first line of standard input.",
            discussion: """
                A password has 12 to 200 characters; what is kept of it is a slow hash (scrypt). At a terminal it is asked
                for and not shown.

                Example:
                  strata events user add ann@shelter.example --role admin < password.txt
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var whose: OrganizationOption
        @Argument(help: "The address to log in with, the only one in all organisations.") var email: String
        @Option(help: "What it may do: viewer (read), admin (everything in the organisation).")
        var role = Person.Role.viewer

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(whose)
                let password = try PasswordInput.read("Password for \(email): ")
                let made = Shown(
                    try await place.directory.createPerson(email, password: password, role: role, of: organization.id))
                place.workplace.console.output(
                    global.format == .json
                        ? try JSONOutput.text(made)
                        : "\(made.email), \(made.role) of \(organization.name): \(made.id)\n")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the organisation's people.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var whose: OrganizationOption

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(whose)
                let all = try await place.directory.people(of: organization.id).map { Shown($0) }
                guard global.format == .text else { return place.workplace.console.output(try JSONOutput.text(all)) }
                guard !all.isEmpty else {
                    return place.workplace.console.output("Nobody yet: strata events user add ADDRESS\n")
                }
                var table = TextTable([.left, .left, .left, .left])
                table.add(["ADDRESS", "ROLE", "SINCE", "STATE"])
                for one in all {
                    table.add([
                        DiagnosticText.printable(one.email), one.role, EventText.time(one.createdAt),
                        one.isActive ? "active" : "inactive",
                    ])
                }
                place.workplace.console.output(table.render(indentation: 0) + "\n")
            }
        }
    }

    struct SetActive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Takes a person's access, or gives it back.",
            discussion: """
                Sessions of an inactive person are refused from the next request on.

                Example:
                  strata events user set ann@shelter.example --inactive
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var whose: OrganizationOption
        @Argument(help: "The address, or the id.") var person: String
        @Flag(help: "Takes the access.") var inactive = false

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(whose)
                let people = try await place.directory.people(of: organization.id)
                guard
                    let found = people.first(where: {
                        $0.email == person.lowercased() || $0.id == UUID(uuidString: person)
                    })
                else {
                    throw EventFailure.diagnostic(
                        "user", "organisation \(organization.name) has nobody of the address \(person)",
                        "strata events user list shows its people")
                }
                try await place.directory.setPerson(found.id, of: organization.id, isActive: !inactive)
                place.workplace.say("\(found.email) is \(inactive ? "inactive" : "active").")
            }
        }
    }
}

extension Person.Role: ExpressibleByArgument {}

/// A password from standard input: never an argument, which others on the machine could see.
enum PasswordInput {
    static func read(_ prompt: String) throws -> String {
        let line: String?
        if isatty(STDIN_FILENO) == 1 {
            // getpass writes the prompt to the terminal, and switches its echo off.
            line = getpass(prompt).map { String(cString: $0) }
        } else {
            line = readLine(strippingNewline: true)
        }
        guard let line, !line.isEmpty else {
            throw EventFailure.diagnostic(
                "password", "there is no password on standard input", "strata events user add ADDRESS < password.txt")
        }
        return line
    }
}
