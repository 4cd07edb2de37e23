import Planning
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// DDL and GRANT on a schema that is being split off.
@Suite("Split: definitions")
struct SplitDefinitionTests {
    private static let setup = """
        CREATE TABLE public.stays (id int PRIMARY KEY); INSERT INTO public.stays VALUES (1);
        CREATE SCHEMA audit;
        CREATE TABLE audit.events (id bigserial PRIMARY KEY, note text, old int);
        CREATE TABLE audit.parts (id int PRIMARY KEY, event bigint REFERENCES audit.events);
        INSERT INTO audit.events (note, old) SELECT 'n' || n, n FROM generate_series(1, 500) n;
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
        schemas: { audit: { database: archive, tables: [events, parts] } }
        """

    private struct Pair: Sendable {
        var main: TestDatabase
        var other: TestDatabase

        func record() async throws -> SplitRecord {
            try await SplitSite.with(main.settings, other.settings) { site in
                try #require(try await SplitLedger(site.source).open("audit"))
            }
        }

        /// Everything that was committed where the schema lives has arrived.
        func follow() async throws {
            let record = try await record()
            try await SplitSite.with(main.settings, other.settings) { site in
                let place = SwitchSite(site, record, mainName: "main")
                try await place.streams(record, place.forward).catchUp { _ in }
            }
        }

        /// What the follower lacks.
        func missing() async throws -> [String] {
            let record = try await record()
            return try await SplitSite.with(main.settings, other.settings) { site in
                let place = SwitchSite(site, record, mainName: "main")
                return try await DefinitionComparison(schema: "audit", source: place.from, target: place.to)
                    .missing(without: [])
            }
        }

        func change(_ direction: SplitRecord.Direction) -> SchemaSwitch {
            var options = SwitchOptions()
            options.budget = .seconds(30)
            options.preparation = .seconds(300)
            options.withoutProxies = true
            return SchemaSwitch(
                "audit", direction: direction, mainDatabase: "main", source: main.settings, target: other.settings,
                options: options)
        }

        func compare() async throws -> SplitDiffReport {
            try await SplitDiff("audit", source: main.settings, target: other.settings).run()
        }

        func complete() async throws {
            _ = try await SplitCompletion(
                "audit", mainDatabase: "main", source: main.settings, target: other.settings
            ).run()
        }
    }

    private func refusal(_ sql: String, _ database: TestDatabase) async throws -> PostgresError? {
        do {
            try await database.execute(sql)
            return nil
        } catch let error as PostgresError { return error }
    }

    private static let changes = [
        "ALTER TABLE audit.events ADD COLUMN extra int DEFAULT 7 + 1, ADD COLUMN tags jsonb DEFAULT '[]'",
        "-- A comment; of its own.\n/* and another; */ ALTER TABLE audit.events DROP COLUMN old;",
        "SET search_path = audit, public; ",
        "CREATE INDEX events_note ON audit.events (note)",
        "CREATE VIEW audit.noted AS SELECT id, note, extra FROM audit.events WHERE note IS NOT NULL",
        "CREATE FUNCTION audit.twice(n int) RETURNS int LANGUAGE plpgsql AS $$BEGIN n := n * 2; RETURN n; END$$",
        "CREATE FUNCTION audit.stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.extra := audit.twice(21); RETURN NEW; END$$",
        "CREATE TRIGGER stamp BEFORE INSERT ON audit.events FOR EACH ROW EXECUTE FUNCTION audit.stamp()",
        "ALTER TABLE audit.parts ADD CONSTRAINT positive CHECK (id > 0)",
        "CREATE TYPE audit.mood AS ENUM ('sad', 'fine')", "ALTER TYPE audit.mood ADD VALUE 'glad'",
        "ALTER TABLE audit.events ALTER COLUMN note SET DEFAULT now()::text",
        "COMMENT ON TABLE audit.events IS 'what happened'",
    ]

    @Test("Declared to be carried, DDL arrives between the rows before and after it, while clients write")
    func carried() async throws {
        try await withFollowed(Self.setup, Self.layout, definitions: .carry) { main, other in
            let pair = Pair(main: main, other: other)
            let stop = Flag()
            async let writer: Int = Self.keepWriting(main, until: stop)
            let session = try await main.connect()
            for sql in Self.changes { try await session.execute(sql) }
            // By its own path and role, as one statement of the extended protocol, in a transaction with rows.
            try await session.execute("BEGIN")
            _ = try await session.query("ALTER TABLE parts ADD COLUMN late text")
            try await session.execute("INSERT INTO parts (id, late) VALUES (1, 'with its column')")
            try await session.execute("COMMIT")
            try await session.execute("BEGIN")
            _ = try await session.query("ALTER TABLE parts ADD COLUMN never text")
            try await session.execute("ROLLBACK")
            try await session.execute("DROP INDEX audit.events_note")
            await session.close()
            stop.set()
            let written = try await writer
            #expect(written > 0)
            try await pair.follow()
            #expect(try await pair.missing() == [])
            #expect(try await pair.compare().isClean)
            let there = try await other.connect()
            #expect(try await there.query("SELECT late FROM audit.parts").only().string("late") == "with its column")
            #expect(
                try await there.query("SELECT count(*) AS n FROM audit.events WHERE extra = 8").only().int("n") >= 500)
            #expect(
                try await there.query(
                    "SELECT count(*) AS n FROM pg_attribute WHERE attrelid = 'audit.parts'::regclass AND attname = 'never'"
                ).only().int("n") == 0)
            #expect(
                try await there.query("SELECT obj_description('audit.events'::regclass) AS c").only().string("c")
                    == "what happened")
            await there.close()
        }
    }

    private static let refused = [
        ("CREATE TABLE audit.new (a int)", "CREATE TABLE is not carried"),
        ("CREATE TABLE audit.new AS SELECT 1 AS a", "CREATE TABLE AS is not carried"),
        ("DROP TABLE audit.parts", "DROP TABLE is not carried"),
        ("DROP SCHEMA audit CASCADE", "DROP SCHEMA is not carried"),
        (
            "ALTER TABLE audit.events ADD COLUMN at timestamptz DEFAULT now()",
            "a default would have another value there"
        ),
        (
            "ALTER TABLE audit.events ADD COLUMN who text DEFAULT current_user",
            "a default would have another value there"
        ),
        ("ALTER TABLE audit.events ADD COLUMN key uuid DEFAULT gen_random_uuid()", "it writes every row anew"),
        ("ALTER TABLE audit.events ALTER COLUMN old TYPE bigint", "it writes every row anew"),
        ("ALTER TABLE audit.events ADD a int; ALTER TABLE audit.events ADD b int", "one statement of its own"),
        ("DO $$BEGIN ALTER TABLE audit.events ADD a int; END$$", "one statement of its own"),
        ("ALTER TABLE audit.events RENAME TO happenings", "it changes the table's place"),
        ("ALTER TABLE audit.events SET SCHEMA public", "it changes the table's place"),
        ("ALTER TABLE audit.parts ADD FOREIGN KEY (id) REFERENCES public.stays", "leads to another schema"),
    ]

    @Test("What would not be the same on the other side is refused with its reason, and leaves nothing")
    func refused() async throws {
        try await withFollowed(Self.setup, Self.layout, definitions: .carry) { main, other in
            let pair = Pair(main: main, other: other)
            for (sql, reason) in Self.refused {
                let error = try await refusal(sql, main)
                #expect(error?.message.contains(reason) == true, "\(sql): \(error?.message ?? "was done")")
                #expect(error?.sqlState?.rawValue == "55000" && error?.hint?.contains("strata complete audit") == true)
            }
            // What the other side does not have does not stop the rows; the switch says what is missing.
            try await main.execute(
                "CREATE VIEW audit.both AS SELECT e.id FROM audit.events e JOIN public.stays s ON s.id = e.id")
            try await main.execute("INSERT INTO audit.events (note) VALUES ('after it')")
            try await pair.follow()
            #expect(try await pair.missing().contains { $0.contains("both") })
            #expect(try await pair.compare().isClean)
            let found = try await pair.change(.out).readiness().findings.filter(\.isBlocking).map(\.message)
            #expect(found.contains { $0.contains("audit.both") || $0.contains("both.id") }, "\(found)")
            let count = "SELECT count(*) AS n FROM audit.events"
            let there = try await other.connect()
            #expect(try await there.query(count).only().int("n") == 501)
            await there.close()
        }
    }

    @Test(
        "At the new place DDL is refused, or goes back along with the rows, until the split is complete",
        arguments: [
            SchemaLayout.Definitions.refuse, .carry,
        ])
    func atTheNewPlace(_ definitions: SchemaLayout.Definitions) async throws {
        try await withFollowed(Self.setup, Self.layout, definitions: definitions) { main, other in
            let pair = Pair(main: main, other: other)
            #expect(try await pair.compare().isClean)
            _ = try await pair.change(.out).run()
            let away = try await refusal("ALTER TABLE audit.events ADD a int", main)
            #expect(away?.message.contains("lives on database archive now") == true, "\(away?.message ?? "done")")
            let here = try await refusal("ALTER TABLE audit.events ADD COLUMN a int DEFAULT 3", other)
            try await other.execute("INSERT INTO audit.events (note) VALUES ('there')")
            switch definitions {
            case .refuse:
                #expect(here?.message.contains("the way back of schema audit to database main is open") == true)
            case .carry:
                #expect(here == nil)
                try await pair.follow()
                let back = try await main.connect()
                #expect(try await back.query("SELECT sum(a) AS n FROM audit.events").only().int("n") == 501 * 3)
                await back.close()
            }
            _ = try await pair.change(.back).run()
            #expect(try await refusal("CREATE VIEW audit.v AS SELECT 1 AS a", other) == nil)
            #expect(try await refusal("DROP VIEW audit.v", other) == nil)
            let home = try await refusal("ALTER TABLE audit.events ADD b int", main)
            #expect((home == nil) == (definitions == .carry), "\(home?.message ?? "done")")
            try await pair.follow()
            #expect(try await pair.missing() == [])
            #expect(try await pair.compare().isClean)
            _ = try await pair.change(.out).run()
            try await pair.complete()
            try await other.execute("ALTER TABLE audit.events ADD c int; CREATE TABLE audit.new (a int)")
            for database in [main, other] {
                let connection = try await database.connect()
                #expect(
                    try await connection.query(
                        """
                        SELECT (SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'strata%')
                             + (SELECT count(*) FROM pg_proc WHERE pronamespace = to_regnamespace('strata')
                                   AND (proname LIKE '%definition%')) AS n
                        """
                    ).only().int("n") == 0, "\(database.name)")
                await connection.close()
            }
        }
    }

    @Test("Triggers and policies are definitions, too; so is a table that is taken out of the schema")
    func refusedWhileCopied() async throws {
        try await withFollowed(Self.setup, Self.layout) { main, _ in
            try await main.execute(
                "CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
            for sql in [
                "CREATE TRIGGER stamp BEFORE INSERT ON audit.events FOR EACH ROW EXECUTE FUNCTION public.stamp()",
                "CREATE POLICY own ON audit.events USING (true)",
                "CREATE RULE none AS ON INSERT TO audit.parts DO INSTEAD NOTHING",
                "ALTER TABLE audit.events SET SCHEMA public", "ALTER SCHEMA audit RENAME TO audits",
            ] {
                let error = try await refusal(sql, main)
                #expect(
                    error?.message.contains("schema audit is being copied") == true,
                    "\(sql): \(error?.message ?? "done")")
            }
            try await main.execute(
                "CREATE TRIGGER stamp BEFORE INSERT ON public.stays FOR EACH ROW EXECUTE FUNCTION public.stamp()")
        }
    }

    @Test("GRANT and REVOKE after the copy are found before the switch, with the statement that mends them")
    func rights() async throws {
        let role = "strata_reader_\(UInt32.random(in: 0..<UInt32.max))"
        let setup = Self.setup + "CREATE ROLE \(role); GRANT SELECT ON audit.parts TO \(role);"
        try await withFollowed(setup, Self.layout) { main, other in
            let pair = Pair(main: main, other: other)
            #expect(try await pair.compare().isClean)
            #expect(try await pair.change(.out).readiness().isReady)
            try await main.execute(
                """
                GRANT SELECT ON audit.events TO \(role); GRANT UPDATE (note) ON audit.events TO \(role);
                GRANT USAGE ON SCHEMA audit TO \(role); REVOKE SELECT ON audit.parts FROM \(role);
                """)
            let blocks = try await pair.change(.out).readiness().findings.filter(\.isBlocking)
            let steps = blocks.compactMap(\.nextStep)
            #expect(
                steps == [
                    "there: GRANT USAGE ON SCHEMA audit TO \(role)",
                    "there: GRANT SELECT ON TABLE audit.events TO \(role)",
                    "there: GRANT UPDATE (note) ON TABLE audit.events TO \(role)",
                    "there: REVOKE SELECT ON TABLE audit.parts FROM \(role)",
                ], "\(blocks)")
            for step in steps { try await other.execute(String(step.dropFirst("there: ".count))) }
            #expect(try await pair.change(.out).readiness().isReady)
            for database in [main, other] { try await database.execute("DROP OWNED BY \(role)") }
        }
        try await withTestDatabase("roles") { try await $0.execute("DROP ROLE IF EXISTS \(role)") }
    }

    private final class Flag: Sendable {
        private let state = Mutex(false)
        var isSet: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }

    private static func keepWriting(_ database: TestDatabase, until stop: Flag) async throws -> Int {
        let connection = try await database.connect()
        var written = 0
        while !stop.isSet {
            try await connection.execute(
                "INSERT INTO audit.events (note) VALUES ('w\(written)'); UPDATE audit.events SET note = 'u' WHERE id = \(written % 500 + 1)"
            )
            written += 1
        }
        await connection.close()
        return written
    }
}
