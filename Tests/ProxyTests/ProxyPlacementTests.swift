import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// A schema that lives in a database of its own is found there by an application that knows nothing of it.
@Suite("Proxy: routing by schema")
struct ProxyPlacementTests {
    typealias Wire = WireClient

    static let mainSetup = """
        CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'main');
        CREATE TABLE shared (a text); INSERT INTO shared VALUES ('main');
        CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
        -- What a split leaves behind until it is completed: nobody may see it.
        CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int, note text);
        INSERT INTO billing.invoices VALUES (1, 'left behind');
        """
    static let billingSetup = """
        CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int PRIMARY KEY, note text);
        INSERT INTO billing.invoices VALUES (1, 'billing'); CREATE TABLE billing.shared (a text);
        INSERT INTO billing.shared VALUES ('billing');
        CREATE SEQUENCE billing.numbers START 100;
        CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
        CREATE FUNCTION billing.total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM billing.invoices';
        """

    /// Two databases of one server, `main` and `billing`, which has the schema `billing`.
    func withTwo(
        size: Int = 2, mode: Database.Pool.Mode = .transaction, _ body: (ProxyFixture) async throws -> Void
    ) async throws {
        try await withTestDatabase("billing") { other in
            try await other.execute(Self.billingSetup)
            var limits = PoolLimits()
            limits.size = size
            limits.mode = mode
            let node = try NodeEndpoint(name: "primary", settings: other.settings)
            try await withProxy(
                size: size, mode: mode, setup: Self.mainSetup,
                configure: {
                    $0.databases.append(.init(name: "billing", nodes: [node], limits: limits))
                    $0.schemas = ["public": "main", "billing": "billing"]
                }
            ) { proxy in
                let probe = try proxy.wire()
                try await eventually("both catalogs are known") {
                    try probe.query("SELECT note FROM billing.invoices").rows == [["billing"]]
                        && probe.query("SELECT note FROM orders").rows == [["main"]]
                        && probe.query("SET search_path = billing; SELECT 1").error == nil
                        && probe.query("SELECT note FROM invoices").rows == [["billing"]]
                }
                _ = try probe.query("RESET search_path")
                try await body(proxy)
            }
        }
    }

    @Test("S0.25 each statement goes where its schema lives, with and without search_path")
    func statements() async throws {
        try await withTwo { proxy in
            let client = try proxy.wire()
            #expect(try client.query("SELECT note FROM billing.invoices").rows == [["billing"]])
            #expect(try client.query("SELECT note FROM orders").rows == [["main"]])
            #expect(try client.query("INSERT INTO billing.invoices VALUES (2, 'x')").tags == ["INSERT 0 1"])
            #expect(try client.query("SELECT billing.total()").rows == [["2"]])
            #expect(try client.query("SELECT nextval('billing.numbers')").rows == [["100"]])
            #expect(try client.query("SELECT a FROM shared").rows == [["main"]])
            _ = try client.query("SET search_path = billing, public")
            #expect(try client.query("SELECT a FROM shared").rows == [["billing"]])
            #expect(try client.query("SELECT note FROM orders").rows == [["main"]])
            #expect(try client.query("SHOW search_path").rows == [["billing, public"]])
            // Functions that both databases have follow the tables.
            #expect(try client.query("SELECT twice(id) FROM invoices WHERE id = 1").rows == [["2"]])
            #expect(try client.query("SELECT twice(id) FROM orders").rows == [["2"]])
            #expect(try client.query("SELECT twice(4)").rows == [["8"]])
            let own = try await proxy.database.connect()
            #expect(try await own.query("SELECT 1 FROM billing.invoices").count == 1)
            await own.close()
        }
    }

    @Test("Prepared statements, pipelines and COPY go there as well; the next unit goes back")
    func extended() async throws {
        try await withTwo { proxy in
            let client = try proxy.wire()
            try client.send(
                Wire.parse("b", "SELECT note FROM billing.invoices WHERE id = $1::int") + Wire.describe("S", "b")
                    + Wire.sync + Wire.parse("m", "SELECT note FROM orders WHERE id = $1::int") + Wire.sync)
            #expect(try client.results().error == nil)
            #expect(try client.results().error == nil)
            // Several Syncs without waiting, from one database to the other and back.
            let both = ["b", "m", "b", "m"].flatMap { Wire.bind("", $0, ["1"]) + Wire.execute() + Wire.sync }
            try client.send(both)
            for note in ["billing", "main", "billing", "main"] { #expect(try client.results().rows == [[note]]) }
            try client.send(Wire.query("COPY billing.invoices FROM STDIN"))
            _ = try client.receive(through: "G")
            try client.send(Wire.message("d", Array("7\tcopied\n".utf8)) + Wire.message("c"))
            #expect(try client.results().tags == ["COPY 1"])
            #expect(try client.query("SELECT note FROM billing.invoices WHERE id = 7").rows == [["copied"]])
            #expect(try client.query("SELECT count(*) FROM orders").rows == [["1"]])
        }
    }

    @Test("SQL's PREPARE follows its tables: EXECUTE goes where they live, and stays in its transaction's database")
    func prepared() async throws {
        try await withTwo(size: 1) { proxy in
            let client = try proxy.wire()
            #expect(
                try client.query("PREPARE b (int) AS SELECT note FROM billing.invoices WHERE id = $1").tags == [
                    "PREPARE"
                ])
            #expect(try client.query("PREPARE o AS SELECT note FROM orders").tags == ["PREPARE"])
            for _ in 0..<2 {
                #expect(try client.query("EXECUTE b(1)").rows == [["billing"]])
                #expect(try client.query("EXECUTE o").rows == [["main"]])
            }
            let both = try client.query("EXECUTE o; EXECUTE b(1)").error
            #expect(both?.code == "0A000")
            #expect(try client.query("BEGIN").error == nil)
            #expect(try client.query("EXECUTE b(1)").rows == [["billing"]])
            #expect(try client.query("EXECUTE o").error?.code == "0A000")
            _ = try client.query("ROLLBACK")
            #expect(try client.query("CREATE TABLE billing.copied AS EXECUTE b(1)").error == nil)
            #expect(try client.query("SELECT note FROM billing.copied").rows == [["billing"]])
            try client.send(Wire.parse("", "EXECUTE b(1)") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["billing"]])
            #expect(
                try client.query("PREPARE b AS SELECT 1").error?.message == "prepared statement \"b\" already exists")
            #expect(try client.query("DEALLOCATE b").tags == ["DEALLOCATE"])
            #expect(try client.query("EXECUTE b(1)").error?.message == "prepared statement \"b\" does not exist")
            #expect(try client.query("EXECUTE o").rows == [["main"]])
        }
    }

    @Test("What needs both databases is refused with 0A000, which names them and what to do")
    func spanning() async throws {
        try await withTwo { proxy in
            let client = try proxy.wire()
            for sql in [
                "SELECT * FROM orders o JOIN billing.invoices i USING (id)",
                "INSERT INTO orders SELECT id + 10, note FROM billing.invoices",
                "WITH i AS (DELETE FROM billing.invoices RETURNING *) INSERT INTO orders SELECT * FROM i",
                "UPDATE orders SET note = 'x'; UPDATE billing.invoices SET note = 'x'",
            ] {
                let result = try client.query(sql)
                #expect(result.error?.code == "0A000")
                #expect(result.error?.detail?.contains("\"main\"") ?? false)
                #expect(result.error?.detail?.contains("billing.invoices lives in database \"billing\"") ?? false)
                #expect(result.error?.hint != nil)
                #expect(result.messages.map(\.tag) == ["E", "Z"] && result.messages.last?.text == "I")
            }
            // In one batch of the extended protocol.
            try client.send(
                Wire.parse("", "SELECT 1 FROM orders") + Wire.bind() + Wire.execute()
                    + Wire.parse("", "SELECT 1 FROM billing.invoices") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try client.results().error?.code == "0A000")
            #expect(try client.query("SELECT note FROM orders").rows == [["main"]])
            #expect(try client.query("SELECT note FROM billing.invoices").rows == [["billing"]])
        }
    }

    @Test("A transaction begins where its first table lives, and fails with 0A000 at the first of another database")
    func transactions() async throws {
        try await withTwo { proxy in
            let client = try proxy.wire()
            #expect(try client.query("BEGIN").tags == ["BEGIN"])
            #expect(try client.query("INSERT INTO billing.invoices VALUES (3, 'tx')").tags == ["INSERT 0 1"])
            #expect(try client.query("SELECT count(*) FROM billing.invoices").rows == [["2"]])
            let refused = try client.query("SELECT * FROM orders")
            #expect(refused.error?.code == "0A000" && refused.messages.last?.text == "E")
            #expect(refused.error?.detail?.contains("It has begun in database \"billing\"") ?? false)
            #expect(try client.query("SELECT 1").error?.code == "25P02")
            #expect(try client.query("COMMIT").tags == ["ROLLBACK"])
            #expect(try client.query("SELECT count(*) FROM billing.invoices").rows == [["1"]])
            // The same with what both have: settings and savepoints go along until a table says where.
            _ = try client.query("BEGIN")
            #expect(try client.query("SET LOCAL work_mem = '7MB'").tags == ["SET"])
            #expect(try client.query("SELECT 1").rows == [["1"]])
            #expect(try client.query("SAVEPOINT s").tags == ["SAVEPOINT"])
            #expect(try client.query("INSERT INTO billing.invoices VALUES (4, 'tx')").tags == ["INSERT 0 1"])
            #expect(try client.query("SHOW work_mem").rows == [["7MB"]])
            #expect(try client.query("ROLLBACK TO s").tags == ["ROLLBACK"])
            #expect(try client.query("INSERT INTO billing.invoices VALUES (5, 'tx')").tags == ["INSERT 0 1"])
            #expect(try client.query("COMMIT").tags == ["COMMIT"])
            #expect(try client.query("SELECT id FROM billing.invoices ORDER BY id").rows == [["1"], ["5"]])
            #expect(try client.query("SHOW work_mem").rows == [["4MB"]])
            // BEGIN and the first statement in one batch, as drivers send them.
            try client.send(
                Wire.parse("", "BEGIN") + Wire.bind() + Wire.execute()
                    + Wire.parse("", "SELECT note FROM billing.invoices WHERE id = 5") + Wire.bind() + Wire.execute()
                    + Wire.sync)
            #expect(try client.results().rows == [["tx"]])
            try client.send(Wire.parse("", "SELECT 1 FROM orders") + Wire.bind() + Wire.execute() + Wire.sync)
            let second = try client.results()
            #expect(second.error?.code == "0A000" && second.messages.last?.text == "E")
            #expect(try client.query("ROLLBACK").tags == ["ROLLBACK"])
            // One that ends before any server has heard of it, and one that failed before it knew where it belongs.
            #expect(try client.query("BEGIN").messages.last?.text == "T")
            #expect(try client.query("COMMIT").tags == ["COMMIT"])
            _ = try client.query("BEGIN")
            #expect(try client.query("SELECT 1/0").messages.last?.text == "E")
            #expect(try client.query("SELECT * FROM billing.invoices").error?.code == "25P02")
            #expect(try client.query("ROLLBACK").tags == ["ROLLBACK"])
            _ = try client.query("BEGIN")
            let early = try client.query("SELECT 1 FROM orders, billing.invoices")
            #expect(early.error?.code == "0A000" && early.messages.last?.text == "E")
            #expect(try client.query("SELECT 1").error?.code == "25P02")
            #expect(try client.query("ROLLBACK").messages.last?.text == "I")
            #expect(try client.query("SELECT note FROM orders").rows == [["main"]])
        }
    }

    @Test("Definitions are made where their schema lives, and are found at once")
    func definitions() async throws {
        try await withTwo { proxy in
            let client = try proxy.wire()
            _ = try client.query("SET search_path = billing, public")
            #expect(try client.query("CREATE TABLE made (a int)").tags == ["CREATE TABLE"])
            #expect(try client.query("INSERT INTO made VALUES (1)").tags == ["INSERT 0 1"])
            #expect(try client.query("SELECT a FROM billing.made").rows == [["1"]])
            #expect(
                try client.query("CREATE FUNCTION billing.one() RETURNS int LANGUAGE sql AS 'SELECT 1'").error == nil)
            #expect(try client.query("COMMENT ON TABLE made IS 'x'").error == nil)
            let own = try await proxy.database.connect()
            #expect(try await own.query("SELECT 1 FROM pg_class WHERE relname = 'made'").count == 0)
            #expect(try await own.query("SELECT 1 FROM pg_proc WHERE proname = 'one'").count == 0)
            await own.close()
            #expect(try client.query("DROP TABLE made").tags == ["DROP TABLE"])
            // What nobody has: PostgreSQL's own answer.
            #expect(try client.query("SELECT * FROM nowhere").error?.code == "42P01")
        }
    }

    @Test("Catalog queries and what needs no table belong to the database that the client has named")
    func catalogQueries() async throws {
        try await withTwo { proxy in
            let client = try proxy.wire()
            let name = proxy.database.name
            #expect(try client.query("SELECT current_database()").rows == [[name]])
            #expect(try client.query("SELECT count(*) FROM pg_class WHERE relname = 'orders'").rows == [["1"]])
            // Who names the other database talks to it alone.
            let other = try proxy.wire(database: "billing")
            #expect(try other.query("SELECT a FROM billing.shared").rows == [["billing"]])
            #expect(try other.query("SELECT * FROM orders").error?.code == "42P01")
        }
    }

    @Test("What keeps a session in its database is named; in session mode it cannot leave at all")
    func kept() async throws {
        try await withTwo { proxy in
            let client = try proxy.wire()
            _ = try client.query("CREATE TEMP TABLE mine (a int)")
            let refused = try client.query("SELECT * FROM billing.invoices")
            #expect(refused.error?.code == "0A000" && refused.error?.detail?.contains("temp") ?? false)
            _ = try client.query("DROP TABLE mine")
            #expect(try client.query("SELECT note FROM billing.invoices").rows == [["billing"]])
            // A temporary table from there stays there.
            #expect(try client.query("CREATE TEMP TABLE copied AS SELECT * FROM billing.invoices").error == nil)
            #expect(try client.query("SELECT note FROM copied JOIN billing.invoices USING (id, note)").rows.count == 1)
            #expect(try client.query("SELECT * FROM orders").error?.code == "0A000")
            #expect(try client.query("DISCARD ALL").error == nil)
            #expect(try client.query("SELECT note FROM orders").rows == [["main"]])
        }
    }
}
