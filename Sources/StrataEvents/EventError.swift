import EventStore
import PostgresDriver

/// What a store answers that cannot do what it is asked.
public enum EventError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stream has another version than was expected; nothing was appended.
    case conflict(version: Int)
    /// Other events were appended under this idempotency key.
    case keyReused
    /// No such organisation, active stream or group.
    case notFound(String)
    /// Payloads that the stream's schema does not allow, each with its place; nothing was appended.
    case schemaViolation([String])
    /// The event is about a subject that was forgotten; nothing was appended.
    case forgotten(String)
    /// Events up to `floor` are archived.
    case outOfRange(floor: Int)
    /// Another member has the slot by now: forget what was done since the last commit.
    case leaseLost
    /// Too much waits already.
    case busy
    /// The connection was lost before the answer. With an idempotency key the same append is safe to repeat.
    case unknownOutcome
    /// The database could not be asked.
    case unavailable(String)
    case invalid(String)

    public var description: String {
        switch self {
        case .conflict(let version): "the stream's version is \(version): read what has come, and decide anew"
        case .keyReused: "the idempotency key was used for other events: take a new key for new events"
        case .notFound(let what): what
        case .schemaViolation(let places): "the stream's schema does not allow: " + places.joined(separator: "; ")
        case .forgotten(let message): message
        case .outOfRange(let floor): "events up to \(floor) are archived: go on after \(floor)"
        case .leaseLost: "another member has the slot by now"
        case .busy: "too much waits already: try again later"
        case .unknownOutcome: "the connection was lost before the answer: the events may have been appended"
        case .unavailable(let message): "the event store cannot be asked: \(message)"
        case .invalid(let message): message
        }
    }

    /// Runs what asks the store.
    static func told<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch {
            throw EventError(error) ?? error
        }
    }

    private init?(_ error: any Error) {
        switch error {
        case let refusal as AppendRefusal: self.init(append: refusal)
        case let violations as EventIntake.Violations:
            self = .schemaViolation(violations.found.map { "event \($0.event): \($0.violation)" })
        case let refusal as EventStoreRefusal: self.init(store: refusal)
        case let refusal as Directory.Refusal:
            switch refusal {
            case .taken(let name): self = .invalid("there is one already: \(name)")
            case .notFound(let message): self = .notFound(message)
            case .invalid(let message): self = .invalid(message)
            }
        case let problem as EventStoreProblem:
            let next = problem.nextStep.map { "; \($0)" } ?? ""
            self = problem.code == "forgotten" ? .forgotten(problem.message) : .unavailable(problem.message + next)
        case is PoolError: self = .busy
        case let error as PostgresError: self = .unavailable(error.message)
        default: return nil
        }
    }

    private init(append refusal: AppendRefusal) {
        switch refusal {
        case .conflict(_, let version): self = .conflict(version: version)
        case .keyReused: self = .keyReused
        case .noStream: self = .notFound("there is no such active stream")
        case .schemaChanged, .tooMany: self = .busy
        case .unknownOutcome: self = .unknownOutcome
        case .invalid(let message): self = .invalid(message)
        }
    }

    private init(store refusal: EventStoreRefusal) {
        switch refusal {
        case .notFound(let message): self = .notFound(message)
        case .outOfRange(let floor): self = .outOfRange(floor: floor)
        case .leaseLost: self = .leaseLost
        case .invalid(let message): self = .invalid(message)
        case .tooMany: self = .busy
        }
    }
}
