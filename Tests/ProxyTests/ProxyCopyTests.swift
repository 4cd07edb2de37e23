import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Tables of the main database that another one has a copy of: read there only beside what lives there.
@Suite("Proxy: copies")
struct ProxyCopyTests {
    typealias Wire = WireClient

    private static let mainSetup = """
        CREATE TABLE countries (id int PRIMARY KEY, name text); INSERT INTO countries VALUES (1, 'home');
        CREATE TABLE users (id int PRIMARY KEY, name text); INSERT INTO users VALUES (1, 'ann');
        CREATE FUNCTION touched(int) RETURNS int LANGUAGE plpgsql AS $$BEGIN UPDATE public.users SET name = 'touched'; RETURN $1; END$$;
        CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
        """
    /// As strata split copies make makes it; the row says which of the two was read.
    private static let archiveSetup = """
        CREATE SCHEMA audit; CREATE TABLE audit.events (id int PRIMARY KEY, country int);
        INSERT INTO audit.events VALUES (1, 1);
        CREATE TABLE countries (id int PRIMARY KEY, name text); INSERT INTO countries VALUES (1, 'copy');
        CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
        CREATE SCHEMA strata; GRANT USAGE ON SCHEMA strata TO PUBLIC;
        CREATE TABLE strata.copied (schema text, name text, ready boolean);
        INSERT INTO strata.copied VALUES ('public', 'countries', true);
        """

    private func withCopy(_ body: (ProxyFixture, TestDatabase) async throws -> Void) async throws {
        try await withTestDatabase("copies") { other in
            try await other.execute(Self.archiveSetup)
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

    @Test("Joined, it is read where the rest is; alone, written or locked, at its home")
    func statements() async throws {
        try await withCopy { proxy, _ in
            let client = try proxy.wire()
            for sql in [
                "SELECT c.name FROM audit.events e JOIN countries c ON c.id = e.country",
                "SELECT c.name FROM public.countries c, audit.events",
                "SELECT (SELECT name FROM countries) FROM audit.events",
                "SELECT c.name FROM countries c JOIN audit.events e ON twice(e.country) = twice(c.id)",
                "WITH c AS (SELECT name FROM countries) SELECT name FROM c, audit.events",
            ] {
                let result = try client.query(sql)
                #expect(result.rows == [["copy"]], "\(sql): \(result.error?.message ?? "")")
            }
            for sql in [
                "SELECT name FROM countries", "SELECT name FROM public.countries WHERE twice(id) = 2",
                "SELECT name FROM countries FOR UPDATE", "SELECT c.name FROM countries c JOIN users USING (id)",
                "SELECT name FROM countries WHERE touched(id) = 1",
            ] {
                #expect(try client.query(sql).rows == [["home"]], "\(sql)")
            }
            #expect(
                try client.query("INSERT INTO audit.events SELECT id + 1, id FROM countries").tags == ["INSERT 0 1"])
            #expect(try client.query("UPDATE countries SET name = 'home' WHERE id = 1").tags == ["UPDATE 1"])
            for sql in [
                "SELECT c.name FROM audit.events e JOIN countries c ON c.id = e.country FOR UPDATE",
                "SELECT touched(c.id) FROM audit.events e JOIN countries c ON c.id = e.country",
                "UPDATE countries SET name = 'x' FROM audit.events e", "SELECT 1 FROM countries, audit.events, users",
            ] {
                let error = try client.query(sql).error
                #expect(error?.code == "0A000" || error?.code == "42883", "\(sql): \(error?.message ?? "")")
            }
            let hint = try client.query("SELECT 1 FROM users, audit.events").error?.hint
            #expect(hint?.contains("`copies:`") ?? false)
        }
    }

    @Test("In a transaction of the other database it is read there, and at its home in every other")
    func transactions() async throws {
        try await withCopy { proxy, _ in
            let client = try proxy.wire()
            _ = try client.query("BEGIN")
            #expect(try client.query("SELECT id FROM audit.events").rows == [["1"]])
            #expect(try client.query("SELECT name FROM countries").rows == [["copy"]])
            #expect(try client.query("SELECT twice(id) FROM countries").rows == [["2"]])
            let refused = try client.query("INSERT INTO countries VALUES (2, 'x')")
            #expect(refused.error?.code == "0A000" && refused.error?.hint?.contains("loose key") ?? false)
            #expect(try client.query("ROLLBACK").tags == ["ROLLBACK"])
            _ = try client.query("BEGIN")
            #expect(try client.query("SELECT name FROM countries").rows == [["home"]])
            #expect(try client.query("SELECT id FROM audit.events").error?.code == "0A000")
            _ = try client.query("ROLLBACK")
            #expect(try client.query("SELECT name FROM countries").rows == [["home"]])
            // Without waiting for answers: where it is read is known when it is its turn.
            try client.send(
                [
                    "BEGIN", "SELECT id FROM audit.events", "SELECT name FROM countries", "COMMIT",
                    "SELECT name FROM countries",
                ]
                .flatMap { Wire.query($0) })
            _ = try client.results()
            _ = try client.results()
            #expect(try client.results().rows == [["copy"]])
            _ = try client.results()
            #expect(try client.results().rows == [["home"]])
        }
    }

    @Test("By the extended protocol: one statement, in and out of a transaction there")
    func extended() async throws {
        try await withCopy { proxy, _ in
            let client = try proxy.wire()
            try client.send(Wire.parse("c", "SELECT name FROM countries WHERE id = $1::int") + Wire.sync)
            #expect(try client.results().error == nil)
            let run = Wire.bind("", "c", ["1"]) + Wire.execute() + Wire.sync
            try client.send(run)
            #expect(try client.results().rows == [["home"]])
            _ = try client.query("BEGIN; SELECT 1 FROM audit.events")
            try client.send(run)
            #expect(try client.results().rows == [["copy"]])
            _ = try client.query("COMMIT")
            try client.send(run)
            #expect(try client.results().rows == [["home"]])
            // Two statements of one batch, which is one transaction.
            try client.send(
                Wire.bind("", "c", ["1"]) + Wire.execute() + Wire.parse("", "SELECT id FROM audit.events") + Wire.bind()
                    + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["copy"], ["1"]])
            #expect(try client.query("PREPARE p AS SELECT name FROM countries").error == nil)
            #expect(try client.query("EXECUTE p").rows == [["home"]])
            _ = try client.query("BEGIN; SELECT 1 FROM audit.events")
            #expect(try client.query("EXECUTE p").rows == [["copy"]])
            _ = try client.query("COMMIT")
        }
    }

    @Test("A copy counts once it has all its rows, and as long as it is there")
    func ready() async throws {
        try await withCopy { proxy, other in
            let client = try proxy.wire()
            let join = "SELECT c.name FROM audit.events e JOIN countries c ON c.id = e.country"
            #expect(try client.query(join).rows == [["copy"]])
            // As strata does it: with a change of definitions, which proxies look for.
            let announce = "ALTER TABLE strata.copied SET (fillfactor = 100)"
            try await other.execute("BEGIN; UPDATE strata.copied SET ready = false; \(announce); COMMIT")
            try await eventually("it is not ready") { try client.query(join).error?.code == "0A000" }
            #expect(try client.query("SELECT name FROM countries").rows == [["home"]])
            try await other.execute("BEGIN; UPDATE strata.copied SET ready = true; \(announce); COMMIT")
            try await eventually("it is ready") { try client.query(join).rows == [["copy"]] }
            try await other.execute("DROP TABLE countries")
            try await eventually("it is gone") { try client.query(join).error?.code == "0A000" }
        }
    }
}
