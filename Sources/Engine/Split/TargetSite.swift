import Planning
import PostgresDriver
import SQLSyntax

/// Makes on the other database what a schema needs there, and the schema itself, guarded against everybody but
/// replication; and takes it back.
struct TargetSite: Sendable {
    let record: SplitRecord
    let source: Connection
    let target: Connection

    // MARK: The mark

    struct Mark { var hadSchema: Bool }

    /// From now on what stands in the schema is ours to remove.
    func mark() async throws -> Mark {
        try await target.execute(
            "BEGIN; SET LOCAL client_min_messages = warning; SELECT pg_advisory_xact_lock(\(CrossingStore.lock));\n\(SplitRecordSchema.target)\nCOMMIT"
        )
        try await WriteGuard(record.schema, target).prepare()
        let origin = try await Self.identity(of: source)
        let known = try await target.query(
            "SELECT source, split, had_schema FROM strata.incoming WHERE schema = $1", [.text(record.schema)]
        ).first
        if let known {
            guard try known.string("source") == origin, try known.int("split") == record.id else {
                throw EngineFailure(
                    .failed,
                    Diagnostic(
                        .error, "taken-schema",
                        "database \(record.database) already gets schema \(record.schema) from elsewhere, or by another split",
                        nextStep: "strata split cancel \(record.schema) at that one, or another database here"))
            }
            return Mark(hadSchema: try known.bool("had_schema"))
        }
        let row = try await target.query(
            """
            SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS present,
                   EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = $1 AND (
                       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid)
                       OR EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid)
                       OR EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid))) AS full
            """, [.text(record.schema)]
        ).only()
        guard try !row.bool("full") else {
            throw EngineFailure(
                .failed,
                Diagnostic(
                    .error, "schema-not-empty",
                    "database \(record.database) has a schema \(record.schema) with objects in it",
                    nextStep: "empty it; strata split makes everything in it"))
        }
        let hadSchema = try row.bool("present")
        _ = try await target.query(
            "INSERT INTO strata.incoming VALUES ($1, $2, $3, $4, 'making')",
            [.text(record.schema), .text(origin), .int(record.id), .bool(hadSchema)])
        return Mark(hadSchema: hadSchema)
    }

    func isMade() async throws -> Bool {
        try await target.query(
            "SELECT count(*) AS n FROM strata.incoming WHERE schema = $1 AND split = $2 AND state <> 'making'",
            [.text(record.schema), .int(record.id)]
        ).only().int("n") > 0
    }

    func noteMade() async throws {
        _ = try await target.query(
            "UPDATE strata.incoming SET state = 'made' WHERE schema = $1", [.text(record.schema)])
    }

    /// Server and database: `7301…/16384`.
    static func identity(of connection: Connection) async throws -> String {
        let abilities = try await ServerAbilities.ask(connection)
        return try await connection.query(
            """
            SELECT \(abilities.systemIdentifier) || '/' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS identity
            """
        ).only().string("identity")
    }

    // MARK: What the schema needs

    /// Those that are missing, with the attributes and the password that they have at the source, but never superusers.
    func roles(_ names: [String], ledger: SplitLedger, made: inout SplitRecord.Made) async throws {
        let present = Set(
            try await target.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        let missing = names.filter { !present.contains($0) && !made.roles.contains($0) }
        guard !missing.isEmpty || !made.roles.isEmpty else { return }
        made.roles += missing
        // Noted first: one that was made and not noted could not be taken back.
        try await ledger.note(made, of: record.id)
        for name in made.roles where !present.contains(name) {
            guard
                let role = try await source.query(
                    """
                    SELECT rolcanlogin, rolinherit, rolconnlimit FROM pg_roles WHERE rolname = $1 AND rolname !~ '^pg_'
                    """, [.text(name)]
                ).first
            else { continue }
            let login = try role.bool("rolcanlogin") ? "LOGIN" : "NOLOGIN"
            let inherits = try role.bool("rolinherit") ? "INHERIT" : "NOINHERIT"
            let password = try await password(of: name).map { " PASSWORD \(SQL.literal($0))" } ?? ""
            try await target.execute(
                "CREATE ROLE \(SQL.identifier(name)) \(login) \(inherits) CONNECTION LIMIT \(try role.int("rolconnlimit"))\(password)"
            )
        }
        try await memberships(of: made.roles)
    }

    /// The verifier, where this role may read it.
    private func password(of role: String) async throws -> String? {
        guard try await source.query("SELECT has_table_privilege('pg_authid', 'SELECT') AS may").only().bool("may")
        else { return nil }
        return try await source.query("SELECT rolpassword FROM pg_authid WHERE rolname = $1", [.text(role)]).first?
            .optionalString("rolpassword")
    }

    private func memberships(of roles: [String]) async throws {
        let present = Set(try await target.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        for row in try await source.query(
            """
            SELECT g.rolname AS of, m.rolname AS member FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
              JOIN pg_roles m ON m.oid = a.member WHERE m.rolname = ANY ($1) OR g.rolname = ANY ($1)
            """, [.textArray(roles)])
        {
            let (group, member) = (try row.string("of"), try row.string("member"))
            guard present.contains(group), present.contains(member) else { continue }
            try await target.execute("GRANT \(SQL.identifier(group)) TO \(SQL.identifier(member))")
        }
    }

    func extensions(_ names: [String], ledger: SplitLedger, made: inout SplitRecord.Made) async throws {
        let present = Set(try await target.query("SELECT extname FROM pg_extension").map { try $0.string("extname") })
        for name in names where !present.contains(name) {
            guard
                let row = try await source.query(
                    """
                    SELECT n.nspname, e.extrelocatable FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                     WHERE e.extname = $1
                    """, [.text(name)]
                ).first
            else { continue }
            let schema = try row.string("nspname")
            try await self.schema(schema, ledger: ledger, made: &made)
            if !made.extensions.contains(name) {
                made.extensions.append(name)
                try await ledger.note(made, of: record.id)
            }
            try await target.execute(
                "CREATE EXTENSION IF NOT EXISTS \(SQL.identifier(name)) SCHEMA \(SQL.identifier(schema))")
        }
    }

    func schema(_ name: String, ledger: SplitLedger, made: inout SplitRecord.Made) async throws {
        let present =
            try await target.query(
                "SELECT count(*) AS n FROM pg_namespace WHERE nspname = $1", [.text(name)]
            ).only().int("n") > 0
        guard !present else { return }
        if !made.schemas.contains(name) {
            made.schemas.append(name)
            try await ledger.note(made, of: record.id)
        }
        try await target.execute("CREATE SCHEMA IF NOT EXISTS \(SQL.identifier(name))")
    }

    /// `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET`, for the database that has them at the source.
    /// One that is set there already stays as it is.
    func settings(ledger: SplitLedger, made: inout SplitRecord.Made) async throws {
        let database = SQL.identifier(target.settings.database)
        let present = Set(try await target.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        let known = Set(
            try await target.query(Self.settingsQuery).map {
                try "\($0.optionalString("rolname") ?? "")/\($0.string("name"))"
            })
        for row in try await source.query(Self.settingsQuery) {
            let role = try row.optionalString("rolname")
            if let role, !present.contains(role) { continue }
            let whom = role.map { "ROLE \(SQL.identifier($0)) IN DATABASE \(database)" } ?? "DATABASE \(database)"
            let name = try row.string("name")
            let value = try row.string("value")
            guard !known.contains("\(role ?? "")/\(name)") else { continue }
            let undo = "ALTER \(whom) RESET \(name)"
            if !made.settings.contains(undo) {
                made.settings.append(undo)
                try await ledger.note(made, of: record.id)
            }
            // Lists (search_path) are kept as the list that they are: in quotes they would be one name.
            let shown = Self.lists.contains(name.lowercased()) ? value : SQL.literal(value)
            try await target.execute("ALTER \(whom) SET \(name) TO \(shown)")
        }
    }

    private static let settingsQuery = """
        SELECT r.rolname, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
          FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c LEFT JOIN pg_roles r ON r.oid = s.setrole
         WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        """

    /// Source: `variable_is_guc_list_quote` of PostgreSQL.
    private static let lists: Set<String> = [
        "search_path", "local_preload_libraries", "session_preload_libraries", "shared_preload_libraries",
        "temp_tablespaces", "unix_socket_directories",
    ]

    func empty(_ tables: [String]) async throws {
        guard !tables.isEmpty else { return }
        try await target.execute(
            """
            BEGIN; SET LOCAL session_replication_role = replica;
            TRUNCATE ONLY \(tables.joined(separator: ", ONLY ")); COMMIT
            """)
    }

    // MARK: The way back

    /// What of the schema is here, and only where it is marked as ours.
    func clearSchema() async throws {
        let name = SQL.identifier(record.schema)
        guard
            let mark = try await target.query(
                "SELECT had_schema FROM strata.incoming WHERE schema = $1 AND split = $2",
                [.text(record.schema), .int(record.id)]
            ).first
        else { return }
        let remake = try mark.bool("had_schema") ? "CREATE SCHEMA \(name);" : ""
        try await target.execute("BEGIN; DROP SCHEMA IF EXISTS \(name) CASCADE; \(remake) COMMIT")
    }

    /// - Returns: what is still in use and stays.
    func remove() async throws -> [String] {
        guard
            try await target.query("SELECT to_regclass('strata.incoming') IS NOT NULL AS present").only()
                .bool("present")
        else { return [] }
        try await clearSchema()
        var kept: [String] = []
        for undo in record.made.settings { _ = try? await target.execute(undo) }
        func drop(_ kind: String, _ names: [String]) async {
            for name in names.reversed() {
                do {
                    try await target.execute("DROP \(kind) IF EXISTS \(name)")
                } catch {
                    kept.append("\(kind.lowercased()) \(name)")
                }
            }
        }
        await drop("FUNCTION", record.made.functions)
        await drop("TYPE", record.made.types)
        await drop("EXTENSION", record.made.extensions.map(SQL.identifier))
        await drop("SCHEMA", record.made.schemas.map(SQL.identifier))
        await drop("ROLE", record.made.roles.map(SQL.identifier))
        _ = try await target.query("DELETE FROM strata.incoming WHERE schema = $1", [.text(record.schema)])
        // Nothing of ours is left where there was nothing before.
        if try await target.query("SELECT count(*) AS n FROM strata.incoming").only().int("n") == 0 {
            try await target.execute("DROP TABLE strata.incoming")
            try await WriteGuard(record.schema, target).remove()
            if try await target.query(
                """
                SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'strata'::regnamespace)
                   AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = 'strata'::regnamespace) AS bare
                """
            ).only().bool("bare") {
                try await target.execute("DROP SCHEMA strata")
            }
        }
        return kept
    }
}
