import SQLSyntax
import Testing

/// A shape in one line: the kind, then what is not empty.
func brief(_ shape: StatementShape) -> String {
    func list(_ label: String, _ names: [QualifiedName]) -> String {
        names.isEmpty ? "" : " \(label) " + names.map(\.description).joined(separator: ",")
    }
    var line = "\(shape.kind)" + list("reads", shape.reads) + list("writes", shape.writes)
    line += list("calls", shape.functions) + list("types", shape.types)
    if shape.locksRows { line += " locks" }
    if !shape.configuredSettings.isEmpty { line += " configures " + shape.configuredSettings.joined(separator: ",") }
    if shape.configuresUnknownSetting { line += " configures ?" }
    if shape.definesRelation { line += " defines" }
    if !shape.schemas.isEmpty { line += " schemas " + shape.schemas.joined(separator: ",") }
    return line
}

@Suite("What statements read, write and call")
struct StatementReaderTests {
    private func brief(_ sql: String) throws -> [String] {
        try StatementReader.read(sql).map(SQLSyntaxTests.brief)
    }

    @Test(
        "S1.14, S1.19, S1.20, S1.21: schemas and quoted aliases, as ORMs write them",
        arguments: [
            (
                "SELECT a.id FROM education.groups a, active.groups b, activities.groups c",
                "select reads education.groups,active.groups,activities.groups"
            ),
            ("SELECT \"group\".id, \"group\".name FROM education.groups AS \"group\"", "select reads education.groups"),
            (
                "SELECT * FROM education.groups AS \"group\" LEFT JOIN facilities.rooms AS \"room\" "
                    + "ON \"room\".id = \"group\".room_id", "select reads education.groups,facilities.rooms"
            ),
            (
                "UPDATE education.groups AS \"group\" SET name = 'x' WHERE \"group\".id = 1",
                "write reads education.groups writes education.groups"
            ),
            (
                "DELETE FROM education.groups AS \"group\" WHERE \"group\".id = 1",
                "write reads education.groups writes education.groups"
            ),
        ])
    func qualified(sql: String, expected: String) throws {
        #expect(try brief(sql) == [expected])
    }

    @Test("S1.17, S1.18: an alias that is a reserved word is refused as PostgreSQL does")
    func reservedAlias() throws {
        #expect(try brief("SELECT 1 FROM education.groups AS g") == ["select reads education.groups"])
        let error = #expect(throws: SQLSyntaxError.self) {
            try StatementReader.read("SELECT group.id FROM education.groups AS group")
        }
        #expect(error?.message.contains("syntax error at or near \"group\"") == true || error?.offset != nil)
    }

    @Test(
        "S1.48: what only looks like a read",
        arguments: [
            ("SELECT * FROM t FOR UPDATE", "select reads t locks"),
            ("SELECT * FROM t FOR KEY SHARE OF t SKIP LOCKED", "select reads t locks"),
            ("SELECT * FROM (SELECT * FROM t FOR UPDATE) x", "select reads t locks"),
            ("WITH x AS (SELECT * FROM t FOR SHARE) SELECT * FROM x", "select reads t locks"),
            ("SELECT pg_advisory_xact_lock(1)", "select calls pg_advisory_xact_lock"),
            ("WITH a AS (INSERT INTO t VALUES (1) RETURNING i) SELECT * FROM a, u", "write reads u writes t"),
            ("WITH a AS (UPDATE t SET i = 1 RETURNING i) SELECT * FROM a", "write reads t writes t"),
            ("WITH a AS (DELETE FROM t RETURNING *) INSERT INTO h SELECT * FROM a", "write reads t writes h,t"),
            ("SELECT * INTO n FROM t", "write reads t writes n defines"),
            ("SELECT * INTO TEMP n FROM t", "createTemporary reads t"),
            ("SELECT 1 INTO pg_temp.n", "createTemporary"),
            ("SELECT nextval('s.q')", "select reads s.q calls nextval"),
            ("SELECT writes_something(1), s.f()", "select calls writes_something,s.f"),
        ])
    func disguised(sql: String, expected: String) throws {
        #expect(try brief(sql) == [expected])
    }

    @Test(
        "what is read is what stands in FROM, wherever that is",
        arguments: [
            ("SELECT 1", "select"), ("TABLE s.t", "select reads s.t"), ("VALUES (1), (2)", "select"),
            ("SELECT * FROM ONLY p", "select reads p"), ("SELECT * FROM visits_2025_01", "select reads visits_2025_01"),
            ("SELECT 1 FROM a, LATERAL (SELECT * FROM b WHERE b.i = a.i) x", "select reads a,b"),
            ("SELECT 1 FROM a, LATERAL f(a.i), ROWS FROM (g(1), s.h(2)) AS z", "select reads a calls f,g,s.h"),
            ("SELECT * FROM t TABLESAMPLE system_rows(5)", "select reads t calls system_rows"),
            ("SELECT (SELECT max(i) FROM b), EXISTS (SELECT 1 FROM c) FROM a", "select reads b,c,a calls max"),
            ("SELECT 1 FROM a UNION SELECT 2 FROM b EXCEPT (SELECT 3 FROM c)", "select reads a,b,c"),
            ("SELECT * FROM t a JOIN t b ON a.i = b.i", "select reads t"),
            ("SELECT * FROM \"T\", t, \"a.b\"", "select reads \"T\",t,\"a.b\""),
            (
                "SELECT pg_relation_size('s.t'), 'u'::regclass, 17::regclass",
                "select reads s.t,u calls pg_relation_size"
            ),
            ("SELECT pg_total_relation_size('s.t'::regclass)", "select reads s.t calls pg_total_relation_size"),
            ("SELECT * FROM information_schema.tables", "select reads information_schema.tables"),
        ])
    func reads(sql: String, expected: String) throws {
        #expect(try brief(sql) == [expected])
    }

    @Test(
        "common table expressions hide tables where PostgreSQL sees them",
        arguments: [
            ("WITH t AS (SELECT 1) SELECT * FROM t", "select"),
            ("WITH t AS (SELECT * FROM t) SELECT * FROM t", "select reads t"),
            ("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t", "select"),
            ("WITH t AS (SELECT 1) SELECT * FROM t, s.t", "select reads s.t"),
            ("SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) x, t", "select reads t"),
            ("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a, b", "select reads b"),
            ("WITH t AS (SELECT 1) INSERT INTO t SELECT * FROM t", "write writes t"),
            ("WITH t AS (SELECT 1 AS i) UPDATE u SET i = t.i FROM t", "write reads u writes u"),
        ])
    func commonTables(sql: String, expected: String) throws {
        #expect(try brief(sql) == [expected])
    }

    @Test(
        "writes, and what they read besides",
        arguments: [
            ("INSERT INTO t VALUES (1)", "write writes t"),
            ("INSERT INTO t (i) SELECT i FROM u RETURNING f(i)", "write reads u writes t calls f"),
            (
                "INSERT INTO t VALUES (1) ON CONFLICT (i) DO UPDATE SET i = excluded.i WHERE t.i IN (SELECT 1 FROM u)",
                "write reads u writes t"
            ),
            ("UPDATE t SET i = g(j) FROM u WHERE u.i = t.i RETURNING *", "write reads t,u writes t calls g"),
            ("DELETE FROM t USING u WHERE t.i = u.i", "write reads t,u writes t"),
            (
                "MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
                "write reads t,u writes t"
            ),
            ("TRUNCATE a, s.b CASCADE", "write writes a,s.b"),
            ("LOCK TABLE a, ONLY s.b IN SHARE MODE", "lockTable writes a,s.b"),
            ("UPDATE pg_settings SET setting = 'x'", "write reads pg_settings writes pg_settings configures ?"),
            ("CALL s.p(f(1))", "call calls s.p,f"), ("DO $$ BEGIN DELETE FROM t; END $$", "doBlock"),
        ])
    func writes(sql: String, expected: String) throws {
        #expect(try brief(sql) == [expected])
    }

    @Test(
        "operators that are not PostgreSQL's own run somebody's functions",
        arguments: [
            ("SELECT a <> b, a >= 1, a ->> 'k', a @> b, a ~~* b, a !~ b, a != b, -a, a IS DISTINCT FROM b FROM t", []),
            ("SELECT a BETWEEN 1 AND 2, a LIKE 'x', a SIMILAR TO 'x', a IN (1), a NOT IN (2) FROM t", []),
            ("SELECT a <=> b, a <%> b, a <=> c, a = ANY (SELECT 1) FROM t", ["<=>", "<%>"]),
            ("SELECT a OPERATOR(s.=) b, a OPERATOR(pg_catalog.~) b, a OPERATOR(<>) b FROM t", ["s.="]),
            ("SELECT 1 FROM t ORDER BY a USING <#>, b USING >", ["<#>"]), ("SELECT @# 1", ["@#"]),
            ("SELECT 1 FROM t WHERE a <=> ANY (SELECT 1)", ["<=>"]), ("SELECT 1 FROM t WHERE a === 1", ["==="]),
        ])
    func operators(sql: String, expected: [String]) throws {
        let found = try #require(try StatementReader.read(sql).first).operators
        #expect(found.map { ($0.schema.map { $0 + "." } ?? "") + $0.name } == expected)
    }

    @Test(
        "types that are not PostgreSQL's own have input functions",
        arguments: [
            ("SELECT a::mood, CAST(b AS s.kind[]), c::int, d::pg_catalog.text FROM t", ["mood", "s.kind"]),
            ("SELECT mood 'sad', '1'::numeric(3, 1), '{}'::text[], interval '1 day' FROM t", ["mood"]),
            ("SELECT * FROM f() AS x (a s.kind, b timestamptz)", ["s.kind"]),
            ("SELECT x::xml, y::\"Mood\"", ["\"Mood\""]),
        ])
    func types(sql: String, expected: [String]) throws {
        #expect(try #require(try StatementReader.read(sql).first).types.map(\.description) == expected)
    }

    @Test("every statement of a text has its shape")
    func several() throws {
        let text = "BEGIN; SELECT pg_advisory_xact_lock(1);; UPDATE t SET i = 1; COMMIT"
        #expect(
            try StatementReader.read(text).map(\.kind) == [.begin(.init()), .select, .write, .commit(chain: false)])
        #expect(try StatementReader.read(" -- nothing\n ; ").isEmpty)
        #expect(throws: SQLSyntaxError.self) { try StatementReader.read("SELECT 1; SELEC 2") }
        #expect(throws: SQLSyntaxError.self) { try StatementReader.read("SELECT 1", limit: 3) }
    }

    @Test("what a statement reads does not depend on its size, and names come once")
    func large() throws {
        let tables = (0..<2000).map { "t\($0 % 1000)" }.joined(separator: ", ")
        let shape = try #require(try StatementReader.read("SELECT 1 FROM \(tables)").first)
        #expect(shape.reads.count == 1000)
        let deep = String(repeating: "(", count: 2000) + "SELECT 1 FROM t" + String(repeating: ")", count: 2000)
        #expect(try brief(deep) == ["select reads t"])
    }

    @Test(
        "the same relations, calls and types as StatementReferences finds",
        arguments: [
            "SELECT a.x, f(b.y) FROM s.a JOIN b ON a.i = b.i::s.kind WHERE EXISTS (SELECT g() FROM c)",
            "WITH q AS (SELECT * FROM a), r AS (SELECT h(1) FROM q, b) SELECT * FROM r, c ORDER BY k(1)",
            "SELECT count(*) FILTER (WHERE f(x)) OVER (PARTITION BY g(y)) FROM t CROSS JOIN LATERAL u(t.i) z",
            "SELECT * FROM t WHERE (a, b) IN (SELECT c, d FROM u GROUP BY ROLLUP (e(1))) LIMIT f()",
        ])
    func sameAsReferences(sql: String) throws {
        let shape = try #require(try StatementReader.read(sql).first)
        let found = StatementReferences.collect(in: try #require(try SQLParser.parse(sql).first))
        #expect(Set(shape.reads) == Set(found.relations.map(\.qualifiedName)))
        #expect(Set(shape.functions) == Set(found.functions.map { QualifiedName(schema: $0.schema, name: $0.name) }))
        #expect(Set(shape.types) == Set(found.types.map { QualifiedName(schema: $0.schema, name: $0.name) }))
    }

    @Test("the list of operators is the server's", .enabled(if: LiveServer.isAvailable))
    func operatorList() throws {
        for name in try LiveServer.query("SELECT DISTINCT oprname FROM pg_operator WHERE oid < 16384") {
            let shapes = try StatementReader.read("SELECT 1 OPERATOR(\(name)) 2")
            #expect(shapes.first?.operators == [], "operator \(name)")
        }
    }
}
