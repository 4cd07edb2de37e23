import Planning
import PostgresDriver
import SQLSyntax

/// Publication and slot at a table's home, and the subscription of its copy.
enum CopyStream {
    static func isSubscribed(_ record: CopyRecord, _ target: Connection) async throws -> Bool {
        try await target.query(
            """
            SELECT count(*) AS n FROM pg_subscription
             WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            """, [.text(record.streamName)]
        ).only().int("n") > 0
    }

    /// `srsubstate`, `r` once all rows are there; nil where there is no stream.
    static func state(_ record: CopyRecord, _ target: Connection) async throws -> String? {
        try await target.query(
            """
            SELECT r.srsubstate::text AS state FROM pg_subscription s JOIN pg_subscription_rel r ON r.srsubid = s.oid
             WHERE s.subname = $1 AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND r.srrelid = to_regclass($2)
            """, [.text(record.streamName), .text(record.name)]
        ).first?.string("state")
    }

    /// How often a worker there has failed (15 and later).
    static func troubles(_ record: CopyRecord, _ target: Connection) async throws -> Int {
        guard target.serverVersion >= 150_000 else { return 0 }
        return try await target.query(
            """
            SELECT coalesce(sum(apply_error_count + sync_error_count), 0)::bigint AS n
              FROM pg_stat_subscription_stats WHERE subname = $1
            """, [.text(record.streamName)]
        ).only().int("n")
    }

    static func remove(_ record: CopyRecord, source: Connection, target: Connection) async throws {
        let name = SQL.identifier(record.streamName)
        if try await isSubscribed(record, target) {
            // Without its slot, which is dropped at the source: the other server need not reach it.
            try await target.execute("ALTER SUBSCRIPTION \(name) DISABLE")
            try await target.execute("ALTER SUBSCRIPTION \(name) SET (slot_name = NONE)")
            try await target.execute("DROP SUBSCRIPTION \(name)")
        }
        try await ReplicationSlot.drop(record.streamName, source)
        try await source.execute("SET client_min_messages = warning; DROP PUBLICATION IF EXISTS \(name)")
    }
}
