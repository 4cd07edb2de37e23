import Foundation
import JSONSchemas
import Planning
import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// Tables without rowids in several chunks, one behind the other.
@Suite struct ImportKeyTests {
    private func importing(
        _ sql: String, rows: Int = 3, mapping: String? = nil, mostRejects: Int? = nil, target: String = "",
        _ body: (inout ImportFixture, SQLiteFile) async throws -> Void
    ) async throws {
        let file = try SQLiteFile(sql)
        try await withTestDatabase("import") { database in
            if !target.isEmpty { try await database.execute(target) }
            var fixture = ImportFixture(file, into: database, mostRejects: mostRejects)
            fixture.options.chunkRows = rows
            fixture.mapping = mapping
            try await body(&fixture, file)
        }
    }

    /// All of `t.n` on both sides, which is another number in each row.
    private func expectSame(
        _ fixture: ImportFixture, _ file: SQLiteFile, but left: Set<Int> = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let there = try file.text("SELECT group_concat(n, ' ') FROM (SELECT n FROM t NOT INDEXED ORDER BY n)") ?? ""
        let here = try await fixture.database.with { try await $0.texts("SELECT n FROM t ORDER BY n") }
        let expected = there.split(separator: " ").map(String.init).filter { !left.contains(Int($0) ?? -1) }
        #expect(here == expected, sourceLocation: sourceLocation)
    }

    private static func chunks(_ fixture: ImportFixture) async throws -> [String] {
        try await fixture.database.with {
            try await $0.texts(
                "SELECT first || ' ' || read FROM strata.import_chunks WHERE source = 't' ORDER BY first")
        }
    }

    /// Of `rows`: a text column takes numbers, and no bytes.
    private static let bytesRejected = ImportRun.Outcome.Count(read: 60, loaded: 48, rejected: 12)

    /// 60 rows with keys of all storage classes.
    private static func rows(_ columns: String) -> String {
        """
        WITH RECURSIVE g(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM g WHERE i < 59)
        INSERT INTO t (\(columns), n) SELECT CASE i % 5 WHEN 0 THEN i / 20 WHEN 1 THEN i / 20 + 0.5 WHEN 2 THEN 'k' || (i / 20)
            WHEN 3 THEN 'K' || (i / 15) || '  ' ELSE CAST('b' || (i / 20) AS BLOB) END, i % 7 || 'x', i FROM g;
        """
    }

    @Test(arguments: [
        "PRIMARY KEY (a, b, n)", "PRIMARY KEY (a DESC, b DESC, n DESC)", "PRIMARY KEY (a DESC, b, n DESC)",
        "PRIMARY KEY (a COLLATE NOCASE, b COLLATE RTRIM DESC, n)", "PRIMARY KEY (n DESC)", "PRIMARY KEY (b, n)",
    ])
    func `In chunks of any size each row is loaded once`(_ key: String) async throws {
        for size in [1, 7, 30, 60, 1000] {
            let sql = "CREATE TABLE t (a, b TEXT, n INTEGER, \(key)) WITHOUT ROWID; \(Self.rows("a, b"))"
            try await importing(sql, rows: size) { (fixture, file) async throws in
                let done = try await fixture.run()
                #expect(done.isEqual, "\(done.verified) \(done.objects)")
                #expect(done.outcome.tables["t"] == Self.bytesRejected)
                try await expectSame(fixture, file, but: Set(stride(from: 4, to: 60, by: 5)))
                #expect(try await Self.chunks(fixture).count == (60 + size) / size)
            }
        }
    }

    @Test func `Tables that follow no others are loaded beside one that does`() async throws {
        let tables = (0..<4).map { number in
            """
            CREATE TABLE \(number == 0 ? "t" : "u\(number)") (a TEXT, n INTEGER, PRIMARY KEY (a, n)) WITHOUT ROWID;
            WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < \(100 * (4 - number)))
            INSERT INTO \(number == 0 ? "t" : "u\(number)") SELECT 'same', i FROM g;
            """
        }
        try await importing(
            tables.joined() + "CREATE TABLE r (id INTEGER PRIMARY KEY); INSERT INTO r VALUES (1)", rows: 9
        ) {
            (fixture, file) async throws in
            let done = try await fixture.run()
            #expect(done.isEqual, "\(done.verified) \(done.objects)")
            #expect(done.outcome.tables["u3"]?.loaded == 100)
            try await expectSame(fixture, file)
        }
    }

    // MARK: Going on

    /// Each call ends with the chunk that has one reject more than are allowed, and leaves its place in the journal.
    @Test(arguments: ["UTF-8", "UTF-16le"])
    func `Calls that are cut off behind each row go on with the next`(_ encoding: String) async throws {
        let sql = """
            PRAGMA encoding = '\(encoding)'; CREATE TABLE t (a, b, n INTEGER, bad, PRIMARY KEY (a, b DESC)) WITHOUT ROWID;
            INSERT INTO t (n, a, b) VALUES (1, 1, 1), (2, 1, 1.5), (3, 1, 'x'), (4, 1, x'00'), (5, 1.5, 'x'), (6, '', ''),
                (7, 'x', x''), (8, 'x', 'X'), (9, 'X', CAST(x'61000000' AS TEXT)), (10, x'00', x'ff'), (11, x'', 9e999),
                (12, 9223372036854775807, -9223372036854775808), (13, 'x' || char(65279), 0.1), (14, char(65279) || 'x', 5e-324);
            UPDATE t SET bad = 'x';
            """
        let mapping = "tables: { t: { columns: { a: { type: bytea }, b: { type: bytea }, bad: { type: bigint } } } }"
        try await importing(sql, rows: 1, mapping: mapping) { (fixture, _) async throws in
            for most in 0..<13 {
                fixture.options.mostRejects = most
                let error = await #expect(throws: ImportFailure.self) { try await fixture.run() }
                #expect(error?.diagnostics.map(\.code) == ["too-many-rejects"])
                #expect(try await Self.chunks(fixture).count == most + 1)
            }
            fixture.options.mostRejects = nil
            let done = try await fixture.run()
            #expect(done.outcome.tables["t"] == ImportRun.Outcome.Count(read: 14, loaded: 0, rejected: 14))
            let keys = done.rejects.compactMap { $0["key"].map(\.description) }
            #expect(keys.count >= 14 && Set(keys).count == 14, "\(keys)")
        }
    }

    @Test func `A journal of an earlier version, which knows no keys, takes them`() async throws {
        let sql =
            "CREATE TABLE t (a TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID; INSERT INTO t VALUES ('x', 1), ('y', 2);"
        try await importing(sql, rows: 1) { (fixture, file) async throws in
            try await fixture.begin()
            try await fixture.database.execute("ALTER TABLE strata.import_chunks DROP COLUMN key")
            #expect(try await fixture.run().isEqual)
            try await expectSame(fixture, file)
        }
    }

    /// Its session lock was lost with its connection, so another call may be at work beside it.
    @Test func `A chunk that another call has committed is not committed again`() async throws {
        try await importing("CREATE TABLE t (n PRIMARY KEY) WITHOUT ROWID; INSERT INTO t VALUES (1), (2), (3), (4)") {
            (fixture, _) async throws in
            #expect(try await fixture.run().isEqual)
            #expect(try await Self.chunks(fixture) == ["1 3", "2 1"])
            for number in 1...2 {
                let again =
                    "INSERT INTO strata.import_chunks (import_id, source, first, read, loaded, rejected) VALUES (1, 't', \(number), 1, 1, 0)"
                #expect(await fixture.database.refuses(again))
            }
        }
    }

    @Test(arguments: LossyRelay.Cut.allCases)
    func `A connection that is lost at COMMIT costs nothing but time`(_ cut: LossyRelay.Cut) async throws {
        let sql = "CREATE TABLE t (a, b TEXT, n INTEGER, PRIMARY KEY (a, b, n)) WITHOUT ROWID; \(Self.rows("a, b"))"
        try await importing(sql, rows: 10) { (fixture, file) async throws in
            let relay = try LossyRelay(to: fixture.database.settings, cut)
            defer { relay.stop() }
            fixture.target = try relay.settings
            let done = try await fixture.run()
            #expect(relay.cuts >= 3, "\(relay.cuts)")
            #expect(done.isEqual, "\(done.verified) \(done.objects)")
            #expect(done.outcome.tables["t"] == Self.bytesRejected)
            try await expectSame(fixture, file, but: Set(stride(from: 4, to: 60, by: 5)))
        }
    }

    /// A quote with an accent behind it is one character.
    @Test func `A name with any quotes in it is quoted`() async throws {
        let sql =
            "CREATE TABLE t (n INTEGER, \"a\"\"\u{301}\" TEXT, PRIMARY KEY (\"a\"\"\u{301}\")) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x'), (2, 'y');"
        try await importing(sql, rows: 1) { (fixture, file) async throws in
            #expect(try await fixture.run().isEqual)
            try await expectSame(fixture, file)
        }
    }

    // MARK: Rejects

    private static let manyRows = """
        CREATE TABLE t (a TEXT, n INTEGER, v, PRIMARY KEY (a, n)) WITHOUT ROWID;
        WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 6000)
        INSERT INTO t SELECT 'same', i, CASE WHEN i % 2 = 0 THEN 'x' ELSE i END FROM g;
        """

    @Test func `Thousands of rejects end chunks early, and all others are loaded`() async throws {
        let mapping = "tables: { t: { columns: { v: { type: bigint } } } }"
        try await importing(Self.manyRows, rows: 50_000, mapping: mapping) { (fixture, file) async throws in
            let done = try await fixture.run()
            #expect(done.isEqual, "\(done.verified) \(done.objects)")
            #expect(done.outcome.tables["t"] == ImportRun.Outcome.Count(read: 6000, loaded: 3000, rejected: 3000))
            #expect(done.rejects.count == 3000)
            try await expectSame(fixture, file, but: Set(stride(from: 2, through: 6000, by: 2)))
            #expect(try await Self.chunks(fixture) == ["1 2000", "2 2000", "3 2000", "4 0"])
        }
    }

    @Test func `So do rows that only the server refuses`() async throws {
        let target = "CREATE TABLE t (a text, n bigint PRIMARY KEY, v text, CHECK (v <> 'x'))"
        try await importing(Self.manyRows, rows: 50_000, target: target) { (fixture, file) async throws in
            let done = try await fixture.run()
            #expect(done.isEqual, "\(done.verified) \(done.objects)")
            #expect(done.outcome.tables["t"] == ImportRun.Outcome.Count(read: 6000, loaded: 3000, rejected: 3000))
            try await expectSame(fixture, file, but: Set(stride(from: 2, through: 6000, by: 2)))
            #expect(try await Self.chunks(fixture).count >= 3)
        }
    }

    /// Not loaded, it still tells which row it was.
    @Test(arguments: ["UTF-8", "UTF-16le"])
    func `A column of the key that is skipped is in the rejects`(_ encoding: String) async throws {
        let sql = """
            PRAGMA encoding = '\(encoding)';
            CREATE TABLE t (a TEXT, n INTEGER, v TEXT, PRIMARY KEY (a)) WITHOUT ROWID;
            INSERT INTO t VALUES ('p', 1, 'y'), ('q', 2, 'x'), ('r', 3, 'y'), ('s', 4, 'y'), ('t', 5, 'x');
            """
        let mapping = "tables: { t: { columns: { a: { skip: true } } } }"
        let target = "CREATE TABLE t (n bigint, v text CHECK (v <> 'x'))"
        try await importing(sql, rows: 2, mapping: mapping, target: target) { (fixture, file) async throws in
            let done = try await fixture.run()
            #expect(done.isEqual, "\(done.verified) \(done.objects)")
            let keys = done.rejects.compactMap { $0["key"].map(\.description) }
            #expect(keys == ["{\"a\":\"q\"}", "{\"a\":\"t\"}"])
            try await expectSame(fixture, file, but: [2, 5])
        }
    }

    // MARK: Rowids that no name leads to

    private static let names = "rowid TEXT, oid TEXT, _rowid_"

    @Test(arguments: [
        "TEXT, n INTEGER NOT NULL, PRIMARY KEY (n)", "TEXT, n INTEGER NOT NULL UNIQUE",
        "INTEGER PRIMARY KEY, n INTEGER",
        "TEXT, n INTEGER NOT NULL, k TEXT NOT NULL DEFAULT 'k', UNIQUE (k DESC, n)",
    ])
    func `Where another key tells rows apart they are in chunks`(_ rest: String) async throws {
        let sql = """
            CREATE TABLE t (rowid TEXT, oid TEXT, _rowid_ \(rest)); WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 3000)
            INSERT INTO t (n, rowid, oid) SELECT i, 'same', CASE WHEN i % 2 = 0 THEN 'x' ELSE i END FROM g;
            """
        let mapping = "tables: { t: { columns: { oid: { type: bigint } } } }"
        try await importing(sql, rows: 1800, mapping: mapping) { (fixture, file) async throws in
            let done = try await fixture.run()
            #expect(done.isEqual, "\(done.verified) \(done.objects)")
            #expect(done.outcome.tables["t"] == ImportRun.Outcome.Count(read: 3000, loaded: 1500, rejected: 1500))
            try await expectSame(fixture, file, but: Set(stride(from: 2, through: 3000, by: 2)))
        }
    }

    @Test func `Where none does, more than a thousand rejects are an error that says so`() async throws {
        let sql = """
            CREATE TABLE t (rowid TEXT, oid TEXT, _rowid_ TEXT, n INTEGER PRIMARY KEY DESC); WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 1001)
            INSERT INTO t (n, rowid) SELECT i, 'x' FROM g;
            """
        let mapping = "tables: { t: { columns: { rowid: { type: bigint } } } }"
        try await importing(sql, mapping: mapping) { (fixture, _) async throws in
            let error = await #expect(throws: ImportFailure.self) { try await fixture.run() }
            #expect(
                error?.diagnostics.first?.message.contains("neither a rowid that can be named nor a unique key") == true
            )
            fixture.mapping = nil
            try await fixture.restart()
            #expect(try await fixture.run().isEqual)
        }
    }

    // MARK: Damaged files

    /// The definition is changed under rows that lie in the order of another one.
    private static func damaged(_ sql: String, _ old: String, _ new: String) throws -> SQLiteFile {
        let file = try SQLiteFile(sql)
        try file.execute(
            "PRAGMA writable_schema = on; UPDATE sqlite_master SET sql = replace(sql, '\(old)', '\(new)') WHERE name = 't'"
        )
        return try SQLiteFile(copyOf: file)
    }

    @Test func `Rows out of their order are an error, and no row is loaded twice`() async throws {
        let file = try Self.damaged(
            "CREATE TABLE t (a TEXT COLLATE BINARY PRIMARY KEY, n INTEGER) WITHOUT ROWID; INSERT INTO t VALUES ('A', 1), ('B', 2), ('C', 3), ('D', 4), ('a', 5), ('b', 6), ('c', 7), ('d', 8);",
            "COLLATE BINARY", "COLLATE NOCASE")
        try await withTestDatabase("import") { database in
            var fixture = ImportFixture(file, into: database)
            fixture.options.chunkRows = 3
            for _ in 0..<2 {
                let error = await #expect(throws: SourceError.self) { try await fixture.run() }
                #expect(error?.code == .corrupt && error?.message.contains("out of order") == true)
            }
            let rows = try await database.with { try await $0.texts("SELECT n FROM t ORDER BY n") }
            #expect(Set(rows).count == rows.count)
        }
    }

    @Test func `NULL in a key is an error where it would be a place to go on from`() async throws {
        let file = try Self.damaged(
            "CREATE TABLE t (\(Self.names) TEXT, a TEXT DEFAULT 1, n INTEGER NOT NULL, UNIQUE (a, n)); INSERT INTO t (a, n) VALUES (NULL, 1), (NULL, 2), ('x', 3);",
            "DEFAULT 1", "NOT NULL")
        try await withTestDatabase("import") { database in
            var fixture = ImportFixture(file, into: database, mostRejects: nil)
            fixture.options.chunkRows = 2
            let error = await #expect(throws: SourceError.self) { try await fixture.run() }
            #expect(
                error?.code == .corrupt && error?.message.contains("is NULL") == true, "\(String(describing: error))")
        }
    }
}
