import Engine
import Planning
import PostgresDriver
import PostgresWire
import Synchronization
import TestSupport

@testable import Proxy

/// A schema `billing` of the main database that is followed by database `books`, and a proxy in front of both.
struct SwitchFixture: Sendable {
    let proxy: ProxyFixture
    let books: TestDatabase
    let layout: Layout

    var main: TestDatabase { proxy.database }

    static let setup = """
        CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers VALUES (1, 'Ada');
        CREATE SCHEMA billing;
        CREATE TABLE billing.invoices (id bigserial PRIMARY KEY, client int NOT NULL, number int NOT NULL, note text, UNIQUE (client, number));
        CREATE TABLE billing.totals (client int PRIMARY KEY, n int NOT NULL);
        INSERT INTO billing.totals SELECT c, 0 FROM generate_series(0, 63) c;
        """
    private static let text = """
        strata: 1
        databases: { main: { url: "postgresql:///main" }, books: { url: "postgresql:///books" } }
        schemas: { billing: { database: books, tables: [invoices, totals] } }
        """

    /// - Parameter copied: `strata split` and `strata split diff` have been done.
    static func with(
        loops: Int = 2, size: Int = 10, copied: Bool = true, setup more: String = "",
        mode: Database.Pool.Mode = .transaction, _ body: (SwitchFixture) async throws -> Void
    ) async throws {
        try await withTestDatabase("books") { books in
            let node = try NodeEndpoint(name: "primary", settings: books.settings)
            var limits = PoolLimits()
            limits.size = size
            limits.mode = mode
            try await withProxy(
                size: size, mode: mode, setup: setup + more,
                configure: {
                    $0.databases.append(.init(name: "books", nodes: [node], limits: limits))
                    $0.schemas = ["billing": "books"]
                    $0.eventLoops = loops
                    $0.administrators = ["boss"]
                    // What it has to know it is told.
                    $0.catalogInterval = .seconds(3600)
                }
            ) { proxy in
                let layout = try Pipeline.decode(text, file: "strata.yaml", environment: [:]).0
                let fixture = SwitchFixture(proxy: proxy, books: books, layout: layout)
                do {
                    if copied { try await fixture.copy() }
                    try await body(fixture)
                } catch {
                    await fixture.clear()
                    throw error
                }
                await fixture.clear()
            }
        }
    }

    func copy() async throws {
        try await copyWithoutWaiting()
        try await compare()
        try await ready()
    }

    func copyWithoutWaiting() async throws {
        let connection = try await main.connect()
        let plan = try await LivePlanner.plan(layout, on: connection).plan
        await connection.close()
        guard let report = plan.splits?.first else { throw NoSplit() }
        try await SplitMove(report, mainDatabase: "main", source: main.settings, target: books.settings).run()
    }

    struct NoSplit: Error {}

    func compare() async throws {
        let report = try await SplitDiff("billing", source: main.settings, target: books.settings).run()
        guard report.isClean else { throw NotClean(report: report) }
    }

    struct NotClean: Error { var report: SplitDiffReport }

    /// Until the proxy has read what it needs.
    func ready() async throws {
        try await eventually("the proxy follows") {
            let readiness = try await change(.out).readiness()
            return readiness.followers.count == 1 && readiness.followers.allSatisfy { $0.problem == nil }
        }
    }

    func change(
        _ direction: SplitRecord.Direction, configure: (inout SwitchOptions) -> Void = { _ in },
        _ listener: @escaping @Sendable (SwitchEvent) -> Void = { _ in }
    ) -> SchemaSwitch {
        var options = SwitchOptions()
        // Two processors, and all the other tests beside it.
        options.budget = .seconds(30)
        options.preparation = .seconds(300)
        configure(&options)
        return SchemaSwitch(
            "billing", direction: direction, mainDatabase: "main", source: main.settings, target: books.settings,
            options: options, listener: listener)
    }

    func record() async throws -> SplitRecord? {
        let connection = try await main.connect()
        let record = try await SplitLedger(connection).open("billing")
        await connection.close()
        return record
    }

    func query(_ database: TestDatabase, _ sql: String) async throws -> [[String]] {
        let connection = try await database.connect()
        do {
            let rows = try await connection.simpleQuery(sql).map { row in
                try row.columns.indices.map { try row.optionalString($0) ?? "-" }
            }
            await connection.close()
            return rows
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Subscriptions and slots would keep the databases from being dropped.
    func clear() async {
        for database in [main, books] {
            guard let connection = try? await database.connect() else { continue }
            let names =
                (try? await connection.query(
                    "SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
                ).map { try $0.string("subname") }) ?? []
            for name in names {
                _ = try? await connection.execute("ALTER SUBSCRIPTION \(name) DISABLE")
                _ = try? await connection.execute("ALTER SUBSCRIPTION \(name) SET (slot_name = NONE)")
                _ = try? await connection.execute("DROP SUBSCRIPTION \(name)")
            }
            await connection.close()
        }
        for database in [main, books] {
            guard let connection = try? await database.connect() else { continue }
            for _ in 0..<200 {
                let left = try? await connection.query(
                    """
                    SELECT count(*) FILTER (WHERE active) AS busy, count(CASE WHEN active THEN pg_terminate_backend(active_pid)::text
                           ELSE pg_drop_replication_slot(slot_name)::text END) AS n
                      FROM pg_replication_slots WHERE database = current_database()
                    """
                ).only().int("busy")
                if left == 0 { break }
                try? await Task.sleep(for: .milliseconds(50))
            }
            await connection.close()
        }
    }
}

/// Clients that write through the proxy and remember what was acknowledged.
final class SwitchLoad: Sendable {
    struct Failure: Sendable {
        var client: Int
        var statement: String
        var message: String
    }

    struct Journal: Sendable {
        /// Numbers whose insert was acknowledged, by client.
        var acknowledged: [Int: [Int]] = [:]
        var transactions: [Int: Int] = [:]
        var failures: [Failure] = []
        var ids: [Int] = []
        /// Reads that did not find what the same client had written.
        var stale = 0
        var longestMilliseconds = 0
    }

    /// It has tables `invoices` and `totals`.
    let schema: String
    private let journal = Mutex(Journal())
    private let isOver = Mutex(false)

    init(schema: String = "billing") { self.schema = schema }

    func end() { isOver.withLock { $0 = true } }
    var result: Journal { journal.withLock { $0 } }
    var count: Int { journal.withLock { $0.acknowledged.values.reduce(0) { $0 + $1.count } } }

    func run(_ proxy: ProxyFixture, clients: Int) async throws { try await run(clients: clients) { try proxy.wire() } }

    func run(clients: Int, connect: @escaping @Sendable () throws -> WireClient) async throws {
        _ = try await ClientThreads.run(clients) { client in
            let wire = try connect()
            try wire.send(
                WireClient.parse(
                    "put", "INSERT INTO \(self.schema).invoices (client, number) VALUES ($1, $2) RETURNING id")
                    + WireClient.message("S"))
            _ = try wire.receive(through: "Z")
            var number = 0
            while !self.isOver.withLock({ $0 }) {
                number += 1
                let begun = ContinuousClock.now
                try self.step(wire, client, number)
                let took = ContinuousClock.now - begun
                self.journal.withLock { $0.longestMilliseconds = max($0.longestMilliseconds, Int(took.milliseconds)) }
            }
        }
    }

    private func step(_ wire: WireClient, _ client: Int, _ number: Int) throws {
        switch number % 5 {
        case 0:
            try acknowledge(
                wire, client, number,
                "INSERT INTO \(schema).invoices (client, number) VALUES (\(client), \(number)) RETURNING id")
        case 1:
            try wire.send(
                WireClient.bind("", "put", ["\(client)", "\(number)"]) + WireClient.execute()
                    + WireClient.message("S"))
            note(try wire.results(), "prepared insert", client, number)
        case 2:
            var failed = try wire.query("BEGIN").error != nil
            let inserted = try wire.query(
                "INSERT INTO \(schema).invoices (client, number, note) VALUES (\(client), \(number), 'in a transaction') RETURNING id"
            )
            failed = failed || inserted.error != nil
            let updated = try wire.query("UPDATE \(schema).totals SET n = n + 1 WHERE client = \(client)")
            failed = failed || updated.error != nil
            let end = try wire.query("COMMIT")
            if failed || end.error != nil || end.tags != ["COMMIT"] {
                fail(
                    client, "transaction",
                    inserted.error?.message ?? updated.error?.message ?? end.error?.message ?? "\(end.tags)")
            } else {
                journal.withLock { journal in
                    journal.acknowledged[client, default: []].append(number)
                    journal.transactions[client, default: 0] += 1
                    if let text = inserted.rows.first?.first, let text, let id = Int(text) { journal.ids.append(id) }
                }
            }
        case 3:
            try wire.send(
                WireClient.query("COPY \(schema).invoices (client, number) FROM STDIN"))
            var copying = false
            while let message = try wire.receive() {
                if message.tag == "G" {
                    copying = true
                    break
                }
                if message.tag == "E" { fail(client, "COPY", message.error?.message ?? "") }
                if message.tag == "Z" { break }
            }
            guard copying else { return }
            try wire.send(
                WireClient.message("d", Array("\(client)\t\(number)\n".utf8)) + WireClient.message("c"))
            note(try wire.results(), "COPY", client, number)
        default:
            let found = try wire.query("SELECT count(*) FROM \(schema).invoices WHERE client = \(client)")
            if let error = found.error { return fail(client, "SELECT", error.message) }
            let wanted = journal.withLock { $0.acknowledged[client, default: []].count }
            if found.rows.first?.first != "\(wanted)" { journal.withLock { $0.stale += 1 } }
            if let error = try wire.query("SELECT name FROM customers WHERE id = 1").error {
                fail(client, "SELECT of what stays", error.message)
            }
        }
    }

    private typealias Answer = (
        rows: [[String?]], error: ErrorFields?, tags: [String], messages: [WireClient.Message]
    )

    private func acknowledge(_ wire: WireClient, _ client: Int, _ number: Int, _ sql: String) throws {
        note(try wire.query(sql), "insert", client, number)
    }

    private func note(_ answer: Answer, _ statement: String, _ client: Int, _ number: Int) {
        if let error = answer.error { return fail(client, statement, error.message) }
        journal.withLock { journal in
            journal.acknowledged[client, default: []].append(number)
            if let text = answer.rows.first?.first, let text, let id = Int(text) { journal.ids.append(id) }
        }
    }

    private func fail(_ client: Int, _ statement: String, _ message: String) {
        journal.withLock { $0.failures.append(Failure(client: client, statement: statement, message: message)) }
    }
}
