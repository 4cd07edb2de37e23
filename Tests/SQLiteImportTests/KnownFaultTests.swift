import JSONSchemas
import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// What other tools were seen to do to files, each as a test that it does not happen here.
@Suite struct KnownFaultTests {
    private func importing<T: Sendable>(
        _ sql: String, mostRejects: Int? = nil, orm: ORMProfile? = nil,
        _ check: (ImportFixture.Done, Connection) async throws -> T
    ) async throws -> T {
        let file = try SQLiteFile(sql)
        return try await withTestDatabase("import") { database in
            var fixture = ImportFixture(file, into: database, mostRejects: mostRejects)
            fixture.orm = orm
            let done = try await fixture.run()
            return try await database.with { try await check(done, $0) }
        }
    }

    @Test func `Expression, partial, descending and unique indexes are there as they were`() async throws {
        try await importing(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);
            CREATE INDEX t_lower ON t (lower(a));
            CREATE UNIQUE INDEX t_open ON t (a) WHERE b = 0;
            CREATE INDEX t_desc ON t (b DESC, a);
            INSERT INTO t VALUES (1, 'x', 0), (2, 'x', 1), (3, 'x', 2);
            """
        ) { (done, connection) async throws in
            #expect(done.isEqual)
            let indexes = try await connection.texts(
                "SELECT indexdef FROM pg_indexes WHERE tablename = 't' ORDER BY indexname")
            #expect(indexes.count == 4)
            #expect(indexes.contains { $0.contains("lower(") })
            #expect(indexes.contains { $0.contains("UNIQUE") && $0.contains("WHERE (b = 0)") })
            #expect(indexes.contains { $0.contains("(b DESC, a)") })
        }
    }

    @Test func `NOT NULL, keys of text, CHECK, defaults and generated columns are there`() async throws {
        try await importing(
            """
            CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER NOT NULL CHECK (n > 0), s TEXT DEFAULT 'd',
                twice INTEGER GENERATED ALWAYS AS (n * 2) STORED);
            INSERT INTO t (id, n) VALUES ('a', 1);
            """
        ) { (done, connection) async throws in
            #expect(done.isEqual)
            #expect(try await connection.texts("SELECT id || n || s || twice FROM t") == ["a1d2"])
            #expect(await connection.refuses("INSERT INTO t (id, n) VALUES ('a', 1)"))
            #expect(await connection.refuses("INSERT INTO t (id, n) VALUES ('b', 0)"))
            #expect(await connection.refuses("INSERT INTO t (id, n) VALUES ('b', NULL)"))
            #expect(await !connection.refuses("INSERT INTO t (id, n) VALUES ('b', 2)"))
        }
    }

    @Test func `Views and triggers are named, with what to do`() async throws {
        let review = try await review(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY);
            CREATE VIEW v AS SELECT * FROM t;
            CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;
            CREATE VIRTUAL TABLE words USING fts5 (body);
            """)
        for name in ["view v", "trigger g", "virtual table words"] {
            let left = review.leftOut.first { $0.object == name }
            #expect(left?.nextStep != nil, "\(name) is not among \(review.leftOut.map(\.object))")
        }
    }

    private func review(_ sql: String) async throws -> ImportReview {
        let file = try SQLiteFile(sql)
        return try await ImportSite.open(ImportRequest(file.path), target: nil) { _ in }.review
    }

    @Test func `A real keeps all its digits`() async throws {
        try await importing(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, r REAL); INSERT INTO t VALUES (1, 1.0 / 3), (2, 0.1 + 0.2);"
        ) { (done, connection) async throws in
            #expect(done.isEqual)
            #expect(
                try await connection.texts("SELECT r::text FROM t ORDER BY id") == [
                    "0.3333333333333333", "0.30000000000000004",
                ])
        }
    }

    @Test func `Text in a column of blobs arrives as its bytes, undecoded`() async throws {
        try await importing(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB); INSERT INTO t VALUES (1, 'aGVsbG8='), (2, x'00ff'), (3, x'01');"
        ) { (done, connection) async throws in
            #expect(done.isEqual)
            #expect(try await connection.texts("SELECT encode(b, 'escape') FROM t WHERE id = 1") == ["aGVsbG8="])
        }
    }

    @Test func `Text behind a NUL is not cut off, but rejected with all of it`() async throws {
        try await importing(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'ab' || char(0) || 'cd'), (2, 'x');"
        ) { (done, _) async throws in
            #expect(done.isEqual)
            #expect(done.rejects.count == 1)
            #expect(done.rejects.first?["value"] == "\\x6162006364")
            #expect(done.rejects.first?["reason"] == "nul")
        }
    }

    @Test func `One bad value costs its own row and no other`() async throws {
        let rows = (1...1000).map { "(\($0), \($0 == 140 ? "'bad'" : "\($0)"))" }.joined(separator: ", ")
        try await importing("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES \(rows);") {
            (done, connection) async throws in
            #expect(done.outcome.tables["t"] == ImportRun.Outcome.Count(read: 1000, loaded: 999, rejected: 1))
            #expect(done.rejects.first?["value"] == "bad")
            #expect(try await connection.texts("SELECT count(*) FROM t") == ["999"])
        }
    }

    @Test func `Rows that only the server refuses cost themselves and no other`() async throws {
        let rows = (1...2000).map { "(\($0), '\($0 % 700 == 0 ? "nowhere" : "10.0.0.1")')" }.joined(separator: ", ")
        let file = try SQLiteFile(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, address TEXT); INSERT INTO t VALUES \(rows);")
        try await withTestDatabase("import") { database in
            try await database.with {
                _ = try await $0.execute("CREATE TABLE t (id bigint PRIMARY KEY, address inet CHECK (id <> 5))")
            }
            let done = try await ImportFixture(file, into: database).run()
            #expect(done.outcome.tables["t"] == ImportRun.Outcome.Count(read: 2000, loaded: 1997, rejected: 3))
            let rowids = done.rejects.compactMap { $0["rowid"]?.description }
            #expect(Set(rowids) == ["5", "700", "1400"])
            #expect(done.isEqual, "\(done.verified)")
        }
    }

    /// Prisma: S4.34.
    @Test func `S4_34 Milliseconds of Prisma are times, and its migrations stay behind`() async throws {
        try await importing(
            """
            CREATE TABLE _prisma_migrations (id TEXT PRIMARY KEY NOT NULL, started_at DATETIME NOT NULL DEFAULT current_timestamp);
            INSERT INTO _prisma_migrations VALUES ('x', 1700000000000);
            CREATE TABLE "User" ("id" TEXT NOT NULL PRIMARY KEY, "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, ok BOOLEAN NOT NULL);
            INSERT INTO "User" VALUES ('a', 1700000000123, 1), ('b', '2023-11-14 22:13:20', 0);
            """, orm: .prisma
        ) { (done, connection) async throws in
            #expect(done.isEqual)
            #expect(
                try await connection.texts("SELECT \"createdAt\"::text FROM \"User\" ORDER BY id") == [
                    "2023-11-14 22:13:20.123", "2023-11-14 22:13:20",
                ])
            #expect(try await connection.texts("SELECT to_regclass('_prisma_migrations')::text") == ["NULL"])
            #expect(done.site.mapping.table("_prisma_migrations")?.skipped != nil)
        }
    }

    @Test func `A word in an integer column is rejected, not zero`() async throws {
        let rows = (1...20).map { "(\($0), \($0))" }.joined(separator: ", ")
        try await importing(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES \(rows), (99, 'Hello');"
        ) { (done, connection) async throws in
            #expect(done.rejects.map { $0["value"] } == ["Hello"])
            #expect(try await connection.texts("SELECT count(*) FROM t WHERE n = 0") == ["0"])
        }
    }

    @Test func `Ids of deleted rows are not given out again`() async throws {
        try await importing(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);
            INSERT INTO t (a) VALUES ('x'), ('y'), ('z'); DELETE FROM t WHERE id > 1;
            CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO u VALUES (41, 'x');
            """
        ) { (done, connection) async throws in
            #expect(done.isEqual)
            #expect(try await connection.texts("INSERT INTO t (a) VALUES ('new') RETURNING id") == ["4"])
            #expect(try await connection.texts("INSERT INTO u (a) VALUES ('new') RETURNING id") == ["42"])
        }
    }

    @Test func `Rows without their parent are told, and the key holds for new ones`() async throws {
        try await importing(
            """
            CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id));
            INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1), (2, 77);
            """
        ) { (done, connection) async throws in
            #expect(!done.objects.isEmpty)
            #expect(done.site.review.orphans.map(\.rows) == [1])
            #expect(await connection.refuses("INSERT INTO c VALUES (3, 78)"))
        }
    }

    @Test func `Texts that were stored as numbers are told as lost before the import`() async throws {
        let review = try await review(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, code STRING); INSERT INTO t VALUES (1, '00123');")
        let column = try #require(review.tables.first?.columns.first { $0.name == "code" })
        #expect(column.remarks.contains { $0.contains("lost before the import") })
    }

    @Test func `Times in several units are asked about, and nothing is done`() async throws {
        let file = try SQLiteFile(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at DATETIME); INSERT INTO t VALUES (1, 1700000000), (2, 1700000000000);"
        )
        try await withTestDatabase("import") { database in
            let error = await #expect(throws: ImportFailure.self) {
                try await ImportFixture(file, into: database).run()
            }
            #expect(error?.kind == .incompatible)
            #expect(error?.diagnostics.map(\.code) == ["mixed-units"])
            let there = try await database.with { try await $0.texts("SELECT to_regclass('t')::text") }
            #expect(there == ["NULL"])
        }
    }

    @Test func `'' where the type is no text is rejected, or NULL on request`() async throws {
        let rows = (1...30).map { "(\($0), '2024-01-01')" }.joined(separator: ", ")
        let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE); INSERT INTO t VALUES \(rows), (31, '');"
        try await importing(sql) { (done, _) async throws in #expect(done.rejects.map { $0["reason"] } == ["empty"]) }
        let file = try SQLiteFile(sql)
        try await withTestDatabase("import") { database in
            var fixture = ImportFixture(file, into: database)
            fixture.mapping = "tables: { t: { columns: { d: { empty: null } } } }"
            let done = try await fixture.run()
            #expect(done.isEqual && done.rejects.isEmpty)
            let empty = try await database.with { try await $0.texts("SELECT count(*) FROM t WHERE d IS NULL") }
            #expect(empty == ["1"])
        }
    }
}
