import Foundation
import JSONSchemas
import PostgresDriver

/// The values of one event for the parameters of statements.
struct ProjectionValues {
    private let event: StoredEvent
    private let payload: JSONValue
    private let metadata: JSONValue

    /// Beyond what the service takes: PostgreSQL writes some numbers longer than they came.
    private static let limits = JSONLimits(depth: 256, bytes: 1 << 30, numberCharacters: 200_000, exponent: 10_000)

    /// - Throws: `JSONError`: for what was put there past the service and is nested deeper.
    init(_ event: StoredEvent) throws {
        self.event = event
        payload = try JSONParser.parse(event.payload, limits: Self.limits)
        metadata = try JSONParser.parse(event.metadata, limits: Self.limits)
    }

    /// Text in the server's own input syntax; the place where it stands says which type it becomes. A member that is not there is
    /// NULL.
    func value(_ parameter: ProjectionParameter) -> Parameter {
        switch parameter {
        case .id: .text(event.id.uuidString)
        case .key: event.key.map { .text($0) } ?? .null
        case .type: .text(event.type)
        case .position: .text(String(event.position))
        case .at: .text(EventTime.text(event.at))
        case .payload(let names): Self.text(names, in: payload)
        case .metadata(let names): Self.text(names, in: metadata)
        }
    }

    private static func text(_ names: [String], in value: JSONValue) -> Parameter {
        var found = value
        for name in names {
            guard case .object(let object) = found, let member = object[name] else { return .null }
            found = member
        }
        switch found {
        case .null where !names.isEmpty: return .null
        case .string(let text) where !names.isEmpty: return .text(text)
        default: return .text(JSONWriter.text(found))
        }
    }
}
