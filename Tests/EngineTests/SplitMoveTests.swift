import Foundation
import Planning
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// `strata split`: a schema is copied to another database and followed there, while it is written to.
@Suite("Split: move")
struct SplitMoveTests {
    private static let before = """
        CREATE SCHEMA audit;
        CREATE TYPE public.mood AS ENUM ('sad', 'it''s fine');
        CREATE DOMAIN public.short AS text NOT NULL CONSTRAINT short CHECK (length(VALUE) < 100);
        CREATE TYPE audit.kind AS ENUM ('made', 'gone');
        CREATE FUNCTION audit.shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
        CREATE TABLE public.customers (id bigint PRIMARY KEY);
        INSERT INTO public.customers SELECT generate_series(1, 10);
        CREATE TABLE audit.events (
            id bigserial PRIMARY KEY, kind audit.kind NOT NULL DEFAULT 'made', moods public.mood[], note public.short DEFAULT '',
            loud text GENERATED ALWAYS AS (audit.shout(note)) STORED, at timestamptz DEFAULT now(), data jsonb,
            customer bigint CONSTRAINT "across the cut" REFERENCES public.customers ON DELETE CASCADE);
        COMMENT ON TABLE audit.events IS 'what happened';
        CREATE INDEX ON audit.events (at) WHERE kind = 'gone';
        CREATE TABLE audit.parts (id int GENERATED ALWAYS AS IDENTITY, event bigint REFERENCES audit.events ON DELETE CASCADE, "The Text" text, PRIMARY KEY (id));
        CREATE TABLE audit.days (day date, n int, PRIMARY KEY (day, n)) PARTITION BY RANGE (day);
        CREATE TABLE audit.days_2026 PARTITION OF audit.days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        CREATE TABLE audit.days_rest PARTITION OF audit.days DEFAULT;
        CREATE TABLE audit.loose (a int, b text);
        ALTER TABLE audit.loose REPLICA IDENTITY FULL;
        CREATE TABLE audit.bare ();
        ALTER TABLE audit.bare REPLICA IDENTITY FULL;
        CREATE VIEW audit.gone AS SELECT id, note FROM audit.events WHERE kind = 'gone';
        CREATE FUNCTION audit.stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.data := coalesce(NEW.data, '{}') || '{"stamped": true}'; RETURN NEW; END$$;
        CREATE TRIGGER stamp BEFORE INSERT ON audit.events FOR EACH ROW EXECUTE FUNCTION audit.stamp();
        ALTER TABLE audit.parts ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON audit.parts USING (event > 0);
        INSERT INTO audit.events (kind, moods, note, customer)
            SELECT CASE n % 3 WHEN 0 THEN 'gone'::audit.kind ELSE 'made' END, ARRAY['sad', 'it''s fine']::public.mood[], E'tab\\there\\\\' || n, n % 10 + 1
              FROM generate_series(1, 3000) n;
        INSERT INTO audit.parts (event, "The Text") SELECT n, repeat('x', 50) FROM generate_series(1, 2000) n;
        INSERT INTO audit.days SELECT '2025-12-01'::date + n, n FROM generate_series(1, 400) n;
        INSERT INTO audit.loose SELECT n, n::text FROM generate_series(1, 500) n;
        """

    private struct Pair: Sendable {
        var main: TestDatabase
        var other: TestDatabase
        var layout: Layout

        func report() async throws -> SplitReport {
            let connection = try await main.connect()
            let plan = try await LivePlanner.plan(layout, on: connection).plan
            await connection.close()
            return try #require(plan.splits?.first)
        }

        func move(
            rangePages: Int64 = 8, _ listener: @escaping @Sendable (SplitEvent) -> Void = { _ in }
        ) async throws -> SplitMove {
            var options = SplitOptions()
            options.jobs = 2
            options.rangePages = rangePages
            return SplitMove(
                try await report(), mainDatabase: "main", source: main.settings, target: other.settings,
                options: options, listener: listener)
        }

        func cancel() async throws -> [String] {
            try await SplitCancel("audit", mainDatabase: "main", source: main.settings, target: other.settings).run()
                .kept
        }

        /// What a table holds, in an order of its own.
        func content(_ table: String) async throws -> (main: String, other: String) {
            let sql =
                "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) || ' ' || count(*) AS sum FROM \(table) t"
            return try await (sum(main, sql), sum(other, sql))
        }

        private func sum(_ database: TestDatabase, _ sql: String) async throws -> String {
            let connection = try await database.connect()
            let sum = try await connection.query(sql).only().optionalString("sum") ?? "nothing"
            await connection.close()
            return sum
        }

        /// Until everything that has been committed has arrived.
        func follow(_ record: SplitRecord) async throws {
            try await SplitSite.with(main.settings, other.settings) { site in
                try await SplitStreams(record: record, source: site.source, target: site.target).catchUp { _ in }
            }
        }

        func requireEqual() async throws {
            for table in ["events", "parts", "days", "days_2026", "days_rest", "loose", "gone"] {
                let sums = try await content("audit.\(table)")
                #expect(sums.main == sums.other, "\(table)")
            }
        }
    }

    private func withPair<T>(_ body: (Pair) async throws -> T) async throws -> T {
        try await withTestDatabase("split") { main in
            try await withTestDatabase("splitto") { other in
                try await main.execute(Self.before)
                let text = """
                    strata: 1
                    databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
                    schemas:
                      audit: { database: archive, tables: [events, parts, days, loose, bare], views: [gone], types: [kind], functions: [shout, stamp] }
                    """
                let layout = try Pipeline.decode(text, file: "strata.yaml", environment: [:]).0
                let pair = Pair(main: main, other: other, layout: layout)
                do {
                    let value = try await body(pair)
                    await clear(pair)
                    return value
                } catch {
                    await clear(pair)
                    throw error
                }
            }
        }
    }

    private final class Flag: Sendable {
        private let state = Mutex(false)
        var isSet: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }

    /// Slots and subscriptions would keep the databases from being dropped.
    private func clear(_ pair: Pair) async { _ = try? await pair.cancel() }

    @Test("A schema with everything in it is copied, followed, guarded, and its definitions are there")
    func whole() async throws {
        try await withPair { pair in
            let record = try await pair.move().run()
            #expect(record.state == .following && record.tables.allSatisfy { $0.isCopied && $0.generation == 1 })
            #expect(record.tables.first { $0.name == "audit.events" }?.rows == 3_000)
            try await pair.requireEqual()
            let other = try await pair.other.connect()
            let main = try await pair.main.connect()
            // What comes later follows, and triggers do not run twice.
            try await main.execute(
                """
                INSERT INTO audit.events (note, data) VALUES ('later', '{"a": 1}');
                UPDATE audit.events SET kind = 'gone', note = 'changed' WHERE id % 7 = 0;
                DELETE FROM audit.events WHERE id % 11 = 0;
                UPDATE audit.loose SET b = 'x' WHERE a < 10; DELETE FROM audit.loose WHERE a > 490;
                INSERT INTO audit.days VALUES ('2030-01-01', 1);
                UPDATE audit.days SET day = '2026-05-05' WHERE day = '2025-12-02';
                TRUNCATE audit.bare;
                """)
            try await pair.follow(record)
            try await pair.requireEqual()
            // Writes by others are refused, for partitions too.
            for table in ["audit.events", "audit.days", "audit.days_2026", "audit.loose"] {
                await #expect(throws: PostgresError.self, "\(table)") {
                    try await other.execute("DELETE FROM \(table)")
                }
            }
            do {
                try await other.execute("TRUNCATE audit.events CASCADE")
                Issue.record("a table was emptied")
            } catch let error as PostgresError {
                #expect(error.sqlState == .readOnlyTransaction && error.message.contains("audit"))
            }
            // Definitions are refused where the schema is now.
            for sql in [
                "ALTER TABLE audit.events ADD late int", "DROP TABLE audit.loose", "CREATE TABLE audit.new (a int)",
                "CREATE INDEX ON audit.events (note)", "DROP SCHEMA audit CASCADE",
            ] {
                do {
                    try await main.execute(sql)
                    Issue.record("\(sql) was done")
                } catch let error as PostgresError {
                    #expect(error.message.contains("is being copied"), "\(sql): \(error.message)")
                }
            }
            try await main.execute("CREATE TABLE public.elsewhere (a int); DROP TABLE public.elsewhere")
            let comment = "SELECT obj_description('audit.events'::regclass) AS c"
            #expect(try await other.query(comment).only().optionalString("c") == "what happened")
            // The key that crosses the cut is not there, the one within the schema is.
            let keys = try await other.query(
                "SELECT conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'audit'::regnamespace"
            ).map { try $0.string("conname") }
            #expect(keys == ["parts_event_fkey"])
            await other.close()
            await main.close()
            // Again: there is nothing left to do.
            #expect(try await pair.move().run() == record)
        }
    }

    @Test("Clients write all the while: not a row is lost or doubled")
    func underLoad() async throws {
        try await withPair { pair in
            try await withThrowingTaskGroup(of: Int.self) { group in
                let stop = Flag()
                for client in 0..<4 {
                    group.addTask {
                        let connection = try await pair.main.connect()
                        var written = 0
                        while !stop.isSet {
                            try await connection.execute(
                                """
                                INSERT INTO audit.events (note) VALUES ('client \(client) \(written)');
                                UPDATE audit.events SET note = 'touched \(written)' WHERE id = \(written % 2_000 + 1);
                                """)
                            written += 1
                        }
                        await connection.close()
                        return written
                    }
                }
                let record = try await pair.move(rangePages: 2).run()
                stop.set()
                var written = 0
                for try await count in group { written += count }
                #expect(written > 0)
                try await pair.follow(record)
                try await pair.requireEqual()
                let count = try await pair.content("(SELECT id FROM audit.events WHERE note LIKE 'client%')")
                #expect(count.main == count.other && count.main.hasSuffix(" \(written)"))
            }
        }
    }

    @Test("Cut off at any stage, the next call goes on; what was whole is not copied again", arguments: 0..<4)
    func resumed(stage: Int) async throws {
        try await withPair { pair in
            let stages = ["definitions", "rows", "indexes", "stream"]
            let task = Mutex<Task<SplitRecord, any Error>?>(nil)
            let move = try await pair.move(rangePages: 2) { event in
                let isIt =
                    switch event {
                    case .stage(let name): name == stages[stage] && stage != 1
                    // With one table done at least.
                    case .copying(let progress): stage == 1 && progress.tablesDone > 0
                    default: false
                    }
                if isIt { task.withLock { $0?.cancel() } }
            }
            let running = Task { try await move.run() }
            task.withLock { $0 = running }
            do {
                _ = try await running.value
            } catch let failure as EngineFailure {
                #expect(failure.kind == .resumable)
            }
            try await pair.main.execute(
                "UPDATE audit.events SET note = 'between' WHERE id % 5 = 0; INSERT INTO audit.loose VALUES (-1, 'between')"
            )
            let record = try await pair.move().run()
            #expect(record.state == .following && record.error == nil)
            try await pair.follow(record)
            try await pair.requireEqual()
        }
    }

    private static func keepWriting(_ database: TestDatabase, until stop: Flag) async throws {
        let connection = try await database.connect()
        var round = 0
        while !stop.isSet {
            try await connection.execute(
                """
                UPDATE audit.events SET data = '{"round": \(round)}' WHERE id = \(round * 7 % 3_000 + 1);
                INSERT INTO audit.days VALUES ('2031-01-01', \(round));
                DELETE FROM audit.days WHERE n = \(round - 3) AND day = '2031-01-01';
                """)
            round += 1
            // An application's pace: a copy that never catches up has nothing to be compared.
            try await Task.sleep(for: .milliseconds(10))
        }
        await connection.close()
    }

    @Test("A comparison of both sides: equal under load, and each row that differs is found, with and without a key")
    func compared() async throws {
        try await withPair { pair in try await compare(pair) }
    }

    private func compare(_ pair: Pair) async throws {
        try await pair.main.execute("UPDATE audit.events SET note = 'n' || id")
        try await pair.move().run()
        let diff = SplitDiff("audit", source: pair.main.settings, target: pair.other.settings, rangeRows: 250)
        let busy = try await whileWriting(pair.main) { try await diff.run() }
        #expect(busy.isClean, "\(busy)")
        let events = try #require(busy.tables.first { $0.name == "audit.events" })
        #expect(events.rows == 3_000)
        #expect(events.method == .keyRanges)
        let loose = try #require(busy.tables.first { $0.name == "audit.loose" })
        #expect(loose.method == .wholeTable)
        try await pair.other.execute(
            """
            SET session_replication_role = replica;
            UPDATE audit.events SET note = 'bad' WHERE id IN (7, 2999); DELETE FROM audit.events WHERE id = 1500;
            INSERT INTO audit.days_2026 VALUES ('2026-12-31', -1); UPDATE audit.loose SET b = 'bad' WHERE a = 5;
            """)
        let found = try await diff.run()
        let wrong = found.tables.filter { $0.outcome == .differs }
        #expect(found.tables.allSatisfy { $0.outcome != .changing })
        #expect(wrong.map(\.name) == ["audit.days_2026", "audit.events", "audit.loose"])
        #expect(wrong.map(\.differing) == [1, 3, 1])
        #expect(wrong.dropFirst().first?.examples == [["7"], ["1500"], ["2999"]])
    }

    private func whileWriting<T: Sendable>(
        _ database: TestDatabase, _ body: @Sendable () async throws -> T
    ) async throws -> T {
        let stop = Flag()
        async let writer: Void = Self.keepWriting(database, until: stop)
        do {
            let value = try await body()
            stop.set()
            try await writer
            return value
        } catch {
            stop.set()
            throw error
        }
    }

    @Test("Cancelled, both databases are as they were, and it can be begun again", arguments: [false, true])
    func cancelled(half: Bool) async throws {
        try await withPair { pair in
            try await pair.main.execute(
                "CREATE ROLE \"reader \(pair.main.name)\"; GRANT USAGE ON SCHEMA audit TO \"reader \(pair.main.name)\"")
            func trace(_ database: TestDatabase) async throws -> [String] {
                let connection = try await database.connect()
                let lines = try await connection.query(
                    """
                    SELECT 'slot ' || slot_name AS line FROM pg_replication_slots WHERE database = current_database()
                    UNION ALL SELECT 'publication ' || pubname FROM pg_publication
                    UNION ALL SELECT 'trigger ' || evtname FROM pg_event_trigger
                    UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_'
                    UNION ALL SELECT 'type ' || typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE nspname = 'public'
                    UNION ALL SELECT 'relation ' || c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'strata')
                    UNION ALL SELECT 'subscription ' || subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = current_database()
                    ORDER BY 1
                    """
                ).map { try $0.string("line") }
                await connection.close()
                return lines
            }
            let before = try await (trace(pair.main), trace(pair.other))
            if half {
                let task = Mutex<Task<SplitRecord, any Error>?>(nil)
                let move = try await pair.move(rangePages: 2) { event in
                    if case .copying = event { task.withLock { $0?.cancel() } }
                }
                let running = Task { try await move.run() }
                task.withLock { $0 = running }
                _ = try? await running.value
            } else {
                try await pair.move().run()
            }
            #expect(try await trace(pair.other) != before.1)
            #expect(try await pair.cancel() == [])
            let after = try await (trace(pair.main), trace(pair.other))
            #expect(after.0.sorted() == (before.0 + ["schema strata"]).sorted())
            #expect(after.1 == before.1)
            try await pair.main.execute("ALTER TABLE audit.events ADD later int")
            let again = try await pair.move().run()
            try await pair.follow(again)
            try await pair.requireEqual()
            _ = try await pair.cancel()
            try await pair.main.execute(
                "DROP OWNED BY \"reader \(pair.main.name)\"; DROP ROLE \"reader \(pair.main.name)\"")
        }
    }

    @Test(
        "A schema that holds something on the target, and triggers that fire ALWAYS, are refused before anything is made"
    )
    func refused() async throws {
        try await withPair { pair in
            try await pair.other.execute("CREATE SCHEMA audit; CREATE TABLE audit.mine (a int)")
            do {
                try await pair.move().run()
                Issue.record("it was not refused")
            } catch let failure as EngineFailure {
                #expect(failure.diagnostics.first?.code == "schema-not-empty")
            }
            _ = try await pair.cancel()
            let other = try await pair.other.connect()
            #expect(try await other.query("SELECT to_regclass('audit.mine') IS NOT NULL AS there").only().bool("there"))
            await other.close()
            try await pair.main.execute("ALTER TABLE audit.events ENABLE ALWAYS TRIGGER stamp")
            do {
                try await pair.move().run()
                Issue.record("it was not refused")
            } catch let error as DiagnosticsError {
                #expect(error.diagnostics.map(\.code) == ["trigger-fires-twice"])
            }
        }
    }
}
