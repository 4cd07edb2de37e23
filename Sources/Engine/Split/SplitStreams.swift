import Planning
import PostgresDriver
import SQLSyntax

/// The publications and slots at the source and the subscriptions at the target that carry on what the copy has begun:
/// one of each for every copy that was begun, since each has a snapshot of its own. All three have one name.
struct SplitStreams: Sendable {
    let record: SplitRecord
    /// Where rows come from, `target` where they go: on the way back the other way round.
    let source: Connection
    let target: Connection
    var direction = SplitRecord.Direction.out

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
    /// - Parameter enabled: else it waits for ``enable()``.
    func subscribe(_ generation: Int, enabled: Bool = true) async throws {
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
                WITH (create_slot = false, slot_name = \(SQL.literal(name)), copy_data = false, enabled = \(enabled)\(origin))
                """)
        } catch let error as PostgresError {
            // The statement has the password in it.
            throw EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "no-subscription",
                    "\(follower) cannot follow \(source.settings): \(error.message)",
                    nextStep:
                        "its server connects to the other one by itself: it must reach that address and be let in (pg_hba.conf, replication is not needed there); then call the same command again"
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
            SELECT s.slot_name, s.active, greatest(pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0'),
                   -- Received: a worker applies each transaction before it takes the next message.
                   pg_wal_lsn_diff(r.write_lsn, '0/0'))::bigint AS confirmed
              FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
             WHERE s.slot_name = ANY ($1)
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

    /// As it is at this moment.
    func now() async throws -> Lag {
        let position = try await source.query(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS position"
        ).only().int("position")
        return try await lag(behind: position)
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
    func catchUp(_ report: @Sendable (Lag) -> Void) async throws { _ = try await catchUp(within: nil, report) }

    /// - Returns: false where that took longer.
    func catchUp(within limit: Duration?, _ report: @Sendable (Lag) -> Void) async throws -> Bool {
        let end = limit.map { ContinuousClock.now + $0 }
        // A record of its own makes idle servers write, and senders report; its commit has it on disk at once, where they
        // read. Within a transaction it is left to the server when to write it, some tenths of a second.
        let commits = limit == nil
        let position = try await source.query(
            "SELECT pg_wal_lsn_diff(pg_logical_emit_message(\(commits), 'strata', 'catch up'), '0/0')::bigint AS position"
        ).only().int("position")
        let errorsBefore = try await troubles()
        var nudgedAt = ContinuousClock.now
        while true {
            let lag = try await lag(behind: position)
            if lag.bytes == 0, lag.isConnected { return true }
            if commits, lag.bytes < Self.nearlyThere, ContinuousClock.now - nudgedAt > .milliseconds(10) {
                try await nudge()
                nudgedAt = .now
            }
            if let end, ContinuousClock.now > end { return false }
            report(lag)
            let errors = try await troubles()
            if errors > errorsBefore + 3 {
                throw EngineFailure(
                    .resumable,
                    Diagnostic(
                        .error, "stream-fails", "\(follower) cannot apply what it gets from the other database",
                        nextStep: "its server's log says why; mend it there, then call the same command again"))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// A follower commits without waiting for its disk, and as long as that is so it does not say what it has received: up to
    /// 200 ms (`wal_writer_delay`). A commit of ours has the disk written there, and something new here makes it answer.
    private func nudge() async throws {
        _ = try await target.query("SELECT pg_logical_emit_message(true, 'strata', 'flush')")
        _ = try await source.query("SELECT pg_logical_emit_message(true, 'strata', 'answer')")
    }

    /// Bytes of WAL; further behind, there are rows that it answers for.
    private static let nearlyThere = 1 << 20

    private var generations: [Int] { record.generations(direction) }
    private var names: [String?] { generations.map { record.streamName($0) } }
    private var follower: String { direction == .out ? "database \(record.database)" : "the main database" }

    // MARK: Which way

    /// The follower begins, or goes on.
    func enable() async throws {
        for name in try await subscriptions() {
            try await target.execute("ALTER SUBSCRIPTION \(SQL.identifier(name)) ENABLE")
        }
    }

    /// The follower stops, and nobody reads the slots any more.
    func pause() async throws {
        for name in try await subscriptions() {
            try await target.execute("ALTER SUBSCRIPTION \(SQL.identifier(name)) DISABLE")
        }
        while try await source.query(
            "SELECT count(*) AS n FROM pg_replication_slots WHERE slot_name = ANY ($1) AND active", [.textArray(names)]
        ).only().int("n") > 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// A slot on the source for a stream that is not in force yet. It may have to wait for transactions that run there.
    func addSlot(_ generation: Int) async throws {
        let name = record.streamName(generation)
        let present =
            try await source.query(
                "SELECT count(*) AS n FROM pg_replication_slots WHERE slot_name = $1", [.text(name)]
            ).only().int("n") > 0
        guard !present else { return }
        _ = try await source.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [.text(name)])
    }

    /// What is in the source's WAL until now is not sent: it came from the other side. To be called while nobody reads the
    /// slots and nothing is written that has to be sent.
    func skip() async throws {
        // Replication commits without waiting for the disk: this commit does, so that all before it is there as well.
        try await source.execute(
            "BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_logical_emit_message(true, 'strata', 'skip'); COMMIT")
        for name in names {
            let name: Parameter = name.map { .text($0) } ?? .null
            let position = try await source.query(
                "SELECT end_lsn::text AS position FROM pg_replication_slot_advance($1, pg_current_wal_flush_lsn())",
                [name]
            ).only().string("position")
            try await remember(position, of: name)
        }
    }

    /// A slot's place is on disk with the next checkpoint only: after a crash its server would send once more what came
    /// from the other side. The follower asks for what is behind this position, and its record of it lasts. With origins
    /// on both servers (16 and later) such rows are not sent anyway.
    private func remember(_ position: String, of name: Parameter) async throws {
        guard min(source.serverVersion, target.serverVersion) < 160_000 else { return }
        do {
            _ = try await target.query(
                """
                SELECT pg_replication_origin_advance('pg_' || s.oid, $2::text::pg_lsn) FROM pg_subscription s
                 WHERE s.subname = $1 AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                """, [name, .text(position)])
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            // Who is no superuser may subscribe from 16 on: then the other server is an older one, and must not crash now.
        }
    }

    private func subscriptions() async throws -> [String] {
        try await target.query(
            """
            SELECT subname FROM pg_subscription WHERE subname = ANY ($1)
               AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1
            """, [.textArray(names)]
        ).map { try $0.string("subname") }
    }

    // MARK: The way back

    func remove() async throws {
        for name in try await subscriptions() {
            let quoted = SQL.identifier(name)
            // Without its slot, which is dropped at the source: the target need not reach it.
            try await target.execute("ALTER SUBSCRIPTION \(quoted) DISABLE")
            try await target.execute("ALTER SUBSCRIPTION \(quoted) SET (slot_name = NONE)")
            try await target.execute("DROP SUBSCRIPTION \(quoted)")
        }
        for generation in generations {
            let name = record.streamName(generation)
            try await ReplicationSlot.drop(name, source)
            try await source.execute("DROP PUBLICATION IF EXISTS \(SQL.identifier(name))")
        }
    }
}
