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

/// Some of a group's dead letters.
package struct DeadLetterPage: Sendable, Hashable {
    package var letters: [DeadLetter]
    /// There are more behind the event at this position.
    package var next: Int?
}

extension Directory {
    /// Of a group, in the order of their events.
    ///
    /// - Parameters:
    ///   - status: nil: all.
    ///   - after: behind the event at this position.
    ///   - limit: 1 to 1,000.
    ///   - bytes: of payloads, metadata and reasons, 1 to 16 MiB; at least one comes, however large.
    package func deadLetters(
        of group: UUID, _ organization: UUID, status: DeadLetter.Status? = .dead, after: Int = 0, limit: Int = 100,
        bytes: Int = 4 << 20
    ) async throws -> DeadLetterPage {
        let rows = try await within(
            organization,
            """
            SELECT letter::text AS letter, \(StoredEvent.columns), why, class, tries, letter_status,
                \(Milliseconds.of("failed"))
            FROM \(schema.schema).dead_letters($1::uuid, $2::uuid, $3::varchar, $4, $5::integer, $6)
            """,
            [
                .id(organization), .id(group), status.map { .text($0.rawValue) } ?? .null, .int(after),
                .int(min(max(limit, 1), 1_000)), .int(min(max(bytes, 1), EventReader.largestSlice.bytes)),
            ])
        var page = DeadLetterPage(letters: [])
        for row in rows {
            guard try row.optionalString("letter") != nil, let event = try StoredEvent(row) else {
                page.next = try row.int("position")
                continue
            }
            page.letters.append(
                DeadLetter(
                    id: try row.id("letter"), event: event, reason: try row.string("why"),
                    kind: try row.string("class"), attempts: try row.int("tries"),
                    status: DeadLetter.Status(rawValue: try row.string("letter_status")) ?? .dead,
                    failedAt: try row.date("failed")))
        }
        return page
    }
}
