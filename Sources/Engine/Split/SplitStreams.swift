import Planning
import PostgresDriver
import SQLSyntax

/// The publications and slots at the source and the subscriptions at the target that carry on what the copy has begun:
/// one of each for every copy that was begun, since each has a snapshot of its own. All three have one name.
struct SplitStreams: Sendable {
    let record: SplitRecord
    let source: Connection
    let target: Connection

    // MARK: Making

    func publish(_ tables: [String], generation: Int) async throws {
        let name = SQL.identifier(record.streamName(generation))
        // Partitions are published by themselves: on the target they have the same names.
        try await source.execute(
            "CREATE PUBLICATION \(name) FOR TABLE ONLY \(tables.joined(separator: ", ONLY "))")
    }

    /// A copy was cut off: its stream carries only the tables that are whole, and ends where none is.
    func restrict(_ generation: Int, to tables: [String]) async throws {
        let name = SQL.identifier(record.streamName(generation))
        guard !tables.isEmpty else {
            try await source.execute("DROP PUBLICATION IF EXISTS \(name)")
            return try await ReplicationSlot.drop(record.streamName(generation), source)
        }
        try await source.execute("ALTER PUBLICATION \(name) SET TABLE ONLY \(tables.joined(separator: ", ONLY "))")
    }

    /// From the slot's own point on, without a copy of the server's. A subscription that is there already stays.
    func subscribe(_ generation: Int) async throws {
        let name = record.streamName(generation)
        let present =
            try await target.query(
                """
                SELECT count(*) AS n FROM pg_subscription
                 WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                """, [.text(name)]
            ).only().int("n") > 0
        guard !present else { return }
        let way = source.settings.keywordText(withPassword: true)
        // What comes from here must not be sent back by the stream of the way back (16 and later).
        let origin = target.serverVersion >= 160_000 ? ", origin = none" : ""
        do {
            try await target.execute(
                """
                CREATE SUBSCRIPTION \(SQL.identifier(name)) CONNECTION \(SQL.literal(way)) PUBLICATION \(SQL.identifier(name))
                WITH (create_slot = false, slot_name = \(SQL.literal(name)), copy_data = false, enabled = true\(origin))
                """)
        } catch let error as PostgresError {
            // The statement has the password in it.
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "no-subscription",
                    "database \(record.database) cannot follow \(source.settings): \(error.message)",
                    nextStep:
                        "the target's server connects to the source by itself: it must reach that address and be let in (pg_hba.conf, replication is not needed there); then call strata split again"
                ))
        }
    }

    // MARK: Looking

    struct Lag: Sendable {
        /// Bytes of WAL that the target has not made its own yet, of the stream that is furthest behind.
        var bytes: Int
        /// The target is connected by all streams.
        var isConnected: Bool
    }

    /// - Parameter position: in the source's WAL, in bytes.
    private func lag(behind position: Int) async throws -> Lag {
        var lag = Lag(bytes: 0, isConnected: true)
        let applied = try await applied()
        let slots = try await source.query(
            """
            SELECT slot_name, active, pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint AS confirmed
              FROM pg_replication_slots WHERE slot_name = ANY ($1)
            """, [.textArray(names)])
        for row in slots {
            // Under load the target confirms some times a minute only; when idle, it applies nothing but confirms.
            let there = max(try row.int("confirmed"), applied[try row.string("slot_name")] ?? 0)
            lag.bytes = max(lag.bytes, position - there)
            if try !row.bool("active") { lag.isConnected = false }
        }
        if slots.count < names.count { lag.isConnected = false }
        return lag
    }

    /// Up to where each subscription has committed what came.
    private func applied() async throws -> [String: Int] {
        var found: [String: Int] = [:]
        for row in try await target.query(
            """
            SELECT s.subname, pg_wal_lsn_diff(pg_replication_origin_progress('pg_' || s.oid, false), '0/0')::bigint AS lsn
              FROM pg_subscription s JOIN pg_replication_origin o ON o.roname = 'pg_' || s.oid
             WHERE s.subname = ANY ($1)
            """, [.textArray(names)])
        {
            found[try row.string("subname")] = try row.optionalInt("lsn") ?? 0
        }
        return found
    }

    /// What a worker on the target complains of, as far as can be seen from here (15 and later).
    func troubles() async throws -> Int {
        guard target.serverVersion >= 150_000 else { return 0 }
        return try await target.query(
            """
            SELECT coalesce(sum(apply_error_count), 0)::bigint AS n FROM pg_stat_subscription_stats WHERE subname = ANY ($1)
            """, [.textArray(names)]
        ).only().int("n")
    }

    /// Until all that is in the WAL now has arrived.
    func catchUp(_ report: @Sendable (Lag) -> Void) async throws {
        // A record of its own makes idle servers write, and senders report.
        let position = try await source.query(
            "SELECT pg_wal_lsn_diff(pg_logical_emit_message(false, 'strata', 'catch up'), '0/0')::bigint AS position"
        ).only().int("position")
        let errorsBefore = try await troubles()
        while true {
            let lag = try await lag(behind: position)
            if lag.bytes == 0, lag.isConnected { return }
            report(lag)
            let errors = try await troubles()
            if errors > errorsBefore + 3 {
                throw EngineFailure(
                    .resumable,
                    Diagnostic(
                        .error, "stream-fails", "database \(record.database) cannot apply what it gets from the source",
                        nextStep: "its server's log says why; mend it there, then call strata split again"))
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private var names: [String?] { record.generations.map { record.streamName($0) } }

    // MARK: The way back

    func remove() async throws {
        for generation in record.generations {
            let name = record.streamName(generation)
            let present =
                try await target.query(
                    """
                    SELECT count(*) AS n FROM pg_subscription
                     WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                    """, [.text(name)]
                ).only().int("n") > 0
            if present {
                let quoted = SQL.identifier(name)
                // Without its slot, which is dropped at the source: the target need not reach it.
                try await target.execute("ALTER SUBSCRIPTION \(quoted) DISABLE")
                try await target.execute("ALTER SUBSCRIPTION \(quoted) SET (slot_name = NONE)")
                try await target.execute("DROP SUBSCRIPTION \(quoted)")
            }
        }
        for generation in record.generations {
            let name = record.streamName(generation)
            try await ReplicationSlot.drop(name, source)
            try await source.execute("DROP PUBLICATION IF EXISTS \(SQL.identifier(name))")
        }
    }
}
