import Planning
import PostgresDriver
import SQLSyntax

/// A logical slot whose snapshot is held: what the copy reads, and from where the stream goes on, are one point in time.
struct ReplicationSlot: Sendable {
    let name: String
    /// For `SET TRANSACTION SNAPSHOT`; valid as long as the connection does nothing else.
    let snapshot: String
    let lsn: String
    private let connection: Connection

    /// - Parameter settings: of the source, as a role that may replicate.
    static func create(_ name: String, _ settings: ConnectionSettings) async throws -> ReplicationSlot {
        // Nothing ends the session while a copy of hours holds its snapshot.
        let connection = try await Connection.open(
            settings.settings([
                "replication": "database", "application_name": "strata split \(name)",
                "options": "-c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0",
            ]))
        do {
            // The form that all versions from 10 on take.
            let row = try await connection.simpleQuery(
                "CREATE_REPLICATION_SLOT \(SQL.identifier(name)) LOGICAL pgoutput EXPORT_SNAPSHOT"
            ).only()
            return ReplicationSlot(
                name: name, snapshot: try row.string("snapshot_name"), lsn: try row.string("consistent_point"),
                connection: connection)
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Lets the snapshot go; the slot stays.
    func close() async { await connection.close() }

    /// Ends whoever still reads it, and drops it. Does nothing where it is gone.
    static func drop(_ name: String, _ connection: Connection) async throws {
        for _ in 0..<100 {
            let row = try await connection.query(
                """
                SELECT count(*) FILTER (WHERE active) AS busy, count(*) AS present,
                       count(pg_terminate_backend(active_pid)) AS ended
                  FROM pg_replication_slots WHERE slot_name = $1
                """, [.text(name)]
            ).only()
            guard try row.int("present") > 0 else { return }
            if try row.int("busy") == 0 {
                do {
                    _ = try await connection.query("SELECT pg_drop_replication_slot($1)", [.text(name)])
                    return
                } catch let error as PostgresError where error.sqlState == .objectInUse {
                    // Its walsender has not ended yet.
                } catch let error as PostgresError where error.sqlState == .undefinedObject { return }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw PostgresError(
            .server, "replication slot \(name) is in use and cannot be dropped",
            hint: "end the session that pg_replication_slots shows as active_pid, then try again")
    }
}
