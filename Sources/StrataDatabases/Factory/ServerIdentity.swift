internal import PostgresDriver

/// What tells one running database from all others, whatever names and addresses lead to it.
struct ServerIdentity: Sendable, Equatable {
    /// Of the server process, to the microsecond: also copies of one data directory differ in it.
    let started: String
    let port: String
    let database: Int
    let isReplica: Bool

    /// On a connection of its own, which ends.
    static func read(_ settings: ConnectionSettings) async throws -> ServerIdentity {
        let connection = try await Connection.open(settings)
        do {
            let row = try await connection.query(
                """
                SELECT extract(epoch FROM pg_postmaster_start_time())::text AS started,
                       current_setting('port') AS port, pg_is_in_recovery() AS replica,
                       (SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = current_database()) AS database
                """
            ).only()
            let identity = ServerIdentity(
                started: try row.string("started"), port: try row.string("port"), database: try row.int("database"),
                isReplica: try row.bool("replica"))
            await connection.close()
            return identity
        } catch {
            await connection.close()
            throw error
        }
    }
}
