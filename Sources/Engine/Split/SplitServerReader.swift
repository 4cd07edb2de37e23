internal import Foundation
package import Planning
package import PostgresDriver

/// Asks one of the two servers of a split what `SplitRequirements` has to know. Reads only.
package enum SplitServerReader {
    /// - Parameter name: as the layout names the database.
    /// - Throws: `PostgresError`.
    package static func read(_ connection: Connection, name: String) async throws -> SplitServer {
        let abilities = try await ServerAbilities.ask(connection)
        var server = SplitServer()
        server.name = name
        server.version = abilities.version
        try await readFacts(connection, abilities, into: &server)
        try await readLists(connection, into: &server)
        try await readSessions(connection, into: &server)
        try await readPlace(connection, into: &server)
        return server
    }

    private static func readFacts(
        _ connection: Connection, _ abilities: ServerAbilities, into server: inout SplitServer
    ) async throws {
        let mayCreate = abilities.isAtLeast(16) ? "pg_has_role('pg_create_subscription', 'MEMBER')" : "false"
        let row = try await connection.query(
            """
            SELECT d.datname, d.oid, \(abilities.systemIdentifier) AS identifier, pg_is_in_recovery() AS recovery,
                   pg_encoding_to_char(d.encoding) AS encoding, d.datcollate, r.rolname,
                   r.rolsuper OR r.rolreplication AS replicates, r.rolsuper OR r.rolcreaterole AS makes_roles,
                   r.rolsuper OR \(mayCreate) AS subscribes, has_database_privilege(d.oid, 'CREATE') AS creates,
                   current_setting('wal_level') AS wal_level,
                   current_setting('max_replication_slots')::int AS slots,
                   (SELECT count(*) FROM pg_replication_slots) AS slots_used,
                   current_setting('max_wal_senders')::int AS senders,
                   (SELECT count(*) FROM pg_stat_replication) AS senders_used,
                   current_setting('max_logical_replication_workers')::int AS workers,
                   (SELECT count(*) FROM pg_stat_subscription WHERE pid IS NOT NULL) AS workers_used,
                   (SELECT setting::bigint FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS kept_megabytes
              FROM pg_database d, pg_roles r
             WHERE d.datname = current_database() AND r.rolname = current_user
            """
        ).only()
        server.database = try row.string("datname")
        server.databaseOID = try row.uint32("oid")
        server.systemIdentifier = try row.string("identifier")
        server.isInRecovery = try row.bool("recovery")
        server.encoding = try row.string("encoding")
        server.collation = try row.string("datcollate")
        server.user = try row.string("rolname")
        server.mayReplicate = try row.bool("replicates")
        server.mayCreateRoles = try row.bool("makes_roles")
        server.maySubscribe = try row.bool("subscribes")
        server.mayCreateSchemas = try row.bool("creates")
        server.walLevel = try row.string("wal_level")
        server.slots = .init(limit: try row.int("slots"), used: try row.int("slots_used"))
        server.senders = .init(limit: try row.int("senders"), used: try row.int("senders_used"))
        server.workers = .init(limit: try row.int("workers"), used: try row.int("workers_used"))
        // In megabytes, -1 for no limit (13 and later).
        if let kept = try row.optionalInt("kept_megabytes"), kept >= 0 { server.keptWAL = Int64(kept) << 20 }
    }

    private static func readLists(_ connection: Connection, into server: inout SplitServer) async throws {
        let row = try await connection.query(
            """
            SELECT ARRAY(SELECT rolname::text FROM pg_roles) AS roles,
                   ARRAY(SELECT name::text FROM pg_available_extensions) AS extensions
            """
        ).only()
        server.roles = Set(try row.textArray("roles"))
        server.availableExtensions = Set(try row.textArray("extensions"))
        for row in try await connection.query(
            """
            SELECT n.nspname, (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind NOT IN ('i', 'I'))
                 + (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = n.oid)
                 + (SELECT count(*) FROM pg_type t WHERE t.typnamespace = n.oid AND t.typtype IN ('e', 'd', 'r'))
                   AS objects
              FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            """)
        {
            server.objectsBySchema[try row.string("nspname")] = try row.int("objects")
        }
        // The copy of a split that is under way is what the split has made.
        if try await SplitLedger.hasIncoming(connection) {
            for row in try await connection.query("SELECT schema FROM strata.incoming") {
                server.objectsBySchema[try row.string("schema")] = nil
            }
        }
    }

    private static func readSessions(_ connection: Connection, into server: inout SplitServer) async throws {
        // What proxies say of themselves each 10 s, or less often when something keeps them from it.
        let isObserved = try await connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = 'strata' AND c.relname = 'observers'
                              AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')) AS present
            """
        ).only().bool("present")
        let proxied =
            isObserved
            ? "SELECT unnest(o.servers) FROM strata.observers o WHERE o.last > clock_timestamp() - interval '2 minutes'"
            : "SELECT NULL::int WHERE false"
        for row in try await connection.query(
            """
            SELECT COALESCE(usename, '?') || ' at ' || COALESCE(host(client_addr), 'a local socket')
                   || CASE WHEN application_name <> '' THEN ' (' || application_name || ')' ELSE '' END AS who,
                   pid IN (\(proxied)) AS proxied, count(*) AS sessions
              FROM pg_stat_activity
             WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
               AND application_name !~ '^strata( |$)'
             GROUP BY 1, 2
            """)
        {
            let count = try row.int("sessions")
            if try row.bool("proxied") {
                server.proxied = (server.proxied ?? 0) + count
            } else {
                server.sessions[try row.string("who")] = count
            }
        }
    }

    /// Where it is, who is let in, and what room it has.
    private static func readPlace(_ connection: Connection, into server: inout SplitServer) async throws {
        let hosts = connection.settings.host.split(separator: ",").map(String.init)
        server.isReachedLocally =
            hosts.isEmpty
            || hosts.contains { $0.hasPrefix("/") || $0 == "localhost" || IPAddress($0)?.isLoopback == true }
        let row = try await connection.query(
            """
            SELECT host(inet_server_addr()) AS address, has_function_privilege('pg_hba_file_rules()', 'EXECUTE') AS rules,
                   CASE WHEN pg_has_role('pg_read_all_settings', 'MEMBER') THEN current_setting('data_directory') END AS folder
            """
        ).only()
        server.address = try row.optionalString("address").flatMap { IPAddress($0) }
        if server.isReachedLocally, let folder = try row.optionalString("folder") {
            server.freeBytes = free(in: folder)
        }
        guard try row.bool("rules") else { return }
        server.accessRules = try await connection.query(
            """
            SELECT line_number, type, database, user_name, address, netmask, auth_method FROM pg_hba_file_rules
             WHERE error IS NULL ORDER BY \(connection.serverVersion >= 160_000 ? "rule_number" : "line_number")
            """
        ).map {
            AccessRule(
                line: try $0.int("line_number"), type: try $0.string("type"), databases: try $0.textArray("database"),
                users: try $0.textArray("user_name"), address: try $0.optionalString("address"),
                netmask: try $0.optionalString("netmask"), method: try $0.string("auth_method"))
        }
    }

    /// Bytes that an ordinary process may still write; nil where this machine has no such folder.
    private static func free(in folder: String) -> Int64? {
        var found = statvfs()
        guard statvfs(folder, &found) == 0 else { return nil }
        return Int64(clamping: UInt64(found.f_bavail) * UInt64(found.f_frsize))
    }
}
