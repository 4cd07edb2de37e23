import PostgresDriver

/// The monitor's connection to one server.
struct NodeProbe {
    let settings: ConnectionSettings
    /// For each question, and for connecting.
    let timeout: Duration
    let bounded: Bounded
    private var connection: Connection?
    private var statement: PreparedStatement?
    private var geometry = WALGeometry.usual

    /// - Parameter bounded: what is not checked has no limit in time.
    init(_ settings: ConnectionSettings, timeout: Duration, bounded: Bounded = Bounded()) {
        self.bounded = bounded
        self.settings = settings
        self.timeout = timeout
    }

    /// - Parameter details: ask for `NodeSample.details` too. A new connection always does.
    /// - Throws: `PostgresError`, ``NoAnswer``, `CancellationError`. There is no connection then.
    mutating func sample(details: Bool) async throws -> NodeSample {
        if connection != nil {
            do {
                return try await ask(details: details)
            } catch is PostgresError {
                // The server may have restarted, or somebody may have ended this connection: a new one will show.
                abandon()
            } catch {
                abandon()
                throw error
            }
        }
        do {
            try await connect()
            return try await ask(details: true)
        } catch {
            abandon()
            throw error
        }
    }

    mutating func abandon() {
        guard let connection else { return }
        // Closing waits for a statement that hangs, and nobody shall wait for that here.
        Task { await connection.close() }
        self.connection = nil
        statement = nil
    }

    private mutating func connect() async throws {
        let target = try settings.settings(["application_name": "strata proxy monitor"])
        let opened = try await bounded.run(timeout) {
            try await Connection.open(target)
        } ifLate: {
            await $0.close()
        }
        connection = opened
        statement = try await bounded.run(timeout) { try await opened.prepare(Self.positionQuery) }
    }

    private mutating func ask(details: Bool) async throws -> NodeSample {
        guard let connection, let statement else { throw PostgresError(.connection(.closed), "there is no connection") }
        guard details else {
            let row = try await bounded.run(timeout) { try await connection.query(statement).only() }
            return try sample(row)
        }
        let row = try await bounded.run(timeout) { try await connection.query(Self.detailsQuery).only() }
        geometry = WALGeometry(page: UInt64(try row.int("page")), segment: UInt64(try row.int("segment")))
        var sample = try sample(row)
        let receiver: WALReceiver =
            if let status = try row.optionalString("status") { .status(status) } else if try row.bool("has_receiver") {
                .hidden
            } else { .absent }
        sample.details = NodeDetails(
            systemIdentifier: try row.string("system_identifier"), timeline: UInt32(clamping: try row.int("timeline")),
            receiver: receiver, version: connection.serverVersion)
        return sample
    }

    private func sample(_ row: Row) throws -> NodeSample {
        let isInRecovery = try row.bool("in_recovery")
        let position = try row.optionalString("position").map { text in
            guard let position = WALPosition(text) else {
                throw PostgresError(.decoding, "the server's position is not a pg_lsn")
            }
            return isInRecovery ? position : geometry.endOfRecord(before: position)
        }
        return NodeSample(isInRecovery: isInRecovery, position: position, details: nil)
    }

    /// Asks once whether the server is in recovery: it may be promoted between two answers. OFFSET keeps the planner from
    /// asking again at each place. The *insert* position, because with synchronous_commit = off a commit is acknowledged
    /// before it is flushed.
    private static let standing = """
        in_recovery, \
        CASE WHEN in_recovery THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END AS position
        """
    private static let recovery = "(SELECT pg_is_in_recovery() AS in_recovery OFFSET 0) AS recovery"
    private static let positionQuery = "SELECT \(standing) FROM \(recovery)"

    /// The control file's timelines are those of the last restart point; the receiver's, where it may be seen, is new.
    private static let detailsQuery = """
        SELECT \(standing), s.system_identifier::text, w.pid IS NOT NULL AS has_receiver, w.status,
            i.wal_block_size AS page, i.bytes_per_wal_segment AS segment,
            CASE WHEN in_recovery THEN greatest(c.timeline_id, r.min_recovery_end_timeline, w.received_tli)::bigint
                ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint END AS timeline
        FROM \(recovery), pg_control_system() s, pg_control_checkpoint() c, pg_control_recovery() r,
            pg_control_init() i LEFT JOIN pg_stat_wal_receiver w ON true
        """
}
