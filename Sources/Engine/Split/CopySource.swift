import Planning
import PostgresDriver
import SQLSyntax

/// A table that is to be copied, as it is: its definition without what only its writers need (defaults, checks, foreign
/// keys, triggers).
struct CopySource: Sendable {
    /// From here on there is a warning: all its rows are sent by one process in one transaction.
    static let warnedBytes = 64 << 20
    /// What is larger than this is no small table: a schema of its own is what moves those.
    static let refusedBytes = 4 << 30

    var schema: String
    var table: String
    var bytes: Int
    var owner: String
    /// `name type COLLATE … NOT NULL`, in their order.
    var columns: [String]
    /// `CONSTRAINT …`, of its keys.
    var keys: [String]
    /// Statements.
    var indexes: [String]
    /// That UPDATE and DELETE on the copy go by, where it is no primary key.
    var identity: String?
    /// `SELECT`, `SELECT (a, b)`, with the role; empty for PUBLIC.
    var grants: [(privilege: String, role: String)]
    /// Types of its columns that PostgreSQL does not have itself and no extension brought, as SQL names them.
    var types: [String]

    var name: String { SQL.qualified(schema, table) }

    /// - Parameter connection: idle.
    /// - Throws: `EngineFailure` for a table that is not there or cannot be copied.
    static func read(_ schema: String, _ table: String, _ connection: Connection) async throws -> CopySource {
        try await connection.transaction(.snapshot) { connection in
            // Names of types then have their schema with them.
            try await connection.execute("SET LOCAL search_path = pg_catalog")
            return try await described(schema, table, connection)
        }
    }

    private static func described(
        _ schema: String, _ table: String, _ connection: Connection
    ) async throws -> CopySource {
        guard
            let row = try await connection.query(
                """
                SELECT c.oid, c.relkind::text AS kind, c.relpersistence::text AS persistence, c.relrowsecurity AS secured,
                       c.relreplident::text AS identity, pg_total_relation_size(c.oid)::bigint AS bytes,
                       pg_get_userbyid(c.relowner) AS owner,
                       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid) AS keyed,
                       (SELECT quote_ident(k.relname) FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
                         WHERE i.indrelid = c.oid AND i.indisreplident) AS identity_index,
                       EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid OR h.inhrelid = c.oid) AS inherits
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2
                """, [.text(schema), .text(table)]
            ).first
        else { throw refused(schema, table, "there is no such table", "correct its name in `copies` of the layout") }
        let refusal = try obstacle(row)
        if let (message, next) = refusal { throw refused(schema, table, message, next) }
        let oid = try row.uint32("oid")
        let identityIndex = try row.string("identity") == "i" ? row.optionalString("identity_index") : nil
        return CopySource(
            schema: schema, table: table, bytes: try row.int("bytes"), owner: try row.string("owner"),
            columns: try await texts(columnsQuery, oid, connection), keys: try await texts(keysQuery, oid, connection),
            indexes: try await texts(indexesQuery, oid, connection),
            identity: try row.string("identity") == "f" ? "FULL" : identityIndex.map { "USING INDEX \($0)" },
            grants: try await grants(oid, connection), types: try await texts(typesQuery, oid, connection))
    }

    private static func obstacle(_ row: Row) throws -> (String, String)? {
        guard try row.string("kind") == "r", try !row.bool("inherits") else {
            return (
                "only plain tables can be copied: no views, partitioned or inherited ones", "copy what it is made of"
            )
        }
        if try row.string("persistence") != "p" {
            return ("it is unlogged, and such tables are not replicated", "ALTER TABLE … SET LOGGED")
        }
        let identity = try row.string("identity")
        let hasIdentity = try identity == "f" || (identity == "i" && row.optionalString("identity_index") != nil)
        guard try hasIdentity || (identity == "d" && row.bool("keyed")) else {
            return (
                "nothing tells its rows apart: UPDATE and DELETE would fail once it is copied",
                "add a primary key, or ALTER TABLE … REPLICA IDENTITY FULL"
            )
        }
        if try row.bool("secured") {
            return (
                "it has row security, which its copy would not have", "leave it where it is, and ask for its rows there"
            )
        }
        let bytes = try row.int("bytes")
        guard bytes <= refusedBytes else {
            return (
                "it has \(sized(Int64(bytes))), and copies are for small tables (\(sized(Int64(refusedBytes))) at most)",
                "place its schema beside those who read it, or read it by a foreign table"
            )
        }
        return nil
    }

    private static func refused(_ schema: String, _ table: String, _ message: String, _ next: String) -> EngineFailure {
        EngineFailure(
            .failed,
            Diagnostic(
                .error, "not-copyable", "table \(schema).\(table) cannot be copied: \(message)",
                object: "table \(schema).\(table)", nextStep: next))
    }

    private static func texts(_ query: String, _ oid: UInt32, _ connection: Connection) async throws -> [String] {
        try await connection.query(query, [.oid(oid)]).map { try $0.string(0) }
    }

    /// Stored generated columns are not replicated: they are computed there as well.
    private static let columnsQuery = """
        SELECT quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attcollation <> t.typcollation AND a.attcollation <> 0
                       THEN ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname) ELSE '' END
               || CASE WHEN a.attgenerated = 's' THEN ' GENERATED ALWAYS AS (' || pg_get_expr(d.adbin, d.adrelid) || ') STORED' ELSE '' END
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
          FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
         WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """
    private static let keysQuery = """
        SELECT 'CONSTRAINT ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
         WHERE conrelid = $1 AND contype IN ('p', 'u') ORDER BY contype, conname
        """
    /// Those of plain columns: an expression may call functions that are not there.
    private static let indexesQuery = """
        SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
         WHERE i.indrelid = $1 AND i.indisvalid AND i.indexprs IS NULL AND i.indpred IS NULL
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
           AND NOT EXISTS (SELECT FROM unnest(i.indclass) o WHERE o >= 16384) ORDER BY i.indexrelid
        """
    /// The elements of arrays; what is below domains and in row types has to be there already.
    private static let typesQuery = """
        SELECT DISTINCT format('%I.%I', n.nspname, e.typname) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
          JOIN pg_type e ON e.oid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem ELSE t.oid END
          JOIN pg_namespace n ON n.oid = e.typnamespace
         WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND e.oid >= 16384
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = e.oid AND d.deptype = 'e')
         ORDER BY 1
        """

    private static func grants(_ oid: UInt32, _ connection: Connection) async throws -> [(String, String)] {
        try await connection.query(
            """
            SELECT 'SELECT' AS privilege, CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END AS role
              FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = $1 AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
            UNION SELECT 'SELECT (' || string_agg(quote_ident(t.attname), ', ' ORDER BY t.attnum) || ')',
                   CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END
              FROM pg_attribute t, aclexplode(t.attacl) a WHERE t.attrelid = $1 AND a.privilege_type = 'SELECT' GROUP BY 2
             ORDER BY 2, 1
            """, [.oid(oid)]
        ).map { (try $0.string("privilege"), try $0.string("role")) }
    }

    // MARK: The copy

    /// Its owner, and who may read it. Safe to do again.
    func rights(roles: Set<String>) -> [String] {
        let owned = roles.contains(owner) ? ["ALTER TABLE \(name) OWNER TO \(SQL.identifier(owner))"] : []
        return owned
            + grants.filter { $0.role.isEmpty || roles.contains($0.role) }.map { privilege, role in
                "GRANT \(privilege) ON \(name) TO \(role.isEmpty ? "PUBLIC" : SQL.identifier(role))"
            }
    }

    /// What makes the copy, guarded and without rows, in one transaction with its mark.
    /// - Parameter roles: those that the other database has.
    func statements(home: String, mark: String, roles: Set<String>) -> [String] {
        var statements = ["CREATE TABLE \(name) (\((columns + keys).joined(separator: ", ")))"]
        statements.append(FreshRights.takeBack(.table, name))
        statements += indexes
        if let identity { statements.append("ALTER TABLE \(name) REPLICA IDENTITY \(identity)") }
        statements += rights(roles: roles)
        statements.append(
            """
            CREATE TRIGGER \(CopySchema.guardName) BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON \(name)
            FOR EACH STATEMENT EXECUTE FUNCTION strata.refuse_copy_write(\(SQL.literal(home)))
            """)
        return statements + [mark]
    }
}
