package import Foundation
import PostgresDriver

package struct DeadLetter: Sendable, Hashable {
    package enum Status: String, Sendable, Hashable, CaseIterable, Codable {
        case dead, redriving, resolved, discarded
    }

    package var id: UUID
    package var event: StoredEvent
    package var reason: String
    package var kind: String
    package var attempts: Int
    package var status: Status
    package var failedAt: Date
}

extension Directory {
    /// Of a group, in the order of their events.
    ///
    /// - Parameters:
    ///   - status: nil: all.
    ///   - after: behind the event at this position.
    ///   - limit: 1 to 1,000.
    package func deadLetters(
        of group: UUID, _ organization: UUID, status: DeadLetter.Status? = .dead, after: Int = 0, limit: Int = 100
    ) async throws -> [DeadLetter] {
        try await within(
            organization,
            """
            SELECT d.id::text AS letter, d.event_id::text AS id, d.position, d.type, d.key, d.payload::text AS payload,
                d.metadata::text AS metadata, \(Milliseconds.of("\(schema.schema).time_of(d.event_id)", as: "at")),
                d.reason, d.error_class, d.attempts, d.status, \(Milliseconds.of("d.failed_at", as: "failed_at"))
            FROM \(schema.schema).dead_letter_events d
            WHERE d.group_id = $1::uuid AND ($2::varchar IS NULL OR d.status = $2) AND d.position > $3 ORDER BY d.position LIMIT $4
            """,
            [
                .id(group), status.map { .text($0.rawValue) } ?? .null, .int(after), .int(min(max(limit, 1), 1_000)),
            ]
        ).compactMap { row in
            guard let event = try StoredEvent(row) else { return nil }
            return DeadLetter(
                id: try row.id("letter"), event: event, reason: try row.string("reason"),
                kind: try row.string("error_class"), attempts: try row.int("attempts"),
                status: DeadLetter.Status(rawValue: try row.string("status")) ?? .dead,
                failedAt: try row.date("failed_at"))
        }
    }
}
