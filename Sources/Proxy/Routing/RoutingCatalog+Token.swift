package import PostgresDriver

extension RoutingCatalog {
    /// A text that is another one after any change that matters to routing; one query, some milliseconds for a thousand
    /// tables.
    ///
    /// It adds up, for each system catalog, the numbers of the transactions that wrote its rows. What it cannot see: DDL
    /// that is not committed; changes of the configuration file's `search_path`; roles that are made or dropped (their
    /// memberships are seen); temporary tables, on purpose. Two different states give the same text with a chance of one
    /// in thousands of millions.
    package static func token(_ connection: Connection) async throws -> String {
        try await connection.query(tokenQuery).only().string("token")
    }

    static let tokenQuery: String = {
        let parts = [
            part("pg_namespace", "oid", "nspname !~ '^pg_(toast_)?temp'"),
            part("pg_class", "oid", "relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'"),
            part("pg_proc", "oid", "oid >= 16384"),
            part("pg_trigger", "oid", "NOT tgisinternal"),
            part("pg_rewrite", "oid", "ev_class >= 16384"),
            part("pg_constraint", "oid", "contype = 'f'"),
            part(
                "pg_attrdef", "oid", "adrelid NOT IN (SELECT oid FROM pg_catalog.pg_class WHERE relpersistence = 't')"),
            part("pg_policy", "oid", "true"),
            part("pg_inherits", "inhrelid", "true"),
            part("pg_operator", "oid", "oid >= 16384"),
            part("pg_cast", "oid", "oid >= 16384"),
            part("pg_type", "oid", "oid >= 16384 AND typrelid = 0 AND typcategory <> 'A'"),
            part("pg_event_trigger", "oid", "true"),
            part("pg_extension", "oid", "true"),
            part("pg_auth_members", "member", "true"),
            part(
                "pg_db_role_setting", "setrole",
                "setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))"),
        ]
        return "SELECT concat_ws(' ', \(parts.joined(separator: ",\n"))) AS token"
    }()

    private static func part(_ table: String, _ key: String, _ condition: String) -> String {
        """
        (SELECT count(*) || ':' || COALESCE(sum((xmin::text::bigint * 1000003 + \(key)::bigint) % 1000000000039), 0)
           FROM pg_catalog.\(table) WHERE \(condition))
        """
    }
}
