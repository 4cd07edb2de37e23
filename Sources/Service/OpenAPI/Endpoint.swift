import EventStore
import HTTPTypes
import Hummingbird

/// One operation of the API: its route, what the OpenAPI document says of it, and what does it. There is no other list of either,
/// so that the document is what the service does.
struct Endpoint: Sendable {
    /// Who may ask.
    enum Access: Sendable, Equatable {
        case anybody
        /// With any key or session.
        case caller
        case scope(Scope)
        /// Who runs the service, with the operator's token.
        case service
    }

    enum Body: Sendable, Equatable {
        /// A JSON object that fits this component.
        case object(String, bytes: Int = 64 << 10)
        /// JSON that the endpoint reads by itself, as large as a request may be; perhaps NDJSON, whose lines are of a component.
        case events(String, line: String? = nil)
    }

    let method: HTTPRequest.Method
    /// With its parameters in braces.
    let path: String
    /// For programs that are made from the document.
    let id: String
    let summary: String
    let access: Access
    var description = ""
    var query: [QueryParameter] = []
    var headers: [HeaderParameter] = []
    var body: Body?
    var status = HTTPResponse.Status.ok
    /// The component that the answer is; nil: it has no body.
    var answer: String?
    /// Beside JSON, where the request accepts it.
    var answersLines = false
    var answerHeaders: [AnswerHeader] = []
    /// What may go wrong besides what every endpoint of its kind may say.
    var problems: [Problem.Kind] = []
    /// It takes no longer than a moment where its body is small.
    var isShort = false
    let act: @Sendable (Call) async throws -> Response

    /// `GET`
    var verb: String { method.rawValue }

    /// Names between braces.
    var pathParameters: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }

    /// As the router wants it.
    var route: RouterPath {
        RouterPath(
            path.split(separator: "/").map { $0.hasPrefix("{") ? ":" + $0.dropFirst().dropLast() : String($0) }
                .joined(separator: "/"))
    }

    /// Each problem that it may answer with.
    var allProblems: [Problem.Kind] {
        var kinds = problems + [.malformed, .invalid, .busy, .unavailable, .unexpected]
        switch access {
        case .anybody: break
        case .caller: kinds += [.unauthorized, .tooManyRequests]
        case .scope, .service: kinds += [.unauthorized, .forbidden, .tooManyRequests]
        }
        if !pathParameters.isEmpty { kinds.append(.notFound) }
        if body != nil { kinds += [.tooLarge, .unsupported] }
        return Problem.Kind.allCases.filter { kinds.contains($0) }
    }
}

/// A parameter of the query, always optional: what it may be, for the document and for reading it.
struct QueryParameter: Sendable {
    enum Form: Sendable {
        case number(ClosedRange<Int>, default: Int?)
        case text(most: Int)
        case choice([String])
    }

    let name: String
    let form: Form
    let description: String
}

struct HeaderParameter: Sendable {
    let name: String
    let description: String
    let schema: String

    static let idempotencyKey = HeaderParameter(
        name: "Idempotency-Key",
        description:
            "The same request under the same key is done once, and gets the first answer again. Kept with the stream.",
        schema: #"{"type": "string", "minLength": 1, "maxLength": 180, "pattern": "^[!-~]+$"}"#)
    static let ifMatch = HeaderParameter(
        name: "If-Match", description: "The stream's version, as its ETag has it: appended only if it is that still.",
        schema: #"{"type": "string", "pattern": "^([0-9]{1,18}|\"[0-9]{1,18}\")$"}"#)
}

struct AnswerHeader: Sendable {
    let name: String
    let description: String

    static let etag = AnswerHeader(name: "ETag", description: "The stream's version: the position of its last event.")
    static let location = AnswerHeader(name: "Location", description: "Where it is.")
}
