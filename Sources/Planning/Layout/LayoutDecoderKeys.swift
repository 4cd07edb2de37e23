/// The mappings of the layout file that have a fixed set of keys, as data: the decoder refuses every other key, and a test
/// compares this list with `docs/layout.schema.json`, where each case is a definition of the same name.
enum LayoutKeys: String, CaseIterable {
    case root, database, replica, pool, schema
    case tableEntry, viewEntry, functionEntry, typeEntry, sequenceEntry
    case partition, role, index, indexColumn, looseKey, copy, foreignTables
    case routing, tls, auth, authRule, freshness, route, retention, threshold, backup
    case exemption, events, projection

    var keys: [String] {
        switch self {
        case .root:
            [
                "strata", "databases", "schemas", "compatibility", "roles", "indexes", "loose_keys", "copies",
                "foreign_tables", "routing", "retention", "thresholds", "backup", "exemptions", "events", "projections",
            ]
        case .database: ["url", "replicas", "pool", "wal_level"]
        case .replica: ["name", "url", "weight"]
        case .pool:
            [
                "mode", "size", "reserve", "reserve_timeout", "max_clients", "server_lifetime", "idle_timeout",
                "connect_timeout", "query_wait_timeout", "query_timeout", "max_prepared_statements",
            ]
        case .schema:
            [
                "database", "tables", "views", "functions", "types", "sequences", "append_only", "ignore",
                "rebuildable", "partitions", "definitions",
            ]
        case .tableEntry: ["table", "from"]
        case .viewEntry: ["view", "from"]
        case .functionEntry: ["function", "from"]
        case .typeEntry: ["type", "from"]
        case .sequenceEntry: ["sequence", "from"]
        case .partition: ["by", "every", "ahead"]
        case .role: ["read", "write"]
        case .index: ["table", "columns", "unique", "method", "where", "include", "name"]
        case .indexColumn: ["name", "desc"]
        case .looseKey: ["table", "columns", "references", "referenced_columns", "on_delete", "on_update"]
        case .copy: ["table", "databases"]
        case .foreignTables: ["schema", "of", "tables"]
        case .exemption: ["fingerprint", "reason", "until"]
        case .events: ["schema", "database", "every", "ahead"]
        case .projection:
            ["stream", "organization", "store", "schema", "tables", "on_error", "not_compared", "statements"]
        case .routing:
            [
                "listen", "tls", "auth", "admins", "observers", "freshness", "transactions", "routes", "event_loops",
                "max_clients", "login_timeout", "metrics", "any_database",
            ]
        case .tls: ["certificate", "key", "authorities", "require"]
        case .auth: ["type", "users", "auth_query", "rules"]
        case .authRule: ["address", "user", "type"]
        case .freshness: ["at_most"]
        case .route: ["tag", "application", "table", "to"]
        case .retention: ["table", "older_than", "per_subject", "record_in"]
        case .threshold: ["rows_per_day", "rows", "latency", "cpu_percent"]
        case .backup: ["continuous", "rpo", "keep"]
        }
    }

    /// How messages call the mapping.
    var title: String {
        switch self {
        case .root: "the layout"
        case .tableEntry: "a table entry"
        case .viewEntry: "a view entry"
        case .functionEntry: "a function entry"
        case .typeEntry: "a type entry"
        case .sequenceEntry: "a sequence entry"
        case .indexColumn: "an index column"
        case .index: "an index"
        case .looseKey: "a loose key"
        case .copy: "a copied table"
        case .foreignTables: "a schema of foreign tables"
        case .exemption: "an exemption"
        case .events: "`events`"
        case .tls: "`tls`"
        case .auth: "`auth`"
        case .authRule: "a rule of `auth`"
        case .freshness: "`freshness`"
        case .pool: "`pool`"
        case .routing: "`routing`"
        case .retention: "a retention rule"
        case .threshold: "an entry of `thresholds`"
        case .backup: "an entry of `backup`"
        default: "a \(rawValue)"
        }
    }
}
