import Foundation
import JSONSchemas
import PostgresDriver

/// Events that a copy lacks, and dead letters that are to be tried once more.
extension ProjectionRunner {
    /// The copy lacks this event; in the transaction that passes it by.
    func keep(_ failure: Failure, _ position: Int, _ connection: Connection) async throws {
        _ = try await connection.query(
            """
            INSERT INTO strata.projection_letters (name, copy, position, reason, kind) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name, copy, position) DO UPDATE SET reason = excluded.reason, kind = excluded.kind
            """,
            [
                .text(projection.name), .text(copy.rawValue), .int(position), .text(failure.message),
                .text(failure.kind),
            ])
    }

    /// Tries the dead letters once more that somebody has redriven, outside of the order; those behind its position wait.
    ///
    /// - Returns: how many were tried, at most 100.
    /// - Throws: as `step`; `ProjectionStop.event` not.
    package func tryRedriven() async throws -> Int {
        let connection = try await open()
        let letters = try await reader.redriven(
            projection.group, on: projection.stream, projection.organization, as: member, upTo: progress.position)
        for letter in letters {
            let failure = try await again(letter.event, connection)
            do {
                try await reader.settle(
                    letter, of: projection.organization, as: member, failure: failure.map { ($0.message, $0.kind) })
            } catch EventStoreRefusal.leaseLost {
                // Somebody has discarded it meanwhile: done or not, that stays.
                continue
            }
            if failure == nil { forgetLetter() }
        }
        return letters.count
    }

    /// - Returns: why it failed again. nil: it is done, now or by an attempt that was killed before it could say so: the row of
    ///   the letter goes in the transaction that does it.
    private func again(_ event: StoredEvent, _ connection: Connection) async throws -> Failure? {
        var attempts = 0
        while true {
            attempts += 1
            var isOfEvent = false
            do {
                try await connection.transaction { connection in
                    try await advance(to: progress.position, connection)
                    let waiting = try await connection.query(
                        "DELETE FROM strata.projection_letters WHERE name = $1 AND copy = $2 AND position = $3 RETURNING true",
                        [.text(projection.name), .text(copy.rawValue), .int(event.position)])
                    guard !waiting.isEmpty else { return }
                    isOfEvent = true
                    try await change([event], connection)
                    try await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                }
                return nil
            } catch let error as PostgresError where error.isPassing && attempts < 10 {
                try await Task.sleep(for: .milliseconds(20 << min(attempts, 6)))
            } catch let error as PostgresError where error.isOfItsStatement && !error.isPassing && isOfEvent {
                return Failure(message: error.message, kind: error.sqlState?.rawValue ?? "")
            } catch let error as JSONError {
                return Failure(message: error.description, kind: "json")
            }
        }
    }
}

extension EventReader {
    /// Redriven dead letters of a projection's group, leased for a minute each.
    func redriven(
        _ group: String, on stream: UUID, _ organization: UUID, as member: String, upTo position: Int
    ) async throws -> [Delivery.Redriven] {
        let rows = try await call(
            """
            SELECT letter::text AS letter, letter_epoch AS epoch, attempt, \(StoredEvent.columns)
            FROM \(schema.schema).projection_redriven($1::uuid, $2::uuid, $3::varchar, $4::varchar, $5)
            """, [.id(organization), .id(stream), .text(group), .text(member), .int(position)])
        return try rows.compactMap { row in
            guard let event = try StoredEvent(row) else { return nil }
            return Delivery.Redriven(
                deadLetter: try row.id("letter"), epoch: try row.int("epoch"), attempt: try row.int("attempt"),
                event: event)
        }
    }

    /// A projection lacks exactly these events from now on: others of its dead letters are resolved.
    func lettersAre(
        _ letters: [(position: Int, reason: String, kind: String)], group: String, on stream: UUID, _ organization: UUID
    ) async throws {
        _ = try await call(
            "SELECT \(schema.schema).projection_letters($1::uuid, $2::uuid, $3::varchar, $4, $5, $6)",
            [
                .id(organization), .id(stream), .text(group), .intArray(letters.map(\.position)),
                .textArray(letters.map(\.reason)), .textArray(letters.map(\.kind)),
            ])
    }
}
