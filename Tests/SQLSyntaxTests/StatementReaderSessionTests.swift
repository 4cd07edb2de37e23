import SQLSyntax
import Testing

@Suite("What statements do to the session and the transaction")
struct StatementReaderSessionTests {
    private typealias Modes = StatementShape.TransactionModes

    private func kind(_ sql: String) throws -> StatementShape.Kind {
        try #require(try StatementReader.read(sql).first).kind
    }

    private func place(_ sql: String) throws -> String? {
        let shape = try #require(try StatementReader.read(sql).last)
        let place: Range<Int>
        switch shape.kind {
        case .prepare(_, let found), .execute(_, let found), .deallocate(_, let found): place = found
        default: place = try #require(shape.executes).place
        }
        return String(decoding: Array(sql.utf8)[place], as: UTF8.self)
    }

    @Test("transactions and their modes")
    func transactions() throws {
        #expect(try kind("BEGIN") == .begin(Modes()))
        #expect(try kind("START TRANSACTION READ ONLY") == .begin(Modes(isReadOnly: true)))
        #expect(try kind("BEGIN READ WRITE, NOT DEFERRABLE") == .begin(Modes(isReadOnly: false, isDeferrable: false)))
        #expect(
            try kind("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE")
                == .begin(Modes(isolation: .serializable, isReadOnly: true, isDeferrable: true)))
        for isolation in [Modes.Isolation.readUncommitted, .readCommitted, .repeatableRead] {
            #expect(try kind("BEGIN ISOLATION LEVEL \(isolation.rawValue)") == .begin(Modes(isolation: isolation)))
        }
        #expect(try kind("SET TRANSACTION READ ONLY") == .setTransaction(Modes(isReadOnly: true)))
        #expect(try kind("SET TRANSACTION SNAPSHOT '1-1'") == .setTransaction(Modes(importsSnapshot: true)))
        #expect(try kind("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY") == .setSessionCharacteristics)
        #expect(try kind("SET CONSTRAINTS ALL DEFERRED") == .setConstraints)
    }

    @Test(
        "ends of transactions and savepoints",
        arguments: [
            ("COMMIT", StatementShape.Kind.commit(chain: false)), ("END", .commit(chain: false)),
            ("COMMIT AND CHAIN", .commit(chain: true)), ("ROLLBACK", .rollback(chain: false)),
            ("ABORT AND NO CHAIN", .rollback(chain: false)), ("ROLLBACK AND CHAIN", .rollback(chain: true)),
            ("SAVEPOINT \"A b\"", .savepoint("A b")), ("ROLLBACK TO x", .rollbackTo("x")),
            ("RELEASE SAVEPOINT x", .release("x")), ("PREPARE TRANSACTION 'x'", .prepareTransaction),
            ("COMMIT PREPARED 'x'", .finishPrepared), ("ROLLBACK PREPARED 'x'", .finishPrepared),
        ])
    func ends(sql: String, expected: StatementShape.Kind) throws {
        #expect(try kind(sql) == expected)
    }

    @Test(
        "settings have the names that PostgreSQL stores",
        arguments: [
            ("SET search_path TO a, b", StatementShape.Kind.set(name: "search_path", isLocal: false)),
            ("SET \"TimeZone\" = 'UTC'", .set(name: "timezone", isLocal: false)),
            ("SET LOCAL TIME ZONE 'UTC'", .set(name: "timezone", isLocal: true)),
            ("SET TIME ZONE LOCAL", .reset(name: "timezone")),
            ("SET SCHEMA 'a'", .set(name: "search_path", isLocal: false)),
            ("SET NAMES 'utf8'", .set(name: "client_encoding", isLocal: false)),
            ("SET NAMES DEFAULT", .reset(name: "client_encoding")),
            ("SET SESSION AUTHORIZATION joe", .set(name: "session_authorization", isLocal: false)),
            ("SET SESSION AUTHORIZATION DEFAULT", .reset(name: "session_authorization")),
            ("RESET SESSION AUTHORIZATION", .reset(name: "session_authorization")),
            ("SET ROLE NONE", .set(name: "role", isLocal: false)),
            ("SET LOCAL ROLE joe", .set(name: "role", isLocal: true)),
            ("RESET ROLE", .reset(name: "role")), ("SET App.Tenant = '1'", .set(name: "app.tenant", isLocal: false)),
            ("SET work_mem TO DEFAULT", .reset(name: "work_mem")),
            ("SET LOCAL work_mem TO DEFAULT", .set(name: "work_mem", isLocal: true)),
            ("RESET ALL", .reset(name: nil)), ("RESET TIME ZONE", .reset(name: "timezone")), ("SHOW ALL", .show),
            ("SHOW TRANSACTION ISOLATION LEVEL", .show), ("DISCARD ALL", .discardAll), ("DISCARD PLANS", .discardPlans),
            ("DISCARD SEQUENCES", .discardSequences), ("DISCARD TEMP", .discardTemporary),
        ])
    func settings(sql: String, expected: StatementShape.Kind) throws {
        #expect(try kind(sql) == expected)
    }

    @Test(
        "set_config, with constants and without",
        arguments: [
            ("SELECT set_config('search_path', 'a', false)", ["search_path"], false),
            ("SELECT pg_catalog.set_config('App.User'::text, $1, true)", ["app.user"], false),
            ("SELECT set_config('role', 'a', false), set_config('app.x', 'b', true)", ["role", "app.x"], false),
            ("SELECT set_config(new_value => 'a', setting_name => 'x.y', is_local => true)", ["x.y"], false),
            ("SELECT set_config($1, 'a', false)", [], true), ("SELECT set_config('a' || 'b', 'c', false)", [], true),
            ("SELECT set_config(name, 'on', false) FROM t", [], true),
            ("SELECT s.set_config('a', 'b', false)", [], false),
            ("EXPLAIN SELECT set_config('a', 'b', false)", [], false),
            ("EXPLAIN ANALYZE SELECT set_config('a', 'b', false)", ["a"], false),
        ])
    func setConfig(sql: String, names: [String], isUnknown: Bool) throws {
        let shape = try #require(try StatementReader.read(sql).first)
        #expect(shape.configuredSettings == names)
        #expect(shape.configuresUnknownSetting == isUnknown)
    }

    @Test(
        "where the names of prepared statements stand",
        arguments: [
            ("PREPARE p AS SELECT 1", "p"), ("/* p */ PREPARE /* p */ \"p \"\"q\" (int) AS SELECT $1", "\"p \"\"q\""),
            ("SELECT 'é'; EXECUTE p(1)", "p"), ("EXECUTE execute(execute)", "execute"),
            ("EXPLAIN ANALYZE EXECUTE \"P\"(1)", "\"P\""), ("EXPLAIN (ANALYZE, COSTS off) EXECUTE p", "p"),
            ("EXPLAIN VERBOSE EXECUTE p(f('execute x'))", "p"), ("CREATE TABLE execute AS EXECUTE p(2)", "p"),
            ("CREATE TEMP TABLE a (execute) AS EXECUTE q", "q"), ("EXPLAIN CREATE TABLE execute AS EXECUTE p", "p"),
            ("DEALLOCATE p", "p"), ("DEALLOCATE PREPARE p", "p"), ("DEALLOCATE prepare", "prepare"),
            ("DEALLOCATE PREPARE prepare", "prepare"), ("DEALLOCATE ALL", "ALL"), ("deallocate prepare all;", "all"),
            ("PREPARE U&\"d!0061\" UESCAPE '!' AS SELECT 1", "U&\"d!0061\" UESCAPE '!'"),
        ])
    func places(sql: String, name: String) throws {
        #expect(try place(sql) == name)
    }

    @Test("PREPARE has what its statement does; EXECUTE has its arguments")
    func prepared() throws {
        let shape = try #require(try StatementReader.read("PREPARE p (s.kind) AS UPDATE t SET i = f($1) FROM u").first)
        #expect(shape.kind == .prepare(name: "p", place: 8..<9))
        #expect(brief(shape).hasSuffix(" reads t,u writes t calls f types s.kind"))
        let locking = try #require(try StatementReader.read("PREPARE q AS SELECT 1 FROM t FOR UPDATE").first)
        #expect(locking.locksRows)
        let execution = try #require(try StatementReader.read("EXECUTE p(g(1), (SELECT max(i) FROM t))").first)
        #expect(execution.functions.map(\.name) == ["g", "max"] && execution.reads.map(\.name) == ["t"])
        #expect(try kind("DEALLOCATE ALL") == .deallocate(name: nil, place: 11..<14))
        let created = try #require(try StatementReader.read("CREATE TABLE n AS EXECUTE p").first)
        #expect(created.claimedDatabase == nil)
        #expect(created.executes == StatementShape.PreparedName(name: "p", place: 26..<27))
        #expect(brief(created) == "definition writes n")
    }

    @Test(
        "EXPLAIN executes only with ANALYZE, however it is spelled",
        arguments: [
            ("EXPLAIN INSERT INTO t SELECT * FROM u", "explain reads u,t"),
            ("EXPLAIN (ANALYZE false) DELETE FROM t", "explain reads t"),
            ("EXPLAIN (ANALYZE off, BUFFERS) DELETE FROM t", "explain reads t"),
            ("EXPLAIN (ANALYZE 0) DELETE FROM t", "explain reads t"),
            ("EXPLAIN (ANALYZE, ANALYZE 'FALSE') DELETE FROM t", "explain reads t"),
            ("EXPLAIN SELECT * FROM t FOR UPDATE", "explain reads t"), ("EXPLAIN SELECT 1 INTO n", "explain reads n"),
            ("EXPLAIN CREATE TEMP TABLE n AS SELECT * FROM t", "explain reads t"),
            ("EXPLAIN ANALYZE DELETE FROM t", "write reads t writes t"),
            ("EXPLAIN (ANALYZE) INSERT INTO t VALUES (1)", "write writes t"),
            ("EXPLAIN (COSTS off, ANALYSE true) INSERT INTO t VALUES (1)", "write writes t"),
            ("EXPLAIN (ANALYZE 1) INSERT INTO t VALUES (1)", "write writes t"),
            ("EXPLAIN (ANALYZE false, ANALYZE \"on\") INSERT INTO t VALUES (1)", "write writes t"),
            ("EXPLAIN ANALYZE VERBOSE SELECT f() FROM t", "select reads t calls f"),
            ("EXPLAIN ANALYZE CREATE TEMP TABLE n AS SELECT * FROM t", "createTemporary reads t"),
            ("EXPLAIN ANALYZE CREATE TABLE n AS SELECT * FROM t", "definition reads t writes n"),
            ("EXPLAIN ANALYZE DECLARE c CURSOR WITH HOLD FOR SELECT * FROM t", "select reads t"),
            ("EXPLAIN ANALYZE REFRESH MATERIALIZED VIEW m", "explain reads m"),
        ])
    func explain(sql: String, expected: String) throws {
        #expect(try StatementReader.read(sql).map(brief) == [expected])
    }

    @Test(
        "cursors, COPY, channels and the rest",
        arguments: [
            ("DECLARE c CURSOR FOR SELECT * FROM t FOR UPDATE", "declareCursor(isHeld: false) reads t locks"),
            ("DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM t", "declareCursor(isHeld: true) reads t"),
            ("DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1", "declareCursor(isHeld: false)"), ("FETCH 5 FROM c", "fetch"),
            ("MOVE c", "fetch"), ("CLOSE c", "closeCursor(name: Optional(\"c\"))"),
            ("CLOSE ALL", "closeCursor(name: nil)"),
            ("COPY (SELECT f(i) FROM t) TO STDOUT", "copyTo(isProgram: false) reads t calls f"),
            ("COPY s.t (i) TO STDOUT", "copyTo(isProgram: false) reads s.t"),
            ("COPY t TO PROGRAM 'cat'", "copyTo(isProgram: true) reads t"),
            ("COPY t TO '/tmp/x'", "copyTo(isProgram: true) reads t"),
            ("COPY (INSERT INTO t VALUES (1) RETURNING i) TO STDOUT", "copyTo(isProgram: false) writes t"),
            ("COPY t FROM STDIN WITH (FORMAT csv)", "copyFrom writes t"), ("LISTEN c", "listen"),
            ("UNLISTEN *", "unlisten(all: true)"), ("UNLISTEN c", "unlisten(all: false)"), ("NOTIFY c, 'x'", "notify"),
            ("LOAD 'x'", "load"), ("VACUUM t", "maintenance writes t"), ("ANALYZE", "maintenance"),
            ("REINDEX TABLE t", "maintenance writes t"), ("CHECKPOINT", "maintenance"),
            ("ALTER SYSTEM SET work_mem = 1", "other"),
        ])
    func rest(sql: String, expected: String) throws {
        #expect(try StatementReader.read(sql).map(brief) == [expected])
    }

    @Test(
        "definitions name what they define; what is temporary is told apart",
        arguments: [
            ("CREATE TABLE s.n AS SELECT * FROM t", "definition reads t writes s.n"),
            ("CREATE TABLE n (LIKE t, i int REFERENCES r)", "definition reads t writes n,r"),
            ("CREATE VIEW v AS SELECT f(i) FROM t", "definition reads t writes v calls f"),
            ("ALTER TABLE s.t ADD COLUMN c int", "definition writes s.t"),
            ("DROP TABLE a.b, c", "definition writes a.b,c"), ("DROP TRIGGER g ON s.t", "definition writes s.t"),
            ("DROP FUNCTION s.f(int), g", "definition schemas s"), ("GRANT SELECT ON t TO r", "definition writes t"),
            ("GRANT SELECT ON ALL TABLES IN SCHEMA a TO r", "definition schemas a"),
            ("GRANT USAGE ON SCHEMA a, b TO r", "definition schemas a,b"), ("CREATE SCHEMA a", "definition schemas a"),
            ("CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "definition schemas s"),
            ("ALTER TABLE a.b SET SCHEMA c", "definition writes a.b schemas c"),
            ("ALTER FUNCTION s.f(int) VOLATILE", "definition schemas s"),
            ("CREATE TYPE s.e AS ENUM ('a')", "definition schemas s"),
            ("DROP SCHEMA a CASCADE", "definition schemas a"),
            ("REFRESH MATERIALIZED VIEW m", "definition writes m"),
            ("COMMENT ON TABLE s.t IS 'x'", "definition writes s.t"),
            ("ALTER SCHEMA a RENAME TO b", "definition schemas a"),
            ("ALTER DEFAULT PRIVILEGES IN SCHEMA a GRANT SELECT ON TABLES TO r", "definition schemas a"),
            ("CREATE TEMP TABLE n (i int)", "createTemporary"), ("CREATE TEMPORARY SEQUENCE q", "createTemporary"),
            ("CREATE TEMP VIEW v AS SELECT * FROM t", "createTemporary reads t"),
            ("CREATE TEMP TABLE n AS SELECT * FROM t", "createTemporary reads t"),
            ("CREATE TABLE pg_temp.n (i int)", "createTemporary"),
            ("CREATE VIEW pg_temp.v AS SELECT 1", "createTemporary"),
            ("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "createTemporary"),
            ("CREATE TYPE pg_temp.e AS ENUM ('a')", "createTemporary"),
            ("DROP TABLE pg_temp.n", "definition writes pg_temp.n"), ("DROP FUNCTION pg_temp.f()", "definition"),
        ])
    func definitions(sql: String, expected: String) throws {
        #expect(try StatementReader.read(sql).map(brief) == [expected])
    }

    @Test(
        "the database that a statement wants for itself",
        arguments: [
            ("DROP DATABASE IF EXISTS a WITH (FORCE)", "a"), ("ALTER DATABASE a RENAME TO b", "a"),
            ("ALTER DATABASE a SET TABLESPACE t", "a"), ("CREATE DATABASE b TEMPLATE a", "a"),
            ("CREATE DATABASE b WITH OWNER o TEMPLATE = 'A'", "A"), ("CREATE DATABASE b", nil),
            ("ALTER DATABASE a CONNECTION LIMIT 5", nil), ("ALTER TABLE a RENAME TO b", nil), ("DROP TABLE a", nil),
        ] as [(String, String?)])
    func claimedDatabase(_ sql: String, _ name: String?) throws {
        #expect(try StatementReader.read(sql).map(\.claimedDatabase) == [name])
    }
}
