internal import PostgresDriver

/// Reads where schemas live from schema `strata` of the main database, whose tables need not be there.
enum RouteRecord {
    /// More routes than that are not read: a layout has fewer schemas.
    private static let limit = 10_000

    private struct Tables {
        var readable: Set<String> = []
        var followers = Followers.absent
    }

    /// What there is of `strata.followers`.
    enum Followers: Sendable, Equatable {
        case absent
        case writable
        /// Not with this role's rights.
        case refused
    }

    /// - Parameter schemas: those that the layout places on another database.
    static func read(
        _ connection: Connection, schemas: [String]
    ) async throws -> (snapshot: RouteSnapshot, followers: Followers) {
        let tables = try await tables(connection)
        // One statement, so that a split's end and its route are seen together.
        var parts = [filled]
        if tables.readable.contains("routes") { parts.append(routes) }
        if tables.readable.contains("splits") { parts.append(leaving) }
        let rows = try await connection.query(parts.joined(separator: " UNION ALL "), [.textArray(schemas)])
        return (try snapshot(rows), tables.followers)
    }

    private static func tables(_ connection: Connection) async throws -> Tables {
        var tables = Tables()
        let rows = try await connection.query(
            """
            SELECT c.relname AS name, has_schema_privilege(n.oid, 'USAGE') AS usable,
                   has_any_column_privilege(c.oid, 'SELECT') AS readable,
                   has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                     AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE') AS writable
              FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = 'strata' AND c.relname IN ('routes', 'splits', 'followers') AND c.relkind IN ('r', 'v')
            """)
        for row in rows {
            let name = try row.string("name")
            let usable = try row.bool("usable")
            if name == "followers" {
                tables.followers = try usable && row.bool("writable") ? .writable : .refused
            } else if try usable && row.bool("readable") {
                tables.readable.insert(name)
            } else {
                // Without it, a schema that has moved would be looked for at its old home.
                throw FactoryError.unreadableRoutes(role: connection.settings.user, table: "strata.\(name)")
            }
        }
        return tables
    }

    private static let filled = """
        SELECT 'filled' AS kind, n.nspname::text AS schema, NULL::text AS database, NULL::bigint AS epoch,
               NULL::bigint AS hold, NULL::float8 AS left_seconds
          FROM pg_catalog.pg_namespace n
         WHERE n.nspname = ANY ($1) AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid)
        """
    private static let routes = """
        (SELECT 'route', schema, database, epoch, hold,
                extract(epoch FROM hold_until - clock_timestamp())::float8
           FROM strata.routes LIMIT \(limit))
        """
    private static let leaving = """
        SELECT DISTINCT 'leaving', schema, NULL::text, NULL::bigint, NULL::bigint, NULL::float8
          FROM strata.splits WHERE state NOT IN ('cancelled', 'completed')
        """

    private static func snapshot(_ rows: Rows) throws -> RouteSnapshot {
        var snapshot = RouteSnapshot()
        for row in rows {
            let schema = try row.string("schema")
            switch try row.string("kind") {
            case "filled": snapshot.filled.insert(schema)
            case "leaving": snapshot.leaving.insert(schema)
            default:
                var route = RouteSnapshot.Route(database: try row.string("database"), epoch: try row.int("epoch"))
                if let number = try row.optionalInt("hold"), let left = try row.optionalDouble("left_seconds"),
                    left > 0
                {
                    // A switch that asks for more than an hour has written something else than it meant.
                    route.hold = .init(number: number, left: .seconds(min(left, 3600)))
                }
                snapshot.routes[schema] = route
            }
        }
        return snapshot
    }

    /// Whether a schema has any object in this database.
    static func isFilled(_ schema: String, _ connection: Connection) async throws -> Bool {
        try await connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = $1)
            """, [.text(schema)]
        ).only().bool(0)
    }
}
