import PostgresDriver
import SQLSyntax

/// Enums, domains and row types that a table's columns have, made in another database where they are missing.
struct CarriedTypes {
    let from: Connection
    let to: Connection
    /// Remembers the statement that takes back what is made next. Noted before it is made: what was noted and not made does
    /// no harm to whoever takes it back.
    let note: (String) async throws -> Void

    /// - Parameter names: as SQL names them.
    func make(_ names: [String]) async throws {
        for row in try await from.query(TargetSite.typesQuery, [.textArray(names)]) {
            let schema = try row.string("schema")
            let name = SQL.qualified(schema, try row.string("name"))
            let isThere = try await to.query("SELECT to_regtype($1) IS NOT NULL AS present", [.text(name)]).only()
                .bool("present")
            guard !isThere else { continue }
            try await makeSchema(schema)
            try await note("DROP TYPE IF EXISTS \(name)")
            try await to.execute(try TargetSite.definition(of: name, row))
        }
    }

    /// With USAGE for those who have it where the schema comes from.
    func makeSchema(_ name: String) async throws {
        let quoted = SQL.identifier(name)
        let isThere = try await to.query("SELECT to_regnamespace($1) IS NOT NULL AS present", [.text(quoted)]).only()
            .bool("present")
        guard !isThere else { return }
        try await note("DROP SCHEMA IF EXISTS \(quoted)")
        let grants = try await usage(of: name).map { "GRANT USAGE ON SCHEMA \(quoted) TO \($0)" }
        try await to.execute((["CREATE SCHEMA IF NOT EXISTS \(quoted)"] + grants).joined(separator: ";\n"))
    }

    /// Roles that may use a schema there and exist here, as SQL names them.
    func usage(of schema: String) async throws -> [String] {
        let roles = Set(try await to.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        return try await from.query(
            """
            SELECT DISTINCT a.grantee = 0 AS everybody, coalesce(r.rolname, '') AS name
              FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
             WHERE n.nspname = $1 AND a.privilege_type = 'USAGE'
            """, [.text(schema)]
        ).compactMap { row -> String? in
            if try row.bool("everybody") { return "PUBLIC" }
            let name = try row.string("name")
            // Strata's own, which reads there and nowhere else.
            if name.hasPrefix(ForeignRecord.namePrefix) { return nil }
            return roles.contains(name) ? SQL.identifier(name) : nil
        }
    }
}
