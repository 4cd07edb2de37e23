import PostgresDriver
import SQLSyntax

/// The role in the other database that foreign tables read with: SELECT on those tables and nothing else.
struct ForeignReader {
    struct Table: Sendable {
        var name: String
        /// `SELECT`, `SELECT (a, b)`, with the role; empty for PUBLIC.
        var grants: [(privilege: String, role: String)]
        var owner: String
        /// `name type modifier`.
        var columns: [String]
    }

    let record: ForeignRecord
    let other: Connection
    private var role: String { SQL.identifier(record.serverName) }
    private var schema: String { SQL.identifier(record.source) }

    /// - Returns: a password that was just given; nil where the role is there and its mapping has one.
    func make(hasMapping: Bool) async throws -> String? {
        let isThere =
            try await other.query(
                "SELECT count(*) AS n FROM pg_roles WHERE rolname = $1", [.text(record.serverName)]
            ).only().int("n") > 0
        var password: String?
        if !isThere || !hasMapping {
            let new = Self.password()
            let word = isThere ? "ALTER" : "CREATE"
            do {
                try await other.execute("\(word) ROLE \(role) LOGIN NOINHERIT PASSWORD \(SQL.literal(new))")
            } catch let error as PostgresError {
                // The statement has the password in it.
                throw PostgresError(.server, "role \(record.serverName) cannot be made: \(error.message)")
            }
            password = new
        }
        let database = SQL.identifier(other.settings.database)
        try await other.execute(
            """
            ALTER ROLE \(role) SET default_transaction_read_only = on;
            GRANT CONNECT ON DATABASE \(database) TO \(role); GRANT USAGE ON SCHEMA \(schema) TO \(role)
            """)
        return password
    }

    func allow(_ tables: [Table]) async throws {
        let list = tables.map { SQL.qualified(record.source, $0.name) }.joined(separator: ", ")
        try await other.execute(
            "BEGIN; REVOKE ALL ON ALL TABLES IN SCHEMA \(schema) FROM \(role); GRANT SELECT ON \(list) TO \(role); COMMIT"
        )
    }

    func remove() async throws {
        let isThere =
            try await other.query(
                "SELECT count(*) AS n FROM pg_roles WHERE rolname = $1", [.text(record.serverName)]
            ).only().int("n") > 0
        guard isThere else { return }
        let hasSchema = try await other.query("SELECT to_regnamespace($1) IS NOT NULL AS present", [.text(schema)])
            .only().bool("present")
        if hasSchema {
            try await other.execute(
                "REVOKE ALL ON ALL TABLES IN SCHEMA \(schema) FROM \(role); REVOKE ALL ON SCHEMA \(schema) FROM \(role)"
            )
        }
        try await other.execute(
            "REVOKE ALL ON DATABASE \(SQL.identifier(other.settings.database)) FROM \(role); DROP ROLE \(role)")
    }

    /// Tables and views of the schema; those with row security are left out, for this role would see other rows.
    func tables() async throws -> (readable: [Table], secured: [String]) {
        var readable: [Table] = []
        var secured: [String] = []
        for row in try await other.query(
            """
            SELECT c.relname, c.relrowsecurity AS secured, pg_get_userbyid(c.relowner) AS owner,
                   ARRAY(SELECT a.attname || ' ' || t.typname || ' ' || a.atttypmod
                           FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                          WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns,
                   ARRAY(SELECT CASE x.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(x.grantee) END FROM aclexplode(c.relacl) x
                          WHERE x.privilege_type = 'SELECT' AND x.grantee <> c.relowner ORDER BY 1) AS readers,
                   ARRAY(SELECT quote_ident(a.attname) || ' ' || CASE x.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(x.grantee) END
                          FROM pg_attribute a, aclexplode(a.attacl) x WHERE a.attrelid = c.oid AND x.privilege_type = 'SELECT'
                          ORDER BY 1) AS column_readers
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition ORDER BY 1
            """, [.text(record.source)])
        {
            let name = try row.string("relname")
            if try row.bool("secured") {
                secured.append(name)
                continue
            }
            var grants = try row.textArray("readers").map { (privilege: "SELECT", role: $0) }
            for text in try row.textArray("column_readers") {
                guard let blank = text.lastIndex(of: " ") else { continue }
                grants.append(("SELECT (\(text[..<blank]))", String(text[text.index(after: blank)...])))
            }
            grants.removeAll { $0.role == record.serverName }
            readable.append(
                Table(
                    name: name, grants: grants, owner: try row.string("owner"), columns: try row.textArray("columns")))
        }
        return (readable, secured)
    }

    func types(of tables: [Table]) async throws -> [String] {
        try await other.query(
            """
            SELECT DISTINCT format('%I.%I', n.nspname, e.typname) FROM pg_class c JOIN pg_namespace cn ON cn.oid = c.relnamespace
              JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              JOIN pg_type t ON t.oid = a.atttypid
              JOIN pg_type e ON e.oid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN t.typelem ELSE t.oid END
              JOIN pg_namespace n ON n.oid = e.typnamespace
             WHERE cn.nspname = $1 AND c.relname = ANY ($2) AND e.oid >= 16384
               AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = e.oid AND d.deptype = 'e')
             ORDER BY 1
            """, [.text(record.source), .textArray(tables.map(\.name))]
        ).map { try $0.string(0) }
    }

    /// 192 bits, in hexadecimal.
    private static func password() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<3).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
