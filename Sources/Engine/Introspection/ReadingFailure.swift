import Planning
import PostgresDriver

/// Turns a server's refusal into something the user can act on.
enum ReadingFailure {
    static func explain(
        _ error: PostgresError, _ connection: Connection, _ limits: CatalogReader.Limits
    ) async -> any Error {
        if error.isLockTimeout { return DiagnosticsError(await lockTimeout(connection, limits)) }
        if error.isQueryCanceled {
            return DiagnosticsError(
                Diagnostic(
                    .error, "statement-timeout",
                    "reading the catalog took longer than \(limits.statementTimeout) for one query",
                    nextStep: "try again when the server is less busy, and ANALYZE its system catalogs (as superuser)"))
        }
        if error.sqlState == .insufficientPrivilege {
            return DiagnosticsError(
                Diagnostic(
                    .error, "missing-privilege", "the catalog could not be read: \(error.message)",
                    nextStep: "connect as the owner of the database, or have that privilege granted"))
        }
        return error
    }

    private static func lockTimeout(_ connection: Connection, _ limits: CatalogReader.Limits) async -> Diagnostic {
        let holders = await holders(connection)
        let who = holders.isEmpty ? "" : ": " + holders.joined(separator: "; ")
        return Diagnostic(
            .error, "lock-timeout",
            "a definition (of a view, policy, CHECK constraint, index or the like) could not be read within "
                + "\(limits.lockTimeout), because a table that it names is locked in ACCESS EXCLUSIVE mode\(who)",
            nextStep: "wait until that session has finished, or end it with pg_terminate_backend, then run again")
    }

    /// At most five, as text; none where that cannot be found out.
    private static func holders(_ connection: Connection) async -> [String] {
        let rows = try? await connection.query(
            """
            SELECT n.nspname AS schema, c.relname AS name, l.pid,
                   COALESCE(NULLIF(a.application_name, ''), 'unnamed') AS application
              FROM pg_catalog.pg_locks l
              JOIN pg_catalog.pg_class c ON c.oid = l.relation
              JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
             WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation'
               AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
               AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
             ORDER BY 1, 2 LIMIT 5
            """)
        return (rows.map(Array.init) ?? []).compactMap { row in
            guard let schema = try? row.string("schema"), let name = try? row.string("name"),
                let pid = try? row.int("pid"), let application = try? row.string("application")
            else { return nil }
            return "\(schema).\(name) by process \(pid) (\(application))"
        }
    }
}
