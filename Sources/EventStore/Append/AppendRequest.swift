package import Foundation

/// An event as a producer gives it.
package struct NewEvent: Sendable, Hashable {
    /// What happened, such as `animal_registered`: 1 to 200 bytes.
    package var type: String
    /// Of the aggregate: events of one key stay in order for every consumer; at most 1,000 bytes, nil for none.
    package var key: String?
    /// JSON, any value, as text. Checked by whoever makes it: here it goes to the server as it is.
    package var payload: String
    /// A JSON object, as text.
    package var metadata: String

    package init(type: String, key: String? = nil, payload: String, metadata: String = "{}") {
        (self.type, self.key, self.payload, self.metadata) = (type, key, payload, metadata)
    }
}

/// Which version of a stream its writer has seen.
package enum ExpectedVersion: Sendable, Hashable {
    case any
    /// Nothing has been appended yet.
    case none
    /// The position of the last event.
    case exact(Int)

    var number: Int {
        switch self {
        case .any: -1
        case .none: 0
        case .exact(let position): position
        }
    }
}

/// Events for one stream.
package struct AppendPart: Sendable, Hashable {
    package var stream: UUID
    package var events: [NewEvent]
    package var expected: ExpectedVersion
    /// Version of the stream's schema that the payloads were checked against; 0: it has none.
    package var schemaVersion: Int

    package init(_ stream: UUID, _ events: [NewEvent], expected: ExpectedVersion = .any, schemaVersion: Int = 0) {
        (self.stream, self.events, self.expected, self.schemaVersion) = (stream, events, expected, schemaVersion)
    }
}

/// What is appended as a whole or not at all: to one stream or several, each of them once.
package struct AppendRequest: Sendable, Hashable {
    package var organization: UUID
    package var parts: [AppendPart]
    /// Who sends the same again under the same key gets the first answer again; at most 200 bytes.
    package var idempotencyKey: String?

    package init(_ organization: UUID, _ parts: [AppendPart], idempotencyKey: String? = nil) {
        (self.organization, self.parts, self.idempotencyKey) = (organization, parts, idempotencyKey)
    }

    package var eventCount: Int { parts.reduce(0) { $0 + $1.events.count } }

    /// So little that its commit costs more than what it carries.
    var isSmall: Bool { eventCount <= 8 && byteCount <= 16 << 10 }

    /// About as much as it takes on its way.
    package var byteCount: Int {
        parts.reduce(0) { total, part in
            part.events.reduce(total) { size, event in
                size + event.payload.utf8.count + event.metadata.utf8.count + event.type.utf8.count
                    + (event.key?.utf8.count ?? 0) + 64
            }
        }
    }
}

/// What one stream has got.
package struct AppendedPart: Sendable, Hashable {
    package var stream: UUID
    package var ids: [UUID]
    package var positions: ClosedRange<Int>
    /// UTC, to the millisecond.
    package var at: Date
    /// It was appended by an earlier request with the same idempotency key.
    package var isRepeated: Bool
}

/// Why nothing of a request was appended.
package enum AppendRefusal: Error, Sendable, Hashable {
    /// The stream has another version than its writer expected.
    case conflict(stream: UUID, version: Int)
    /// The idempotency key was used for another content.
    case keyReused(stream: UUID)
    case noStream(UUID)
    /// Check the payloads against the stream's schema as it is now.
    case schemaChanged(stream: UUID)
    /// The connection was lost before the answer: it may have been appended. With an idempotency key it can be sent again.
    case unknownOutcome
    /// As many wait as may wait: later, again.
    case tooMany
    /// No events, a stream twice, or beyond a limit; the message says which.
    case invalid(String)
}
