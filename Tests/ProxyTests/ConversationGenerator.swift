import TestSupport

/// Makes conversations of a client with a server: plausible ones with mistakes in them, the same for the same seed.
///
/// Each client has tables of its own (`t<n>`, `u<n>`), so that clients never wait for each other.
struct ConversationGenerator {
    typealias Wire = WireClient

    var random: SeededRandom
    let client: Int
    let names = ["", "", "s0", "s1", "S_2"]
    let portals = ["", "", "", "c1"]

    /// Statements with names are defined apart from what may fail.
    let isTame: Bool

    init(_ seed: UInt64, client: Int, isTame: Bool = false) {
        self.isTame = isTame
        random = SeededRandom(seed)
        self.client = client
    }

    static func setup(clients: Int) -> String {
        (0..<clients).map { client in
            """
            CREATE TABLE t\(client) (id int PRIMARY KEY, name text, amount numeric);
            INSERT INTO t\(client) SELECT n, 'name ' || n, n * 1.5 FROM generate_series(1, 20) n;
            CREATE TABLE u\(client) (id serial, note text CHECK (length(note) < 20));
            """
        }.joined(separator: "\n")
    }

    mutating func conversation() -> [ConversationStep] {
        var steps: [ConversationStep] = []
        for _ in 0..<(3 + random.below(10)) { steps.append(step()) }
        // Whatever was begun ends here.
        steps.append(.exchange(Wire.sync + Wire.query("ROLLBACK") + Wire.query("SELECT 'end'")))
        return steps
    }

    private mutating func step() -> ConversationStep {
        if isTame, random.once(in: 4) { return .exchange(definition()) }
        switch random.below(20) {
        case 0..<7: return .exchange(queries())
        case 7..<13: return .exchange(extended() + Wire.sync)
        case 13..<16: return .exchange(pipeline())
        case 16: return .exchange(mixed())
        case 17: return .flush(extended() + Wire.flush)
        case 18: return copyIn()
        default: return .exchange(functionCall())
        }
    }

    // MARK: Simple

    private mutating func queries() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<(random.once(in: 4) ? 3 : 1) {
            let count = random.once(in: 5) ? 2 + random.below(2) : 1
            // Not EXECUTE beside others: of a statement that ends a transaction it makes PostgreSQL 15.18 crash there.
            let texts = (0..<count).map { _ in sql() }.filter { count == 1 || !$0.hasPrefix("EXECUTE") }
            bytes += Wire.query(texts.joined(separator: "; "))
        }
        return bytes
    }

    mutating func sql() -> String {
        let (t, u) = ("t\(client)", "u\(client)")
        let id = random.below(30)
        switch random.below(12) {
        case 0..<3: return reads(t, u, id)
        case 3, 4: return writes(t, u, id)
        case 5, 6: return transactions()
        case 7, 8: return settings()
        case 9: return cursorsAndStatements(t)
        case 10: return oddities(t, id)
        default: return definitions(t, u)
        }
    }

    private mutating func reads(_ t: String, _ u: String, _ id: Int) -> String {
        random.pick([
            "SELECT 1", "SELECT * FROM \(t) WHERE id = \(id)", "SELECT name, amount FROM \(t) ORDER BY id LIMIT 3",
            "SELECT count(*) FROM \(u)", "SELECT generate_series(1, \(id))", "TABLE \(u)", "VALUES (1, 'a'), (2, NULL)",
            "SELECT id FROM \(t) WHERE id = \(id) FOR UPDATE", "WITH a AS (SELECT 1 AS b) SELECT b FROM a",
            "SELECT repeat('x', \(id * 400))", "EXPLAIN (COSTS OFF) SELECT 1",
            "COPY (SELECT id FROM \(t) ORDER BY id) TO STDOUT",
        ])
    }

    private mutating func writes(_ t: String, _ u: String, _ id: Int) -> String {
        random.pick([
            "INSERT INTO \(t) VALUES (\(id), 'n''\(id)', \(id).25)",
            "UPDATE \(t) SET amount = amount + 1 WHERE id = \(id)",
            "DELETE FROM \(t) WHERE id = \(id)", "INSERT INTO \(u) (note) VALUES ('note \(id)') RETURNING note",
            "INSERT INTO \(u) (note) VALUES (repeat('y', \(id)))", "DELETE FROM \(u)",
            "WITH w AS (UPDATE \(t) SET name = 'w' WHERE id = \(id) RETURNING id) SELECT * FROM w",
            "INSERT INTO \(t) VALUES (\(id), 'up') ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name RETURNING *",
        ])
    }

    private mutating func transactions() -> String {
        random.pick([
            "BEGIN", "BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "START TRANSACTION READ ONLY",
            "BEGIN ISOLATION LEVEL REPEATABLE READ", "SAVEPOINT a", "ROLLBACK TO a", "RELEASE a", "SAVEPOINT b",
            "COMMIT AND CHAIN", "END", "ABORT", "SET TRANSACTION READ ONLY", "SET CONSTRAINTS ALL DEFERRED",
        ])
    }

    private mutating func settings() -> String {
        random.pick([
            "SET work_mem = '\(1 + random.below(9))MB'", "SET LOCAL work_mem = '17MB'", "SHOW work_mem",
            "SHOW work_mem",
            "RESET work_mem", "SET TIME ZONE 'Asia/Tokyo'", "SHOW timezone", "RESET ALL", "SET app.tenant = 'x'",
            "SELECT coalesce(current_setting('app.tenant', true), '')", "SELECT set_config('app.tenant', 'y', false)",
            "SELECT set_config('work_mem', '3MB', true)", "SET datestyle = 'German'", "SELECT DATE '2026-11-21'",
            "SET work_mem = 'nonsense'", "SET nothing_like_it = 1", "SET ROLE pg_read_all_data", "RESET ROLE",
            "SELECT current_user <> session_user", "SET search_path = pg_catalog", "RESET search_path",
            "SET application_name = 'named'", "SET client_encoding = 'LATIN1'", "SET client_encoding = 'UTF8'",
            "SHOW client_encoding", "SET standard_conforming_strings = on", "SET bytea_output = 'escape'",
            "SELECT '\\x4142'::bytea", "SET extra_float_digits = 0", "SELECT 0.1::float4",
        ])
    }

    private mutating func cursorsAndStatements(_ t: String) -> String {
        random.pick([
            "DECLARE c CURSOR FOR SELECT id FROM \(t) ORDER BY id", "FETCH 2 FROM c", "MOVE 1 FROM c", "CLOSE c",
            "DECLARE h CURSOR WITH HOLD FOR SELECT generate_series(1, 5)", "FETCH 1 FROM h", "CLOSE ALL",
            "PREPARE p AS SELECT $1::int + 1", "PREPARE p (text) AS SELECT $1", "EXECUTE p (41)", "EXECUTE p ('a')",
            "DEALLOCATE p", "DEALLOCATE ALL", "EXECUTE s0 (1)", "DEALLOCATE s0",
        ])
    }

    private mutating func oddities(_ t: String, _ id: Int) -> String {
        random.pick([
            "", ";", " -- nothing", "/* a comment */", "SELEC 1", "SELECT 1/0", "SELECT nothing FROM \(t)",
            "SELECT * FROM no_such_table", "SELECT 'unterminated", "DO $$ BEGIN RAISE NOTICE 'heard %', \(id); END $$",
            "DO $$ BEGIN RAISE WARNING 'careful' USING HINT = 'a hint', DETAIL = 'a detail'; END $$",
            "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22012', HINT = 'none'; END $$",
            "SELECT 1/(id - 3) FROM \(t) ORDER BY id",
            "LISTEN ch\(client)", "NOTIFY ch\(client), 'n'", "UNLISTEN *", "SELECT pg_advisory_xact_lock(\(client))",
            "SELECT pg_advisory_lock(\(client))", "SELECT pg_advisory_unlock(\(client))", "LOCK TABLE \(t)",
            "DISCARD ALL", "DISCARD PLANS", "DISCARD TEMP", "VACUUM \(t)", "SELECT 2; VACUUM \(t)",
            "DO $$ BEGIN PERFORM set_config('work_mem', '5MB', false); END $$", "SELECT nextval('u\(client)_id_seq')",
        ])
    }

    private mutating func definitions(_ t: String, _ u: String) -> String {
        random.pick([
            "CREATE TABLE made\(client) (a int)", "DROP TABLE made\(client)",
            "CREATE TABLE IF NOT EXISTS made\(client) (a int)",
            "DROP TABLE IF EXISTS made\(client)", "CREATE TEMP TABLE tmp\(client) AS SELECT 1 AS a",
            "SELECT a FROM tmp\(client)", "DROP TABLE tmp\(client)", "CREATE INDEX ON \(t) (name)", "TRUNCATE \(u)",
            "COMMENT ON TABLE \(t) IS 'c'", "CREATE VIEW v\(client) AS SELECT id FROM \(t)", "DROP VIEW v\(client)",
            "SELECT * FROM v\(client) WHERE id < 3 ORDER BY id", "SELECT * FROM made\(client)", "ANALYZE \(t)",
        ])
    }
}
