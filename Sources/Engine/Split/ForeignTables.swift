package import Planning
package import PostgresDriver
import SQLSyntax

/// Makes, in the main database, a schema of foreign tables that read those of a schema in another database; and takes it
/// back. Each step finds what an earlier call has made; the tables themselves are brought up to date in one transaction.
package struct ForeignTables: Sendable {
    let main: ConnectionSettings
    let other: ConnectionSettings
    let listener: @Sendable (String) -> Void

    package init(
        main: ConnectionSettings, other: ConnectionSettings,
        listener: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.main, self.other, self.listener) = (main, other, listener)
    }

    /// - Returns: the record, and the tables that are there now.
    /// - Throws: `EngineFailure`, `PostgresError`; what was made stays, and the next call goes on.
    @discardableResult
    package func make(_ entry: ForeignTablesLayout) async throws -> (record: ForeignRecord, tables: [String]) {
        try await exclusively { site in
            let ledger = ForeignLedger(site.source)
            let address = try await TargetSite.identity(of: site.target)
            try await refuseTaken(entry, site, ledger)
            try await refuseMoving(entry, site)
            try await ledger.prepare()
            let record = try await ledger.begin(
                entry.schema, of: entry.source, database: entry.database, target: address)
            guard record.target == address, record.source == entry.source, record.state != .dropping else {
                throw Self.failure(
                    "foreign-schema-changed",
                    "schema \(record.schema) reads \(record.source) of another database than the layout says now, or is being dropped",
                    "strata split foreign drop \(record.schema), then make it again")
            }
            do {
                let tables = try await make(record, entry, site, ledger)
                try await ledger.setState(.ready, of: record)
                return (try await ledger.record(of: entry.schema) ?? record, tables)
            } catch {
                await ledger.note(SplitMove.summary(error), of: record)
                throw error
            }
        }
    }

    private func exclusively<T: Sendable>(_ body: (SplitSite) async throws -> T) async throws -> T {
        try await SplitSite.exclusively(main, other) { site in
            do { return try await body(site) } catch {
                _ = try? await site.source.executeShielded("ROLLBACK")
                throw error
            }
        }
    }

    private static func failure(_ code: String, _ message: String, _ next: String) -> EngineFailure {
        EngineFailure(.failed, Diagnostic(.error, code, message, nextStep: next))
    }

    private func refuseTaken(_ entry: ForeignTablesLayout, _ site: SplitSite, _ ledger: ForeignLedger) async throws {
        guard try await ledger.record(of: entry.schema) == nil else { return }
        let isThere = try await site.source.query(
            "SELECT to_regnamespace($1) IS NOT NULL AS present", [.text(SQL.identifier(entry.schema))]
        ).only().bool("present")
        guard isThere else { return }
        throw Self.failure(
            "foreign-schema-taken", "the main database has a schema \(entry.schema) already, and it is not Strata's",
            "choose another name in `foreign_tables`, or drop that one")
    }

    /// As long as it has not left, statements find it in the main database.
    private func refuseMoving(_ entry: ForeignTablesLayout, _ site: SplitSite) async throws {
        guard try await SplitLedger.hasIncoming(site.target) else { return }
        let moving = try await site.target.query(
            "SELECT count(*) AS n FROM strata.incoming WHERE schema = $1 AND state <> 'owned'", [.text(entry.source)]
        ).only().int("n")
        guard moving > 0 else { return }
        throw Self.failure(
            "not-moved-yet", "schema \(entry.source) is still in the main database, where it can be joined as it is",
            "make the foreign tables when it has moved")
    }

    // MARK: Making

    private func make(
        _ record: ForeignRecord, _ entry: ForeignTablesLayout, _ site: SplitSite, _ ledger: ForeignLedger
    ) async throws -> [String] {
        let reader = ForeignReader(record: record, other: site.target)
        let (all, secured) = try await reader.tables()
        let tables = entry.tables.isEmpty ? all : all.filter { entry.tables.contains($0.name) }
        let absent = entry.tables.filter { name in !all.contains { $0.name == name } }
        guard absent.isEmpty, !tables.isEmpty else {
            let what = absent.isEmpty ? "any table" : absent.map { "\(record.source).\($0)" }.joined(separator: ", ")
            throw Self.failure(
                "no-foreign-table", "database \(record.database) does not have \(what) that could be read from here",
                "correct `tables`; those with row security cannot be read")
        }
        if entry.tables.isEmpty, !secured.isEmpty {
            listener("left out, for they have row security: \(secured.joined(separator: ", "))")
        }
        var made = record.made
        func note(_ undo: String) async throws {
            guard !made.contains(undo) else { return }
            made.append(undo)
            try await ledger.note(made, of: record)
        }
        try await addServer(record, reader, site, note)
        try await reader.allow(tables)
        let types = CarriedTypes(from: site.target, to: site.source, note: note)
        try await types.make(try await reader.types(of: tables))
        try await bringIn(tables, record, site, users: try await types.usage(of: record.source))
        return tables.map(\.name)
    }

    private func addServer(
        _ record: ForeignRecord, _ reader: ForeignReader, _ site: SplitSite,
        _ note: (String) async throws -> Void
    ) async throws {
        let name = SQL.identifier(record.serverName)
        let row = try await site.source.query(
            """
            SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'postgres_fdw') AS extended,
                   EXISTS (SELECT FROM pg_foreign_server WHERE srvname = $1) AS served,
                   EXISTS (SELECT FROM pg_user_mappings WHERE srvname = $1) AS mapped
            """, [.text(record.serverName)]
        ).only()
        if try !row.bool("extended") {
            try await note("DROP EXTENSION IF EXISTS postgres_fdw")
            try await site.source.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
        }
        let settings = site.target.settings
        let options = [
            ("host", settings.host), ("port", String(settings.port)), ("dbname", settings.database),
            ("sslmode", settings.tls.mode), ("updatable", "false"), ("connect_timeout", "10"), ("fetch_size", "1000"),
        ].filter { !$0.1.isEmpty }
        if try row.bool("served") {
            let changes = options.map { "SET \($0.0) \(SQL.literal($0.1))" }.joined(separator: ", ")
            try await site.source.execute("ALTER SERVER \(name) OPTIONS (\(changes))")
        } else {
            let list = options.map { "\($0.0) \(SQL.literal($0.1))" }.joined(separator: ", ")
            try await site.source.execute("CREATE SERVER \(name) FOREIGN DATA WRAPPER postgres_fdw OPTIONS (\(list))")
        }
        guard let password = try await reader.make(hasMapping: try row.bool("mapped")) else { return }
        let mapping = "user \(SQL.literal(record.serverName)), password \(SQL.literal(password))"
        do {
            try await site.source.execute(
                """
                BEGIN; DROP USER MAPPING IF EXISTS FOR PUBLIC SERVER \(name);
                CREATE USER MAPPING FOR PUBLIC SERVER \(name) OPTIONS (\(mapping)); COMMIT
                """)
        } catch let error as PostgresError {
            // The statement has the password in it.
            throw PostgresError(.server, "the user mapping of \(record.serverName) cannot be made: \(error.message)")
        }
    }

    /// All of it or nothing: who reads meanwhile sees the tables as they were.
    private func bringIn(
        _ tables: [ForeignReader.Table], _ record: ForeignRecord, _ site: SplitSite, users: [String]
    ) async throws {
        let schema = SQL.identifier(record.schema)
        let scratch = SQL.identifier(record.serverName)
        let server = SQL.identifier(record.serverName)
        let names = tables.map { SQL.identifier($0.name) }.joined(separator: ", ")
        let roles = Set(try await site.source.query("SELECT rolname FROM pg_roles").map { try $0.string("rolname") })
        try await site.source.execute(
            """
            BEGIN; SET LOCAL client_min_messages = warning; SET LOCAL lock_timeout = '10s';
            CREATE SCHEMA IF NOT EXISTS \(schema); CREATE SCHEMA \(scratch);
            IMPORT FOREIGN SCHEMA \(SQL.identifier(record.source)) LIMIT TO (\(names)) FROM SERVER \(server) INTO \(scratch)
            """)
        let new = try await Self.columns(of: record.serverName, site.source)
        let old = try await Self.columns(of: record.schema, site.source)
        for name in old.keys.sorted() where old[name] != new[name] {
            try await site.source.execute("DROP FOREIGN TABLE \(SQL.qualified(record.schema, name))")
        }
        for name in new.keys.sorted() where old[name] != new[name] {
            try await site.source.execute(
                "ALTER FOREIGN TABLE \(SQL.qualified(record.serverName, name)) SET SCHEMA \(schema)")
        }
        var rights: [String] = []
        for table in tables {
            let name = SQL.qualified(record.schema, table.name)
            rights.append(FreshRights.takeBack(.table, name))
            let readers = table.grants + [("SELECT", table.owner)]
            for (privilege, role) in readers where role.isEmpty || roles.contains(role) {
                rights.append("GRANT \(privilege) ON \(name) TO \(role.isEmpty ? "PUBLIC" : SQL.identifier(role))")
            }
        }
        rights += users.map { "GRANT USAGE ON SCHEMA \(schema) TO \($0)" }
        try await site.source.execute(
            (rights + ["DROP SCHEMA \(scratch) CASCADE", "COMMIT"]).joined(separator: ";\n"))
    }

    /// Foreign tables with their columns and the options that say what they read.
    static func columns(of schema: String, _ connection: Connection) async throws -> [String: [String]] {
        var found: [String: [String]] = [:]
        for row in try await connection.query(
            """
            SELECT c.relname, ARRAY(SELECT a.attname || ' ' || t.typname || ' ' || a.atttypmod
                     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum) AS columns
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind = 'f'
            """, [.text(schema)])
        {
            found[try row.string("relname")] = try row.textArray("columns")
        }
        return found
    }

    // MARK: The way back

    /// Both databases are as they were.
    package func drop(schema: String) async throws {
        try await exclusively { site in
            let ledger = ForeignLedger(site.source)
            guard let record = try await ledger.record(of: schema) else {
                throw Self.failure(
                    "no-foreign-schema", "there are no foreign tables in schema \(schema)",
                    "strata split foreign shows those that there are")
            }
            guard record.target == (try await TargetSite.identity(of: site.target)) else {
                throw Self.failure(
                    "other-target",
                    "schema \(schema) reads another database than the layout's \(record.database) leads to now",
                    "let the layout lead there again, and drop it then")
            }
            try await drop(record, site, ledger)
        }
    }

    private func drop(_ record: ForeignRecord, _ site: SplitSite, _ ledger: ForeignLedger) async throws {
        let schema = SQL.identifier(record.schema)
        let tables = try await Self.columns(of: record.schema, site.source).keys.sorted()
            .map { "DROP FOREIGN TABLE \(SQL.qualified(record.schema, $0))" }
        do {
            // Nothing of somebody else's goes along.
            try await site.source.execute(
                (["BEGIN"] + tables + ["DROP SCHEMA IF EXISTS \(schema)", "COMMIT"]).joined(separator: ";\n"))
        } catch let error as PostgresError where error.sqlState == .dependentObjectsExist {
            throw Self.failure(
                "foreign-schema-in-use", "schema \(record.schema) is in use: \(error.detail ?? error.message)",
                "drop what uses it first")
        }
        try await ledger.setState(.dropping, of: record)
        try await site.source.execute(
            "SET client_min_messages = warning; DROP SERVER IF EXISTS \(SQL.identifier(record.serverName)) CASCADE")
        try await ForeignReader(record: record, other: site.target).remove()
        for undo in record.made.reversed() {
            do { try await site.source.execute(undo) } catch let error as PostgresError
                where error.sqlState == .dependentObjectsExist
            {
                listener(
                    "still in use, and left: \(undo.replacing("DROP ", with: "").replacing("IF EXISTS ", with: "").lowercased())"
                )
            }
        }
        try await ledger.remove(record)
    }
}
