import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import JSONSchemas
import NIOCore

/// One request to an endpoint, and what was read of it.
struct Call: Sendable {
    let request: Request
    let context: ServiceContext
    let place: ServicePlace
    private let entry: EndpointTable.Entry
    let query: [String: String]
    /// Fits the endpoint's schema; empty where it has none.
    var body = JSONObject()

    /// Who asks. Endpoints for anybody have none.
    var caller: Caller {
        get throws {
            guard let caller = context.caller else { throw Problem.noKey }
            return caller
        }
    }

    init(
        _ request: Request, _ context: ServiceContext, _ place: ServicePlace, _ entry: EndpointTable.Entry
    ) throws {
        (self.request, self.context, self.place, self.entry) = (request, context, place, entry)
        query = try Self.query(request, entry.endpoint)
    }

    // MARK: Query

    private static func query(_ request: Request, _ endpoint: Endpoint) throws -> [String: String] {
        var found: [String: String] = [:]
        for (name, value) in request.uri.queryParameters {
            guard let parameter = endpoint.query.first(where: { $0.name == name }) else {
                let known = endpoint.query.map(\.name)
                throw Problem(
                    .invalid,
                    known.isEmpty
                        ? "This takes no query." : "The query may have \(known.joined(separator: ", ")), each once.")
            }
            guard found.updateValue(String(value), forKey: parameter.name) == nil else {
                throw Problem(.invalid, "\(parameter.name) is in the query twice.")
            }
            try parameter.check(String(value))
        }
        return found
    }

    /// A number of the query, which was checked before; its default where there is none.
    func number(_ name: String) -> Int? {
        guard case .number(_, let value) = entry.endpoint.query.first(where: { $0.name == name })?.form else {
            return nil
        }
        return query[name].flatMap { Int($0) } ?? value
    }

    // MARK: Path

    func parameter(_ name: String) throws -> String {
        let written = context.parameters.get(name)
        let isPlain = written?.utf8.contains(UInt8(ascii: "%")) == false
        guard let text = isPlain ? written : written?.removingPercentEncoding, (1...800).contains(text.utf8.count),
            !text.utf8.contains(0)
        else { throw Problem(.malformed, "The path's \(name) cannot be read.") }
        return text
    }

    func id(_ name: String) throws -> UUID {
        guard let id = UUID(text: try parameter(name)) else {
            throw Problem(.notFound, "There is no such \(name): the path has its id.")
        }
        return id
    }

    /// The stream that the path names, by id or name.
    nonisolated(nonsending) func streamID() async throws -> UUID {
        try await place.streamID(try parameter("stream"), try caller.organization)
    }

    func stream() async throws -> EventStream {
        let (name, organization) = (try parameter("stream"), try caller.organization)
        if let id = UUID(text: name) { return try await place.directory.stream(id, of: organization) }
        return try await place.directory.stream(named: name, of: organization)
    }

    /// The group that the path names, by id or name, and its stream.
    func group() async throws -> (stream: UUID, group: UUID) {
        let stream = try await streamID()
        let name = try parameter("group")
        return (stream, try await place.groups.id(of: name, on: stream, try caller.organization))
    }

    // MARK: Body

    /// The whole body, up to a limit.
    nonisolated(nonsending) func bytes(upTo limit: Int) async throws -> [UInt8] {
        if let text = request.headers[.contentLength], let length = Int(text), length > limit {
            throw Problem.tooLarge(limit)
        }
        do {
            return Array(try await request.body.collect(upTo: limit).readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Problem.tooLarge(limit)
        }
    }

    /// Reads and checks the body that an endpoint declares as an object.
    mutating func readBody(_ schema: JSONSchema, upTo limit: Int) async throws {
        try requireJSON()
        let bytes = try await bytes(upTo: limit)
        let value = try JSONParser.parse(bytes, limits: JSONLimits(bytes: limit))
        let violations = schema.validate(value, limit: 20)
        guard violations.isEmpty, case .object(let object) = value else { throw Problem(violations) }
        body = object
    }

    static func date(_ text: String, _ name: String) throws -> Date {
        guard let date = EventTime.date(text) else {
            throw Problem(.invalid, "\(name) is a time such as 2026-11-22T06:00:00Z.")
        }
        return date
    }

    func requireJSON() throws {
        guard mediaType == nil || mediaType == "application/json" else {
            throw Problem(.unsupported, "This takes application/json.")
        }
    }

    /// Of the body, without its parameters and in lower case; nil: none was said.
    var mediaType: String? {
        guard let header = request.headers[.contentType] else { return nil }
        // As nearly all write it.
        if header == "application/json" { return header }
        return header.split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    }
}

extension QueryParameter {
    func check(_ value: String) throws {
        switch form {
        case .number(let range, _):
            guard let number = Int(value), range.contains(number) else {
                throw Problem(
                    .invalid, "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound).")
            }
        case .text(let most):
            guard value.unicodeScalars.count <= most, !value.utf8.contains(0) else {
                throw Problem(.invalid, "\(name) has at most \(most) characters.")
            }
        case .choice(let words):
            guard words.contains(value) else {
                throw Problem(.invalid, "\(name) is one of \(words.joined(separator: ", ")).")
            }
        }
    }
}

/// What the endpoint's schema has made sure of: members that are there have their type.
extension JSONObject {
    func text(_ name: String) throws -> String {
        guard let found = optionalText(name) else { throw Problem(.invalid, "\(name) is missing.") }
        return found
    }

    func optionalText(_ name: String) -> String? {
        if case .string(let text) = self[name] { text } else { nil }
    }

    func int(_ name: String, default value: Int) -> Int { optionalInt(name) ?? value }

    func int(_ name: String) throws -> Int {
        guard let found = optionalInt(name) else {
            throw Problem(.invalid, "\(name) is not a number of at most 64 bits.")
        }
        return found
    }

    private func optionalInt(_ name: String) -> Int? {
        if case .number(let number) = self[name] { number.int } else { nil }
    }

    func bool(_ name: String) -> Bool? {
        if case .bool(let value) = self[name] { value } else { nil }
    }

    func ids(_ name: String) -> [UUID]? {
        guard case .array(let values) = self[name] else { return nil }
        return values.compactMap { value in if case .string(let text) = value { UUID(uuidString: text) } else { nil } }
    }
}

extension Response {
    static func json(_ text: String, _ status: HTTPResponse.Status = .ok, _ headers: HTTPFields = [:]) -> Response {
        with(text, "application/json", status, headers)
    }

    static func with(
        _ text: String, _ type: String, _ status: HTTPResponse.Status = .ok, _ headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = type
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static var nothing: Response { Response(status: .noContent) }
}
