import Planning
package import PostgresDriver

/// One run at a time in a database: a session-level advisory lock that PostgreSQL itself gives up when the session ends.
package struct RunLock {
    /// "strata" in ASCII.
    package static let key = 0x737472617461

    private let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    /// Takes the lock. A backend that has not yet noticed its client's death holds it a moment longer, so it is tried
    /// for some seconds. Throws a diagnostic naming the holder.
    package func take(patience: Duration = .seconds(3)) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while true {
            let taken = try await connection.query("SELECT pg_try_advisory_lock($1) AS taken", [.int(Self.key)]).only()
                .bool("taken")
            if taken { return }
            if clock.now >= deadline { throw try await refused() }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    package func release() async {
        _ = try? await connection.executeShielded("SELECT pg_advisory_unlock(\(Self.key))")
    }

    private func refused() async throws -> EngineFailure {
        let rows = try await connection.query(
            """
            SELECT a.pid, a.application_name, a.usename, coalesce(host(a.client_addr), 'local socket') AS address,
                coalesce(date_trunc('second', clock_timestamp() - a.backend_start)::text, 'unknown') AS age
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = $1 AND l.objid = $2
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """, [.oid(UInt32(Self.key >> 32)), .oid(UInt32(Self.key & 0xFFFF_FFFF))])
        var who = "somebody else"
        if let row = rows.first {
            let application = try row.optionalString("application_name") ?? ""
            who =
                "\(application.isEmpty ? "a session" : application) (pid \(try row.int("pid")), role \(try row.optionalString("usename") ?? "unknown"), "
                + "from \(try row.string("address")), connected for \(try row.string("age")))"
        }
        return EngineFailure(
            .failed,
            Diagnostic(
                .error, "run-in-progress", "another run is at work in this database: \(who)",
                nextStep: "wait until it ends; strata status shows how far it is"))
    }
}
