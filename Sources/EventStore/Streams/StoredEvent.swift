package import Foundation
import PostgresDriver

/// An event as it is in the store.
package struct StoredEvent: Sendable, Hashable {
    package var id: UUID
    /// In its stream, from 1, without gaps.
    package var position: Int
    package var type: String
    package var key: String?
    /// JSON, as PostgreSQL writes it.
    package var payload: String
    package var metadata: String
    /// UTC, to the millisecond; never before that of an earlier position.
    package var at: Date

    package init(
        id: UUID, position: Int, type: String, key: String?, payload: String, metadata: String, at: Date
    ) {
        (self.id, self.position, self.type, self.key) = (id, position, type, key)
        (self.payload, self.metadata, self.at) = (payload, metadata, at)
    }

    /// nil: the row stands for something else.
    init?(_ row: Row) throws {
        guard let text = try row.optionalString("id"), let id = UUID(uuidString: text) else { return nil }
        self.init(
            id: id, position: try row.int("position"), type: try row.string("type"), key: try row.optionalString("key"),
            payload: try row.string("payload"), metadata: try row.string("metadata"),
            at: Date(timeIntervalSince1970: Double(try row.optionalInt("at") ?? 0) / 1000))
    }

    /// What the functions' rows are selected as.
    static let columns = """
        event_position AS position, event_id AS id, event_type AS type, event_key AS key, event_payload AS payload,
        event_metadata AS metadata, (extract(epoch FROM at) * 1000)::bigint AS at
        """
}

/// Events of one stream, in order.
package struct StreamSlice: Sendable, Hashable {
    package var events: [StoredEvent]
    /// The stream's last position when it was read.
    package var lastPosition: Int

    /// Where to go on: after this position.
    package var next: Int? { events.last.map(\.position) }
}

/// What a request cannot have.
package enum EventStoreRefusal: Error, Sendable, Hashable {
    /// Of this organisation there is no such stream, group or dead letter.
    case notFound(String)
    /// Events up to `floor` are archived and gone.
    case outOfRange(floor: Int)
    /// The slots are somebody else's by now: forget what was done since the last commit, and poll again.
    case leaseLost(String)
    case invalid(String)
    /// The group has as many members as it may have.
    case tooMany(String)

    /// nil: it is another error.
    init?(_ error: PostgresError) {
        switch error.sqlState?.rawValue {
        case "EV404": self = .notFound(error.message)
        case "EV409": self = .leaseLost(error.message)
        case "EV416": self = .outOfRange(floor: error.detail.flatMap { Int($0) } ?? 0)
        case "EV422": self = .invalid(error.message)
        case "EV429": self = .tooMany(error.message)
        default: return nil
        }
    }
}
