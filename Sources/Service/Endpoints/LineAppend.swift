import EventStore
import Foundation
import Hummingbird
import JSONSchemas
import NIOCore

/// Appends NDJSON as it comes. What one request holds is bounded: the client waits while a part is appended.
struct LineAppend {
    private let call: Call
    private let stream: UUID
    private let key: String?
    private var lines: LineReader
    private var body: EventBody
    private var size = 0
    private var parts = 0
    private var first: Int?
    private var last: Int?
    private var count = 0

    private static let largestPart = (events: 1_000, bytes: 1 << 20)

    init(_ call: Call, _ stream: UUID, _ key: String?) {
        (self.call, self.stream, self.key) = (call, stream, key)
        body = EventBody(call.place.limits)
        lines = LineReader(longest: call.place.limits.eventBytes)
    }

    mutating func run() async throws -> Response {
        do {
            for try await buffer in call.request.body {
                for line in try lines.take(buffer.readableBytesView) { try await add(line) }
            }
            if let line = try lines.rest() { try await add(line) }
            try await flush()
        } catch {
            var problem = Problem(error)
            problem.members.removeAll { ["line", "appended"].contains($0.name) }
            problem.members += [("appended", "\(count)"), ("line", "\(lines.number)")]
            throw problem
        }
        var object = JSONText.Object()
        object.add("appended", count)
        object.add("first_position", first)
        object.add("last_position", last)
        return .json(object.text, .created, last.map { [.eTag: "\"\($0)\""] } ?? [:])
    }

    private mutating func add(_ line: [UInt8]) async throws {
        try body.add(line)
        size += line.count
        if body.events.count >= Self.largestPart.events || size >= Self.largestPart.bytes { try await flush() }
    }

    /// Where a part ends depends on the lines alone, so that the same lines under the same key make the same parts.
    private mutating func flush() async throws {
        guard !body.events.isEmpty else { return }
        parts += 1
        let appended = try await call.place.intake.append(
            AppendRequest(
                try call.caller.organization, [AppendPart(stream, body.events)],
                idempotencyKey: key.map { "\($0)#\(parts)" }), payloads: [body.payloads])[0]
        first = first ?? appended.positions.lowerBound
        last = appended.positions.upperBound
        count += body.events.count
        (body, size) = (EventBody(call.place.limits), 0)
    }
}
