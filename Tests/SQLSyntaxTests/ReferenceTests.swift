import SQLSyntax
import Testing

@Suite("References of statements")
struct ReferenceTests {
    private func collect(_ sql: String) throws -> StatementReferences {
        var result = StatementReferences()
        for (number, statement) in try SQLParser.parse(sql).enumerated() {
            let found = StatementReferences.collect(in: statement)
            if number == 0 { result = found } else { result.relations += found.relations }
        }
        return result
    }

    private func relations(_ sql: String) throws -> [String] {
        try collect(sql).relations.map { "\($0.access) \($0.qualifiedName)" }
    }

    @Test(
        "each statement's relations and what it does with them",
        arguments: [
            ("SELECT * FROM a, s.b AS x JOIN \"C\" y ON x.i = y.i", ["read a", "read s.b", "read \"C\""]),
            ("INSERT INTO t SELECT * FROM u", ["insert t", "read u"]),
            ("UPDATE t SET a = (SELECT max(i) FROM v) FROM u", ["update t", "read v", "read u"]),
            ("DELETE FROM t USING u WHERE t.i = u.i", ["delete t", "read u"]),
            ("MERGE INTO t USING u ON t.i = u.i WHEN MATCHED THEN DELETE", ["merge t", "read u"]),
            ("LOCK TABLE a, b IN SHARE MODE", ["lock a", "lock b"]),
            ("TRUNCATE a, s.b", ["truncate a", "truncate s.b"]),
            ("COPY t TO STDOUT", ["copy t"]), ("COPY (SELECT 1 FROM t) TO STDOUT", ["read t"]),
            ("CREATE TABLE n AS SELECT * FROM t", ["read t", "ddl n"]),
            ("SELECT * INTO n FROM t", ["ddl n", "read t"]),
            ("CREATE VIEW v AS SELECT * FROM t", ["ddl v", "read t"]),
            ("ALTER TABLE t ADD COLUMN c int REFERENCES r", ["ddl t", "ddl r"]),
            ("DROP TABLE a.b, c", ["ddl a.b", "ddl c"]), ("DROP TRIGGER g ON s.t", ["ddl s.t"]),
            ("COMMENT ON COLUMN s.t.c IS 'x'", ["ddl s.t"]),
            ("CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()", ["ddl t"]),
            ("EXPLAIN SELECT 1 FROM t", ["read t"]), ("PREPARE p AS UPDATE t SET a = 1", ["update t"]),
            ("DECLARE c CURSOR FOR SELECT 1 FROM t", ["read t"]), ("GRANT SELECT ON t TO r", ["ddl t"]),
            ("SELECT 1 FROM a UNION ALL (SELECT 2 FROM b EXCEPT SELECT 3 FROM c)", ["read a", "read b", "read c"]),
            ("SELECT 1 FROM a x FOR UPDATE OF x", ["read a"]), ("SELECT 1 FROM db.s.t", ["read s.t"]),
            ("SELECT 1 FROM ROWS FROM (f(1), g(2)) AS x", []), ("TABLE t", ["read t"]),
        ])
    func relationsAndAccess(sql: String, expected: [String]) throws {
        #expect(try relations(sql).sorted() == expected.sorted())
    }

    @Test(
        "common table expressions are seen where PostgreSQL sees them",
        arguments: [
            ("WITH a AS (SELECT 1 FROM t) SELECT * FROM a", ["read t"]),
            ("WITH a AS (SELECT 1 FROM a) SELECT * FROM a", ["read a"]),
            ("WITH RECURSIVE a AS (SELECT 1 UNION SELECT 2 FROM a) SELECT * FROM a", []),
            ("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b, s.a", ["read s.a"]),
            ("WITH b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM a", ["read a"]),
            ("WITH RECURSIVE b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM b", []),
            ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a", ["read a"]),
            ("WITH a AS (SELECT 1) SELECT (SELECT count(*) FROM a), EXISTS (SELECT 1 FROM a, b)", ["read b"]),
            ("WITH a AS (SELECT 1) INSERT INTO a SELECT * FROM a", ["insert a"]),
            ("WITH d AS (DELETE FROM t RETURNING *) INSERT INTO h SELECT * FROM d", ["delete t", "insert h"]),
            ("WITH a AS (SELECT 1) SELECT 1 FROM b UNION SELECT 2 FROM a", ["read b"]),
            ("WITH a AS (WITH b AS (SELECT 1 FROM c) SELECT * FROM b) SELECT * FROM a, b", ["read c", "read b"]),
            ("WITH x AS (SELECT 1) UPDATE t SET i = 1 FROM x", ["update t"]),
            ("WITH x AS (SELECT 1) DELETE FROM t USING x", ["delete t"]),
            ("WITH x AS (SELECT 1 AS i) MERGE INTO t USING x ON true WHEN MATCHED THEN DELETE", ["merge t"]),
        ])
    func commonTables(sql: String, expected: [String]) throws {
        #expect(try relations(sql).sorted() == expected.sorted())
    }

    @Test("lines and bytes count from the start of the text")
    func places() throws {
        let text = "SELECT 'é';\nSELECT 1\n  FROM s.t\n  JOIN u ON true;"
        let found = StatementReferences.collect(in: try SQLParser.parse(text)[1]).relations
        #expect(found.map(\.line) == [3, 4])
        #expect(found.map(\.place.statementLine) == [2, 2])
        let bytes = Array(text.utf8)
        #expect(found.map { bytes[$0.offset] } == [UInt8(ascii: "s"), UInt8(ascii: "u")])
    }

    @Test("functions, types and collations are named with their schema")
    func otherNames() throws {
        let sql = """
            SELECT app.f(a, 1), count(*), NULL::public.mood, x::text, 'a'::uuid, b::users[],
                now()::timestamp with time zone, c COLLATE de.german, 'app.g(int)'::regprocedure, 't1'::regtype
            FROM t
            """
        let found = try collect(sql)
        let functions = found.functions.map { "\($0.schema ?? "-").\($0.name)/\($0.argumentCount)" }
        #expect(Set(functions) == ["app.f/2", "-.count/0", "-.now/0", "app.g/0"])
        #expect(Set(found.types.map { "\($0.schema ?? "-").\($0.name)" }) == ["public.mood", "-.users", "-.t1"])
        #expect(found.collations.map { "\($0.schema ?? "-").\($0.name)" } == ["de.german"])
    }

    @Test(
        "string constants that PostgreSQL looks up as relations",
        arguments: [
            ("SELECT 'public.\"Order\"'::regclass", ["regclass public.\"Order\""]),
            ("SELECT nextval('s'), currval('a.s')", ["nextval s", "currval a.s"]),
            ("SELECT setval('s2'::regclass, 1)", ["setval s2"]),
            ("SELECT nextval('S'::text)", ["nextval s"]),
            (
                "SELECT pg_get_serial_sequence('t', 'c')",
                ["pg_get_serial_sequence t"]
            ),
            (
                "SELECT to_regclass('x.y'), pg_total_relation_size('z')",
                ["to_regclass x.y", "pg_total_relation_size z"]
            ),
            ("SELECT has_table_privilege('me', 's.t', 'SELECT')", ["has_table_privilege s.t"]),
            ("SELECT has_table_privilege('s.t', 'SELECT')", ["has_table_privilege s.t"]),
            ("SELECT has_column_privilege('t', 'c', 'SELECT')", ["has_column_privilege t"]),
            ("SELECT pg_catalog.pg_relation_size('t')", ["pg_relation_size t"]),
            ("SELECT my.nextval('s'), nextval(x), '1259'::regclass, 'pg_catalog.pg_class'::regclass", []),
            ("CREATE TABLE n (i int DEFAULT nextval('q'))", ["nextval q"]),
        ])
    func nameLiterals(sql: String, expected: [String]) throws {
        let found = try collect(sql).regclassLiterals
        let names = found.map { "\($0.usage) \(SQL.qualified($0.schema, $0.name))" }
        #expect(names.sorted() == expected.sorted())
    }

    @Test("sequences are those of nextval, currval and setval")
    func sequences() throws {
        let found = try collect("SELECT nextval('s'), 't'::regclass, currval('u')")
        #expect(found.sequences.map(\.name) == ["s", "u"])
    }

    @Test(
        "what a statement does in general",
        arguments: [
            ("SELECT 1", ""), ("SELECT 1 FOR UPDATE", "locks"), ("SELECT nextval('s')", "writes"),
            ("WITH d AS (DELETE FROM t RETURNING 1) SELECT 1", "writes"), ("CREATE TABLE t ()", "utility writes"),
            ("SET search_path = a", "path utility"), ("SET LOCAL work_mem = '1MB'", "utility"),
            ("SELECT set_config('search_path', 'a', false)", "path"), ("RESET search_path", "path utility"),
            ("COPY t FROM STDIN", "utility writes"), ("COPY t TO STDOUT", "utility"), ("BEGIN", "utility"),
            ("EXPLAIN ANALYZE UPDATE t SET a = 1", "utility writes"), ("SELECT 1 INTO n", "writes"),
        ])
    func character(sql: String, expected: String) throws {
        let found = try collect(sql)
        let flags = [
            found.locksRows ? "locks" : nil, found.setsSearchPath ? "path" : nil, found.isUtility ? "utility" : nil,
            found.writes ? "writes" : nil,
        ]
        #expect(flags.compactMap { $0 }.joined(separator: " ") == expected)
    }
}
