import SQLSyntax
import Testing

@Suite("Keys of statements without their constants")
struct StatementKeyTests {
    private static let seed = StatementKey.Seed(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

    private func scan(_ sql: String) -> (key: StatementKey, isLiteralFree: Bool, hasDirectives: Bool)? {
        Array(sql.utf8).withUnsafeBytes { StatementKey.of($0, seed: Self.seed) }
    }

    private func key(_ sql: String) -> StatementKey? { scan(sql)?.key }

    @Test(
        "S1.48: texts that differ in constants, white space, comments and case have one key",
        arguments: [
            (
                "SELECT abalance FROM pgbench_accounts WHERE aid = 1;",
                "select abalance\nFROM pgbench_accounts WHERE aid=99999"
            ),
            ("SELECT 'a'", "SELECT 'it''s; -- \"no\" /* comment'"), ("SELECT 'a'", "SELECT E'\\'; DROP'"),
            ("SELECT 'a'", "SELECT $$ it's $$"), ("SELECT 'a'", "SELECT $tag$ $$ $tag $tag$"),
            ("SELECT 'a'", "SELECT U&'d\\0061'"),
            ("SELECT 'a'", "SELECT b'101'"), ("SELECT 'a'", "SELECT X'1F'"), ("SELECT 1", "SELECT .5"),
            ("SELECT 1", "SELECT 1.5e-10"), ("SELECT 1", "SELECT/* a /* nested */ comment */2 -- end"),
            ("SELECT a=-1", "SELECT A = - 2"), ("SELECT a*-1", "SELECT a * -1"),
            ("SELECT f(1, 2)", "SELECT f ( 3,4 ) ; "),
            (
                "INSERT INTO t VALUES (1, 'x') ON CONFLICT DO NOTHING",
                "insert into T values(2,'y')on conflict do nothing"
            ),
            ("(SELECT 1) UNION (SELECT 2)", "(select 3)union(select 4)"),
            ("WITH a AS (SELECT 1) TABLE a", "with a as(select 7)table a"),
            ("SELECT \"É\", é FROM t", "SELECT\t\"É\",\r\n é FROM t"), ("SELECT a::int", "SELECT a :: INT"),
        ])
    func same(one: String, other: String) throws {
        let found = try #require(key(one))
        #expect(found == key(other))
    }

    @Test(
        "texts that mean something else have another key",
        arguments: [
            ("SELECT a FROM t", "SELECT b FROM t"), ("SELECT a FROM t", "SELECT a FROM s.t"),
            ("SELECT a FROM t", "SELECT a FROM \"t\""), ("SELECT \"a\"", "SELECT \"A\""),
            ("SELECT \"a\"", "SELECT \"a \""),
            ("SELECT \"a\"", "SELECT \"\"\"a\""), ("SELECT ab", "SELECT a b"), ("SELECT a+b", "SELECT a-b"),
            ("SELECT a<b", "SELECT a<=b"), ("SELECT a <@ b", "SELECT a < @ b"), ("SELECT $1", "SELECT $2"),
            ("SELECT $1", "SELECT 1"),
            ("SELECT 1", "SELECT '1'"), ("SELECT 1", "SELECT 1, 1"), ("SELECT 'a'", "SELECT 'a' 'b'"),
            ("SELECT a", "SELECT a FOR UPDATE"),
            ("SELECT a[1:2]", "SELECT a[1::int]"), ("SELECT a := 1", "SELECT a = 1"),
            ("SELECT abcdefgh", "SELECT abcdefg h"),
            ("SELECT abcdefghabcdefgh", "SELECT abcdefgh abcdefgh"), ("SELECT a.b", "SELECT a,b"),
            ("SELECT é", "SELECT É"),
            ("SELECT éA", "SELECT éa"), ("SELECT a$A", "SELECT a$b"), ("SELECT f(1)", "SELECT f[1]"),
            ("SELECT a", "SELECT a, a"),
            ("SELECT \"abcdefgh\"", "SELECT \"abcdefghi\""), ("SELECT \"a\", b", "SELECT \"a\"\", b\""),
            ("SELECT n'a'", "SELECT 'a'"),
        ])
    func different(one: String, other: String) throws {
        let found = try #require(key(one))
        let second = try #require(key(other))
        #expect(found != second)
    }

    @Test(
        "no key where constants may decide, or where the text cannot be cut",
        arguments: [
            "", "  ", "-- a", ";", "1", "'a'", "\"select\" 1", "SET a = 1", "RESET a", "PREPARE p AS SELECT 1",
            "EXECUTE p(1)",
            "DEALLOCATE p", "LISTEN c", "DECLARE c CURSOR FOR SELECT 1", "COPY t TO STDOUT", "DO $$ $$", "BEGIN",
            "EXPLAIN SELECT 1",
            "CALL p(1)", "SHOW a", "SELECT 1; SELECT 2", "SELECT 1;;", "SELECT 1; -- end", "SELECT 'a\\'",
            "SELECT n'a\\b'",
            "SELECT set_config('a', 'b', true)", "SELECT pg_catalog.SET_CONFIG('a', 'b', true)",
            "SELECT \"set_config\"('a', 'b', true)",
            "SELECT nextval('s')", "SELECT NextVal('s')", "SELECT 't'::regclass", "SELECT pg_relation_size('t')",
            "SELECT * FROM dblink('a', 'b')", "SELECT current_setting('a')", "SELECT 'a", "SELECT \"a", "SELECT $$a",
            "SELECT $a$ $b$",
            "SELECT E'a\\'", "SELECT E'\\", "SELECT /* a", "SELECT /* /* */", "SELECT 1a", "SELECT 0x1F",
            "SELECT 1_000", "SELECT 1..2", "SELECT 1e",
            "SELECT $1a", "SELECT $12345678", "SELECT U&\"a\"", "SELECT \\", "SELECT {", "SELECT a\u{0}",
            "SELECT 'a\u{0}'", "SELECT \u{B} 1",
            "SELECT E'é\\''", "SELECT a <<<<<<<< b",
        ])
    func refused(sql: String) {
        #expect(key(sql) == nil)
    }

    @Test("what is said of constants and of directives")
    func flags() throws {
        #expect(try #require(scan("SELECT a FROM t")).isLiteralFree)
        #expect(try #require(scan("SELECT a FROM t WHERE i = $1")).isLiteralFree)
        #expect(!(try #require(scan("SELECT a FROM t LIMIT 1")).isLiteralFree))
        #expect(!(try #require(scan("SELECT $$a$$")).isLiteralFree))
        for comment in ["/* strata:primary */", "-- strata:replica", "/*route='a'*/", "/* x /* strata:primary */ */"] {
            #expect(try #require(scan("SELECT a FROM t \(comment)")).hasDirectives)
            #expect(try #require(scan("SELECT a FROM t \(comment)")).key == key("SELECT a FROM t"))
        }
        #expect(!(try #require(scan("SELECT 'strata:primary' /* strata */ -- a=b")).hasDirectives))
    }

    @Test("the limit is 16 KiB")
    func limit() {
        let filler = String(repeating: "x", count: StatementKey.limit - "SELECT ''".utf8.count)
        #expect(key("SELECT '\(filler)'") == key("SELECT 'a'"))
        #expect(key("SELECT '\(filler)x'") == nil)
    }

    @Test("another seed gives other keys, in both halves")
    func seeds() throws {
        let text = Array("SELECT a FROM t".utf8)
        var (highs, lows): (Set<UInt64>, Set<UInt64>) = ([], [])
        for number in 0..<100 {
            for seed in [StatementKey.Seed(high: UInt64(number), low: 7), .init(high: 7, low: UInt64(number + 100))] {
                let found = try #require(text.withUnsafeBytes { StatementKey.of($0, seed: seed) }).key
                highs.insert(found.high)
                lows.insert(found.low)
            }
        }
        #expect(highs.count == 200 && lows.count == 200)
        #expect(StatementKey.Seed.random() != StatementKey.Seed.random())
    }

    @Test("the exact key tells apart every byte and every length")
    func exact() {
        var seen: Set<StatementKey> = []
        var highs: Set<UInt64> = []
        let text = (0..<67).map { UInt8($0 * 3) }
        func add(_ bytes: [UInt8]) {
            let key = bytes.withUnsafeBytes { StatementKey.exact($0, seed: Self.seed) }
            #expect(seen.insert(key).inserted)
            highs.insert(key.high)
        }
        for length in 0...text.count { add(Array(text.prefix(length))) }
        for length in 2...40 { add([UInt8](repeating: 0, count: length)) }
        for position in text.indices {
            for bit in 0..<8 {
                var changed = text
                changed[position] ^= 1 << UInt8(bit)
                add(changed)
            }
        }
        #expect(highs.count == seen.count)
        #expect(key("SELECT 1") != Array("SELECT 1".utf8).withUnsafeBytes { StatementKey.exact($0, seed: Self.seed) })
    }

    @Test("every function that takes a relation's name as text is refused")
    func relationNames() throws {
        for function in ["nextval", "currval", "pg_table_size", "to_regclass", "pg_get_serial_sequence", "pgstattuple"]
        {
            let sql = "SELECT \(function)('t', 'c')"
            #expect(try StatementReader.read(sql).first?.reads.isEmpty == false)
            #expect(key(sql) == nil)
        }
    }

    /// The server's own functions that look a relation up, with the constant in each place.
    @Test("functions of the server with regclass and relation names", .enabled(if: LiveServer.isAvailable))
    func serverFunctions() throws {
        let names = try LiveServer.query("SELECT DISTINCT proname FROM pg_proc WHERE oid < 16384 AND prokind = 'f'")
        for name in names {
            for arguments in ["'t'", "'t', 'x'", "'x', 't', 'x'"] {
                let sql = "SELECT \"\(name)\"(\(arguments))"
                let other = sql.replacing("'t'", with: "'other'")
                guard let first = key(sql), first == key(other) else { continue }
                #expect(try StatementReader.read(sql) == StatementReader.read(other), "\(name)")
            }
        }
    }
}
