import Foundation
import PostgresDriver
import Synchronization
import TestSupport

/// Clients that write without end and remember what was acknowledged; whose connection breaks gets another one.
final class FaultJournal: Sendable {
    typealias Place = @Sendable () -> ConnectionSettings?

    struct Record: Sendable {
        /// By client. Even numbers are written in a transaction that counts them as well.
        var acknowledged: [Int: [Int]] = [:]
        /// Nobody knows whether they are there.
        var uncertain: [Int: Set<Int>] = [:]
        var refused = 0
        /// SQLSTATE and text, each once.
        var failures: Set<String> = []
    }

    private let record: Mutex<Record>
    private let isOver = Mutex(false)

    private let single: Set<Int>

    private init(_ record: Record, _ single: Set<Int>) {
        self.record = Mutex(record)
        self.single = single
    }

    var result: Record { record.withLock { $0 } }
    func end() { isOver.withLock { $0 = true } }

    /// - Parameters:
    ///   - places: by client, where it finds a server at the moment.
    ///   - single: clients that make no transactions.
    ///   - earlier: a journal that is continued.
    static func with<T: Sendable>(
        _ places: [Int: Place], single: Set<Int> = [], after earlier: FaultJournal? = nil,
        cleanUp: @Sendable () async -> Void = {},
        _ body: (FaultJournal) async throws -> T
    ) async throws -> T {
        let journal = FaultJournal(earlier?.result ?? Record(), single)
        async let clients: Void = journal.run(places)
        do {
            let value = try await body(journal)
            journal.end()
            await clients
            return value
        } catch {
            journal.end()
            // Whoever waits for what is frozen would wait for ever.
            await cleanUp()
            await clients
            throw error
        }
    }

    /// Until each of these clients has written some more.
    func more(_ clients: [Int], _ count: Int = 5) async throws {
        let before = result.acknowledged
        do {
            try await eventually("clients \(clients) go on") {
                let now = self.result.acknowledged
                return clients.allSatisfy { (now[$0]?.count ?? 0) >= (before[$0]?.count ?? 0) + count }
            }
        } catch {
            throw NotInTime(what: "clients \(clients) go on: \(result.failures.sorted())", limit: .seconds(120))
        }
    }

    private func run(_ places: [Int: Place]) async {
        await withTaskGroup(of: Void.self) { group in
            for (client, place) in places { group.addTask { await self.write(client, place) } }
        }
    }

    private func write(_ client: Int, _ place: Place) async {
        var connection: Connection?
        var number = record.withLock { max($0.acknowledged[client]?.max() ?? 0, $0.uncertain[client]?.max() ?? 0) }
        while !isOver.withLock({ $0 }) {
            // An application's pace: what never stands still cannot be caught up with on two processors.
            try? await Task.sleep(for: .milliseconds(15))
            if connection == nil, let settings = place() {
                connection = try? await Connection.open(settings.settings(["connect_timeout": "5"]))
            }
            guard let open = connection else { continue }
            number += 1
            if single.contains(client), number.isMultiple(of: 2) { number += 1 }
            do {
                try await step(open, client, number)
                let done = number
                record.withLock { $0.acknowledged[client, default: []].append(done) }
            } catch {
                note(error, client, number)
                await open.close()
                connection = nil
            }
        }
        await connection?.close()
    }

    private func step(_ connection: Connection, _ client: Int, _ number: Int) async throws {
        let insert = "INSERT INTO billing.invoices (client, number) VALUES (\(client), \(number))"
        guard number.isMultiple(of: 2) else {
            try await connection.execute(insert)
            return
        }
        try await connection.execute("BEGIN")
        try await connection.execute(insert)
        try await connection.execute("UPDATE billing.totals SET n = n + 1 WHERE client = \(client)")
        try await connection.execute("COMMIT")
    }

    private func note(_ error: any Error, _ client: Int, _ number: Int) {
        let failure = error as? PostgresError
        record.withLock { record in
            record.uncertain[client, default: []].insert(number)
            if failure?.sqlState == .readOnlyTransaction { record.refused += 1 }
            record.failures.insert("\(failure?.sqlState?.rawValue ?? "-") \(failure?.message ?? "\(error)")")
        }
    }
}
