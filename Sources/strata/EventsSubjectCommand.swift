import ArgumentParser
import EventStore
import Foundation
import JSONSchemas
import Planning

struct EventsSubjectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subject",
        abstract: "Encrypts members of payloads for the person they are about, who can then be forgotten.",
        discussion: """
            The key of each subject is wrapped by a master key, from STRATA_MASTER_KEY
            or the file that STRATA_MASTER_KEY_FILE names (openssl rand -base64 32
            makes one). Without it nothing of that can be appended or read.
            docs/events.md says what forgetting does not reach.

            Examples:
              strata events subject protect animals --member /owner/name \\
                --by /payload/owner/id
              strata events subject forget 4711 --reason "request of 22 November"
              strata events subject list
            """,
        subcommands: [
            EventsSubjectProtectCommand.self, EventsSubjectForgetCommand.self, EventsSubjectReadmitCommand.self,
            EventsSubjectListCommand.self, EventsSubjectRewrapCommand.self,
        ])
}

struct EventsSubjectProtectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "protect",
        abstract: "Declares which members of a stream's payloads are encrypted; without any, shows them.",
        discussion: """
            It counts from the next append on. The subject's id stays readable: take one
            that says nothing by itself.

            Examples:
              strata events subject protect people --member /name --member /address
              strata events subject protect animals --member /owner/name \\
                --by /payload/owner/id --tombstone '"(forgotten)"'
              strata events subject protect animals --none
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The stream, by name or id.") var stream: String

    @Option(
        help: ArgumentHelp(
            "A place in the payload, \"\" for all of it. Several times for several.", valueName: "pointer"))
    var member: [String] = []

    @Option(help: ArgumentHelp("Where an event has its subject: key, /payload/… or /metadata/…", valueName: "place"))
    var by = "key"

    @Option(
        help: ArgumentHelp(
            "What a member reads as once its subject is forgotten; null unless given.", valueName: "json"))
    var tombstone = "null"

    @Flag(help: "Nothing is encrypted any more; what was stays so.") var none = false

    private func protection() throws -> StreamProtection {
        guard let source = StreamProtection.Source(by) else {
            throw ValidationError("--by is key, /payload/… or /metadata/…, not \(by)")
        }
        let members = try member.map { text in
            guard let pointer = JSONPointer(text) else {
                throw ValidationError("--member \(text) is no JSON pointer, such as /owner/name")
            }
            return pointer
        }
        let value: JSONValue
        do { value = try JSONParser.parse(tombstone) } catch {
            throw ValidationError("--tombstone is no JSON: \(error)")
        }
        do { return try StreamProtection(members, subject: source, tombstone: value) } catch Directory.Refusal.invalid(
            let message)
        { throw ValidationError(message) }
    }

    func validate() throws {
        if none, !member.isEmpty { throw ValidationError("--none goes without --member") }
        if !member.isEmpty { _ = try protection() }
    }

    private struct Shown: Encodable {
        var stream: String
        var members: [String]
        var by: String?
        var tombstone: String?
    }

    func run() async throws {
        let wanted = member.isEmpty ? nil : try protection()
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let stream = try await place.stream(stream, of: organization)
            if wanted != nil, case .unavailable(let problem) = SubjectAccess.environment { throw problem }
            if wanted != nil || none { try await place.directory.protect(stream.id, of: organization.id, wanted) }
            let found = try await place.directory.protection(of: stream.id, organization.id)
            let shown = Shown(
                stream: stream.name, members: found?.members.map(\.description) ?? [],
                by: found?.subject.description, tombstone: found.map { JSONWriter.text($0.tombstone) })
            guard global.format == .text else { return place.workplace.console.output(try JSONOutput.text(shown)) }
            guard let found else {
                return place.workplace.console.output("Nothing of \(stream.name) is encrypted.\n")
            }
            let members = found.members.map { $0.tokens.isEmpty ? "the whole payload" : $0.description }
            place.workplace.console.output(
                "Encrypted of \(stream.name): \(members.joined(separator: ", ")), for the subject at \(found.subject)\n"
            )
        }
    }
}

struct EventsSubjectReadmitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "readmit",
        abstract: "Lets events about a forgotten subject be appended again, under a new key.",
        discussion: "What was forgotten stays so.\n\nExample:\n  strata events subject readmit 4711")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "The subject's id.") var subject: String

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            try await place.directory.readmit(subject, of: organization.id)
            place.workplace.say("Subject \(DiagnosticText.printable(subject)) may come back; it gets a new key.")
        }
    }
}

struct EventsSubjectListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Shows subjects that have a key, and those that are forgotten.",
        discussion: "Example:\n  strata events subject list --limit 1000 --format json")

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions
    @OptionGroup var owner: OrganizationOption
    @Argument(help: "This one alone.") var subject: String?
    @Option(help: ArgumentHelp("Behind this one.", valueName: "subject")) var after = ""
    @Option(help: ArgumentHelp("How many, 1 to 1000.", valueName: "number")) var limit = 100

    func validate() throws {
        guard 1...1_000 ~= limit else { throw ValidationError("--limit must be from 1 to 1000") }
    }

    private struct Shown: Encodable {
        var subject: String
        var keyMadeAt: Date?
        var forgottenAt: Date?
        var forgottenBy: String?
        var reason: String?
        var readmittedAt: Date?
    }

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            let organization = try await place.organization(owner)
            let found = try await place.directory.subjects(
                of: organization.id, id: subject, after: after, limit: limit)
            guard global.format == .text else {
                let shown = found.map {
                    Shown(
                        subject: $0.id, keyMadeAt: $0.keyMadeAt, forgottenAt: $0.forgottenAt,
                        forgottenBy: $0.forgottenBy, reason: $0.reason, readmittedAt: $0.readmittedAt)
                }
                return place.workplace.console.output(try JSONOutput.text(shown))
            }
            guard !found.isEmpty else { return place.workplace.console.output("No subject has a key yet.\n") }
            var table = TextTable([.left, .left])
            table.add(["SUBJECT", "STATE"])
            for subject in found { table.add([DiagnosticText.printable(subject.id), Self.state(subject)]) }
            place.workplace.console.output(table.render(indentation: 0) + "\n")
        }
    }

    private static func state(_ subject: Subject) -> String {
        let key = subject.keyMadeAt.map { "key since \(EventText.time($0))" }
        guard let at = subject.forgottenAt else { return key ?? "" }
        let forgotten =
            "forgotten \(EventText.time(at)) by \(DiagnosticText.printable(subject.forgottenBy ?? "")): \(DiagnosticText.printable(subject.reason ?? ""))"
        return key.map { "\($0); was \(forgotten)" } ?? forgotten
    }
}

struct EventsSubjectRewrapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rewrap",
        abstract: "Wraps the keys of all subjects by another master key.",
        discussion: """
            With the new one in STRATA_MASTER_KEY and the old one in
            STRATA_MASTER_KEY_PREVIOUS (or …_FILE). Safe to run again. Once the old one is
            destroyed, older backups are of no use for reading who was forgotten.

            Example:
              export STRATA_MASTER_KEY_FILE=new.key STRATA_MASTER_KEY_PREVIOUS_FILE=old.key
              strata events subject rewrap
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var store: EventStoreOptions

    func run() async throws {
        try await EventPlace.with(global, store) { place in
            var count = 0
            for organization in try await place.directory.organizations() {
                count += try await place.directory.rewrapKeys(of: organization.id)
            }
            await place.directory.vacuumKeys()
            switch global.format {
            case .json: place.workplace.console.output(try JSONOutput.text(["rewrapped": count]))
            case .text: place.workplace.console.output("\(grouped(count)) keys are wrapped anew.\n")
            }
        }
    }
}
