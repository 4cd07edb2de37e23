import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import JSONSchemas
import PostgresDriver

/// What a request gets that cannot be done: RFC 9457, `application/problem+json`.
struct Problem: Error, Sendable {
    /// The last part of its `type`, for programs.
    enum Kind: String, Sendable, CaseIterable {
        case malformed, unauthorized, forbidden
        case notFound = "not-found"
        case methodNotAllowed = "method-not-allowed"
        case conflict
        case preconditionFailed = "precondition-failed"
        case keyReused = "idempotency-key-reused"
        case leaseLost = "lease-lost"
        case outOfRange = "out-of-range"
        case noSuchPosition = "no-such-position"
        case tooLarge = "too-large"
        case unsupported = "unsupported-media-type"
        case subjectForgotten = "subject-forgotten"
        case schemaViolation = "schema-violation"
        case invalidSchema = "invalid-schema"
        case incompatibleSchema = "incompatible-schema"
        case invalid
        case taken
        case tooManyRequests = "too-many-requests"
        case busy
        case unavailable
        case unknownOutcome = "unknown-outcome"
        case unexpected

        var status: HTTPResponse.Status {
            switch self {
            case .malformed: .badRequest
            case .unauthorized: .unauthorized
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .conflict, .keyReused, .leaseLost, .noSuchPosition, .subjectForgotten, .incompatibleSchema, .taken:
                .conflict
            case .preconditionFailed: .preconditionFailed
            case .outOfRange: .gone
            case .tooLarge: .contentTooLarge
            case .unsupported: .unsupportedMediaType
            case .schemaViolation, .invalidSchema, .invalid: .unprocessableContent
            case .tooManyRequests: .tooManyRequests
            case .busy, .unavailable, .unknownOutcome: .serviceUnavailable
            case .unexpected: .internalServerError
            }
        }

        /// What `type` is.
        var uri: String { "urn:strata:problem:\(rawValue)" }

        var title: String {
            switch self {
            case .malformed: "The request cannot be read"
            case .unauthorized: "No valid key or session"
            case .forbidden: "This key or person may not do that"
            case .notFound: "There is no such thing here"
            case .methodNotAllowed: "This path has no such method"
            case .conflict, .preconditionFailed: "The stream has another version"
            case .keyReused: "The idempotency key was used for something else"
            case .leaseLost: "The lease was lost"
            case .outOfRange: "These events are archived"
            case .noSuchPosition: "The stream has no such position"
            case .tooLarge: "The request is too large"
            case .unsupported: "This content type is not taken"
            case .subjectForgotten: "The subject was forgotten"
            case .schemaViolation: "A payload does not fit the stream's schema"
            case .invalidSchema: "This is no JSON Schema"
            case .incompatibleSchema: "The schema does not follow the one before by its rule"
            case .invalid: "The request asks for something that is not possible"
            case .taken: "There is one already"
            case .tooManyRequests: "Too many requests"
            case .busy: "Too much is waiting already"
            case .unavailable: "The database cannot be reached"
            case .unknownOutcome: "It is not known whether it was done"
            case .unexpected: "Something went wrong here"
            }
        }
    }

    var kind: Kind
    var detail: String
    /// Further members, as JSON.
    var members: [(name: String, json: String)] = []
    /// Seconds after which another attempt may do better.
    var retryAfter: Int?

    init(_ kind: Kind, _ detail: String, members: [(name: String, json: String)] = [], retryAfter: Int? = nil) {
        (self.kind, self.detail, self.members, self.retryAfter) = (kind, detail, members, retryAfter)
    }

    static let contentType = "application/problem+json"

    static let noKey = Problem(.unauthorized, "Send an API key or a session's token: Authorization: Bearer …")

    static func tooLarge(_ limit: Int) -> Problem {
        Problem(.tooLarge, "This takes \(limit < 1 << 20 ? "\(limit >> 10) KiB" : "\(limit >> 20) MiB") at most.")
    }

    /// Of a request's own body.
    init(_ violations: [SchemaViolation]) {
        let errors = violations.map { violation in
            var object = JSONText.Object()
            object.add("pointer", violation.instance.description)
            object.add("keyword", violation.keyword)
            object.add("message", violation.message)
            return object.text
        }
        let first = violations.first.map { ": \($0)" } ?? "."
        self.init(
            .invalid, "The body is not what this endpoint takes\(first)",
            members: [("errors", JSONText.array(errors))])
    }

    var response: Response {
        var object = JSONText.Object()
        object.add("type", kind.uri)
        object.add("title", kind.title)
        object.add("status", kind.status.code)
        object.add("detail", detail)
        for member in members { object.add(member.name, raw: member.json) }
        var response = Response(
            status: kind.status, headers: [.contentType: Self.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: object.text)))
        if let retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        if kind == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}

// MARK: From what the store says

extension Problem {
    init(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let limited as Limited: self.init(limited.error)
        case is CancellationError:
            self.init(.unavailable, "The service ends, or the request took too long: try again.", retryAfter: 1)
        case let error as JSONError:
            self.init(
                error.code == .tooLong ? .tooLarge : .malformed, error.description,
                members: [("line", "\(error.line)"), ("column", "\(error.column)")])
        case let refusal as AppendRefusal: self.init(append: refusal)
        case let violations as EventIntake.Violations: self.init(violations: violations)
        case let refusal as EventStoreRefusal: self.init(store: refusal)
        case let refusal as Directory.Refusal: self.init(directory: refusal)
        case let problem as EventStoreProblem:
            if problem.code == "forgotten" {
                self.init(.subjectForgotten, problem.message)
            } else {
                // Of its own set-up, such as a master key that is not there: the log has what.
                self.init(.unavailable, "The service lacks what these events need: its log says what.", retryAfter: 60)
            }
        case let refusal as SchemaText.Refusal: self.init(schema: refusal)
        case is Callers.TooMany, is PoolError:
            self.init(.busy, "More requests wait than can be served: try again a little later.", retryAfter: 1)
        case let error as PostgresError: self.init(postgres: error)
        case let error as HTTPError: self.init(http: error)
        default: self.init(.unexpected, "The service's log says more.")
        }
    }

    private init(append refusal: AppendRefusal) {
        switch refusal {
        case .conflict(let stream, let version):
            self.init(
                .conflict, "The stream's version is \(version): read what has come, decide anew, and expect that.",
                members: [("stream", JSONText.quoted(stream.text)), ("version", "\(version)")])
        case .keyReused:
            self.init(.keyReused, "Other events were appended under this key: take a new key for new events.")
        case .noStream: self.init(.notFound, "There is no such active stream.")
        case .schemaChanged: self.init(.busy, "The stream's schema changes all the time: try again.", retryAfter: 1)
        case .unknownOutcome:
            self.init(
                .unknownOutcome,
                "The connection to the database was lost before its answer. With an Idempotency-Key the same request is safe to repeat.",
                retryAfter: 1)
        case .tooMany: self.init(.busy, "Too many appends wait already.", retryAfter: 1)
        case .invalid(let message): self.init(.invalid, message)
        }
    }

    private init(violations: EventIntake.Violations) {
        let errors = violations.found.map { violation in
            var object = JSONText.Object()
            object.add("stream", violation.stream)
            object.add("event", violation.event)
            object.add("pointer", violation.violation.instance.description)
            object.add("keyword", violation.violation.keyword)
            object.add("message", violation.violation.message)
            return object.text
        }
        self.init(
            .schemaViolation, "Nothing was appended: \(violations.found.count) places do not fit.",
            members: [("errors", JSONText.array(errors))])
    }

    private init(store refusal: EventStoreRefusal) {
        switch refusal {
        case .notFound(let message): self.init(.notFound, message)
        case .outOfRange(let floor):
            self.init(.outOfRange, "Events up to \(floor) are archived.", members: [("floor", "\(floor)")])
        case .leaseLost(let message): self.init(.leaseLost, message)
        case .invalid(let message): self.init(.noSuchPosition, message)
        case .tooMany(let message):
            self.init(.busy, "\(message): keep to one name for each process, and leave when it ends.", retryAfter: 30)
        }
    }

    private init(directory refusal: Directory.Refusal) {
        switch refusal {
        case .taken: self.init(.taken, "There is one of that name already: choose another.")
        case .notFound(let message): self.init(.notFound, message)
        case .invalid(let message): self.init(.invalid, message)
        }
    }

    private init(schema refusal: SchemaText.Refusal) {
        switch refusal {
        case .notJSON(let error): self.init(.malformed, "The schema is no JSON: \(error)")
        case .mistakes(let errors):
            let list = errors.mistakes.map { JSONText.quoted($0.description) }.joined(separator: ",")
            self.init(.invalidSchema, "It has \(errors.mistakes.count) mistakes.", members: [("errors", "[\(list)]")])
        case .incompatible(let findings):
            let list = findings.map { JSONText.quoted($0.description) }.joined(separator: ",")
            self.init(
                .incompatibleSchema, "Change it, or give the stream another rule.", members: [("errors", "[\(list)]")])
        case .overtaken:
            self.init(.conflict, "Somebody else has just given the stream a schema: look at it, and try again.")
        }
    }

    private init(postgres error: PostgresError) {
        if error.isConnectionLost || error.sqlState?.rawValue.hasPrefix("53") == true {
            self.init(
                .unavailable, "The event store's database cannot be reached, or has no room: try again later.",
                retryAfter: 2)
        } else {
            self.init(.unexpected, "The service's log says more.")
        }
    }

    private init(http error: HTTPError) {
        switch error.status {
        case .notFound: self.init(.notFound, "There is no such path.")
        case .methodNotAllowed: self.init(.methodNotAllowed, "This path has other methods.")
        case .contentTooLarge: self.init(.tooLarge, "The request is larger than is taken here.")
        case .badRequest: self.init(.malformed, error.body ?? "The request cannot be read.")
        default: self.init(.unexpected, "The service's log says more.")
        }
    }
}
