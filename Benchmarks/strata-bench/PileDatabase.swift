import Planning
import PostgresDriver

/// A database of many tables like those of applications: eight columns, a serial primary key, an index, and a foreign
/// key to a neighbour. Some tables are in schemas already, the rest is one pile in `public`.
struct PileDatabase: Sendable {
    /// Tables altogether.
    let tables: Int
    /// Schemas in the layout; each gets `tables / schemas` tables.
    let schemas: Int
    /// Tables that are still in `public`; a multiple of the tables of one schema.
    let pile: Int

    var perSchema: Int { tables / schemas }

    /// Tables of one transaction: few enough for the locks of a default server.
    private static let batch = 50
    private static let connections = 2

    func load(into database: String, of server: BenchServer) async throws {
        try await withThrowingTaskGroup { group in
            for part in 0..<Self.connections {
                group.addTask { try await load(part, try await server.connect(database)) }
            }
            try await group.waitForAll()
        }
        try await tidy(try await server.connect(database))
    }

    private func load(_ part: Int, _ connection: Connection) async throws {
        try await connection.execute("SET synchronous_commit = off; SET client_min_messages = warning")
        var text: [String] = []
        let share = (schemas + Self.connections - 1) / Self.connections
        for schema in part * share..<min((part + 1) * share, schemas) {
            let isPile = schema * perSchema < pile
            if !isPile { text.append("CREATE SCHEMA \(Self.name(schema))") }
            for table in 0..<perSchema {
                let name = isPile ? "public" : Self.name(schema)
                text.append(create(schema * perSchema + table, neighbour: table > 0, in: name))
                if text.count >= Self.batch {
                    try await connection.execute(text.joined(separator: ";\n"))
                    text = []
                }
            }
        }
        if !text.isEmpty { try await connection.execute(text.joined(separator: ";\n")) }
        await connection.close()
    }

    private func create(_ number: Int, neighbour: Bool, in schema: String) -> String {
        let name = "\(schema).\(Self.table(number))"
        let other = neighbour ? "\(schema).\(Self.table(number - 1))" : name
        return """
            CREATE TABLE \(name) (id bigserial PRIMARY KEY, neighbour_id bigint REFERENCES \(other), \
            name varchar(200) NOT NULL, state varchar(20) NOT NULL DEFAULT 'new', amount numeric(12, 2), \
            active boolean NOT NULL DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(), remark text);
            CREATE INDEX ON \(name) (neighbour_id)
            """
    }

    /// Autovacuum has been over the system catalogs of a database that grew table by table.
    private func tidy(_ connection: Connection) async throws {
        let names = try await connection.query(
            """
            SELECT oid::regclass::text AS name FROM pg_class
            WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
            """)
        for row in names { try await connection.execute("VACUUM (ANALYZE) \(try row.string("name"))") }
        await connection.close()
    }

    static func name(_ schema: Int) -> String { "context_\(schema + 1)" }
    static func table(_ number: Int) -> String { "item_\(number + 1)" }

    /// A layout with every table. `renamed` puts all of them into schemas of other names, so that all move.
    func layout(renamed: Bool = false, urlVariable: String) -> String {
        var lines = ["strata: 1", "databases: { main: { url: \"${\(urlVariable)}\" } }", "schemas:"]
        for schema in 0..<schemas {
            let names = (0..<perSchema).map { Self.table(schema * perSchema + $0) }
            lines.append(
                "  \(Self.name(schema))\(renamed ? "_new" : ""): { tables: [\(names.joined(separator: ", "))] }")
        }
        return (lines + ["compatibility: views", ""]).joined(separator: "\n")
    }
}
