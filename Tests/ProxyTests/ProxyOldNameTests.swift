import PostgresDriver
import PostgresWire
import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// Old names of what lives in another database lead there, and never to the rows that were left behind.
@Suite("Proxy: old names")
struct ProxyOldNameTests {
    typealias Wire = WireClient

    private static let mainSetup = """
        CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'ann');
        -- What a split leaves behind, with the names from before.
        CREATE SCHEMA audit; CREATE TABLE audit.audit_logs (id int PRIMARY KEY, note text);
        INSERT INTO audit.audit_logs VALUES (1, 'stale');
        CREATE VIEW audit_logs AS SELECT * FROM audit.audit_logs;
        COMMENT ON VIEW audit_logs IS 'strata:shim audit.audit_logs';
        CREATE VIEW older AS SELECT id, note FROM audit_logs;
        CREATE VIEW lost AS SELECT * FROM audit.audit_logs;
        CREATE VIEW mixed AS SELECT u.name, l.note FROM users u JOIN audit.audit_logs l USING (id);
        CREATE VIEW plain AS SELECT name FROM users;
        CREATE FUNCTION log_notes() RETURNS text LANGUAGE sql STABLE AS 'SELECT string_agg(note, '','') FROM public.audit_logs';
        CREATE FUNCTION lost_notes() RETURNS text LANGUAGE sql STABLE AS 'SELECT note FROM audit.audit_logs';
        CREATE FUNCTION names() RETURNS text LANGUAGE sql STABLE AS 'SELECT name FROM public.users';
        CREATE SCHEMA mine;
        CREATE TABLE mine.audit_logs (note text); INSERT INTO mine.audit_logs VALUES ('mine');
        """
    private static let auditSetup = """
        CREATE SCHEMA audit; CREATE TABLE audit.audit_logs (id int PRIMARY KEY, note text);
        INSERT INTO audit.audit_logs VALUES (1, 'fresh');
        CREATE VIEW audit_logs AS SELECT * FROM audit.audit_logs;
        COMMENT ON VIEW audit_logs IS 'strata:shim audit.audit_logs';
        CREATE VIEW older AS SELECT id, note FROM audit_logs;
        CREATE VIEW only_there AS SELECT * FROM audit.audit_logs;
        COMMENT ON VIEW only_there IS 'strata:shim audit.audit_logs';
        CREATE FUNCTION log_notes() RETURNS text LANGUAGE sql STABLE AS 'SELECT string_agg(note, '','') FROM public.audit_logs';
        """

    private func withTwo(
        _ before: (TestDatabase) async throws -> Void = { _ in },
        _ body: (ProxyFixture, TestDatabase) async throws -> Void
    ) async throws {
        try await withTestDatabase("oldnames") { other in
            try await other.execute(Self.auditSetup)
            try await before(other)
            let node = try NodeEndpoint(name: "primary", settings: other.settings)
            try await withProxy(
                setup: Self.mainSetup,
                configure: {
                    $0.databases.append(.init(name: "archive", nodes: [node], limits: PoolLimits()))
                    $0.schemas = ["public": "main", "audit": "archive"]
                }
            ) { try await body($0, other) }
        }
    }

    @Test("A statement with the old name goes to where the table is: reads, writes, definitions, functions")
    func statements() async throws {
        try await withTwo { proxy, other in
            let client = try proxy.wire()
            for sql in [
                "SELECT note FROM audit_logs", "SELECT note FROM public.audit_logs", "SELECT note FROM older",
                "SELECT l.note FROM audit.audit_logs l JOIN audit_logs USING (id)", "SELECT log_notes()",
                "SELECT public.log_notes()", "SELECT log_notes() FROM audit_logs", "SELECT note FROM only_there",
                "TABLE audit_logs", "COPY (SELECT note FROM audit_logs) TO STDOUT",
            ] {
                let result = try client.query(sql)
                #expect(result.error == nil, "\(sql): \(result.error?.message ?? "")")
                if !sql.hasPrefix("COPY") { #expect(result.rows.last?.last == "fresh", "\(sql)") }
            }
            #expect(try client.query("INSERT INTO audit_logs VALUES (2, 'new')").tags == ["INSERT 0 1"])
            #expect(try client.query("UPDATE public.audit_logs SET note = 'changed' WHERE id = 2").tags == ["UPDATE 1"])
            #expect(try client.query("SELECT note FROM audit.audit_logs WHERE id = 2").rows == [["changed"]])
            #expect(try client.query("DELETE FROM audit_logs WHERE id = 2").tags == ["DELETE 1"])
            #expect(try client.query("BEGIN").error == nil)
            #expect(try client.query("SELECT note FROM audit_logs FOR UPDATE").rows == [["fresh"]])
            #expect(try client.query("SELECT name FROM users").error?.code == "0A000")
            _ = try client.query("ROLLBACK")
            // What stays, stays.
            #expect(try client.query("SELECT name FROM plain").rows == [["ann"]])
            #expect(try client.query("SELECT names()").rows == [["ann"]])
            let own = try await proxy.database.connect()
            #expect(try await own.query("SELECT note FROM audit.audit_logs").map { try $0.string(0) } == ["stale"])
            await own.close()
            _ = other
        }
    }

    @Test("By the extended protocol, prepared, and by SQL's PREPARE")
    func extended() async throws {
        try await withTwo { proxy, _ in
            let client = try proxy.wire()
            try client.send(
                Wire.parse("a", "SELECT note FROM audit_logs WHERE id = $1::int") + Wire.describe("S", "a") + Wire.sync
                    + Wire.parse("u", "SELECT name FROM users WHERE id = $1::int") + Wire.sync)
            #expect(try client.results().error == nil)
            #expect(try client.results().error == nil)
            try client.send(["a", "u", "a"].flatMap { Wire.bind("", $0, ["1"]) + Wire.execute() + Wire.sync })
            for value in ["fresh", "ann", "fresh"] { #expect(try client.results().rows == [[value]]) }
            #expect(try client.query("PREPARE p AS SELECT note FROM audit_logs").error == nil)
            #expect(try client.query("EXECUTE p").rows == [["fresh"]])
            try client.send(
                Wire.parse("", "SELECT note FROM lost") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try client.results().error?.code == "0A000")
        }
    }

    @Test("By search_path: the first schema that has the name counts, also while the path is being changed")
    func searchPaths() async throws {
        try await withTwo { proxy, _ in
            let client = try proxy.wire()
            func notes(_ path: String) throws -> [[String?]] {
                _ = try client.query("SET search_path = \(path)")
                return try client.query("SELECT note FROM audit_logs").rows
            }
            #expect(try notes("audit, public") == [["fresh"]])
            #expect(try notes("public, audit") == [["fresh"]])
            #expect(try notes("mine, public") == [["mine"]])
            #expect(try notes("public, mine") == [["fresh"]])
            _ = try client.query("SET search_path = mine")
            #expect(try client.query("SELECT note FROM only_there").error?.code == "42P01")
            _ = try client.query("RESET search_path")
            // Until the server has said what is set, a name may be any of that name.
            let unclear = try client.query("BEGIN; SET LOCAL search_path = public; SELECT note FROM audit_logs; COMMIT")
            #expect(unclear.rows != [["stale"]])
            _ = try client.query("ROLLBACK")
            #expect(try client.query("SELECT note FROM audit_logs").rows == [["fresh"]])
        }
    }

    @Test("A name that the database does not have, or that uses both, is refused and reads nothing stale")
    func refused() async throws {
        try await withTwo { proxy, other in
            let client = try proxy.wire()
            for sql in [
                "SELECT * FROM lost", "SELECT * FROM public.lost", "SELECT lost_notes()", "DELETE FROM lost",
                "SELECT lost_notes() FROM users", "CREATE TABLE kept AS SELECT * FROM lost",
            ] {
                let error = try client.query(sql).error
                #expect(error?.code == "0A000" && error?.message.contains("is an old name") ?? false, "\(sql)")
                #expect(error?.hint != nil)
            }
            for sql in ["SELECT * FROM mixed", "SELECT * FROM users, audit_logs", "SELECT log_notes() FROM users"] {
                let error = try client.query(sql).error
                #expect(error?.code == "0A000", "\(sql)")
                #expect(error?.message == "a statement cannot use several databases at once", "\(sql)")
            }
            // The view itself can be taken away.
            #expect(try client.query("DROP VIEW lost").tags == ["DROP VIEW"])
            // A decision that is known holds only as long as the catalogs.
            #expect(try client.query("SELECT note FROM audit_logs").rows == [["fresh"]])
            try await other.execute("DROP VIEW audit_logs CASCADE")
            try await eventually("the name is missed") {
                try client.query("SELECT note FROM audit_logs").error?.code == "0A000"
            }
            try await other.execute("CREATE VIEW audit_logs AS SELECT * FROM audit.audit_logs")
            try await eventually("the name is found again") {
                try client.query("SELECT note FROM audit_logs").rows == [["fresh"]]
            }
        }
    }

    @Test("While the schema is still in the main database, its old names are, too")
    func stillHere() async throws {
        try await withTwo({ other in
            // As strata split makes it.
            try await other.execute(
                "CREATE SCHEMA strata; CREATE TABLE strata.incoming (schema text); INSERT INTO strata.incoming VALUES ('audit')"
            )
        }) { proxy, other in
            let client = try proxy.wire()
            for sql in ["SELECT note FROM audit_logs", "SELECT log_notes()", "SELECT note FROM lost"] {
                #expect(try client.query(sql).rows == [["stale"]], "\(sql)")
            }
            #expect(try client.query("SELECT note FROM mixed").rows == [["stale"]])
            try await other.execute("DROP TABLE strata.incoming")
            try await eventually("it has left") {
                try client.query("SELECT note FROM audit_logs").rows == [["fresh"]]
            }
        }
    }

    @Test("Before the main database's catalog is known, names that the other one has lead there all the same")
    func early() async throws {
        func place(_ sql: String, _ setup: String) async throws -> Decision.Place {
            let there = try await withRoutingCatalog(setup) { catalog, _ in catalog }
            let placement = try #require(
                Placement(
                    schemas: ["public": "main", "audit": "archive"], databases: ["main", "archive"],
                    catalogs: [.unknown, there]))
            return placement.place(try StatementReader.read(sql), path: SearchPath.parse("public"), role: "somebody")
        }
        let setup = "GRANT USAGE ON SCHEMA public TO PUBLIC; " + Self.auditSetup
        #expect(try await place("SELECT note FROM audit_logs", setup) == .database(1))
        #expect(try await place("SELECT note FROM public.audit_logs", setup) == .database(1))
        #expect(try await place("SELECT name FROM users", setup) == .anywhere)
        // While a split fills it, it is not there yet.
        let moving =
            setup
            + "CREATE SCHEMA strata; CREATE TABLE strata.incoming (schema text); INSERT INTO strata.incoming VALUES ('audit')"
        #expect(try await place("SELECT note FROM public.audit_logs", moving) == .database(0))
    }
}
