import Engine
import PostgresDriver
import StrataDatabases
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// Services with the library and clients of the proxy write the same schema while it goes to another database and back.
@Suite("Proxy: switch beside the library")
struct ProxySwitchLibraryTests {
    private static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices, totals] } }
        """

    @Test(
        "S0.39 S1.7 The library and the proxy beside each other: a switch waits for both, neither fails or loses a write"
    )
    func both() async throws {
        try await SwitchFixture.with { fixture in
            let factory = try await DatabaseFactory(
                layoutText: Self.layout,
                environment: [
                    "DATABASE_URL": fixture.main.settings.keywordText(withPassword: true),
                    "BOOKS_URL": fixture.books.settings.keywordText(withPassword: true),
                ])
            let billing = try factory.schema("billing")
            let service = ServiceLoad()
            let load = SwitchLoad()
            async let clients: Void = load.run(fixture.proxy, clients: 6)
            // Beside those of the proxy, which has the numbers from 0 on.
            async let services: Void = service.run(billing, clients: 40..<46)
            let reports: [SwitchReport]
            do {
                reports = try await thereAndBack(fixture, load, service)
            } catch {
                load.end()
                service.end()
                _ = try? await clients
                await services
                await factory.close()
                throw error
            }
            load.end()
            service.end()
            try await clients
            await services
            #expect(reports.map(\.to) == ["books", "main", "books"])
            for report in reports {
                #expect(report.followers.map(\.kind).sorted() == ["library", "proxy"] && report.late.isEmpty)
            }
            #expect(billing.database == "books" && billing.usesUnderWay == 0)
            await factory.close()
            try await expectWhole(fixture, load, service)
            print(
                "proxy \(load.count) writes, library \(service.result.written.values.reduce(0) { $0 + $1.count }); held for \(reports.map(\.heldMilliseconds)) ms; longest step of a client \(load.result.longestMilliseconds) ms"
            )
        }
    }

    private func thereAndBack(
        _ fixture: SwitchFixture, _ load: SwitchLoad, _ service: ServiceLoad
    ) async throws -> [SwitchReport] {
        try await eventually("both are followers") {
            try await fixture.change(.out).readiness().followers.count == 2
        }
        var reports: [SwitchReport] = []
        for direction in [SplitRecord.Direction.out, .back, .out] {
            try await load.written(100)
            try await service.wrote(60)
            if direction == .out { try await fixture.compare() }
            reports.append(try await fixture.change(direction).run())
        }
        try await load.written(100)
        try await service.wrote(60)
        return reports
    }

    private func expectWhole(_ fixture: SwitchFixture, _ load: SwitchLoad, _ service: ServiceLoad) async throws {
        let own = service.result
        #expect(own.failures.isEmpty, "\(own.failures.prefix(3))")
        #expect(own.stale == 0)
        // What both have written, as if it had been one load.
        var together = load.result
        together.acknowledged.merge(own.written) { $0 + $1 }
        together.transactions.merge(own.transactions) { $0 + $1 }
        together.ids += own.ids
        try await together.expectWhole("billing") { try await fixture.query(fixture.books, $0) }
    }
}

/// Tasks of a service that write through the library and remember what was acknowledged.
private final class ServiceLoad: Sendable {
    struct Journal: Sendable {
        var written: [Int: [Int]] = [:]
        var transactions: [Int: Int] = [:]
        var ids: [Int] = []
        var stale = 0
        var failures: [String] = []
    }

    private let journal = Mutex(Journal())
    private let isOver = Mutex(false)

    var result: Journal { journal.withLock { $0 } }
    private var count: Int { journal.withLock { $0.ids.count } }
    func end() { isOver.withLock { $0 = true } }

    func wrote(_ more: Int) async throws {
        let wanted = count + more
        try await eventually("the service writes") { count >= wanted || !result.failures.isEmpty }
    }

    func run(_ billing: SchemaDatabase, clients: Range<Int>) async {
        await withTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { await self.work(billing, client) } }
        }
    }

    private func work(_ billing: SchemaDatabase, _ client: Int) async {
        var number = 0
        do {
            while !isOver.withLock({ $0 }) {
                number += 1
                if number % 2 == 0 {
                    try await transact(billing, client, number)
                } else {
                    try await insert(billing, client, number)
                }
                let found = try await billing.query("SELECT count(*) AS n FROM invoices WHERE client = $1", client)
                if try found.only().value("n", as: Int.self) != number { journal.withLock { $0.stale += 1 } }
            }
        } catch {
            journal.withLock { $0.failures.append("client \(client), number \(number): \(error)") }
        }
    }

    private func insert(_ billing: SchemaDatabase, _ client: Int, _ number: Int) async throws {
        let id = try await billing.query(
            "INSERT INTO invoices (client, number) VALUES ($1, $2) RETURNING id", client, number
        ).only().value("id", as: Int.self)
        note(client, number, id)
    }

    private func transact(_ billing: SchemaDatabase, _ client: Int, _ number: Int) async throws {
        let id = try await billing.transaction { connection in
            try await connection.query("UPDATE totals SET n = n + 1 WHERE client = $1", client)
            return try await connection.query(
                "INSERT INTO invoices (client, number, note) VALUES ($1, $2, 'in a transaction') RETURNING id", client,
                number
            ).only().value("id", as: Int.self)
        }
        note(client, number, id)
        journal.withLock { $0.transactions[client, default: 0] += 1 }
    }

    private func note(_ client: Int, _ number: Int, _ id: Int) {
        journal.withLock {
            $0.written[client, default: []].append(number)
            $0.ids.append(id)
        }
    }
}
