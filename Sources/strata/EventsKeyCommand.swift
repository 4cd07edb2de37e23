import ArgumentParser
import EventStore
import Foundation
import Planning

struct EventsKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "API keys of an organisation.",
        subcommands: [Add.self, List.self, Revoke.self], defaultSubcommand: List.self)

    struct Shown: Encodable {
        var id: String
        var label: String
        var prefix: String
        var scopes: [Scope]
        var createdAt: Date
        var expiresAt: Date?
        var revokedAt: Date?
        /// When it was made, and never again.
        var secret: String?

        init(_ key: APIKey, secret: String? = nil) {
            (id, label, prefix, scopes) = (key.id.uuidString.lowercased(), key.label, key.prefix, key.scopes)
            (createdAt, expiresAt, revokedAt, self.secret) = (key.createdAt, key.expiresAt, key.revokedAt, secret)
        }

        var state: String {
            if let revokedAt { return "revoked \(EventText.time(revokedAt))" }
            guard let expiresAt else { return "active" }
            return (expiresAt < Date() ? "expired " : "until ") + EventText.time(expiresAt)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a key, and shows it this once.",
            discussion: """
                The key goes to stdout, all else to stderr. What is kept is its hash.

                Examples:
                  strata events key add ingest --scope append
                  strata events key add worker --scope consume --scope read --expires 90d
                """)

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "What it is for.") var label: String
        @Option(help: "What it may do: append, read, consume, manage. Several times for several.") var scope: [Scope]
        @Option(help: ArgumentHelp("When it ends by itself, from now.", valueName: "duration")) var expires:
            DurationArgument?

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(owner)
                let end = expires.map { Date(timeIntervalSinceNow: $0.duration / .seconds(1)) }
                let made = try await place.directory.createKey(
                    label, scopes: scope, expiresAt: end, of: organization.id)
                if global.format == .json {
                    return place.workplace.console.output(try JSONOutput.text(Shown(made.key, secret: made.secret)))
                }
                place.workplace.say("Key \(label) of \(organization.name), shown this once:")
                place.workplace.console.output(made.secret + "\n")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows the keys, but for what only their owners know.")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(owner)
                let keys = try await place.directory.keys(of: organization.id).map { Shown($0) }
                guard global.format == .text else { return place.workplace.console.output(try JSONOutput.text(keys)) }
                guard !keys.isEmpty else {
                    return place.workplace.console.output("No key yet: strata events key add LABEL --scope append\n")
                }
                var table = TextTable([.left, .left, .left, .left])
                table.add(["KEY", "LABEL", "MAY", "STATE"])
                for key in keys {
                    table.add([
                        key.prefix + "_…", EventText.printable(key.label),
                        key.scopes.map(\.rawValue).joined(separator: " "), key.state,
                    ])
                }
                place.workplace.console.output(table.render(indentation: 0) + "\n")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a key: it is refused from the next request on.",
            discussion: "Example:\n  strata events key revoke evk_1f2e3d4c")

        @OptionGroup var global: GlobalOptions
        @OptionGroup var store: EventStoreOptions
        @OptionGroup var owner: OrganizationOption
        @Argument(help: "Its beginning, up to the second underscore, or its id.") var key: String

        func run() async throws {
            try await EventPlace.with(global, store) { place in
                let organization = try await place.organization(owner)
                let keys = try await place.directory.keys(of: organization.id)
                let found = keys.filter { $0.prefix == key || $0.id == UUID(uuidString: key) }
                guard found.count == 1 else {
                    throw EventFailure.diagnostic(
                        "key", found.isEmpty ? "there is no key \(key)" : "\(found.count) keys begin with \(key)",
                        "strata events key list shows them; with --format json their ids, too")
                }
                try await place.directory.revokeKey(found[0].id, of: organization.id)
                place.workplace.say("Key \(found[0].prefix)_… (\(found[0].label)) is revoked.")
            }
        }
    }
}

extension Scope: ExpressibleByArgument {}
