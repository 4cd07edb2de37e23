import PostgresDriver
import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// Names, rights and changes of a live catalog.
@Suite struct RoutingCatalogLifeTests {
    @Test func searchPathsComeFromTheDatabaseAndTheRole() async throws {
        try await withTestDatabase("routing") { database in
            let role = "r_" + database.name
            try await database.execute(
                """
                CREATE ROLE \(role); CREATE ROLE \(role)_b;
                ALTER DATABASE \(database.name) SET search_path = app, public;
                ALTER ROLE \(role) SET search_path = own;
                ALTER ROLE \(role)_b SET search_path = own;
                ALTER ROLE \(role)_b IN DATABASE \(database.name) SET search_path = "Here", public;
                """)
            let connection = try await database.connect()
            let defaults = try await RoutingCatalog.load(connection).searchPaths
            try await connection.execute("DROP ROLE \(role); DROP ROLE \(role)_b")
            await connection.close()
            #expect(defaults.value(for: "somebody") == "app, public")
            #expect(defaults.value(for: role) == "own")
            #expect(defaults.value(for: role + "_b") == "\"Here\", public")
            #expect(defaults.server == "\"$user\", public")
        }
    }

    @Test("S1.14 three tables called groups stay apart") func sameNames() async throws {
        try await withRoutingCatalog(
            """
            CREATE SCHEMA education; CREATE SCHEMA active; CREATE SCHEMA activities;
            CREATE TABLE education.groups (id int); CREATE TABLE active.groups (id int);
            CREATE TABLE activities.groups (id int);
            """
        ) { catalog, _ in
            func slots(_ name: String, _ path: String) -> [UInt32] {
                catalog.classified(.select(name), path: path).decision.reads
            }
            let all = Set(["education", "active", "activities"].map { slots("\($0).groups", "public") })
            #expect(all.count == 3)
            #expect(slots("groups", "active, education") == slots("active.groups", ""))
            #expect(slots("groups", "education, active") == slots("education.groups", ""))
            #expect(catalog.classified(.select("groups")).decision.reason == .unknownRelation("groups"))
            // A path that is not known: any of them.
            let unknown = StatementClassifier.decide(
                [.select("groups")], StatementDirectives(), .unknown, catalog, RoutingRules(), .none)
            #expect(unknown.access == .read)
            #expect(unknown.reads == all.flatMap { $0 }.sorted())
        }
    }

    @Test func schemasThatTheRoleMayNotUseAreSkipped() async throws {
        try await withTestDatabase("routing") { database in
            let role = "r_" + database.name
            try await database.execute(
                """
                CREATE ROLE \(role); CREATE SCHEMA closed; CREATE SCHEMA \(role);
                CREATE TABLE closed.t (id int); CREATE TABLE public.t (id int);
                GRANT USAGE ON SCHEMA \(role) TO \(role); CREATE TABLE \(role).own (id int);
                """)
            let connection = try await database.connect()
            let catalog = try await RoutingCatalog.load(connection)
            let path = SearchPath(schemas: ["$user", "closed", "public"])
            let theirs = catalog.resolve(path, role: role)
            let user = try await connection.query("SELECT current_user::text AS name").only().string("name")
            let owners = catalog.resolve(path, role: user)
            #expect(
                catalog.relation(QualifiedName(name: "t"), theirs) == catalog.relation(table("public", "t"), theirs))
            #expect(
                catalog.relation(QualifiedName(name: "t"), owners) == catalog.relation(table("closed", "t"), owners))
            #expect(catalog.relation(QualifiedName(name: "own"), theirs) != .missing)
            #expect(catalog.relation(QualifiedName(name: "own"), owners) == .missing)
            try await connection.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
            await connection.close()
        }
    }

    private func table(_ schema: String, _ name: String) -> QualifiedName { QualifiedName(schema: schema, name: name) }

    @Test(arguments: [
        "ALTER TABLE t RENAME TO renamed", "DROP TABLE t", "DROP TABLE t; CREATE TABLE t (id int)",
        "ALTER TABLE t SET SCHEMA other", "CREATE VIEW v AS SELECT 1", "CREATE OR REPLACE VIEW w AS SELECT 2 AS a",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "ALTER FUNCTION f() STABLE", "CREATE TRIGGER tr AFTER INSERT ON t EXECUTE FUNCTION tf()",
        "ALTER TABLE t SET UNLOGGED", "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES p ON DELETE CASCADE",
        "ALTER TABLE t ALTER id SET DEFAULT f()", "CREATE RULE r AS ON INSERT TO t DO NOTHING",
        "ALTER TABLE t INHERIT p", "CREATE SCHEMA newer", "GRANT USAGE ON SCHEMA other TO PUBLIC",
        "CREATE POLICY pol ON t USING (true)", "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "CREATE TYPE e AS ENUM ('a')",
        "ALTER TABLE t DISABLE TRIGGER USER; CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION tf()",
    ])
    func theTokenSeesDDL(_ change: String) async throws {
        try await withRoutingCatalog(
            """
            CREATE SCHEMA other; CREATE TABLE t (id int); CREATE TABLE p (id int PRIMARY KEY);
            ALTER TABLE t ALTER id SET NOT NULL;
            CREATE VIEW w AS SELECT 1 AS a; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
            """
        ) { catalog, connection in
            // The last two parts are about roles, which other tests make and drop on the same server.
            func own(_ token: String) -> [Substring] { token.split(separator: " ").dropLast(2) }
            #expect(own(try await RoutingCatalog.token(connection)) == own(catalog.token))
            try await connection.execute(
                "CREATE TEMP TABLE mine (id serial PRIMARY KEY); INSERT INTO p VALUES (1); ANALYZE p")
            #expect(own(try await RoutingCatalog.token(connection)) == own(catalog.token))
            try await connection.execute(change)
            #expect(own(try await RoutingCatalog.token(connection)) != own(catalog.token))
        }
    }

    @Test func noSnapshotIsLeftWhileTheAnswersAreLookedAt() async throws {
        try await withTestDatabase("routing") { database in
            try await database.execute("CREATE TABLE t (id int)")
            let (connection, other) = (try await database.connect(), try await database.connect())
            let answers = try await RoutingAnswers.read(connection)
            let held = try await other.query(
                "SELECT backend_xmin IS NOT NULL OR state <> 'idle' FROM pg_stat_activity WHERE pid = $1",
                [.int(Int(connection.backendPID))]
            ).only().bool(0)
            #expect(!held)
            try await other.execute("DROP TABLE t")
            // They are what that snapshot has seen.
            var loader = RoutingCatalogLoader(answers)
            let catalog = RoutingCatalog(try loader.load())
            await connection.close()
            await other.close()
            #expect(catalog.classified(.select("t")).decision.access == .read)
        }
    }

    @Test func aRecreatedTableIsAnotherTable() async throws {
        try await withRoutingCatalog("CREATE TABLE t (id int)") { catalog, connection in
            let before = catalog.classified(.select("t")).decision.reads
            try await connection.execute("DROP TABLE t; CREATE TABLE t (id int); ALTER TABLE t RENAME TO u")
            let after = try await RoutingCatalog.load(connection)
            #expect(after.classified(.select("t")).decision.reason == .unknownRelation("t"))
            #expect(after.classified(.select("u")).decision.reads != before)
        }
    }

    @Test func everyVolatileFunctionOfPostgreSQLWasLookedAt() async throws {
        try await withTestDatabase("routing") { database in
            let connection = try await database.connect()
            let rows = try await connection.query(
                """
                SELECT DISTINCT proname FROM pg_proc
                 WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::regnamespace AND oid < 16384
                """)
            let names = try rows.map { try $0.string("proname") }
            let catalog = try await RoutingCatalog.load(connection)
            await connection.close()
            #expect(names.count > 200)
            #expect(names.filter { BuiltInFunctions.group(named: $0) == nil } == [])
            // No name is in two groups.
            let listed = BuiltInFunctions.groups.flatMap { $0.names.split(whereSeparator: \.isWhitespace) }
            #expect(Set(listed).count == listed.count)
            #expect(catalog.classified(.select(functions: ["random", "gen_random_uuid"])).decision.access == .anywhere)
            #expect(catalog.classified(.select(functions: ["count", "now", "lower"])).decision.access == .anywhere)
        }
    }

    @Test func extensionsThatOnlyComputeMayRunAnywhere() async throws {
        try await withRoutingCatalog(
            "CREATE EXTENSION \"uuid-ossp\"; CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_trgm; CREATE EXTENSION dblink"
        ) { catalog, _ in
            func decision(_ name: String) -> Decision { catalog.classified(.select(functions: [name])).decision }
            #expect(decision("uuid_generate_v4").access == .read)
            #expect(!decision("crypt").readsAnything)
            #expect(!decision("similarity").readsAnything)
            #expect(decision("set_limit").effects == .settings)
            #expect(decision("dblink_connect").reason == .volatileFunction("public.dblink_connect()"))
            #expect(decision("dblink_connect").writesAnything)
        }
    }

    @Test func fiveThousandTablesAreReadInSeconds() async throws {
        let made = """
            DO $$ BEGIN FOR n IN 1..5000 LOOP
              IF n % 500 = 1 THEN EXECUTE format('CREATE SCHEMA s%s', n / 500); END IF;
              EXECUTE format('CREATE TABLE s%s.t%s (id int PRIMARY KEY, name text DEFAULT lower(''X''))', (n - 1) / 500, n);
            END LOOP; END $$
            """
        try await withRoutingCatalog(made) { catalog, connection in
            let clock = ContinuousClock()
            let load = try await clock.measure { _ = try await RoutingCatalog.load(connection) }
            let token = try await clock.measure { _ = try await RoutingCatalog.token(connection) }
            print("figure: 5,000 tables: catalog read in \(load), token in \(token)")
            #expect(catalog.relationCount > 5_000)
            #expect(catalog.classified(.select("s9.t5000")).decision.access == .read)
        }
    }
}
