import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import JSONSchemas

/// Appending and reading.
enum EventEndpoints {
    static let all = [
        Endpoint(
            method: .post, path: "/v1/streams/{stream}/events", id: "append", summary: "Appends events",
            access: .scope(.append),
            description: """
                All or nothing, and answered once it is on disk. As application/x-ndjson, an event a line, they are appended \
                as they come, 1,000 or 1 MiB at a time: those before a bad line stay, and the problem says how many.
                """,
            headers: [.idempotencyKey, .ifMatch], body: .events("Append", line: "NewEvent"), status: .created,
            answer: "AppendAnswer", answerHeaders: [.etag],
            problems: [
                .conflict, .preconditionFailed, .keyReused, .schemaViolation, .subjectForgotten, .unknownOutcome,
            ], isShort: true
        ) { try await append($0) },
        Endpoint(
            method: .post, path: "/v1/append", id: "appendToSeveral", summary: "Appends to several streams",
            access: .scope(.append), description: "All or nothing.", headers: [.idempotencyKey],
            body: .events("AppendParts"), status: .created, answer: "AppendedParts",
            problems: [.conflict, .keyReused, .notFound, .schemaViolation, .subjectForgotten, .unknownOutcome],
            isShort: true
        ) { try await appendToSeveral($0) },
        Endpoint(
            method: .get, path: "/v1/streams/{stream}/events", id: "read", summary: "Events of a stream, in order",
            access: .scope(.read),
            query: [
                QueryParameter(
                    name: "after", form: .number(0...Int.max, default: 0), description: "Those after this position."),
                QueryParameter(
                    name: "up_to", form: .number(0...Int.max, default: nil), description: "The last position wanted."),
                QueryParameter(
                    name: "limit", form: .number(1...10_000, default: 100), description: "How many at most."),
                QueryParameter(
                    name: "wait_ms", form: .number(0...30_000, default: 0),
                    description: "How long to wait where there are none yet."),
            ], answer: "Events", answersLines: true, answerHeaders: [.etag], problems: [.outOfRange]
        ) { try await read($0) },
    ]

    // MARK: Appending

    private static func append(_ call: Call) async throws -> Response {
        let stream = try await call.streamID()
        let key = try idempotencyKey(call.request)
        if call.mediaType == "application/x-ndjson" {
            guard call.request.headers[.ifMatch] == nil else {
                throw Problem(.invalid, "Lines are appended in several parts: If-Match does not go with them.")
            }
            var lines = LineAppend(call, stream, key)
            return try await lines.run()
        }
        try call.requireJSON()
        let limit = call.place.limits.requestBytes
        let bytes = try await call.bytes(upTo: limit)
        var body = try EventBody.read(bytes, call.place.limits)
        let match = try version(call.request)
        if let match { body.expected = match }
        let request = AppendRequest(
            try call.caller.organization, [AppendPart(stream, body.events, expected: body.expected)],
            idempotencyKey: key)
        do {
            let appended = try await call.place.intake.append(request, payloads: [body.payloads])[0]
            return .json(text(appended), .created, [.eTag: "\"\(appended.positions.upperBound)\""])
        } catch AppendRefusal.conflict(_, let version) where match != nil {
            throw Problem(
                .preconditionFailed, "The stream's version is \(version): read what has come, and decide anew.",
                members: [("version", "\(version)")])
        }
    }

    private static func version(_ request: Request) throws -> ExpectedVersion? {
        guard let match = request.headers[.ifMatch] else { return nil }
        let digits = match.hasPrefix("\"") && match.hasSuffix("\"") ? match.dropFirst().dropLast() : match[...]
        guard (1...18).contains(digits.utf8.count), digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let version = Int(digits)
        else { throw Problem(.invalid, "If-Match has the stream's version, as its ETag does.") }
        return version == 0 ? ExpectedVersion.none : .exact(version)
    }

    private static func idempotencyKey(_ request: Request) throws -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard (1...180).contains(key.utf8.count), key.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw Problem(.invalid, "Idempotency-Key has 1 to 180 visible characters of ASCII.")
        }
        return key
    }

    private static func appendToSeveral(_ call: Call) async throws -> Response {
        try call.requireJSON()
        let found = try PartsBody.read(try await call.bytes(upTo: call.place.limits.requestBytes), call.place.limits)
        let organization = try call.caller.organization
        var parts: [AppendPart] = []
        for part in found {
            let stream = try await call.place.streamID(part.stream, organization)
            parts.append(AppendPart(stream, part.body.events, expected: part.body.expected))
        }
        let appended = try await call.place.intake.append(
            AppendRequest(organization, parts, idempotencyKey: try idempotencyKey(call.request)),
            payloads: found.map(\.body.payloads))
        return .json(JSONText.list("parts", appended.map { text($0) }), .created)
    }

    private static func text(_ part: AppendedPart) -> String {
        var object = JSONText.Object()
        object.add("stream", part.stream)
        object.add("first_position", part.positions.lowerBound)
        object.add("last_position", part.positions.upperBound)
        object.add("appended_at", part.at)
        object.add("repeated", part.isRepeated)
        object.add("ids", raw: JSONText.array(part.ids.map { "\"\($0.text)\"" }))
        return object.text
    }

    // MARK: Reading

    private static func read(_ call: Call) async throws -> Response {
        let (stream, organization) = (try await call.streamID(), try call.caller.organization)
        let (after, limit) = (call.number("after") ?? 0, call.number("limit") ?? 100)
        func slice() async throws -> StreamSlice {
            try await call.place.reader.read(
                stream, of: organization, after: after, upTo: call.number("up_to"), limit: limit)
        }
        var found = try await slice()
        let wait = min(.milliseconds(call.number("wait_ms") ?? 0), call.place.limits.longestWait)
        if found.events.isEmpty, wait > .zero, call.number("up_to") ?? .max > after {
            await call.place.untilEnding {
                await call.place.watch.wait(for: stream, beyond: after, atMost: wait)
            }
            found = try await slice()
        }
        let tag: HTTPFields = [.eTag: "\"\(found.lastPosition)\""]
        if call.request.headers[.accept]?.contains("application/x-ndjson") == true {
            return .with(
                found.events.map { text($0) + "\n" }.joined(), "application/x-ndjson", .ok, tag)
        }
        var object = JSONText.Object()
        object.add("events", raw: JSONText.array(found.events.map { text($0) }))
        object.add("last_position", found.lastPosition)
        object.add("next_after", found.next ?? after)
        return .json(object.text, .ok, tag)
    }

    static func text(_ event: StoredEvent, slot: Int? = nil) -> String {
        var object = JSONText.Object()
        object.add("position", event.position)
        if let slot { object.add("slot", slot) }
        object.add("id", event.id)
        object.add("type", event.type)
        object.add("key", event.key)
        object.add("at", event.at)
        object.add("payload", raw: event.payload)
        object.add("metadata", raw: event.metadata)
        return object.text
    }
}
