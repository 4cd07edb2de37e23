import ArgumentParser
import EventStore
import Foundation
import JSONSchemas
import Planning
import PostgresDriver

/// The event store: docs/events.md.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "An append-only store of events in the main database: streams, groups, dead letters.",
        discussion: """
            A first walk:
              strata events init
              strata events organization add Shelter
              strata events stream add animals
              echo '{"type": "registered", "key": "rex", "payload": {"name": "Rex"}}' |
                strata events append animals
              strata events read animals
            """,
        subcommands: [
            EventsInitCommand.self, EventsOrganizationCommand.self, EventsUserCommand.self, EventsKeyCommand.self,
            EventsStreamCommand.self,
            EventsAppendCommand.self, EventsReadCommand.self, EventsGroupCommand.self, EventsPollCommand.self,
            EventsCommitCommand.self, EventsFailCommand.self, EventsLeaveCommand.self, EventsConsumeCommand.self,
            EventsDeadCommand.self,
            EventsRelayCommand.self,
            EventsExportCommand.self, EventsRetainCommand.self, EventsArchiveCommand.self, EventsMaintainCommand.self,
            EventsSubjectCommand.self,
        ])
}

/// Which store.
struct EventStoreOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The schema of the event store; the layout's unless given, else events.", valueName: "name"))
    var schema: String?

    func validate() throws {
        guard (1...63).contains(schema?.utf8.count ?? 1) else { throw ValidationError("--schema has 1 to 63 bytes") }
    }
}

/// Whose streams.
struct OrganizationOption: ParsableArguments {
    @Option(help: ArgumentHelp("The organisation, by id or name; the only one unless given.", valueName: "id"))
    var organization: String?
}

/// The store that a command works on.
struct EventPlace {
    let workplace: Workplace
    let schema: EventSchema
    let settings: ConnectionSettings
    let directory: Directory

    init(_ global: GlobalOptions, _ options: EventStoreOptions) async throws {
        let workplace = Workplace(global)
        let layout = global.url == nil ? try workplace.layoutIfPresent() : nil
        let schema = options.schema ?? layout?.events?.schema ?? EventSchema().name
        self.init(workplace, EventSchema(name: schema), try await workplace.settings(ofStore: schema, layout))
    }

    /// Runs a command's body; what the store refuses becomes what a person reads.
    static func with(
        _ global: GlobalOptions, _ options: EventStoreOptions, _ body: (EventPlace) async throws -> Void
    ) async throws {
        let place = try await EventPlace(global, options)
        do {
            try await place.requireStore()
            try await body(place)
        } catch {
            await place.directory.close()
            throw EventFailure.readable(error)
        }
        await place.directory.close()
    }

    func requireStore() async throws {
        do {
            try await directory.requireStore()
        } catch let problem as EventStoreProblem where problem.code == "no-event-store" {
            throw EventFailure.diagnostic(problem.code, "\(problem.message) of \(settings)", problem.nextStep)
        }
    }

    func organization(_ option: OrganizationOption) async throws -> Organization {
        let all = try await directory.organizations()
        guard let wanted = option.organization else {
            let active = all.filter(\.isActive)
            guard active.count == 1 else {
                throw EventFailure.diagnostic(
                    "organization",
                    active.isEmpty ? "there is no organisation yet" : "there are \(active.count) organisations",
                    active.isEmpty
                        ? "strata events organization add NAME"
                        : "name one: --organization; strata events organization list shows them")
            }
            return active[0]
        }
        let found = all.filter { $0.id == UUID(uuidString: wanted) || $0.name == wanted }
        guard found.count == 1 else {
            throw EventFailure.diagnostic(
                "organization",
                found.isEmpty
                    ? "there is no organisation \(wanted)" : "\(found.count) organisations are called \(wanted)",
                "strata events organization list shows them with their ids")
        }
        return found[0]
    }

    /// By name or id.
    func stream(_ name: String, of organization: Organization) async throws -> EventStream {
        if let id = UUID(uuidString: name), let found = try? await directory.stream(id, of: organization.id) {
            return found
        }
        do {
            return try await directory.stream(named: name, of: organization.id)
        } catch Directory.Refusal.notFound {
            throw EventFailure.diagnostic(
                "stream", "organisation \(organization.name) has no stream \(name)",
                "strata events stream list shows them; strata events stream add NAME makes one")
        }
    }
}

/// Refusals of the store as diagnostics.
enum EventFailure {
    static func diagnostic(_ code: String, _ message: String, _ next: String?) -> DiagnosticsError {
        DiagnosticsError(Diagnostic(.error, code, message, nextStep: next))
    }

    static func readable(_ error: any Error) -> any Error {
        switch error {
        case let refusal as Directory.Refusal: directory(refusal)
        case let refusal as EventStoreRefusal: store(refusal)
        case let refusal as AppendRefusal: append(refusal)
        case let refusal as SchemaText.Refusal: schema(refusal)
        case let error as PostgresError where error.sqlState == .undefinedTable || error.sqlState == .undefinedFunction:
            diagnostic(
                "old-store", "the event store is of an earlier version: \(error.message)",
                "strata events init brings it up to date")
        case let problem as EventStoreProblem: diagnostic(problem.code, problem.message, problem.nextStep)
        case let violations as EventIntake.Violations:
            DiagnosticsError(
                violations.found.map {
                    Diagnostic(
                        .error, "schema-violation", "event \($0.event + 1), \($0.violation)",
                        nextStep: "nothing was appended; strata events stream schema shows what the stream takes")
                })
        default: error
        }
    }

    private static func directory(_ refusal: Directory.Refusal) -> DiagnosticsError {
        switch refusal {
        case .taken(let constraint):
            diagnostic("taken", "there is one of that name already (\(constraint))", "choose another name")
        case .notFound(let message): diagnostic("not-found", message, nil)
        case .invalid(let message): diagnostic("invalid", message, nil)
        }
    }

    private static func store(_ refusal: EventStoreRefusal) -> DiagnosticsError {
        switch refusal {
        case .notFound(let message): diagnostic("not-found", message, nil)
        case .outOfRange(let floor):
            diagnostic("out-of-range", "events up to \(floor) are archived and gone", "go on after \(floor)")
        case .leaseLost(let message):
            diagnostic("lease-lost", message, "forget what was done since the last commit, and poll again")
        case .invalid(let message): diagnostic("invalid", message, nil)
        case .tooMany(let message):
            diagnostic("too-many-members", message, "give each process one name and keep it, and leave when it ends")
        }
    }

    private static func append(_ refusal: AppendRefusal) -> DiagnosticsError {
        switch refusal {
        case .conflict(_, let version):
            diagnostic(
                "conflict", "the stream's version is \(version), not the expected one; nothing was appended",
                "read what has come since, decide anew, and expect \(version)")
        case .keyReused:
            diagnostic(
                "key-reused", "the idempotency key was used for other events; nothing was appended",
                "take a new key for new events")
        case .noStream: diagnostic("stream", "there is no such active stream; nothing was appended", nil)
        case .schemaChanged:
            diagnostic("schema-changed", "the stream's schema changes all the time; nothing was appended", "try again")
        case .unknownOutcome:
            diagnostic(
                "unknown-outcome", "the connection was lost before the answer: the events may have been appended",
                "look at the end of the stream; with --idempotency-key the same command is safe to repeat")
        case .tooMany: diagnostic("busy", "too many appends wait already", "try again later")
        case .invalid(let message): diagnostic("invalid", message, nil)
        }
    }

    private static func schema(_ refusal: SchemaText.Refusal) -> DiagnosticsError {
        switch refusal {
        case .notJSON(let error): diagnostic("json", "the schema is no JSON: \(error)", nil)
        case .mistakes(let errors):
            DiagnosticsError(errors.mistakes.map { Diagnostic(.error, "schema", "\($0)") })
        case .incompatible(let findings):
            DiagnosticsError(
                findings.map {
                    Diagnostic(
                        .error, "incompatible", "\($0)",
                        nextStep: "change the schema, or give it another rule: --compatibility none")
                })
        case .overtaken:
            diagnostic("overtaken", "somebody else has just given the stream a schema", "look at it, and try again")
        }
    }
}
