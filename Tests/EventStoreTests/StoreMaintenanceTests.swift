import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Partitions ahead, keys that expire, indexes on what is complete.
@Suite("Events: maintenance")
struct StoreMaintenanceTests {
    private func with(_ body: (EventStoreFixture, StoreMaintenance) async throws -> Void) async throws {
        try await EventStoreFixture.with { store in
            let connection = try await Connection.open(store.database.settings)
            do { try await body(store, StoreMaintenance(store.schema, on: connection)) } catch {
                await connection.close()
                throw error
            }
            await connection.close()
        }
    }

    @Test("The runway is how far partitions reach; without one beyond today's it is short")
    func runway() async throws {
        try await with { store, maintenance in
            let runway = try await maintenance.runway()
            #expect(runway.ahead == 3 && !runway.isShort)
            #expect(try await maintenance.makePartitions(ahead: 5) == 2)
            let longer = try await maintenance.runway()
            #expect(longer.ahead == 5 && longer.end ?? .distantPast > runway.end ?? .distantFuture)
            for name in try await store.partitions().dropFirst() { try await store.rows("DROP TABLE events.\(name)") }
            #expect(try await maintenance.runway().isShort)
            for name in try await store.partitions() { try await store.rows("DROP TABLE events.\(name)") }
            let none = try await maintenance.runway()
            #expect(none.isShort && none.end == nil && none.ahead == 0)
        }
    }

    @Test("Idempotency keys expire in batches, those of one request together; younger ones stay")
    func keys() async throws {
        try await with { store, maintenance in
            let stream = try await store.stream()
            try await store.append([.counted(1)], to: stream, key: "young")
            try await store.rows(
                """
                INSERT INTO events.append_keys SELECT $1::uuid, 'k' || n, $2::uuid, '', 1, 1,
                    date_trunc('second', now() AT TIME ZONE 'UTC') - interval '1 day' - n / 700 * interval '1 hour' FROM generate_series(1, 2500) n
                """, [.id(stream), .id(store.organization)])
            var batches: [Int] = []
            #expect(try await maintenance.expireKeys(olderThan: .seconds(3_600 * 12)) { batches.append($0) } == 2_500)
            // 401 of the oldest hour and the 700 that share the next one's time; then the rest, and nothing more.
            #expect(batches == [1_101, 2_500, 2_500])
            #expect(try await maintenance.expireKeys(olderThan: .seconds(3_600)) == 0)
            #expect(try await store.append([.counted(1)], to: stream, key: "young").isRepeated)
        }
    }

    @Test(
        "S3.10 S3.33 Payloads are indexed on partitions that have ended, never on the one that is appended to; a broken index is made again"
    )
    func indexes() async throws {
        try await with { store, maintenance in
            let stream = try await store.stream()
            let old = try await store.past(2_000, in: stream, monthsAgo: 2)
            try await store.append([.counted(1)], to: stream)
            var missing = try await maintenance.missingPayloadIndexes()
            #expect(missing.map(\.partition) == [old])
            // An attempt that was cut off.
            try await maintenance.build(missing[0])
            try await store.rows(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events.\(old)_payload_idx'::regclass")
            missing = try await maintenance.missingPayloadIndexes()
            #expect(missing.map(\.isInvalid) == [true])
            let reader = try await Connection.open(store.database.settings)
            try await reader.execute("BEGIN; INSERT INTO events.organizations (name) VALUES ('open')")
            try await reader.execute("COMMIT")
            await reader.close()
            try await maintenance.build(missing[0])
            #expect(try await maintenance.missingPayloadIndexes().isEmpty)
            let indexed = try await store.rows(
                "SELECT tablename AS name FROM pg_indexes WHERE schemaname = 'events' AND indexdef LIKE '%gin (payload jsonb_path_ops)'"
            )
            #expect(try indexed.map { try $0.string("name") } == [old])
            try await store.rows("ANALYZE events.events")
            let plan = try await store.rows(
                "EXPLAIN SELECT * FROM events.events WHERE payload @> '{\"n\": 77}' AND created_at < date_trunc('month', now() AT TIME ZONE 'UTC')"
            )
            #expect(try plan.contains { try $0.string(0).contains("_payload_idx") })
        }
    }
}
