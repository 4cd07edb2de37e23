import Engine
import Planning
import PostgresDriver
import TestSupport
import Testing

/// Reading while others work: fixed numbers of queries, locks, and DDL in between.
@Suite struct IntrospectionConcurrencyTests {
    @Test func numberOfQueriesDoesNotGrow() async throws {
        try await IntrospectionDatabase.with("CREATE TABLE one (id integer)") { database in
            let connection = try await database.connect()
            let few = try await CatalogReader.reading(connection)
            try await connection.execute(
                """
                DO $$ BEGIN FOR i IN 1..150 LOOP
                    EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, up integer REFERENCES t%s, note text)', i, i);
                    EXECUTE format('CREATE INDEX ON t%s (lower(note))', i);
                    EXECUTE format('CREATE VIEW v%s AS SELECT * FROM t%s', i, i);
                END LOOP; END $$
                """)
            let many = try await CatalogReader.reading(connection)
            print("catalog of 1 table: \(few.queries) queries; of 151 tables and 150 views: \(many.queries) queries")
            #expect(
                many.catalog.relations.count >= 450
                    && many.catalog.relations.values.allSatisfy {
                        $0.kind != .view || $0.definition?.isEmpty == false
                    })
            #expect(many.queries == few.queries)
            #expect(many.attempts == 1)
            await connection.close()
        }
    }

    @Test func groupsGiveTheSameAsOne() async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything) { database in
            let connection = try await database.connect()
            let whole = try await CatalogReader.read(connection)
            let grouped = try await CatalogReader.read(connection, limits: CatalogReader.Limits(lockingGroup: 1))
            #expect(whole.canonicalLines() == grouped.canonicalLines())
            #expect(grouped.relations.values.allSatisfy { $0.kind != .view || $0.definition?.isEmpty == false })
            await connection.close()
        }
    }

    @Test func aLockedTableDoesNotMatterUnlessAViewNamesIt() async throws {
        let fixture = """
            CREATE TABLE a (id serial PRIMARY KEY, at date DEFAULT now(), up integer REFERENCES a);
            CREATE INDEX ON a (at DESC, up);
            CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
            """
        try await IntrospectionDatabase.with(fixture) { database in
            let locker = try await database.connect()
            try await locker.execute("BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE")
            let connection = try await database.connect()
            let limits = CatalogReader.Limits(lockTimeout: .milliseconds(50))
            let catalog = try await CatalogReader.read(connection, limits: limits)
            #expect(catalog.relations.values.contains { $0.name == "a" })
            try await locker.execute("ROLLBACK")
            try await locker.execute("CREATE VIEW v AS SELECT * FROM a")
            try await locker.execute("BEGIN; LOCK TABLE a IN ACCESS EXCLUSIVE MODE")
            let error = try await #require(throws: DiagnosticsError.self) {
                try await CatalogReader.read(connection, limits: limits)
            }
            let diagnostic = try #require(error.diagnostics.first)
            #expect(diagnostic.code == "lock-timeout" && diagnostic.nextStep != nil)
            #expect(diagnostic.message.contains("public.a by process \(locker.backendPID)"))
            try await locker.execute("ROLLBACK")
            // The connection is as good as new.
            #expect(try await CatalogReader.read(connection, limits: limits).relations.count == 3)
            await locker.close()
            await connection.close()
        }
    }

    /// Whatever other sessions do meanwhile, each reading either succeeds and is whole, or says that it gave up.
    @Test func readsWhileTablesComeAndGo() async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything) { database in
            let reader = try await database.connect()
            let outcome = try await withThrowingTaskGroup(of: Void.self, returning: (Int, Int).self) { group in
                for worker in 0..<2 {
                    group.addTask { try await Self.churn(database, worker) }
                }
                var (good, gaveUp) = (0, 0)
                for _ in 0..<25 {
                    do {
                        let catalog = try await CatalogReader.read(reader)
                        try Self.requireWhole(catalog)
                        good += 1
                    } catch let error as DiagnosticsError {
                        #expect(error.diagnostics.map(\.code) == ["catalog-changing"])
                        gaveUp += 1
                    }
                }
                group.cancelAll()
                while let result = await group.nextResult() {
                    if case .failure(let error) = result, !(error is CancellationError) { throw error }
                }
                return (good, gaveUp)
            }
            print("while tables came and went: \(outcome.0) readings, \(outcome.1) given up")
            #expect(outcome.0 + outcome.1 == 25 && outcome.0 > 0)
            await reader.close()
        }
    }

    private static func churn(_ database: IntrospectionDatabase, _ worker: Int) async throws {
        let connection = try await database.connect()
        while !Task.isCancelled {
            try await connection.execute(
                """
                CREATE SCHEMA w\(worker);
                CREATE TABLE w\(worker).t\(worker) (id serial PRIMARY KEY, note text DEFAULT 'x' CHECK (note <> ''));
                CREATE INDEX ON w\(worker).t\(worker) (lower(note));
                CREATE VIEW w\(worker).v AS SELECT * FROM w\(worker).t\(worker);
                CREATE FUNCTION w\(worker).f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM w\(worker).t\(worker); END
                """)
            try await connection.execute("ALTER TABLE w\(worker).t\(worker) SET SCHEMA public")
            try await connection.execute("DROP TABLE public.t\(worker) CASCADE; DROP SCHEMA w\(worker) CASCADE")
        }
    }

    /// No part may lack what it belongs to.
    private static func requireWhole(_ catalog: Catalog) throws {
        #expect(catalog.relations.values.allSatisfy { catalog.schemas[$0.schema] != nil })
        #expect(catalog.indexes.values.allSatisfy { catalog.relations[$0.table] != nil && !$0.definition.isEmpty })
        #expect(catalog.constraints.allSatisfy { $0.relation == 0 || catalog.relations[$0.relation] != nil })
        #expect(catalog.constraints.allSatisfy { !$0.definition.isEmpty })
        #expect(catalog.relations.values.allSatisfy { $0.kind != .view || $0.definition?.isEmpty == false })
        #expect(catalog.functions.values.allSatisfy { !$0.bindsByOID || !$0.definition.isEmpty })
        #expect(catalog.relations.values.allSatisfy { !$0.kind.isTable || catalog.columns[$0.oid]?.isEmpty == false })
    }

    @Test func readingLeavesNothingBehind() async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything) { database in
            let connection = try await database.connect()
            let path = try await connection.query("SHOW search_path").only().string(0)
            _ = try await CatalogReader.read(connection)
            #expect(try await connection.query("SHOW search_path").only().string(0) == path)
            #expect(await connection.transactionStatus == .idle)
            let locks = try await connection.query(
                "SELECT count(*) AS n FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation >= 16384"
            )
            #expect(try locks.only().int("n") == 0)
            await connection.close()
        }
    }

    /// The answers of a server that is too old, and of something that is no PostgreSQL, are in their version text; a
    /// function of that name in front of PostgreSQL's own gives the same.
    @Test func refusesOldServersAndOtherProducts() async throws {
        let cases = [
            ("PostgreSQL 12.22 (Debian)", "120022", "server-too-old"),
            ("CockroachDB CCL v23.1.11", "130000", "not-postgresql"),
        ]
        for (text, number, code) in cases {
            try await IntrospectionDatabase.with(
                """
                CREATE FUNCTION public.version() RETURNS text LANGUAGE sql AS $$ SELECT '\(text)' $$;
                CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT '\(number)' $$;
                ALTER DATABASE @database SET search_path = public, pg_catalog;
                """
            ) { database in
                let connection = try await database.connect()
                let error = try await #require(throws: DiagnosticsError.self) {
                    try await CatalogReader.read(connection)
                }
                #expect(error.diagnostics.map(\.code) == [code])
                #expect(error.diagnostics.allSatisfy { $0.nextStep?.isEmpty == false })
                await connection.close()
            }
        }
    }
}
