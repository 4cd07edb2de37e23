package import Foundation
package import PostgresDriver

/// Reads streams, and asks the store's functions: what consumer groups do, too.
package struct EventReader: Sendable {
    let schema: EventSchema
    let pool: ConnectionPool
    let vault: SubjectVault

    /// Of one answer: events, and bytes of payload and metadata (the last event may go beyond).
    package static let largestSlice = (events: 10_000, bytes: 16 << 20)

    /// - Parameters:
    ///   - connections: at most so many at a time, opened when needed.
    ///   - subjects: how members of payloads are decrypted that are encrypted for a subject.
    package init(
        _ settings: ConnectionSettings, schema: EventSchema, connections: Int = 8,
        subjects: SubjectAccess = .environment
    ) {
        self.schema = schema
        pool = ConnectionPool(settings, size: connections, bounds: PoolBounds(discards: false))
        vault = SubjectVault(schema, pool, subjects)
    }

    package func close() async { await pool.close() }

    /// Events after a position.
    ///
    /// - Parameters:
    ///   - upTo: the last position wanted; nil: to the end.
    ///   - limit: 1 to 10,000.
    ///   - bytes: 1 to 16 MiB; at least one event comes, however large.
    /// - Throws: `EventStoreRefusal`: `notFound`, `outOfRange`; `PostgresError`.
    package func read(
        _ stream: UUID, of organization: UUID, after: Int = 0, upTo: Int? = nil, limit: Int = 1_000,
        bytes: Int = 4 << 20
    ) async throws -> StreamSlice {
        let rows = try await call(
            "SELECT \(StoredEvent.columns) FROM \(schema.schema).read($1::uuid, $2::uuid, $3, $4, $5::integer, $6)",
            [
                .id(organization), .id(stream), .int(after), .int(upTo ?? .max),
                .int(min(max(limit, 1), Self.largestSlice.events)), .int(min(max(bytes, 1), Self.largestSlice.bytes)),
            ])
        var slice = StreamSlice(events: [], lastPosition: 0)
        for row in rows {
            if let event = try StoredEvent(row) {
                slice.events.append(event)
            } else {
                slice.lastPosition = try row.int("position")
            }
        }
        slice.events = try await vault.opened(slice.events, of: organization)
        return slice
    }

    /// Runs a statement on a connection of its own for as long as it takes; again where two stood in each other's way.
    func call(_ statement: String, _ parameters: [Parameter]) async throws -> Rows {
        var attempts = 0
        while true {
            attempts += 1
            do {
                return try await pool.query(keeping: statement, parameters)
            } catch let error as PostgresError {
                if error.isRetryable, attempts < 5 { continue }
                throw EventStoreRefusal(error) ?? error
            }
        }
    }
}

extension Parameter {
    static func id(_ value: UUID) -> Parameter { .text(value.uuidString) }
}
