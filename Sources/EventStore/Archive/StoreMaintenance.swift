package import Foundation
package import PostgresDriver
import SQLSyntax

/// What has to be done now and then: partitions ahead, idempotency keys whose time is over, an index on payloads that nobody adds
/// to any more. Each of it is safe to run again and beside everything else.
package struct StoreMaintenance: Sendable {
    package struct Runway: Sendable, Hashable {
        /// nil: there is no partition.
        package var end: Date?
        /// Partitions beyond today's.
        package var ahead: Int
        /// Today's is missing, or the next one is: appends then make it themselves, and wait for the lock.
        package var isShort: Bool
    }

    private let schema: EventSchema
    private let connection: Connection
    /// Keys that go in one transaction.
    private static let batch = 1_000

    /// - Parameter connection: with the rights of the tables' owner.
    package init(_ schema: EventSchema, on connection: Connection) {
        (self.schema, self.connection) = (schema, connection)
    }

    package func runway() async throws -> Runway {
        let row = try await connection.query(
            """
            WITH b AS (
                SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') AS bounds
                FROM pg_class e JOIN pg_namespace n ON n.oid = e.relnamespace
                JOIN pg_inherits i ON i.inhparent = e.oid JOIN pg_class c ON c.oid = i.inhrelid
                WHERE n.nspname = $1 AND e.relname = 'events'),
            p AS (SELECT bounds[1]::timestamp AS start, bounds[2]::timestamp AS finish FROM b)
            SELECT (extract(epoch FROM max(finish)) * 1000)::bigint AS finish, count(*) FILTER (WHERE start > \(schema.schema).now()) AS ahead,
                count(*) FILTER (WHERE start <= \(schema.schema).now() AND finish > \(schema.schema).now()) AS present FROM p
            """, [.text(schema.name)]
        ).only()
        let ahead = try row.int("ahead")
        return Runway(
            end: try row.optionalDate("finish"), ahead: ahead, isShort: try row.int("present") == 0 || ahead == 0)
    }

    /// - Returns: how many were made.
    package func makePartitions(ahead: Int) async throws -> Int {
        var attempts = 0
        while true {
            attempts += 1
            do {
                try await connection.execute("SET lock_timeout = '2s'")
                return try await connection.query(
                    "SELECT \(schema.schema).make_partitions($1::integer) AS made", [.int(ahead)]
                ).only().int("made")
            } catch let error as PostgresError where (error.isLockTimeout || error.isRetryable) && attempts < 20 {
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// Idempotency keys that are older go: the same request under such a key is appended once more.
    ///
    /// Those of one request have one time, and go together.
    ///
    /// - Returns: how many.
    package func expireKeys(olderThan age: Duration, onBatch: (Int) -> Void = { _ in }) async throws -> Int {
        var gone = 0
        while true {
            try Task.checkCancellation()
            let count =
                try await connection.query(
                    """
                    DELETE FROM \(schema.schema).append_keys k USING (
                        SELECT a.stream_id, a.key FROM \(schema.schema).append_keys a
                        WHERE a.appended_at < \(schema.schema).now() - $1 * interval '1 millisecond'
                        ORDER BY a.appended_at FETCH FIRST \(Self.batch) ROWS WITH TIES) x
                    WHERE k.stream_id = x.stream_id AND k.key = x.key
                    """, [.int(age.milliseconds)]
                ).affectedRows ?? 0
            gone += count
            onBatch(gone)
            if count < Self.batch { return gone }
        }
    }

    package struct PayloadIndex: Sendable, Hashable {
        package var partition: String
        package var name: String
        /// What an interrupted build has left: of no use, and in the way.
        package var isInvalid: Bool
    }

    /// Sealed partitions (over for an hour) whose payloads have no index yet. The one that is appended to never gets one: it
    /// would cost appends a third of their speed.
    package func missingPayloadIndexes() async throws -> [PayloadIndex] {
        try await connection.query(
            """
            WITH p AS (
                SELECT c.oid, c.relname, regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') AS bounds
                FROM pg_class e JOIN pg_namespace n ON n.oid = e.relnamespace
                JOIN pg_inherits i ON i.inhparent = e.oid JOIN pg_class c ON c.oid = i.inhrelid
                WHERE n.nspname = $1 AND e.relname = 'events')
            SELECT p.relname AS name, left(p.relname, 51) || '_payload_idx' AS index, x.indexrelid IS NOT NULL AS present
            FROM p LEFT JOIN LATERAL (
                SELECT i.indexrelid, i.indisvalid FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
                WHERE i.indrelid = p.oid AND k.relname = left(p.relname, 51) || '_payload_idx') x ON true
            WHERE bounds[2]::timestamp <= \(schema.schema).now() - interval '1 hour' AND x.indisvalid IS NOT TRUE ORDER BY bounds[1]::timestamp
            """, [.text(schema.name)]
        ).map {
            PayloadIndex(
                partition: try $0.string("name"), name: try $0.string("index"), isInvalid: try $0.bool("present"))
        }
    }

    /// Builds it CONCURRENTLY: nobody waits for it. What an earlier attempt has left is dropped first.
    ///
    /// - Throws: `EventStoreProblem`: another process is at work with this store's maintenance.
    package func build(_ index: PayloadIndex) async throws {
        let isFree = try await connection.query(
            "SELECT pg_try_advisory_lock(hashtext('strata.events.maintain'), hashtext($1)) AS free",
            [.text(schema.name)]
        ).only().bool("free")
        guard isFree else {
            throw EventStoreProblem(
                "maintain", "another process maintains this event store", next: "wait for its end")
        }
        do {
            // Queued behind a long transaction it waits itself, and holds up nobody who reads or adds.
            try await connection.execute("SET lock_timeout = 0")
            if index.isInvalid {
                try await connection.execute(
                    "DROP INDEX CONCURRENTLY IF EXISTS \(schema.schema).\(SQL.identifier(index.name))")
            }
            try await connection.execute(
                "CREATE INDEX CONCURRENTLY \(SQL.identifier(index.name)) ON \(schema.schema).\(SQL.identifier(index.partition)) USING gin (payload jsonb_path_ops)"
            )
        } catch {
            await unlock()
            throw error
        }
        await unlock()
    }

    private func unlock() async {
        _ = try? await connection.executeShielded(
            "SELECT pg_advisory_unlock(hashtext('strata.events.maintain'), hashtext(\(SQL.literal(schema.name))))")
    }
}
