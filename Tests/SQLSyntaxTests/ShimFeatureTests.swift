import SQLSyntax
import Testing

@Suite("What a compatibility view cannot carry")
struct ShimFeatureTests {
    private func features(_ sql: String) throws -> [String] {
        try SQLParser.parse(sql).flatMap { StatementReferences.collect(in: $0).features }.map {
            "\($0.feature.rawValue) \($0.relation?.description ?? "?")"
        }
    }

    @Test(
        "each feature is found with its relation",
        arguments: [
            ("SELECT u.xmin, ctid FROM s.users u", ["system-column s.users", "system-column s.users"]),
            ("SELECT tableoid::regclass FROM t, u", ["system-column ?"]),
            ("DELETE FROM t WHERE ctid IN (SELECT min(b.ctid) FROM big b)", ["system-column t", "system-column big"]),
            ("INSERT INTO t VALUES (1) ON CONFLICT ON CONSTRAINT k DO NOTHING", ["on-conflict-on-constraint t"]),
            ("TRUNCATE a, s.b", ["truncate a", "truncate s.b"]), ("COPY s.t FROM STDIN", ["copy s.t"]),
            ("MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE", ["merge t"]),
            ("UPDATE t SET a = 1 WHERE CURRENT OF c", ["where-current-of t"]),
            ("SELECT * FROM t x TABLESAMPLE system (1)", ["table-sample t"]),
            ("CREATE INDEX i ON s.t (a)", ["create-index s.t"]),
            ("CREATE TABLE n (a int REFERENCES r (id))", ["foreign-key r"]),
            ("ALTER TABLE t ADD COLUMN c int", ["alter-table t"]), ("ALTER TABLE t RENAME TO u", ["alter-table t"]),
            ("ALTER TABLE t RENAME COLUMN a TO b", ["alter-table t"]), ("DROP TABLE t", ["alter-table t"]),
            ("ALTER TABLE c INHERIT p", ["alter-table c", "inherits p"]),
            ("CREATE TABLE c () INHERITS (p)", ["inherits p"]),
            ("CREATE TABLE c PARTITION OF p DEFAULT", ["inherits p"]),
            ("CREATE TRIGGER g AFTER UPDATE ON t EXECUTE FUNCTION f()", ["create-trigger t"]),
            ("VACUUM ANALYZE t", ["maintenance t"]), ("CLUSTER t", ["maintenance t"]),
            ("REINDEX TABLE s.t", ["maintenance s.t"]), ("ANALYZE t (a)", ["maintenance t"]),
            ("SELECT pg_get_serial_sequence('s.t', 'id')", ["serial-sequence s.t"]),
            ("SELECT full_name(u) FROM users u", ["row-type users"]),
        ])
    func found(sql: String, expected: [String]) throws {
        #expect(try features(sql).sorted() == expected.sorted())
    }

    @Test(
        "GROUP BY that may lean on a primary key",
        arguments: [
            ("SELECT o.id, o.note, count(*) FROM orders o JOIN items i ON true GROUP BY o.id", "orders"),
            ("SELECT id, upper(name) FROM users GROUP BY id", "users"),
            ("SELECT * FROM users GROUP BY id", "users"), ("SELECT u.* FROM s.users u GROUP BY u.id", "s.users"),
            ("SELECT a, b FROM t, u GROUP BY a", "?"),
            ("SELECT id, name AS n, sum(x) FROM users GROUP BY 1", "users"),
        ])
    func suspicion(sql: String, relation: String) throws {
        #expect(try features(sql) == ["functional-dependency \(relation)"])
    }

    @Test(
        "statements that a view carries",
        arguments: [
            "SELECT a, count(*), sum(b) FILTER (WHERE c) FROM t GROUP BY a",
            "SELECT t.a AS x, max(b) FROM t GROUP BY x", "SELECT a, b FROM t GROUP BY 1, 2",
            "SELECT date_trunc('day', at), count(*) FROM t GROUP BY date_trunc('day', at)",
            "SELECT lower(a) AS l, count(*) FROM t GROUP BY l", "SELECT count(*) FROM t",
            "SELECT a, (SELECT max(x) FROM u) FROM t GROUP BY a", "SELECT o.a FROM t o GROUP BY a",
            "SELECT a, b FROM t GROUP BY ROLLUP (a, b)", "SELECT count(u), row_to_json(u) FROM users u",
            "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = excluded.a RETURNING id",
            "LOCK TABLE t", "SELECT * FROM t FOR UPDATE SKIP LOCKED", "COPY (SELECT * FROM t) TO STDOUT",
            "SELECT x.ctid FROM (SELECT 1 AS ctid) x", "ALTER VIEW v RENAME TO w",
        ])
    func carried(sql: String) throws {
        #expect(try features(sql).isEmpty)
    }

    @Test("every feature has a code, an explanation and a remedy", arguments: ShimFeature.allCases)
    func sentences(feature: ShimFeature) {
        #expect(feature.rawValue.allSatisfy { $0.isLowercase || $0 == "-" })
        #expect(feature.explanation.hasSuffix("."))
        #expect(feature.remedy.hasSuffix("."))
    }
}
