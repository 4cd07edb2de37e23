import EventStore
public import Foundation
import JSONSchemas

/// What happened, as a Swift type: stored as JSON under the name of its type.
public protocol EventPayload: Codable, Sendable {
    /// Such as `animal_registered`: 1 to 200 bytes. A name is for good: events that are stored keep it.
    static var eventType: String { get }
}

/// An event to append.
public struct OutgoingEvent: Sendable {
    let event: NewEvent
    let payload: JSONValue

    /// - Parameters:
    ///   - key: of the aggregate: events of one key stay in order for every consumer; at most 1,000 bytes.
    ///   - metadata: who, where from, for whom; no part of what happened.
    /// - Throws: `EncodingError`; `EventError.invalid` for JSON that PostgreSQL does not take.
    public init(_ payload: some EventPayload, key: String? = nil, metadata: [String: String] = [:]) throws {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try self.init(
            type: type(of: payload).eventType, key: key,
            json: String(decoding: try encoder.encode(payload), as: UTF8.self),
            metadata: metadata)
    }

    /// - Parameter json: any JSON, as text.
    public init(type: String, key: String? = nil, json: String, metadata: [String: String] = [:]) throws {
        do {
            payload = try JSONParser.parse(json)
        } catch {
            throw EventError.invalid("the payload of a \(type) is no JSON for PostgreSQL: \(error)")
        }
        var object = JSONObject()
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { object.append(name, .string(value)) }
        event = NewEvent(type: type, key: key, payload: json, metadata: JSONWriter.text(.object(object)))
    }
}

/// An event as it is in the store.
public struct RecordedEvent: Sendable, Identifiable {
    /// A UUIDv7, whose time is `recordedAt`.
    public let id: UUID
    /// In its stream, from 1, without gaps.
    public let position: Int
    public let type: String
    public let key: String?
    /// UTC, to the millisecond; never before that of an earlier position.
    public let recordedAt: Date
    /// The payload, as PostgreSQL writes it.
    public let json: String
    /// A JSON object.
    public let metadataJSON: String

    init(_ event: StoredEvent) {
        (id, position, type, key) = (event.id, event.position, event.type, event.key)
        (recordedAt, json, metadataJSON) = (event.at, event.payload, event.metadata)
    }

    /// The payload as a Swift type; nil where the event is of another type.
    ///
    /// - Throws: `DecodingError`, where it has the type's name and not its form.
    public func decode<Payload: EventPayload>(_ payload: Payload.Type = Payload.self) throws -> Payload? {
        guard type == Payload.eventType else { return nil }
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(payload, from: Data(json.utf8))
    }
}
