import Foundation
import PostgresDriver
import TestSupport

@testable import EventStore

extension EventStoreFixture {
    /// Events of an earlier month, in the partition of that month, as if they had been appended then. For a stream whose last
    /// event is earlier.
    ///
    /// - Returns: the partition's name.
    @discardableResult
    func past(_ count: Int, in stream: UUID, monthsAgo months: Int) async throws -> String {
        let start = "date_trunc('month', now() AT TIME ZONE 'UTC') - interval '\(months) months'"
        try await rows(
            """
            DO $$ DECLARE start timestamp := \(start); name text := 'events_' || to_char(start, 'YYYY_MM');
            BEGIN
                IF to_regclass('events.' || name) IS NULL THEN
                    EXECUTE format('CREATE TABLE events.%I PARTITION OF events.events FOR VALUES FROM (%L) TO (%L)', name, start, start + interval '1 month');
                    EXECUTE format('CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON events.%I FOR EACH STATEMENT EXECUTE FUNCTION events.refuse_change()', name);
                END IF;
            END $$
            """)
        try await rows(
            "INSERT INTO events.stream_partitions SELECT id, last_position + 1, org_id, \(start) FROM events.event_streams WHERE id = $1::uuid",
            [.id(stream)])
        try await rows(
            """
            WITH a AS (SELECT n, \(start) + interval '1 day' + n * interval '1 second' AS at FROM generate_series(1, $2) n),
            s AS (UPDATE events.event_streams SET last_position = last_position + $2, last_at = (SELECT max(at) FROM a) WHERE id = $1::uuid
                RETURNING id, org_id, last_position - $2 AS before)
            INSERT INTO events.events SELECT events.new_id(at), s.id, jsonb_build_object('n', s.before + n, 'text', E'a "b" \\\\ \\n ü'), '{"by": "me"}',
                at, s.org_id, s.before + n, 'counted', 'k' || n % 5, (hashtextextended('k' || n % 5, 0) & 2147483647)::integer FROM a, s
            """, [.id(stream), .int(count)])
        return try await rows("SELECT 'events_' || to_char(\(start), 'YYYY_MM') AS name").only().string("name")
    }

    func partitions() async throws -> [String] {
        try await rows(
            "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'events.events'::regclass ORDER BY 1"
        ).map { try $0.string("name") }
    }

    func floor(of stream: UUID) async throws -> Int {
        try await rows("SELECT floor_position FROM events.event_streams WHERE id = $1::uuid", [.id(stream)]).only()
            .int("floor_position")
    }

    /// On a connection of its own, as a process would.
    @discardableResult
    func archive(
        _ folder: URL, olderThan age: Duration? = .seconds(86_400), _ options: PartitionArchive.Options = .init(),
        onStep: @escaping @Sendable (String, PartitionArchive.Step) async throws -> Void = { _, _ in }
    ) async throws -> [EventManifest] {
        let connection = try await Connection.open(database.settings)
        do {
            let archive = try await PartitionArchive(
                schema, on: connection, to: ArchiveFolder(folder.path), options, onStep: onStep)
            let plan = try await ArchivePlan(schema, olderThan: age, on: connection)
            let manifests = try await archive.run(plan).manifests
            await connection.close()
            return manifests
        } catch {
            await connection.close()
            throw error
        }
    }

    func plan(olderThan age: Duration? = .seconds(86_400)) async throws -> ArchivePlan {
        let connection = try await Connection.open(database.settings)
        do {
            let plan = try await ArchivePlan(schema, olderThan: age, on: connection)
            await connection.close()
            return plan
        } catch {
            await connection.close()
            throw error
        }
    }
}
