import EventStore
import Foundation
import Hummingbird
import HTTPTypes
import JSONSchemas
import NIOCore

/// Streams: appending, reading, schemas.
struct StreamRoutes {
    let place: ServicePlace

    func add(to router: RouterGroup<ServiceContext>) {
        router.get("streams") { try await list($0, $1) }
        router.post("streams") { try await create($0, $1) }
        router.get("streams/:stream") { request, context in
            let (_, stream) = try await place.stream(context, .read)
            return .json(Self.text(stream), .ok, [.eTag: "\"\(stream.lastPosition)\""])
        }
        router.patch("streams/:stream") { try await change($0, $1) }
        router.post("streams/:stream/events") { try await append($0, $1) }
        router.get("streams/:stream/events") { try await read($0, $1) }
        router.get("streams/:stream/schemas") { try await schemas($0, $1) }
        router.post("streams/:stream/schemas") { try await setSchema($0, $1) }
        router.post("append") { try await appendToSeveral($0, $1) }
    }

    // MARK: Streams

    static func text(_ stream: EventStream) -> String {
        var object = JSONText.Object()
        object.add("id", stream.id)
        object.add("name", stream.name)
        object.add("created_at", stream.createdAt)
        object.add("is_active", stream.isActive)
        object.add("last_position", stream.lastPosition)
        object.add("floor_position", stream.floorPosition)
        object.add("schema_version", stream.schemaVersion)
        object.add("compatibility", stream.compatibility)
        return object.text
    }

    private func list(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .read)
        let limit = try request.number("limit", default: 100, in: 1...1_000)
        let after = request.uri.queryParameters["after"].map(String.init) ?? ""
        let streams = try await place.directory.streams(of: caller.organization, after: after, limit: limit)
        var object = JSONText.Object()
        object.add("streams", raw: JSONText.array(streams.map { Self.text($0) }))
        object.add("next", streams.count == limit ? streams.last?.name : nil)
        return .json(object.text)
    }

    private func create(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .manage)
        let body = try await request.object(["name"])
        let stream = try await place.directory.createStream(try body.string("name", 1...800), of: caller.organization)
        return .json(Self.text(stream), .created, [.location: "/v1/streams/\(stream.id.uuidString.lowercased())"])
    }

    private func change(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let (caller, stream) = try await place.stream(context, .manage)
        let body = try await request.object(["is_active"])
        try await place.directory.setStream(stream.id, of: caller.organization, isActive: try body.bool("is_active"))
        return .nothing
    }

    // MARK: Appending

    private func append(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .append)
        let stream = try await place.streamID(context, caller)
        let type = request.headers[.contentType]?.lowercased() ?? ""
        if type.hasPrefix("application/x-ndjson") { return try await appendLines(request, stream, caller) }
        try request.requireJSON()
        var body = try EventBody.read(
            try await request.bytes(upTo: place.limits.requestBytes), JSONLimits(bytes: place.limits.requestBytes))
        if let match = request.headers[.ifMatch] {
            guard let version = Int(match.trimmingCharacters(in: CharacterSet(charactersIn: "\""))), version >= 0 else {
                throw Problem(.invalid, "If-Match has the stream's version, as its ETag does.")
            }
            body.expected = version == 0 ? .none : .exact(version)
        }
        let part = AppendPart(stream, body.events, expected: body.expected)
        let appended = try await place.intake.append(
            AppendRequest(caller.organization, [part], idempotencyKey: try idempotencyKey(request)), payloads: [body.payloads])[0]
        return .json(Self.text(appended), .created, [.eTag: "\"\(appended.positions.upperBound)\""])
    }

    private func idempotencyKey(_ request: Request) throws -> String? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard (1...200).contains(key.utf8.count) else { throw Problem(.invalid, "Idempotency-Key has 1 to 200 bytes.") }
        return key
    }

    private static func text(_ part: AppendedPart) -> String {
        var object = JSONText.Object()
        object.add("stream", part.stream)
        object.add("first_position", part.positions.lowerBound)
        object.add("last_position", part.positions.upperBound)
        object.add("appended_at", part.at)
        object.add("repeated", part.isRepeated)
        object.add("ids", raw: JSONText.array(part.ids.map { JSONText.quoted($0.uuidString.lowercased()) }))
        return object.text
    }

    /// As they come, 1,000 events or 1 MiB at a time; those before a bad line are appended, and the answer says so.
    private func appendLines(_ request: Request, _ stream: UUID, _ caller: Caller) async throws -> Response {
        var lines = LineReader(longest: place.limits.eventBytes)
        var (body, size) = (EventBody(), 0)
        var (first, last, count): (Int?, Int, Int) = (nil, 0, 0)
        func flush() async throws {
            guard !body.events.isEmpty else { return }
            let appended = try await place.intake.append(
                AppendRequest(caller.organization, [AppendPart(stream, body.events)]), payloads: [body.payloads])[0]
            first = first ?? appended.positions.lowerBound
            last = appended.positions.upperBound
            count += body.events.count
            (body, size) = (EventBody(), 0)
        }
        do {
            for try await buffer in request.body {
                for line in try lines.take(buffer.readableBytesView) {
                    try body.add(line, JSONLimits(bytes: place.limits.eventBytes))
                    size += line.count
                    if body.events.count >= 1_000 || size >= 1 << 20 { try await flush() }
                }
            }
            if let line = try lines.rest() { try body.add(line, JSONLimits(bytes: place.limits.eventBytes)) }
            try await flush()
        } catch {
            var problem = Problem(error)
            problem.members += [("appended", "\(count)"), ("line", "\(lines.number)")]
            throw problem
        }
        var object = JSONText.Object()
        object.add("appended", count)
        object.add("first_position", first)
        object.add("last_position", first == nil ? nil : last)
        return .json(object.text, .created)
    }

    /// `{"parts": [{"stream": …, "events": …, "expected_version": …}]}`: all or nothing.
    private func appendToSeveral(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .append)
        try request.requireJSON()
        let bytes = try await request.bytes(upTo: place.limits.requestBytes)
        let found = try PartsBody.read(bytes, JSONLimits(bytes: place.limits.requestBytes))
        var parts: [AppendPart] = []
        for part in found {
            let stream = try await place.streamID(part.stream, caller)
            parts.append(AppendPart(stream, part.body.events, expected: part.body.expected))
        }
        let appended = try await place.intake.append(
            AppendRequest(caller.organization, parts, idempotencyKey: try idempotencyKey(request)),
            payloads: found.map(\.body.payloads))
        var object = JSONText.Object()
        object.add("parts", raw: JSONText.array(appended.map { Self.text($0) }))
        return .json(object.text, .created)
    }

    // MARK: Reading

    private func read(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let caller = try context.caller(for: .read)
        let stream = try await place.streamID(context, caller)
        let after = try request.number("after", default: 0, in: 0...Int.max)
        let upTo = try request.number("up_to", default: Int.max, in: 0...Int.max)
        let limit = try request.number("limit", default: 100, in: 1...10_000)
        let slice = try await place.reader.read(stream, of: caller.organization, after: after, upTo: upTo, limit: limit)
        var object = JSONText.Object()
        object.add("events", raw: JSONText.array(slice.events.map { Self.text($0) }))
        object.add("last_position", slice.lastPosition)
        object.add("next_after", slice.next ?? after)
        return .json(object.text, .ok, [.eTag: "\"\(slice.lastPosition)\""])
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

    // MARK: Schemas

    private func schemas(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let (caller, stream) = try await place.stream(context, .read)
        let versions = try await place.directory.schemas(of: stream.id, caller.organization)
        var object = JSONText.Object()
        object.add("versions", raw: JSONText.array(versions.map { Self.text($0) }))
        return .json(object.text)
    }

    private static func text(_ schema: StreamSchema) -> String {
        var object = JSONText.Object()
        object.add("version", schema.version)
        object.add("compatibility", schema.compatibility)
        object.add("created_at", schema.createdAt)
        object.add("schema", raw: schema.schema)
        return object.text
    }

    private func setSchema(_ request: Request, _ context: ServiceContext) async throws -> Response {
        let (caller, stream) = try await place.stream(context, .manage)
        let body = try await request.object(["schema", "compatibility"], upTo: 300 << 10)
        guard let schema = body["schema"] else { throw Problem(.invalid, "schema is missing.") }
        var rule: SchemaCompatibility.Rule?
        if let name = try body.optionalString("compatibility", 1...20) {
            guard let known = SchemaCompatibility.Rule(rawValue: name) else {
                throw Problem(.invalid, "compatibility is none, backward, forward or full.")
            }
            rule = known
        }
        let (version, ignored) = try await place.directory.setSchema(
            JSONWriter.text(schema), of: stream.id, caller.organization, rule: rule)
        var object = JSONText.Object()
        object.add("version", version.version)
        object.add("compatibility", version.compatibility)
        object.add("without_effect", raw: JSONText.array(ignored.map { JSONText.quoted($0.description) }))
        return .json(object.text, .created)
    }
}
