import PostgresDriver

/// Who owns and who may do what in a schema, on both sides. GRANT and REVOKE pass unnoticed by event triggers and are not
/// replicated, so they are compared.
struct DefinitionRights: Sendable {
    struct Right: Hashable, Sendable {
        /// As GRANT names it, with its column, or `OWNER`.
        var privilege: String
        /// With its kind, as SQL names it: `TABLE audit.events`.
        var object: String
        /// As SQL names it.
        var role: String
        var isGrantable: Bool

        var text: String {
            privilege == "OWNER"
                ? "owner \(role) of \(object)"
                : "\(privilege) on \(object) for \(role)" + (isGrantable ? ", with grant option" : "")
        }

        /// What gives it.
        var grant: String {
            privilege == "OWNER"
                ? "ALTER \(object) OWNER TO \(role)"
                : "GRANT \(privilege) ON \(object) TO \(role)" + (isGrantable ? " WITH GRANT OPTION" : "")
        }

        /// What takes it away.
        var revoke: String { "REVOKE \(privilege) ON \(object) FROM \(role)" }
    }

    let schema: String

    /// - Returns: what `to` lacks, and what it has too many.
    func compare(_ from: Connection, _ to: Connection) async throws -> (lacking: [Right], surplus: [Right]) {
        let wanted = try await rights(from)
        let present = try await rights(to)
        // 17 and later.
        let maintains = min(from.serverVersion, to.serverVersion) >= 170_000
        // Objects that one side does not have are named as definitions. Another owner has other rights of its own.
        let objects = Set(wanted.map(\.object)).intersection(present.map(\.object))
        func sorted(_ rights: Set<Right>) -> [Right] {
            rights.filter { objects.contains($0.object) && (maintains || $0.privilege != "MAINTAIN") }.sorted {
                ($0.object, $0.text) < ($1.object, $1.text)
            }
        }
        return (
            sorted(wanted.subtracting(present)), sorted(present.subtracting(wanted)).filter { $0.privilege != "OWNER" }
        )
    }

    private func rights(_ connection: Connection) async throws -> Set<Right> {
        Set(
            try await connection.query(Self.sql, [.text(schema)]).map { row in
                Right(
                    privilege: try row.string("privilege"), object: try row.string("object"),
                    role: try row.string("role"), isGrantable: try row.bool("grantable"))
            })
    }

    private static let sql = """
        WITH place AS (SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname = $1),
        objects (object, owner, rights, part) AS (
            SELECT format('SCHEMA %I', nspname), nspowner, coalesce(nspacl, acldefault('n', nspowner)), NULL::name FROM place
            UNION ALL
            SELECT format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname), c.relowner,
                   coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)), NULL
              FROM place n JOIN pg_class c ON c.relnamespace = n.oid WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            UNION ALL
            SELECT format('TABLE %I.%I', n.nspname, c.relname), NULL, a.attacl, a.attname
              FROM place n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
            UNION ALL
            SELECT format('%s %I.%I(%s)', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname,
                          pg_get_function_identity_arguments(p.oid)), p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)), NULL
              FROM place n JOIN pg_proc p ON p.pronamespace = n.oid WHERE p.prokind IN ('f', 'p', 'w')
            UNION ALL
            SELECT format('%s %I.%I', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, n.nspname, t.typname), t.typowner,
                   coalesce(t.typacl, acldefault('T', t.typowner)), NULL
              FROM place n JOIN pg_type t ON t.typnamespace = n.oid
              LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c'
        )
        SELECT 'OWNER' AS privilege, o.object, quote_ident(r.rolname) AS role, false AS grantable
          FROM objects o JOIN pg_roles r ON r.oid = o.owner
        UNION ALL
        SELECT e.privilege_type || coalesce(' (' || quote_ident(o.part) || ')', ''), o.object,
               coalesce(quote_ident(r.rolname), 'PUBLIC'), e.is_grantable
          FROM objects o CROSS JOIN aclexplode(o.rights) e LEFT JOIN pg_roles r ON r.oid = e.grantee
         -- Strata's own readers are of one side.
         WHERE e.grantee = 0 OR NOT starts_with(r.rolname, '\(ForeignRecord.namePrefix)')
        """
}
