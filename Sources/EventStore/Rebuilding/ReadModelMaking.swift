import Foundation
import PostgresDriver
import SQLSyntax

/// The tables beside the live ones: made, compared with them by definition, dropped.
struct ReadModelMaking {
    let name: String
    /// Of the live tables.
    let schema: String
    let tables: [String]
    let stream: UUID

    /// In one transaction: all is there, with a position of 0 and what a swap would need tried, or nothing.
    ///
    /// - Parameter moment: of the store, before anything is read of it.
    /// - Throws: `RebuildRefusal.obstacles`.
    func make(at moment: Int, on connection: Connection) async throws {
        let obstacles = try await ReadModelSurroundings(schema: schema, tables: tables).obstacles(on: connection)
        if !obstacles.isEmpty { throw RebuildRefusal.obstacles(obstacles) }
        let next = ProjectionCopy.next.schema(of: name, live: schema)
        try await refuseTaken(next, connection)
        try await connection.execute("CREATE SCHEMA \(SQL.identifier(next))")
        try await connection.execute(
            "COMMENT ON SCHEMA \(SQL.identifier(next)) IS \(SQL.literal("strata: the rebuild of projection \(name)"))")
        try await admitOwners(next, connection)
        let definition = try await ReadModelDefinition.read(tables, in: schema, live: schema, on: connection)
        try await definition.make(in: next, live: schema, on: connection)
        _ = try await connection.query(
            "INSERT INTO strata.projections (name, copy, stream_id, begun_at) VALUES ($1, 'next', $2::uuid, timestamp '1970-01-01' + $3 * interval '1 millisecond')",
            [.text(name), .text(stream.uuidString), .int(moment)])
        let differences = try await self.differences(.next, on: connection)
        if !differences.isEmpty {
            throw RebuildRefusal.obstacles(
                differences.map {
                    RebuildObstacle(
                        $0, "it does not become the same in another schema",
                        "define it in another way, or drop it for the time of the rebuild")
                })
        }
        try await rehearse(connection)
    }

    /// The tables of a copy are still what the live ones are, and nothing new is bound to those.
    ///
    /// - Throws: `RebuildRefusal.obstacles`.
    func check(_ copy: ProjectionCopy, on connection: Connection) async throws {
        var obstacles = try await ReadModelSurroundings(schema: schema, tables: tables).obstacles(on: connection)
        obstacles += try await differences(copy, on: connection).map {
            RebuildObstacle(
                $0, "it is not the same in schema \(copy.schema(of: name, live: schema))",
                "begin anew where it was changed meanwhile: strata project rebuild \(name) --cancel")
        }
        if !obstacles.isEmpty { throw RebuildRefusal.obstacles(obstacles) }
    }

    private func differences(_ copy: ProjectionCopy, on connection: Connection) async throws -> [String] {
        let live = try await ReadModelDefinition.read(tables, in: schema, live: schema, on: connection)
        let other = try await ReadModelDefinition.read(
            tables, in: copy.schema(of: name, live: schema), live: schema, on: connection)
        return live.differences(from: other)
    }

    /// What cannot be exchanged is found out before hours of projecting. Its locks are given back at once.
    private func rehearse(_ connection: Connection) async throws {
        try await connection.execute("SAVEPOINT rehearsal")
        try await ReadModelSwap(name: name, schema: schema, tables: tables, copy: .next).exchange(on: connection)
        try await connection.execute("ROLLBACK TO SAVEPOINT rehearsal; RELEASE SAVEPOINT rehearsal")
    }

    /// A copy with its position and its letters, and the record of the rebuild.
    func drop(_ copy: ProjectionCopy, on connection: Connection) async throws {
        let schema = copy.schema(of: name, live: schema)
        let found = try await connection.query(
            """
            SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY 1
            """, [.text(schema)]
        ).map { try $0.string("name") }
        // What somebody has built on them is refused, not taken along.
        if !found.isEmpty { try await connection.execute("DROP TABLE \(found.joined(separator: ", "))") }
        try await connection.execute("DROP SCHEMA IF EXISTS \(SQL.identifier(schema))")
        for table in ["projections", "projection_letters"] {
            _ = try await connection.query(
                "DELETE FROM strata.\(table) WHERE name = $1 AND copy = $2", [.text(name), .text(copy.rawValue)])
        }
        _ = try await connection.query("DELETE FROM strata.projection_rebuilds WHERE name = $1", [.text(name)])
    }

    private func refuseTaken(_ next: String, _ connection: Connection) async throws {
        let isTaken = try await connection.query(
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = ANY ($1)) AS taken",
            [.textArray([next, ProjectionCopy.old.schema(of: name, live: schema), "strata_swap_\(name)"])]
        ).only().bool("taken")
        guard isTaken else { return }
        throw RebuildRefusal.obstacles([
            RebuildObstacle(
                "schema \(next)", "it, or one that goes with it, is there already, and of no rebuild that is known",
                "look at what is in the schemas strata_…_\(name), and drop them")
        ])
    }

    /// Tables are given to their owners, who check foreign keys among them.
    private func admitOwners(_ next: String, _ connection: Connection) async throws {
        let owners = try await connection.query(
            """
            SELECT DISTINCT quote_ident(pg_get_userbyid(t.relowner)) AS name FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
            WHERE s.nspname = $1 AND t.relname = ANY ($2) AND pg_get_userbyid(t.relowner) <> current_user ORDER BY 1
            """, [.text(schema), .textArray(tables)]
        ).map { try $0.string("name") }
        for owner in owners {
            try await connection.execute("GRANT USAGE, CREATE ON SCHEMA \(SQL.identifier(next)) TO \(owner)")
        }
    }
}

extension PostgresError {
    /// A row that a statement of the projection made was refused, or a value: not a definition, and not a right.
    var isOfAnEvent: Bool {
        guard let kind = sqlState?.conditionClass else { return false }
        return ["21", "22", "23", "27", "44", "P0"].contains(String(kind))
    }
}
