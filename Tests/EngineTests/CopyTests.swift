import Planning
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// `strata split copies`: a small table that another database gets to read.
@Suite("Split: copies")
struct CopyTests {
    private static let before = """
        CREATE SCHEMA geo;
        CREATE TYPE geo.side AS ENUM ('north', 'south');
        CREATE DOMAIN public.code AS text CHECK (VALUE ~ '^[A-Z]+$');
        CREATE TABLE geo.countries (
            id serial PRIMARY KEY, code public.code NOT NULL UNIQUE, side geo.side, sides geo.side[],
            "The Name" text COLLATE "C" DEFAULT 'none' CHECK ("The Name" <> ''), loud text GENERATED ALWAYS AS (upper("The Name")) STORED);
        CREATE INDEX ON geo.countries (side);
        CREATE FUNCTION geo.stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW."The Name" := NEW."The Name" || '!'; RETURN NEW; END$$;
        CREATE TRIGGER stamp BEFORE INSERT ON geo.countries FOR EACH ROW EXECUTE FUNCTION geo.stamp();
        INSERT INTO geo.countries (code, side, sides, "The Name") SELECT chr(64 + n), 'north', '{south,north}', 'name ' || n FROM generate_series(1, 20) n;
        GRANT SELECT ON geo.countries TO PUBLIC; GRANT USAGE ON SCHEMA geo TO PUBLIC;
        """

    private struct Pair: Sendable {
        var main: TestDatabase
        var other: TestDatabase

        func making(_ listener: @escaping @Sendable (CopyMaking.Event) -> Void = { _ in }) -> CopyMaking {
            CopyMaking(
                source: main.settings, home: "main", target: other.settings, database: "archive",
                patience: .seconds(300), listener: listener)
        }

        func make() async throws -> CopyRecord { try await making().make(schema: "geo", table: "countries") }
        func drop() async throws { try await making().drop(schema: "geo", table: "countries") }

        func column(_ sql: String, in database: TestDatabase) async throws -> [String] {
            let connection = try await database.connect()
            let values = try await connection.query(sql).map { try $0.optionalString(0) ?? "NULL" }
            await connection.close()
            return values
        }

        func rows(_ database: TestDatabase) async throws -> [String] {
            try await column("SELECT t::text FROM geo.countries t ORDER BY id", in: database)
        }

        func status(_ layout: Layout) async throws -> [CopyStatus] {
            try await SplitSite.with(main.settings, other.settings) { site in
                try await CopyStatus.read(layout, home: site.source, targets: ["archive": site.target])
            }
        }

        func requireSame() async throws {
            try await eventually("both have the same rows") { try await rows(main) == rows(other) }
        }
    }

    private func withPair(_ body: (Pair) async throws -> Void) async throws {
        try await withTestDatabase("copy") { main in
            try await withTestDatabase("copyto") { other in
                try await main.execute(Self.before)
                let pair = Pair(main: main, other: other)
                do { try await body(pair) } catch {
                    _ = try? await pair.drop()
                    throw error
                }
                // Slots and subscriptions would keep the databases from being dropped.
                _ = try? await pair.drop()
            }
        }
    }

    private static func layout(_ copies: String = "[{ table: geo.countries, databases: [archive] }]") throws -> Layout {
        try Pipeline.decode(
            """
            strata: 1
            databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
            schemas: { geo: { tables: [countries] } }
            copies: \(copies)
            """, file: "strata.yaml", environment: [:]
        ).0
    }

    /// All that a database has, of which nothing may be left behind.
    private static let objects = """
        SELECT 'class ' || oid::regclass FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace
        UNION ALL SELECT 'type ' || oid::regtype FROM pg_type WHERE oid >= 16384
        UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
        UNION ALL SELECT 'publication ' || pubname FROM pg_publication
        UNION ALL SELECT 'subscription ' || subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
        ORDER BY 1
        """

    @Test("A table with its types is copied, followed and guarded; dropped, both databases are as they were")
    func whole() async throws {
        try await withPair { pair in
            let before = try await (pair.column(Self.objects, in: pair.main), pair.column(Self.objects, in: pair.other))
            try await pair.other.execute("ALTER DEFAULT PRIVILEGES GRANT UPDATE ON TABLES TO PUBLIC")
            let record = try await pair.make()
            #expect(record.state == .ready && record.error == nil)
            #expect(try await pair.rows(pair.other) == pair.rows(pair.main))
            #expect(try await pair.rows(pair.other).count == 20)
            try await pair.main.execute(
                """
                INSERT INTO geo.countries (code, "The Name") VALUES ('ZZ', 'later');
                UPDATE geo.countries SET code = 'CHANGED' WHERE id = 3; DELETE FROM geo.countries WHERE id = 4
                """)
            try await pair.requireSame()
            try await pair.main.execute("TRUNCATE geo.countries")
            try await pair.requireSame()
            for sql in ["INSERT INTO geo.countries (id, code) VALUES (99, 'X')", "TRUNCATE geo.countries"] {
                do {
                    try await pair.other.execute(sql)
                    Issue.record("the copy was written: \(sql)")
                } catch let error as PostgresError {
                    #expect(
                        error.sqlState == .readOnlyTransaction && error.message.contains("written in database \"main\"")
                    )
                    #expect(error.hint?.contains("proxy") ?? false)
                }
            }
            #expect(
                try await pair.column(
                    "SELECT has_table_privilege('public', 'geo.countries', 'SELECT') || ' ' || has_table_privilege('public', 'geo.countries', 'UPDATE')",
                    in: pair.other) == ["true false"])
            // Again: there is nothing to do.
            #expect(try await pair.make() == record)
            try await pair.drop()
            #expect(try await pair.column(Self.objects, in: pair.main) == before.0)
            #expect(try await pair.column(Self.objects, in: pair.other) == before.1)
            await #expect(throws: EngineFailure.self) { try await pair.drop() }
        }
    }

    @Test("Loose keys do not take a copy for the table")
    func home() async throws {
        try await withPair { pair in
            _ = try await pair.make()
            let databases = LooseKeyDatabases(
                [
                    .init(name: "main", settings: .success(pair.main.settings)),
                    .init(name: "archive", settings: .success(pair.other.settings)),
                ], command: "test")
            #expect(try await databases.place(of: .init("geo", "countries")).database == "main")
            await databases.close()
        }
    }

    @Test(
        "Cut off at any stage, and stopped by a name that is taken: the next call goes on",
        arguments: ["definition", "stream", "rows"])
    func resumed(stage: String) async throws {
        try await withPair { pair in
            try await pair.other.execute("CREATE SCHEMA geo; CREATE TABLE geo.countries (mine int)")
            let taken = try await engineFailure(.failed) { try await pair.make() }
            #expect(taken.code == "copy-name-taken")
            #expect(try await pair.status(try Self.layout()).map(\.state) == ["making"])
            try await pair.other.execute("DROP TABLE geo.countries")
            let task = Mutex<Task<CopyRecord, any Error>?>(nil)
            let making = pair.making { event in
                if event == .stage(stage) { task.withLock { $0?.cancel() } }
            }
            let running = Task { try await making.make(schema: "geo", table: "countries") }
            task.withLock { $0 = running }
            do { _ = try await running.value } catch let failure as EngineFailure {
                #expect(failure.kind == .resumable)
            }
            try await pair.main.execute("UPDATE geo.countries SET code = 'BETWEEN' WHERE id = 7")
            #expect(try await pair.make().state == .ready)
            try await pair.requireSame()
            #expect(try await pair.column("SELECT count(*) FROM strata.copies", in: pair.main) == ["1"])
        }
    }

    @Test(
        "What cannot be copied is refused with its reason, and nothing is made",
        arguments: [
            ("CREATE TABLE geo.t (a int)", "nothing tells its rows apart"),
            ("CREATE UNLOGGED TABLE geo.t (a int PRIMARY KEY)", "unlogged"),
            ("CREATE TABLE geo.t (a int PRIMARY KEY) PARTITION BY RANGE (a)", "only plain tables"),
            ("CREATE VIEW geo.t AS SELECT 1 AS a", "only plain tables"),
            ("CREATE TABLE geo.t (a int PRIMARY KEY); ALTER TABLE geo.t ENABLE ROW LEVEL SECURITY", "row security"),
            ("SELECT 1", "no such table"),
        ])
    func refused(sql: String, says: String) async throws {
        try await withPair { pair in
            try await pair.main.execute(sql)
            let failure = try await engineFailure(.failed) { try await pair.making().make(schema: "geo", table: "t") }
            #expect(failure.code == "not-copyable" && failure.message.contains(says) && failure.nextStep != nil)
            #expect(try await pair.column("SELECT to_regnamespace('strata')", in: pair.other) == ["NULL"])
        }
    }

    @Test("What is wrong with a copy is shown, and one that something uses is not dropped")
    func status() async throws {
        try await withPair { pair in
            let declared = try Self.layout()
            let missing = try await pair.status(declared)
            #expect(missing.map(\.state) == ["declared"] && missing[0].warnings[0].contains("strata split copies make"))
            let record = try await pair.make()
            let fine = try await pair.status(declared)
            #expect(fine.map(\.state) == ["ready"] && fine[0].warnings == [] && fine[0].lagBytes != nil)
            let undeclared = try await pair.status(try Self.layout("[]"))
            #expect(undeclared[0].warnings.count == 1 && undeclared[0].warnings[0].contains("does not declare"))
            try await pair.other.execute("CREATE VIEW public.upon AS SELECT code FROM geo.countries")
            let used = try await engineFailure(.failed) { try await pair.drop() }
            #expect(used.code == "copy-in-use" && used.message.contains("upon"))
            #expect(try await pair.status(declared).map(\.state) == ["ready"])
            try await pair.other.execute("DROP VIEW public.upon; ALTER SUBSCRIPTION \(record.streamName) DISABLE")
            try await eventually("nobody reads the slot") {
                try await pair.status(declared)[0].warnings.contains { $0.contains("nobody reads slot") }
            }
            try await pair.main.execute("ALTER TABLE geo.countries ADD more int")
            #expect(try await pair.status(declared)[0].warnings.contains { $0.contains("its columns are not") })
            try await pair.drop()
        }
    }
}
