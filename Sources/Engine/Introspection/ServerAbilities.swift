import Planning
import PostgresDriver

/// What this server has and this user may read: decided before the snapshot, because PostgreSQL checks privileges on
/// everything that a query names, also on what it would not reach.
struct ServerAbilities {
    /// The queries that `ask` makes.
    static let queries = 2

    /// As `server_version_num`.
    var version: Int
    var readsControlData = false
    var readsSubscriptions = false
    var readsCronJobs = false
    /// pg_partman's configuration, as SQL names it; nil where it is not installed or not readable.
    var partitionConfiguration: String?

    /// SQL for the system's identifier as text; empty text where it may not be read.
    var systemIdentifier: String {
        readsControlData ? "(SELECT system_identifier::text FROM pg_control_system())" : "''"
    }

    func isAtLeast(_ major: Int) -> Bool { version >= major * 10_000 }

    static func ask(_ connection: Connection) async throws -> ServerAbilities {
        var server = ServerAbilities(version: try await version(connection))
        let row = try await connection.query(
            """
            SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS control,
                   COALESCE((SELECT bool_and(has_column_privilege('pg_catalog.pg_subscription', a.attnum, 'SELECT'))
                      FROM pg_catalog.pg_attribute a
                     WHERE a.attrelid = 'pg_catalog.pg_subscription'::regclass
                       AND a.attname IN ('oid', 'subdbid', 'subname', 'subenabled')), false) AS subscriptions,
                   EXISTS (SELECT 1 FROM pg_catalog.pg_class c
                             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = 'cron' AND c.relname = 'job' AND c.relkind = 'r'
                              AND has_schema_privilege(n.oid, 'USAGE')
                              AND has_table_privilege(c.oid, 'SELECT')) AS cron,
                   (SELECT quote_ident(n.nspname) || '.part_config' FROM pg_catalog.pg_extension e
                      JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
                      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'part_config'
                     WHERE e.extname = 'pg_partman' AND has_schema_privilege(n.oid, 'USAGE')
                       AND has_table_privilege(c.oid, 'SELECT')) AS partman
            """
        ).only()
        server.readsControlData = try row.bool("control")
        server.readsSubscriptions = try row.bool("subscriptions")
        server.readsCronJobs = try row.bool("cron")
        server.partitionConfiguration = try row.optionalString("partman")
        return server
    }

    private static func version(_ connection: Connection) async throws -> Int {
        let row: Row
        do {
            row = try await connection.query(
                "SELECT version() AS text, current_setting('server_version_num')::integer AS number"
            ).only()
        } catch let error as PostgresError where error.kind == .server && !error.isConnectionLost {
            throw notPostgreSQL("it does not answer SELECT version(): \(error.message)")
        }
        let text = try row.string("text")
        guard text.hasPrefix("PostgreSQL") else { throw notPostgreSQL("it says it is \(text.prefix(60))") }
        let number = try row.int("number")
        guard number >= 130_000 else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "server-too-old",
                    "the server is \(text.prefix { $0 != "(" }.prefix(40)), and Strata needs PostgreSQL 13 or later",
                    object: "database \(connection.settings.database)",
                    nextStep: "upgrade the server (pg_upgrade keeps the data in place), or give the URL of a newer one")
            )
        }
        return number
    }

    private static func notPostgreSQL(_ reason: String) -> DiagnosticsError {
        DiagnosticsError(
            Diagnostic(
                .error, "not-postgresql", "what answers is not a PostgreSQL server: \(reason)",
                nextStep: "give the URL of the PostgreSQL server itself, not of a pooler's console or another product"))
    }
}
