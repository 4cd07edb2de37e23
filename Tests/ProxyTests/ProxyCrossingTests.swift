import Engine
import Logging
import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// What would cross the cut of a split is counted while the schema is still here, and everything goes on as it is.
@Suite("Proxy: crossings of live traffic")
struct ProxyCrossingTests {
    typealias Wire = WireClient

    static let setup = """
        CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'order');
        CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int PRIMARY KEY, note text);
        INSERT INTO billing.invoices VALUES (1, 'invoice');
        """

    struct Observed {
        let proxy: ProxyFixture
        let boss: WireClient

        /// What SHOW CROSSINGS says: `kind count`, the most frequent first.
        func counts() throws -> [String] { try rows().map { "\($0[1] ?? "") \($0[2] ?? "")" } }
        func rows() throws -> [[String?]] { try boss.query("SHOW CROSSINGS").rows }
    }

    /// A proxy whose layout places schema `billing` on a database that has nothing of it yet.
    func withObserved(
        interval: Duration = .seconds(3600), mode: Database.Pool.Mode = .transaction, loops: Int = 1,
        before more: String = "",
        _ body: (Observed) async throws -> Void
    ) async throws {
        try await withTestDatabase("books") { other in
            let node = try NodeEndpoint(name: "primary", settings: other.settings)
            var limits = PoolLimits()
            limits.mode = mode
            try await withProxy(
                mode: mode, setup: Self.setup + more,
                configure: {
                    $0.databases.append(.init(name: "books", nodes: [node], limits: limits))
                    $0.schemas = ["public": "main", "billing": "books"]
                    $0.crossingInterval = interval
                    $0.administrators = ["boss"]
                    $0.eventLoops = loops
                }
            ) { proxy in
                let observed = Observed(proxy: proxy, boss: try proxy.wire(user: "boss", database: "strata"))
                let probe = try proxy.wire()
                // Both catalogs have come to all loops.
                try await eventually("it is observed") {
                    let found = try probe.query("SELECT note FROM billing.invoices WHERE id = 1")
                    return found.rows == [["invoice"]] && proxy.server.shared.crossings.isObserving
                }
                try await body(observed)
            }
        }
    }

    @Test("A schema that has not left is served from the main database; what uses both sides is counted by kind")
    func statements() async throws {
        try await withObserved { observed in
            let client = try observed.proxy.wire(parameters: [("application_name", "shop")])
            for number in 1...3 {
                let found = try client.query(
                    "SELECT o.note, i.note FROM orders o JOIN billing.invoices i USING (id) WHERE o.id = \(number)")
                #expect(found.error == nil && found.rows == (number == 1 ? [["order", "invoice"]] : []))
            }
            _ = try client.query("SELECT 1 FROM orders o, billing.invoices i WHERE o.note = 'geheim' FOR UPDATE OF o")
            #expect(try client.query("INSERT INTO orders SELECT id + 10, 'geheim' FROM billing.invoices").error == nil)
            _ = try client.query(
                "WITH d AS (DELETE FROM billing.invoices WHERE id = 99 RETURNING *) INSERT INTO orders SELECT * FROM d")
            _ = try client.query("SELECT * FROM orders")
            _ = try client.query("UPDATE billing.invoices SET note = 'geheim'")
            #expect(Set(try observed.counts()) == ["join 3", "locking 1", "write 1", "two_schema_write 1"])
            let rows = try observed.rows()
            #expect(rows.first?[1] == "join" && rows.first?[5] == "billing, public" && rows.first?[6] == "shop")
            #expect(rows.allSatisfy { $0[0]?.count == 16 && $0[3]?.hasSuffix("Z") == true })
            #expect(!rows.joined().contains { $0?.contains("geheim") ?? false })
            #expect(
                rows.first?[8]
                    == "SELECT o.note, i.note FROM orders o JOIN billing.invoices i USING (id) WHERE o.id = ?")
        }
    }

    @Test("A transaction over several units crosses as a whole, once, and only if it does", arguments: [false, true])
    func transactions(isSession: Bool) async throws {
        try await withObserved(mode: isSession ? .session : .transaction) { observed in
            let client = try observed.proxy.wire()
            func run(_ statements: String...) throws {
                for statement in statements { #expect(try client.query(statement).error == nil, "\(statement)") }
            }
            for _ in 0..<2 { try run("BEGIN", "SELECT * FROM orders", "SELECT * FROM billing.invoices", "COMMIT") }
            #expect(try observed.counts() == ["transaction 2"])
            let members = try #require(try observed.rows().first?[7])
            #expect(members.split(separator: ", ").count == 2 && !members.contains("writes"))
            #expect(try observed.rows().first?[8] == "SELECT * FROM orders; SELECT * FROM billing.invoices")
            // On one side each, one after the other, and in one text that is no transaction as a whole.
            try run("BEGIN", "SELECT * FROM orders", "COMMIT", "SELECT * FROM billing.invoices")
            try run("BEGIN; SELECT * FROM orders; COMMIT; SELECT * FROM billing.invoices")
            #expect(try observed.counts() == ["transaction 2"])
            // A lock, and writes of both sides.
            try run("BEGIN", "SELECT * FROM orders FOR UPDATE", "SELECT * FROM billing.invoices", "ROLLBACK")
            try run(
                "BEGIN; UPDATE orders SET note = 'a'", "SAVEPOINT s", "UPDATE billing.invoices SET note = 'b'", "COMMIT"
            )
            try run("UPDATE orders SET note = 'a'; UPDATE billing.invoices SET note = 'b'")
            try run("BEGIN", "SELECT 1 FROM billing.invoices", "COMMIT AND CHAIN", "SELECT 1 FROM orders", "COMMIT")
            #expect(Set(try observed.counts()) == ["transaction 2", "two_schema_write 2", "locking 1"])
            // One that is given up half-way by its client leaves nothing behind.
            try run("BEGIN", "SELECT * FROM orders")
            let other = try observed.proxy.wire()
            #expect(try other.query("SELECT * FROM billing.invoices").error == nil)
            #expect(try observed.counts().count == 3)
        }
    }

    @Test("The extended protocol counts what is executed: prepared once, run often, in batches and pipelines")
    func extended() async throws {
        try await withObserved { observed in
            let client = try observed.proxy.wire()
            let join = "SELECT o.note FROM orders o JOIN billing.invoices i USING (id) WHERE o.id = $1::int"
            // Prepared and described, not run.
            try client.send(Wire.parse("j", join) + Wire.describe("S", "j") + Wire.sync)
            #expect(try client.results().error == nil)
            try client.send(Wire.parse("", join) + Wire.describe("S") + Wire.sync)
            #expect(try client.results().error == nil)
            #expect(try observed.counts() == [])
            for _ in 0..<3 {
                try client.send(Wire.bind("", "j", ["1"]) + Wire.execute() + Wire.sync)
                #expect(try client.results().rows == [["order"]])
            }
            // The unnamed statement of an earlier unit, and one in the same unit.
            try client.send(Wire.parse("", join) + Wire.describe("S") + Wire.sync)
            #expect(try client.results().error == nil)
            try client.send(Wire.bind("", "", ["1"]) + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["order"]])
            try client.send(Wire.parse("", join) + Wire.bind("", "", ["1"]) + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["order"]])
            // With SQL's EXECUTE.
            #expect(try client.query("PREPARE s (int) AS \(join)").error == nil)
            #expect(try client.query("EXECUTE s(1)").rows == [["order"]])
            #expect(try observed.counts() == ["join 6"])
            // A batch is one transaction, several Syncs are several.
            try client.send(
                Wire.parse("o", "SELECT 1 FROM orders") + Wire.parse("i", "SELECT 2 FROM billing.invoices") + Wire.sync)
            #expect(try client.results().error == nil)
            let (o, i) = (Wire.bind("", "o") + Wire.execute(), Wire.bind("", "i") + Wire.execute())
            try client.send(o + Wire.sync + i + Wire.sync + o + i + Wire.sync + o + Wire.sync)
            for _ in 0..<4 { #expect(try client.results().error == nil) }
            #expect(try observed.counts() == ["join 6", "transaction 1"])
            // A pipelined transaction with BEGIN, and messages that are flushed before their Sync.
            try client.send(Wire.query("BEGIN") + o + Wire.sync + i + Wire.sync + Wire.query("COMMIT"))
            for _ in 0..<4 { #expect(try client.results().error == nil) }
            try client.send(o + Wire.flush + i + Wire.flush + Wire.sync)
            #expect(try client.results().error == nil)
            #expect(try observed.counts() == ["join 6", "transaction 3"])
        }
    }

    @Test("Counts are written to the main database in time and at the end; proxies add to the same rows")
    func written() async throws {
        let join = "SELECT 1 FROM orders JOIN billing.invoices USING (id)"
        try await withTestDatabase("books") { books in
            let node = try NodeEndpoint(name: "primary", settings: books.settings)
            try await withObserved(interval: .milliseconds(50), loops: 2) { observed in
                let database = observed.proxy.database
                let reader = try await database.connect()
                func total() async throws -> Int? {
                    let isThere = try await reader.query("SELECT to_regclass('strata.crossings') IS NOT NULL").only()
                    guard try isThere.bool(0) else { return nil }
                    return try await reader.query("SELECT sum(count)::bigint FROM strata.crossings WHERE kind = 'join'")
                        .only().optionalInt(0)
                }
                let clients = try (0..<4).map { _ in try observed.proxy.wire() }
                for client in clients { #expect(try client.query(join).error == nil) }
                try await eventually("it is written") { try await total() == 4 }
                for client in clients { #expect(try client.query(join).error == nil) }
                try await eventually("more is added") { try await total() == 8 }
                // Who comes through it is known from who does not.
                let passing = try await Connection.open(database.settings.settings(["application_name": "eve"]))
                try await eventually("its processes are known") {
                    let server = try await SplitServerReader.read(reader, name: "main")
                    let others = server.sessions.values.reduce(0, +)
                    return (server.proxied ?? 0) >= 1 && others == 1
                }
                await passing.close()
                // Another proxy, which writes at its end only.
                var configuration = ProxyConfiguration(
                    listen: .tcp(host: "127.0.0.1", port: 0),
                    databases: [
                        .init(
                            name: "main", nodes: [try NodeEndpoint(name: "primary", settings: database.settings)],
                            limits: PoolLimits()), .init(name: "books", nodes: [node], limits: PoolLimits()),
                    ], users: .everybody, logger: .init(label: "second"))
                configuration.logger.logLevel = .critical
                configuration.login = .trust
                configuration.schemas = ["billing": "books"]
                configuration.crossingInterval = .seconds(3600)
                let second = try await ProxyServer.start(configuration)
                guard case .tcp(_, let port) = second.address else { return }
                do {
                    try await eventually("the second observes") { second.shared.crossings.isObserving }
                    let client = try WireClient(port: port)
                    try client.start(user: observed.proxy.user, database: "main")
                    #expect(try client.query(join).error == nil)
                    client.finish()
                }
                second.drain()
                await second.waitUntilEnded()
                #expect(try await total() == 9)
                let observers = try await reader.query(
                    "SELECT count(*) FROM strata.observers WHERE schemas = '{billing}' AND last >= since"
                ).only()
                #expect(try observers.int(0) == 2)
                let rows = try await reader.query("SELECT example, application FROM strata.crossings")
                #expect(try rows.map { try $0.string("example") } == [join.replacing("1", with: "?")])
                await reader.close()
            }
        }
    }

    @Test("What cannot be written down is kept: nothing fails, SHOW CROSSINGS has it, and it is written once it can be")
    func notWritten() async throws {
        try await withObserved(
            interval: .milliseconds(20),
            // In its way, whatever the role may.
            before: "CREATE SCHEMA strata; CREATE VIEW strata.crossings AS SELECT 1 AS a"
        ) { observed in
            let client = try observed.proxy.wire()
            for _ in 0..<5 { #expect(try client.query("SELECT 1 FROM orders, billing.invoices").error == nil) }
            #expect(try observed.counts() == ["join 5"])
            try await observed.proxy.database.execute("DROP VIEW strata.crossings")
            let reader = try await observed.proxy.database.connect()
            try await eventually("it is written") {
                let isThere = try await reader.query("SELECT to_regclass('strata.crossings') IS NOT NULL").only()
                guard try isThere.bool(0) else { return false }
                return try await reader.query("SELECT sum(count)::bigint FROM strata.crossings").only().optionalInt(0)
                    == 5
            }
            await reader.close()
            #expect(try observed.counts() == ["join 5"])
        }
    }

    @Test("Without a schema that is to leave, nothing is observed and nothing is written")
    func nothing() async throws {
        try await withProxy(setup: Self.setup, configure: { $0.administrators = ["boss"] }) { proxy in
            let client = try proxy.wire()
            _ = try client.query("SELECT 1 FROM orders, billing.invoices")
            let boss = try proxy.wire(user: "boss", database: "strata")
            let shown = try boss.query("SHOW CROSSINGS")
            #expect(shown.error == nil && shown.rows.isEmpty && !proxy.server.shared.crossings.isObserving)
        }
    }
}
