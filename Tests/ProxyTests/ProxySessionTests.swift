import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// What a client sets is the client's: it comes back on any server, and nobody else sees it.
@Suite("Proxy: session state")
struct ProxySessionTests {
    typealias Wire = WireClient

    /// Two clients take turns on one server, so that everything that leaks, leaks.
    private func withTwo(
        size: Int = 1, setup: String = "", _ body: (WireClient, WireClient, ProxyFixture) async throws -> Void
    ) async throws {
        try await withProxy(size: size, setup: setup) { proxy in
            try await body(try proxy.wire(), try proxy.wire(), proxy)
        }
    }

    private func value(_ client: WireClient, _ name: String) throws -> String? {
        // What was set once in a session is empty there when it is reset, for PostgreSQL has no way to forget a name.
        try client.query("SELECT coalesce(current_setting('\(name)', true), '')").rows.first?[0]
    }

    @Test(
        "X1: a setting of one client is never seen by another, and is there when it comes back",
        arguments: [
            ("SET search_path TO elsewhere", "search_path", "elsewhere"),
            ("SET statement_timeout TO '7s'", "statement_timeout", "7s"),
            ("SET TIME ZONE 'Europe/Berlin'", "timezone", "Europe/Berlin"),
            ("SET SESSION work_mem = '5MB'", "work_mem", "5MB"),
            ("SELECT set_config('lock_timeout', '3s', false)", "lock_timeout", "3s"),
            ("SET app.tenant = 'kct'", "app.tenant", "kct"),
            ("SELECT set_config('app.login', 'u''1', false)", "app.login", "u'1"),
            ("SET datestyle = 'German'", "datestyle", "German, DMY"),
            ("SET application_name = 'mine'", "application_name", "mine"),
            ("BEGIN; SET search_path TO inner_one; COMMIT", "search_path", "inner_one"),
            ("DO $$ BEGIN PERFORM set_config('lock_timeout', '9s', false); END $$", "lock_timeout", "9s"),
        ])
    func settings(_ statement: String, _ name: String, _ wanted: String) async throws {
        try await withTwo { first, second, _ in
            let before = try value(second, name)
            #expect(try first.query(statement).error == nil)
            #expect(try value(second, name) == before)
            #expect(try value(first, name) == wanted)
            #expect(try value(second, name) == before)
            #expect(try first.query("RESET \(name)").error == nil)
            #expect(try value(first, name) == before)
        }
    }

    @Test("SET LOCAL and a SET that is rolled back leave nothing; a savepoint takes back its part")
    func transactional() async throws {
        try await withTwo { first, second, _ in
            _ = try first.query("BEGIN; SET LOCAL work_mem = '9MB'")
            #expect(try first.query("SHOW work_mem").rows == [["9MB"]])
            _ = try first.query("COMMIT")
            #expect(try first.query("SHOW work_mem").rows == [["4MB"]])
            _ = try first.query("BEGIN; SET work_mem = '8MB'; ROLLBACK")
            #expect(try first.query("SHOW work_mem").rows == [["4MB"]])
            _ = try first.query("BEGIN; SET work_mem = '6MB'; SAVEPOINT s; SET work_mem = '7MB'; ROLLBACK TO s; COMMIT")
            #expect(try second.query("SHOW work_mem").rows == [["4MB"]])
            #expect(try first.query("SHOW work_mem").rows == [["6MB"]])
        }
    }

    @Test("RESET leads back to the client's startup value, not the server's")
    func startupValues() async throws {
        try await withProxy(size: 1) { proxy in
            let plain = try proxy.wire()
            let own = try proxy.wire(parameters: [
                ("TimeZone", "Asia/Tokyo"), ("application_name", "tokyo"), ("options", "-c work_mem=11MB"),
            ])
            #expect(own.parameters["TimeZone"] == "Asia/Tokyo")
            #expect(own.parameters["application_name"] == "tokyo")
            for _ in 0..<2 {
                #expect(try own.query("SHOW timezone").rows == [["Asia/Tokyo"]])
                #expect(try own.query("SHOW work_mem").rows == [["11MB"]])
                #expect(try own.query("SHOW application_name").rows == [["tokyo"]])
                #expect(try plain.query("SHOW work_mem").rows == [["4MB"]])
                #expect(try plain.query("SHOW application_name").rows == [[""]])
            }
            _ = try own.query("SET timezone = 'UTC'; SET work_mem = '1MB'; SET application_name = 'other'")
            #expect(try own.query("SHOW timezone").rows == [["UTC"]])
            for end in ["RESET ALL", "DISCARD ALL"] {
                _ = try own.query("SET timezone = 'UTC'; SET work_mem = '1MB'; SET application_name = 'other'")
                _ = try own.query(end)
                #expect(try own.query("SHOW timezone").rows == [["Asia/Tokyo"]], "\(end)")
                #expect(try own.query("SHOW work_mem").rows == [["11MB"]], "\(end)")
                #expect(try own.query("SHOW application_name").rows == [["tokyo"]], "\(end)")
            }
        }
    }

    @Test("S2.10: application_name of each client is what pg_stat_activity shows while it works")
    func applicationNames() async throws {
        try await withProxy(size: 1) { proxy in
            for name in ["kct_nextjs_writer", "kct_nextjs_reader", "kct_nextjs_writer"] {
                let client = try proxy.wire(parameters: [("application_name", name)])
                let shown = try client.query(
                    "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
                #expect(shown.rows == [[name]])
            }
        }
    }

    @Test("SET ROLE follows the client, and RESET ROLE leaves it")
    func roles() async throws {
        let role = "role_\(UInt64.random(in: 0...UInt64.max))"
        try await withTwo(setup: "CREATE ROLE \(role)") { first, second, proxy in
            #expect(try first.query("SET ROLE \(role)").error == nil)
            #expect(try second.query("SELECT current_user").rows == [[proxy.user]])
            #expect(try first.query("SELECT current_user").rows == [[role]])
            _ = try first.query("SET work_mem = '3MB'")
            #expect(try second.query("SELECT current_user, current_setting('work_mem')").rows == [[proxy.user, "4MB"]])
            #expect(try first.query("SELECT current_user, current_setting('work_mem')").rows == [[role, "3MB"]])
            #expect(try first.query("RESET ROLE").error == nil)
            #expect(try first.query("SELECT current_user").rows == [[proxy.user]])
            try await proxy.database.execute("DROP ROLE \(role)")
        }
    }

    @Test("A temporary table keeps its server, is seen by nobody else, and is gone with its client")
    func temporary() async throws {
        try await withTwo(size: 2, setup: "CREATE TABLE t AS SELECT 'real' AS a") { first, second, proxy in
            #expect(try first.query("CREATE TEMP TABLE t AS SELECT 'temp' AS a").error == nil)
            for _ in 0..<3 {
                #expect(try first.query("SELECT a FROM t").rows == [["temp"]])
                #expect(try second.query("SELECT a FROM t").rows == [["real"]])
            }
            try first.send(Wire.message("X"))
            #expect(try first.receive() == nil)
            let holder = try proxy.wire()
            _ = try holder.query("BEGIN")
            #expect(try second.query("SELECT a FROM t").rows == [["real"]])
            #expect(try holder.query("SELECT a FROM t").rows == [["real"]])
        }
    }

    @Test("A function that nobody can read does not keep the server unless it left something there")
    func unreadable() async throws {
        let setup = "CREATE FUNCTION dynamic(sql text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE sql; END $$"
        try await withTwo(setup: setup) { first, second, _ in
            #expect(try first.query("SELECT dynamic('SELECT 1')").error == nil)
            #expect(try second.query("SELECT 1").rows == [["1"]])
            #expect(try first.query("SELECT dynamic('SET work_mem = ''2MB''')").error == nil)
            #expect(try second.query("SHOW work_mem").rows == [["4MB"]])
            #expect(try first.query("SHOW work_mem").rows == [["2MB"]])
            #expect(try first.query("SELECT dynamic('CREATE TEMP TABLE made AS SELECT 1 AS a')").error == nil)
            try second.send(Wire.query("SELECT 2"))
            #expect(try first.query("SELECT a FROM made").rows == [["1"]])
            #expect(try first.query("SELECT dynamic('DROP TABLE made')").error == nil)
            #expect(try second.results().rows == [["2"]])
        }
    }

    @Test("DISCARD ALL gives the server back")
    func discard() async throws {
        try await withTwo { first, second, _ in
            _ = try first.query("CREATE TEMP TABLE mine (a int)")
            #expect(try first.query("DISCARD ALL").tags == ["DISCARD ALL"])
            #expect(try second.query("SELECT 1").rows == [["1"]])
            #expect(try first.query("SELECT 1 FROM mine").error?.code == "42P01")
        }
    }

    @Test("LISTEN keeps its server; a notification carries the number that BackendKeyData gave; UNLISTEN gives it back")
    func listen() async throws {
        try await withTwo(size: 2) { first, second, _ in
            #expect(try first.query("LISTEN channel").tags == ["LISTEN"])
            _ = try first.query("SELECT 1")
            #expect(try second.query("NOTIFY channel, 'hello'").tags == ["NOTIFY"])
            let note = try #require(try first.receive())
            #expect(note.tag == "A")
            #expect(note.text.hasSuffix("channel\0hello\0"))
            let sender = try #require(second.key)
            #expect(Array(note.body.prefix(4)) == Wire.int32(sender.processID))
            _ = try first.query("NOTIFY channel, 'self'")
            let result = try first.query("UNLISTEN *")
            _ = result
            let key = try #require(first.key)
            _ = try first.query("LISTEN channel")
            let own = try first.query("NOTIFY channel, 'own'").messages.first { $0.tag == "A" }
            #expect(own.map { Array($0.body.prefix(4)) } == Wire.int32(key.processID))
        }
    }

    @Test("A cursor WITH HOLD keeps its server until it is closed")
    func heldCursor() async throws {
        try await withTwo(size: 2) { first, second, _ in
            _ = try first.query("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT generate_series(1, 5); COMMIT")
            for value in ["1", "2", "3"] {
                #expect(try second.query("SELECT 1").rows == [["1"]])
                #expect(try first.query("FETCH 1 FROM c").rows == [[value]])
            }
            #expect(try first.query("CLOSE ALL").error == nil)
            #expect(try first.query("FETCH 1 FROM c").error?.code == "34000")
        }
    }

    @Test("S3.26: a session-level advisory lock keeps its server, is really held, and is given back")
    func advisoryLocks() async throws {
        try await withTwo(size: 2) { first, second, _ in
            #expect(try first.query("SELECT pg_advisory_lock(72707369)").error == nil)
            _ = try first.query("SELECT 1")
            #expect(try second.query("SELECT pg_try_advisory_lock(72707369)").rows == [["f"]])
            #expect(try first.query("SELECT pg_advisory_unlock(72707369)").rows == [["t"]])
            #expect(try second.query("SELECT pg_try_advisory_lock(72707369)").rows == [["t"]])
            #expect(try second.query("SELECT pg_advisory_unlock_all()").error == nil)
            #expect(try first.query("SELECT pg_try_advisory_lock(72707369)").rows == [["t"]])
        }
    }

    @Test("Functions and types in pg_temp keep their server; one with a library that LOAD brought ends with its client")
    func temporaryFunctions() async throws {
        try await withProxy(size: 1) { proxy in
            var client: WireClient? = try proxy.wire()
            _ = try client?.query("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 5'")
            let stranger = try proxy.wire()
            try stranger.send(WireClient.query("SELECT pg_temp.f()"))
            #expect(try client?.query("SELECT pg_temp.f()").rows == [["5"]])
            client = nil
            #expect(try stranger.results().error != nil)
            let first = try stranger.query("LOAD 'auto_explain'; SELECT pg_backend_pid()").rows[0][0]
            #expect(try stranger.query("SELECT pg_backend_pid()").rows == [[first]])
            try stranger.send(WireClient.message("X"))
            #expect(try proxy.wire().query("SELECT pg_backend_pid()").rows != [[first]])
        }
    }

    @Test("lastval and currval never tell another client's value; within a transaction they are right")
    func sequenceValues() async throws {
        try await withTwo(setup: "CREATE SEQUENCE s") { first, second, _ in
            _ = try first.query("SELECT nextval('s')")
            #expect(try first.query("SELECT lastval()").rows == [["1"]])
            #expect(try second.query("SELECT lastval()").error?.code == "55000")
            #expect(try second.query("SELECT currval('s')").error?.code == "55000")
            _ = try second.query("BEGIN; SELECT nextval('s')")
            #expect(try second.query("SELECT lastval(), currval('s')").rows == [["2", "2"]])
            _ = try second.query("COMMIT")
            #expect(try first.query("SELECT lastval()").error?.code == "55000")
        }
    }

    @Test("A refused SET changes nothing, and what follows it in the pipeline is done")
    func refusedSet() async throws {
        try await withTwo { first, second, _ in
            try first.send(
                Wire.parse("", "SET work_mem = 'nonsense'") + Wire.bind() + Wire.execute() + Wire.sync
                    + Wire.parse("", "SELECT 2") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try first.results().error?.code == "22023")
            #expect(try first.results().rows == [["2"]])
            #expect(try second.query("SHOW work_mem").rows == [["4MB"]])
        }
    }

    @Test("A setting that can no longer be restored: an error, and nothing is done with wrong settings")
    func lostRole() async throws {
        let role = "gone_\(UInt64.random(in: 0...UInt64.max))"
        try await withTwo(setup: "CREATE ROLE \(role)") { first, second, proxy in
            _ = try first.query("SET ROLE \(role)")
            _ = try second.query("SELECT 1")
            try await proxy.database.execute("DROP ROLE \(role)")
            #expect(try first.query("SELECT current_user").error?.code == "22023")
            #expect(try second.query("SELECT current_user").rows == [[proxy.user]])
        }
    }

    @Test("S3.25: CREATE DATABASE goes through")
    func createDatabase() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            let name = "shadow_\(UInt64.random(in: 0...UInt64.max))"
            #expect(try client.query("CREATE DATABASE \(name)").tags == ["CREATE DATABASE"])
            #expect(try client.query("DROP DATABASE \(name)").tags == ["DROP DATABASE"])
        }
    }
}
