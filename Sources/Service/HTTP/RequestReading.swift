import EventStore
import Foundation
import Hummingbird
import HTTPTypes
import JSONSchemas
import NIOCore

extension Request {
    /// The whole body, up to a limit.
    func bytes(upTo limit: Int) async throws -> [UInt8] {
        if let text = headers[.contentLength], let length = Int(text), length > limit {
            throw Problem(.tooLarge, "This takes \(limit >> 10) KiB at most.")
        }
        do {
            let buffer = try await body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Problem(.tooLarge, "This takes \(limit >> 10) KiB at most.")
        }
    }

    /// A small JSON object with known members.
    func object(_ known: Set<String>, upTo limit: Int = 64 << 10) async throws -> JSONObject {
        try requireJSON()
        let bytes = try await bytes(upTo: limit)
        if bytes.isEmpty { return JSONObject() }
        guard case .object(let object) = try JSONParser.parse(bytes, limits: JSONLimits(bytes: limit)) else {
            throw Problem(.malformed, "The body is a JSON object.")
        }
        if let unknown = object.members.first(where: { !known.contains($0.key) }) {
            throw Problem(
                .invalid, "There are \(known.sorted().joined(separator: ", ")); \"\(unknown.key)\" is not known.")
        }
        return object
    }

    func requireJSON() throws {
        guard let type = headers[.contentType] else { return }
        let media = type.split(separator: ";").first?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
        guard media == "application/json" || media.hasSuffix("+json") else {
            throw Problem(.unsupported, "This takes application/json.")
        }
    }

    /// A whole number of the query.
    func number(_ name: String, default value: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let text = uri.queryParameters[name[...]] else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw Problem(.invalid, "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }
}

extension JSONObject {
    func string(_ name: String, _ lengths: ClosedRange<Int>) throws -> String {
        guard let found = try optionalString(name, lengths) else { throw Problem(.invalid, "\(name) is missing.") }
        return found
    }

    func optionalString(_ name: String, _ lengths: ClosedRange<Int>) throws -> String? {
        switch self[name] {
        case nil, .null: return nil
        case .string(let text) where lengths.contains(text.utf8.count): return text
        default: throw Problem(.invalid, "\(name) is a text of \(lengths.lowerBound) to \(lengths.upperBound) bytes.")
        }
    }

    func int(_ name: String, default value: Int? = nil, in range: ClosedRange<Int>) throws -> Int {
        switch self[name] {
        case nil, .null:
            guard let value else { throw Problem(.invalid, "\(name) is missing.") }
            return value
        case .number(let number):
            if let found = number.int, range.contains(found) { return found }
        default: break
        }
        throw Problem(.invalid, "\(name) is a whole number from \(range.lowerBound) to \(range.upperBound).")
    }

    func bool(_ name: String, default value: Bool? = nil) throws -> Bool {
        switch self[name] {
        case nil, .null:
            guard let value else { throw Problem(.invalid, "\(name) is missing.") }
            return value
        case .bool(let found): return found
        default: throw Problem(.invalid, "\(name) is true or false.")
        }
    }

    func ids(_ name: String) throws -> [UUID]? {
        switch self[name] {
        case nil, .null: return nil
        case .array(let values) where values.count <= 10_000:
            return try values.map { value in
                guard case .string(let text) = value, let id = UUID(uuidString: text) else {
                    throw Problem(.invalid, "\(name) has ids.")
                }
                return id
            }
        default: throw Problem(.invalid, "\(name) is a list of at most 10,000 ids.")
        }
    }
}

extension Response {
    static func json(
        _ text: String, _ status: HTTPResponse.Status = .ok, _ headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static var nothing: Response { Response(status: .noContent) }
}
