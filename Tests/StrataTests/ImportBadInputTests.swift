import Foundation
import GRDB
import PostgresDriver
import TestSupport
import Testing

@testable import TestSupport

/// Files and targets that are not what they should be: a clear error with the next step, or a reject; never a crash, never silence.
@Suite("Import: bad input") struct ImportBadInputTests {
    /// Ends with the code, names the next step, and leaves the target as it was.
    private func refuses(
        _ shop: ImportWorkshop, _ words: [String] = ["--quiet"], file: String = "app.db", code: Int32 = 1,
        saying says: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try await shop.objects()
        let result = try await shop.start(words, file: file).finish(sourceLocation)
        #expect(result.code == code && !result.wasKilled, "\(result)", sourceLocation: sourceLocation)
        #expect(result.errors.contains("try:"), "no next step: \(result)", sourceLocation: sourceLocation)
        for text in says {
            #expect(result.prose.contains(text), "\(text) is not in: \(result.prose)", sourceLocation: sourceLocation)
        }
        #expect(try await shop.objects() == before, "the target has changed", sourceLocation: sourceLocation)
    }

    // MARK: Not a database

    @Test("No SQLite file at all: missing, a folder, empty, a text, random bytes, half a header, SQLite 2")
    func noDatabase() async throws {
        try await ImportWorkshop.with(nil) { shop in
            var random = SeededRandom(7)
            let noise = Data((0..<20_000).map { _ in UInt8.random(in: 0...255, using: &random) })
            let files: [(String, Data)] = [
                ("empty.db", Data()), ("text.db", Data("id,name\n1,Rex\n".utf8)), ("noise.db", noise),
                ("half.db", Data("SQLite format 3\0".utf8)),
                ("two.db", Data("** This file contains an SQLite 2.1 database **".utf8) + noise),
                // A header, and behind it what is encrypted.
                ("sealed.db", Data("SQLite format 3\0".utf8) + noise),
            ]
            for (name, data) in files { try data.write(to: shop.folder.appending(path: name)) }
            try await refuses(shop, file: "missing.db", saying: "there is no file", "check the path")
            try await refuses(shop, file: ".", saying: "is not a file")
            try await refuses(shop, file: "empty.db", saying: "is empty")
            try await refuses(shop, file: "text.db", saying: "is a text file")
            try await refuses(shop, file: "noise.db", saying: "not a SQLite database, or it is encrypted")
            try await refuses(shop, file: "half.db", saying: "less than a header")
            try await refuses(shop, file: "two.db", saying: "SQLite 2")
            try await refuses(shop, file: "sealed.db", saying: "sealed.db")
            for name in files.map(\.0) { try await refuses(shop, ["--review"], file: name) }
        }
    }

    @Test("A file without tables, and one whose tables are all left out: exit code 3")
    func nothing() async throws {
        try await ImportWorkshop.with("CREATE TABLE t (a); DROP TABLE t;") { shop in
            try await refuses(shop, code: 3, saying: "there is no table to import")
            try shop.make("CREATE TABLE _prisma_migrations (id TEXT PRIMARY KEY)")
            try await refuses(shop, code: 3, saying: "there is no table to import")
        }
    }

    @Test("A path with spaces, quotes, signs of URLs and letters of other scripts")
    func paths() async throws {
        try await ImportWorkshop.with(nil) { shop in
            for name in [
                "a b.db", "it's \"x\".db", "50%41?mode=memory#f.db", "Tierübersicht-động-vật-🐕.db", "file:x.db", "-.db",
            ] {
                try shop.make("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);", at: "./" + name)
                let result = try await shop.run("--quiet", "--restart", file: "./" + name)
                #expect(result.code == 0, "\(name): \(result)")
                #expect(try await shop.texts("SELECT id FROM t") == ["1"])
                try await shop.database.execute("DROP TABLE t")
            }
        }
    }

    // MARK: Damaged

    private static let shelter = """
        PRAGMA page_size = 1024;
        CREATE TABLE animal (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, weight REAL);
        CREATE INDEX animal_name ON animal (name);
        CREATE TABLE visit (code TEXT PRIMARY KEY, animal INTEGER, note TEXT) WITHOUT ROWID;
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 2000)
        INSERT INTO animal SELECT i * 3, 'name ' || i, i % 20, i / 7.0 FROM g;
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 1000)
        INSERT INTO visit SELECT 'code ' || i, i * 3, printf('%.*c', i % 2000, 'x') FROM g;
        """

    @Test(
        "Bytes that are turned over anywhere: an error, or what SQLite itself reads is what arrives", arguments: 1...3)
    func corrupt(round: Int) async throws {
        var random = SeededRandom(SeededRandom.seed(for: "import of a damaged file", usual: 11) &+ UInt64(round))
        try await ImportWorkshop.with(Self.shelter) { shop in
            let whole = try shop.bytes()
            var codes: [Int32: Int] = [:]
            for _ in 0..<12 {
                var bytes = whole
                let length = random.pick([1, 4, 100, 2000])
                let start = random.once(in: 4) ? 100 + random.below(900) : random.below(bytes.count - length)
                for place in start..<start + length { bytes[place] = UInt8.random(in: 0...255, using: &random) }
                try bytes.write(to: shop.folder.appending(path: "app.db"))
                let result = try await shop.run("--quiet", "--max-rejects", "all", "--restart")
                codes[result.code, default: 0] += 1
                let place = "\(length) bytes at \(start)"
                #expect(!result.wasKilled && [0, 1, 3, 4].contains(result.code), "\(place): \(result)")
                guard result.code == 0 else {
                    #expect(result.errors.contains("try:") || result.code == 4, "\(place): \(result)")
                    #expect(!result.output.contains("The same on both sides"))
                    try await clear(shop)
                    continue
                }
                try await requireSame(shop, place)
            }
            print("import of a damaged file, round \(round): exit codes \(codes)")
        }
    }

    /// An import that a damaged file has begun goes on with no other.
    private func clear(_ shop: ImportWorkshop) async throws {
        try await shop.database.execute(
            "DROP SCHEMA IF EXISTS strata CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    }

    /// What SQLite reads from the file, without indexes, is there or among the rejects.
    private func requireSame(_ shop: ImportWorkshop, _ place: String) async throws {
        let left = Set(
            try await shop.texts(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"))
        let rejected = try shop.rejects()
        for (table, columns) in [
            ("animal", "coalesce(id, '') || '|' || coalesce(name, '-')"),
            ("visit", "code || '|' || coalesce(note, '-')"),
        ] {
            guard left.contains(table) else { continue }
            let there = try shop.source("SELECT \(columns) FROM \(table) NOT INDEXED")
            let target = columns.replacing("coalesce(id, '')", with: "id")
            let here = try await shop.texts("SELECT \(target) FROM \(table)")
            let lost = rejected.filter { $0["table"] as? String == table }
            #expect(
                here.count + Set(lost.map { "\($0["rowid"] ?? $0["key"] ?? "")" }).count == there.count,
                "\(place): \(table)")
            #expect(Set(here).isSubset(of: Set(there)), "\(place): \(table)")
        }
        try? FileManager.default.removeItem(at: shop.folder.appending(path: "app.db.rejects.jsonl"))
    }

    @Test("A file that ends before its end, at any place")
    func truncated() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            let whole = try shop.bytes()
            for part in [whole.count - 1, whole.count / 2, 1024, 512, 100] {
                try whole.prefix(part).write(to: shop.folder.appending(path: "app.db"))
                try await refuses(shop, saying: "its end is missing", "copy it again")
            }
        }
    }

    // MARK: In use

    @Test("A writer that holds the file: told after a while, nothing begun")
    func locked() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            let queue = try DatabaseQueue(path: shop.path(), configuration: ImportWorkshop.configuration)
            try ImportWorkshop.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", queue)
            try await refuses(shop, saying: "is locked by a program that writes it", "stop that program")
            try ImportWorkshop.execute("ROLLBACK", queue)
            try queue.close()
            let result = try await shop.run("--quiet")
            #expect(result.code == 0, "\(result)")
        }
    }

    @Test("A journal that a crashed writer has left: not read over, not rolled back, told")
    func hotJournal() async throws {
        try await ImportWorkshop.with(Self.shelter) { shop in
            // As kill -9 leaves both: copied in the midst of a transaction whose pages are in the file already.
            let queue = try DatabaseQueue(path: shop.path(), configuration: ImportWorkshop.configuration)
            try ImportWorkshop.execute(
                "PRAGMA cache_size = 5; PRAGMA cache_spill = 1; BEGIN; UPDATE animal SET name = 'half'", queue)
            for suffix in ["", "-journal"] {
                try FileManager.default.copyItem(
                    atPath: shop.path("app.db" + suffix), toPath: shop.path("left.db" + suffix))
            }
            try ImportWorkshop.execute("ROLLBACK", queue)
            try queue.close()
            let before = (try shop.bytes("left.db"), try shop.bytes("left.db-journal"))
            try await refuses(shop, file: "left.db", saying: "was left in the midst of a transaction", "open it once")
            #expect(try before == (shop.bytes("left.db"), shop.bytes("left.db-journal")))
            #expect(try shop.source("SELECT count(*) FROM animal WHERE name = 'half'", at: "left.db") == ["0"])
            let result = try await shop.run("--quiet", file: "left.db")
            #expect(result.code == 0, "\(result)")
        }
    }

    // MARK: What a file may hold

    @Test("A table whose module is missing is named; the others are loaded")
    func module() async throws {
        try await ImportWorkshop.with("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);") { shop in
            try shop.make(
                """
                PRAGMA writable_schema = ON;
                INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES ('table', 'places', 'places', 0, 'CREATE VIRTUAL TABLE places USING mod_spatialite(x)');
                """)
            let review = try await shop.run("--review")
            #expect(
                review.code == 0 && review.prose.contains("places") && review.prose.contains("mod_spatialite"),
                "\(review)")
            let result = try await shop.run("--quiet")
            #expect(result.code == 0, "\(result)")
        }
    }

    @Test("Names of 64 bytes and more, and odd ones, of tables, columns and indexes")
    func names() async throws {
        let long = String(repeating: "n", count: 64)
        let wide = String(repeating: "ü", count: 40)
        let odd = [
            "\"quoted\"", "select", " leading", "a.b", "semi;colon", "line\nbreak", "%s", "Größe", "ctid", "1st",
            "back\\slash", "tab\t",
        ]
        func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
        let columns = (["\(long)1", "\(long)2", wide + "x", wide + "y"] + odd).map(quoted)
        let sql = """
            CREATE TABLE "\(long)a" (id INTEGER PRIMARY KEY, \(columns.map { $0 + " TEXT" }.joined(separator: ", ")));
            CREATE TABLE "\(long)b" (id INTEGER PRIMARY KEY);
            CREATE INDEX "\(long)i" ON "\(long)a" (\(columns[0])); CREATE INDEX "\(long)j" ON "\(long)a" (\(columns[1]));
            INSERT INTO "\(long)a" VALUES (1, \((0..<columns.count).map { "'\($0)'" }.joined(separator: ", ")));
            INSERT INTO "\(long)b" VALUES (1), (2);
            \(odd.map { "CREATE TABLE \(quoted("t " + $0)) (\(quoted($0)) INTEGER PRIMARY KEY); INSERT INTO \(quoted("t " + $0)) VALUES (7);" }.joined(separator: "\n"))
            """
        try await ImportWorkshop.with(sql) { shop in
            let review = try await shop.run("--review", "--write-mapping", "m.yaml")
            #expect(review.code == 0, "\(review)")
            let result = try await shop.run("--quiet", "--mapping", "m.yaml")
            #expect(result.code == 0, "\(result)")
            let tables = try await shop.texts(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
            #expect(tables == ["\(2 + odd.count)"])
            let indexes = try await shop.texts("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'")
            #expect(indexes == ["\(2 + 2 + odd.count)"])
            let table = try await shop.texts(
                "SELECT format('%I', relname) FROM pg_class WHERE relname LIKE 'nnn%' AND relkind = 'r' AND relnatts > 3"
            )[0]
            let values = try await shop.texts("SELECT j.value FROM \(table) t, jsonb_each_text(to_jsonb(t)) j")
            #expect(Set(values).isSuperset(of: (0..<columns.count).map(String.init)))
            #expect(review.prose.contains("63 bytes") || review.prose.contains("shortened"), "told: \(review.output)")
        }
    }

    @Test(
        "More columns than PostgreSQL has: refused with what to do; as many as it has: loaded, or rejected where a row is too wide"
    )
    func columns() async throws {
        func table(_ count: Int) -> String {
            "CREATE TABLE t (\((1...count).map { "c\($0) INTEGER" }.joined(separator: ", "))); INSERT INTO t (c1) VALUES (1), (2);"
        }
        for count in [1601, 2000] {
            try await ImportWorkshop.with(table(count)) { shop in
                try await refuses(shop, code: 3, saying: "table t has \(count) columns", "at most 1600")
                #expect(try await shop.run("--review").code == 3)
            }
        }
        try await ImportWorkshop.with(
            table(1600)
                + "INSERT INTO t VALUES (\(Array(repeating: "12345678901", count: 1600).joined(separator: ", ")));"
        ) { shop in
            let result = try await shop.run("--quiet", "--max-rejects", "1")
            #expect(result.code == 0, "\(result)")
            #expect(try await shop.texts("SELECT count(*) FROM t") == ["2"])
            #expect(try shop.rejects().map { $0["reason"] as? String } == ["server"])
        }
    }

    @Test("Texts that are not UTF-8, NUL, infinities: rejected with the bytes, or loaded; the rest arrives")
    func values() async throws {
        let sql = """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, r REAL, d DECIMAL(10,2));
            INSERT INTO t VALUES (1, 'fine', 1.5, 1), (2, CAST(x'80' AS TEXT), 1, 1), (3, CAST(x'c3' AS TEXT), 1, 1), (4, CAST(x'6100' AS TEXT), 1, 1),
                (5, 'inf', 9e999, 1), (6, '-inf', -9e999, 1), (7, 'nan', 9e999 - 9e999, 1), (8, 'numeric', 1, 9e999), (9, CAST(x'eda080' AS TEXT), 1, 1),
                (10, CAST(x'f4908080' AS TEXT), 1, 1), (11, CAST(x'c080' AS TEXT), 1, 1);
            """
        try await ImportWorkshop.with(sql) { shop in
            let result = try await shop.run("--quiet", "--max-rejects", "all")
            #expect(result.code == 0, "\(result)")
            #expect(
                try await shop.texts(
                    "SELECT id || ' ' || coalesce(r::text, 'NULL') FROM t WHERE id IN (1, 5, 6, 7) ORDER BY id") == [
                        "1 1.5", "5 Infinity", "6 -Infinity", "7 NULL",
                    ])
            var lost: [Int: String] = [:]
            for line in try shop.rejects() {
                lost[line["rowid"] as? Int ?? 0] = "\(line["reason"] ?? "") \(line["value"] ?? "")"
            }
            for (id, bytes) in [(2, "80"), (3, "c3"), (9, "eda080"), (10, "f4908080"), (11, "c080")] {
                #expect(lost[id] == "invalid-utf8 \\x\(bytes)")
            }
            #expect(lost[4] == "nul \\x6100")
            let loaded = Set(try await shop.texts("SELECT id FROM t").compactMap { Int($0) })
            #expect(loaded.isDisjoint(with: lost.keys) && loaded.union(lost.keys) == Set(1...11))
        }
    }

    @Test("Names that are not UTF-8 are told, and cost no other table")
    func invalidNames() async throws {
        try await ImportWorkshop.with(
            "CREATE TABLE good (id INTEGER PRIMARY KEY); CREATE TABLE marker (marked TEXT); INSERT INTO good VALUES (1);"
        ) { shop in
            var bytes = try shop.bytes()
            var places = 0
            while let range = bytes.range(of: Data("marker".utf8)) {
                bytes.replaceSubrange(range, with: [0x6D, 0xFF, 0xFE, 0x6B, 0x65, 0x72])
                places += 1
            }
            #expect(places > 0)
            try bytes.write(to: shop.folder.appending(path: "app.db"))
            let review = try await shop.run("--review")
            #expect(review.code == 0 && review.prose.contains("not valid UTF-8"), "\(review)")
            let result = try await shop.run("--quiet")
            #expect(result.code == 0, "\(result)")
            #expect(try await shop.texts("SELECT count(*) FROM good") == ["1"])
        }
    }

    // MARK: Targets

    @Test("A target that has the tables with rows: exit code 3, nothing changed", arguments: ["rows", "view"])
    func occupied(by what: String) async throws {
        try await ImportWorkshop.with(
            "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);"
        ) { shop in
            try await shop.database.execute(
                what == "rows" ? "CREATE TABLE t (id int); INSERT INTO t VALUES (5)" : "CREATE VIEW t AS SELECT 1 AS id"
            )
            try await refuses(shop, code: 3, saying: what == "rows" ? "has rows already" : "is no table")
        }
    }

    @Test("A target whose encoding cannot hold all texts: exit code 3", arguments: ["SQL_ASCII", "LATIN1"])
    func encoding(name: String) async throws {
        try await ImportWorkshop.with("CREATE TABLE t (id INTEGER PRIMARY KEY);") { shop in
            let other = shop.database.name + "_other"
            try await shop.database.execute("CREATE DATABASE \(other) ENCODING '\(name)' LOCALE 'C' TEMPLATE template0")
            let result = try await shop.run("--quiet", "--into", try Workshop.url(of: other))
            try await shop.database.execute("DROP DATABASE \(other) WITH (FORCE)")
            #expect(
                result.code == 3 && result.prose.contains(name) && result.prose.contains("ENCODING 'UTF8'"), "\(result)"
            )
        }
    }

    @Test("A role that may not: told, with what to grant", arguments: ["create", "own", "write"])
    func rights(lacking: String) async throws {
        try await ImportWorkshop.with("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1);") { shop in
            let role = "strata_import_" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
            var url = try #require(URLComponents(string: Workshop.url(of: shop.database.name)))
            (url.user, url.password) = (role, "secret")
            var sql = "CREATE ROLE \(role) LOGIN PASSWORD 'secret';"
            if lacking != "create" {
                sql +=
                    "GRANT CREATE ON DATABASE \(shop.database.name) TO \(role); CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE t (id int REFERENCES parent);"
            }
            if lacking == "own" { sql += "GRANT INSERT, SELECT ON t TO \(role);" }
            try await shop.database.execute(sql)
            let result = try await shop.run("--quiet", "--into", try #require(url.string))
            #expect([1, 5].contains(result.code) && result.errors.contains("try:"), "\(lacking): \(result)")
            #expect(
                result.prose.contains("permission denied") || result.prose.contains("must be owner"),
                "\(lacking): \(result)")
            try await shop.database.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
        }
    }

    @Test(
        "A disk of the target that is full: exit code 5, and once there is room the same call goes on",
        .enabled("root may mount a file system", { await FaultTools.mayMount() }))
    func diskFull() async throws {
        try await ReplicationCluster.with(replicas: 0) { server in
            try await ImportWorkshop.with(
                """
                CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT);
                WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM g WHERE i < 120000)
                INSERT INTO t SELECT i, hex(randomblob(90)) FROM g;
                """
            ) { shop in
                let disk = "\(server.folder)/disk"
                try await server.shell.run(["mkdir", disk])
                try await FaultTools.run("mount", "-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs", disk)
                let result: Result<Void, any Error>
                do { result = .success(try await fill(shop, server, disk)) } catch { result = .failure(error) }
                try await server.stop(0)
                try await FaultTools.run("umount", "-l", disk)
                try result.get()
            }
        }
    }

    private func fill(_ shop: ImportWorkshop, _ server: ReplicationCluster, _ disk: String) async throws {
        try await server.shell.run(["mkdir", "-m", "700", "\(disk)/space"])
        try await server.execute(0, "CREATE TABLESPACE small LOCATION '\(disk)/space'")
        try await server.execute(0, "CREATE DATABASE app TABLESPACE small")
        let url = server.url(of: 0).replacing("/postgres", with: "/app")
        let full = try await shop.run("--quiet", "--into", url, "--jobs", "1")
        #expect(full.code == 5 && full.prose.contains("the target's disk is full"), "\(full)")
        #expect(full.prose.contains("same command goes on"), "\(full)")
        try await FaultTools.run("mount", "-o", "remount,size=200m", disk)
        let done = try await shop.run("--quiet", "--into", url)
        #expect(done.code == 0 && done.prose.contains("120,000 rows"), "\(done)")
        try await server.execute(0, "DROP DATABASE app WITH (FORCE)")
    }
}
