import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata import sqlite` that is cut off at any moment, and called again until it is done: nothing twice, nothing missing.
@Suite("Import: cut off and called again") struct ImportKillTests {
    /// A table of several chunks with rejects and a key, one without rowids of several chunks, one with a gap in its ids.
    private static let tables = """
        CREATE TABLE owner (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
        CREATE TABLE item (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owner (id), n INTEGER, note TEXT, at DATETIME);
        CREATE TABLE setting (topic TEXT, key TEXT, value BLOB, n INTEGER, PRIMARY KEY (topic DESC, key)) WITHOUT ROWID;
        CREATE INDEX item_note ON item (note);
        CREATE UNIQUE INDEX item_at ON item (at);
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 1000)
        INSERT INTO owner SELECT CASE WHEN i < 500 THEN i ELSE i + 1000000 END, 'owner ' || i FROM g;
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 160000)
        INSERT INTO item SELECT i, 1 + i % 400, CASE WHEN i % 7000 = 0 THEN 'bad ' || i ELSE i END,
            'note ' || (i * 7919 % 160001), 1700000000 + i FROM g;
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 130000)
        INSERT INTO setting SELECT 'topic ' || (i % 2), 'key ' || i, CAST(i || 'v' AS BLOB),
            CASE WHEN i % 5000 = 0 THEN 'no' ELSE i END FROM g;
        """

    /// Each row of each table as one text, from both sides, without the rows that cannot be loaded.
    private static let rows: [(source: String, target: String)] = [
        ("SELECT id || '|' || name FROM owner ORDER BY id", "SELECT id || '|' || name FROM owner ORDER BY id"),
        (
            "SELECT id || '|' || owner || '|' || n || '|' || note || '|' || at FROM item WHERE typeof(n) = 'integer' ORDER BY id",
            "SELECT id || '|' || owner || '|' || n || '|' || note || '|' || extract(epoch FROM at)::bigint FROM item ORDER BY id"
        ),
        (
            "SELECT n || topic || key || CAST(value AS TEXT) FROM setting WHERE typeof(n) = 'integer' ORDER BY n",
            "SELECT n || topic || key || convert_from(value, 'UTF8') FROM setting ORDER BY n"
        ),
    ]

    /// When the program is killed: as soon as the target answers `true`, and a random moment later.
    private struct Moment {
        var name: String
        /// Nil: a random moment after the start.
        var condition: String?
    }

    private static func moments(_ random: inout SeededRandom) -> [Moment] {
        let journal = "FROM strata.imports i"
        return [
            Moment(name: "evidence"),
            Moment(name: "rows", condition: "SELECT EXISTS (SELECT FROM strata.imports)"),
            Moment(
                name: "rows", condition: "SELECT count(*) >= \(1 + random.below(3)) FROM strata.import_chunks"),
            Moment(name: "steps", condition: "SELECT EXISTS (SELECT \(journal) WHERE state = 'finishing')"),
            Moment(
                name: "steps",
                condition:
                    "SELECT EXISTS (SELECT \(journal) WHERE state = 'finishing') AND count(*) FILTER (WHERE state = 'done') > \(3 + random.below(8)) FROM strata.import_steps"
            ),
            Moment(
                name: "verification",
                condition:
                    "SELECT EXISTS (SELECT \(journal) WHERE state = 'finishing') AND NOT bool_or(state = 'planned') FROM strata.import_steps"
            ),
        ]
    }

    @Test("Killed in the evidence, the rows, the steps and the comparison, it is whole in the end", arguments: 1...3)
    func killed(round: Int) async throws {
        var random = SeededRandom(SeededRandom.seed(for: "import killed, round \(round)") &+ UInt64(round))
        try await ImportWorkshop.with(Self.tables) { shop in
            let before = try shop.bytes()
            var hits = 0
            for moment in Self.moments(&random) {
                let running = try shop.start(["--max-rejects", "all", "--quiet", "--jobs", "\(1 + random.below(4))"])
                if let condition = moment.condition { try await wait(condition, running, shop) }
                try await Task.sleep(for: .milliseconds(random.below(moment.condition == nil ? 300 : 60)))
                running.signal(SIGKILL)
                let result = try await running.finish()
                if result.wasKilled { hits += 1 } else { #expect(result.code == 0, "\(moment.name): \(result)") }
            }
            print("import killed, round \(round): \(hits) of 6 while it ran")
            #expect(hits >= 3)
            try await requireWhole(shop)
            #expect(try shop.bytes() == before)
        }
    }

    /// Until the target says so, or the program has ended.
    private func wait(_ condition: String, _ running: RunningProgram, _ shop: ImportWorkshop) async throws {
        let connection = try await shop.database.connect()
        var isSo = false
        while !isSo, kill(running.pid, 0) == 0 {
            // Until the journal is there, and where the connection is one of those that are ended.
            isSo = (try? await connection.query(condition).only().bool(0)) ?? false
        }
        await connection.close()
    }

    /// Called until nothing is left to do: exit code 0, and on both sides the same.
    private func requireWhole(_ shop: ImportWorkshop) async throws {
        let done = try await shop.run("--max-rejects", "all", "--quiet")
        // An import that was done finds its own rows.
        let isDone = try await shop.texts("SELECT state FROM strata.imports WHERE state <> 'undone'") == ["done"]
        #expect(done.code == 0 || isDone, "\(done)")
        for (source, target) in Self.rows {
            let (there, here) = (try shop.source(source), try await shop.texts(target))
            #expect(there == here, "\(source): \(there.count) and \(here.count) rows")
        }
        let rejects = try shop.rejects()
        let bad = rejects.map { "\($0["table"] ?? "") \($0["rowid"] ?? $0["key"] ?? "")" }
        #expect(rejects.count == 22 + 26 && Set(bad).count == bad.count, "\(bad.sorted())")
        let verified = try await shop.run("--verify", "--quiet")
        #expect(verified.code == 0, "\(verified)")
        let indexes = try await shop.texts("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'")
        #expect(indexes == ["5"])
        let keys = try await shop.texts(
            "SELECT convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid = 'item'::regclass")
        #expect(keys == ["t"])
        #expect(try await shop.texts("INSERT INTO owner (name) VALUES ('new') RETURNING id") == ["1001001"])
    }

    @Test("Connections that are ended at random cost nothing but time")
    func terminated() async throws {
        var random = SeededRandom(SeededRandom.seed(for: "import, connections ended"))
        try await ImportWorkshop.with(Self.tables) { shop in
            var codes: [Int32] = []
            for _ in 0..<4 {
                let running = try shop.start(["--max-rejects", "all", "--quiet"])
                let connection = try await shop.database.connect()
                while kill(running.pid, 0) == 0 {
                    try await Task.sleep(for: .milliseconds(20 + random.below(200)))
                    _ = try await connection.query(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1
                        """)
                }
                await connection.close()
                let result = try await running.finish()
                codes.append(result.code)
                // 1: while it connects.
                let isConnecting = result.code == 1 && result.prose.contains("cannot connect")
                #expect([0, 5].contains(result.code) || isConnecting, "\(result)")
                if result.code != 0 { #expect(result.errors.contains("try:"), "\(result)") }
                if result.code == 0 { break }
            }
            print("import, connections ended: exit codes \(codes)")
            try await requireWhole(shop)
        }
    }

    @Test(
        "Ctrl-C ends it with exit code 5, and the same call goes on",
        arguments: ["evidence", "rows", "steps", "comparison"])
    func interrupted(stage: String) async throws {
        try await ImportWorkshop.with(Self.tables) { shop in
            let running = try shop.start(["--max-rejects", "all", "--quiet"])
            switch stage {
            case "evidence":
                let connected =
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%import%')"
                try await wait(connected, running, shop)
            case "rows": try await wait("SELECT EXISTS (SELECT FROM strata.import_chunks)", running, shop)
            case "steps":
                try await wait("SELECT EXISTS (SELECT FROM strata.imports WHERE state = 'finishing')", running, shop)
            default:
                try await wait(
                    "SELECT NOT bool_or(state = 'planned') FROM strata.import_steps", running, shop)
            }
            running.signal(SIGINT)
            let result = try await running.finish()
            // It may have ended before the signal came.
            if result.code != 0 || stage != "comparison" {
                #expect(result.code == 5 && !result.wasKilled, "\(stage): \(result)")
                #expect(result.prose.contains("interrupted") && result.prose.contains("same command"), "\(result)")
                #expect(!result.prose.contains("nothing was changed") || stage == "evidence", "\(result)")
            }
            try await requireWhole(shop)
        }
    }

    @Test("A file that was written between two calls is refused, with what to do; so is another mapping")
    func changed() async throws {
        try await ImportWorkshop.with(Self.tables) { shop in
            let running = try shop.start(["--max-rejects", "all", "--quiet", "--jobs", "1"])
            try await wait("SELECT EXISTS (SELECT FROM strata.import_chunks)", running, shop)
            running.signal(SIGKILL)
            #expect(try await running.finish().wasKilled)
            let chunks = "SELECT count(*) || ' ' || sum(loaded) FROM strata.import_chunks"
            let there = try await shop.texts(chunks)
            try Data("tables: { item: { columns: { note: { type: varchar(40) } } } }".utf8).write(
                to: shop.folder.appending(path: "other.yaml"))
            let other = try await shop.run("--max-rejects", "all", "--mapping", "other.yaml", "--quiet")
            #expect(other.code == 1 && other.prose.contains("another mapping"), "\(other)")
            #expect(other.prose.contains("--restart"))
            try shop.make("UPDATE owner SET name = 'changed' WHERE id = 1")
            let refused = try await shop.run("--max-rejects", "all", "--quiet")
            #expect(refused.code == 1 && refused.prose.contains("has changed since its import began"), "\(refused)")
            #expect(refused.prose.contains("--restart"))
            #expect(try await shop.texts(chunks) == there)
            let again = try await shop.run("--max-rejects", "all", "--restart", "--quiet")
            #expect(again.code == 0, "\(again)")
            #expect(try await shop.texts("SELECT name FROM owner WHERE id = 1") == ["changed"])
            try await requireWhole(shop)
        }
    }
}
