internal import PostgresDriver

/// The row of `strata.followers` by which a switch knows that this process follows it, and how many uses it has to wait for.
enum FollowerRow {
    static func write(
        _ connection: Connection, id: String, name: String, _ state: RouteBoard.FollowerState
    ) async throws {
        _ = try await connection.query(
            """
            INSERT INTO strata.followers AS f (id, kind, name, pid, epoch, hold, busy, seen_at)
            VALUES ($1, 'library', $2, pg_backend_pid(), $3, $4, $5, clock_timestamp())
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, pid = excluded.pid, epoch = excluded.epoch,
                hold = excluded.hold, busy = excluded.busy, seen_at = excluded.seen_at
            """,
            [
                .text(id), .text(name), .int(state.epoch), state.hold.map { .int($0) } ?? .null,
                .typed(String(state.busy), type: 23),
            ])
    }

    /// Rows of processes that were killed would stay for ever; those of living ones are renewed every few seconds.
    static func removeOld(_ connection: Connection) async throws {
        try await connection.execute(
            "DELETE FROM strata.followers WHERE kind = 'library' AND seen_at < clock_timestamp() - interval '1 day'")
    }

    static func remove(_ connection: Connection, id: String) async throws {
        // The identifier is hexadecimal. Shielded: the task that follows has been cancelled by then.
        try await connection.executeShielded("DELETE FROM strata.followers WHERE id = '\(id)'")
    }
}
