import PostgresWire
import Synchronization
import TestSupport

/// Clients that read what they have written, again and again, and remember which server answered.
///
/// They stop writing when they are told: from then on nothing but what was written before keeps a replica from answering.
final class SwitchReaders: Sendable {
    struct Journal: Sendable {
        var writes = 0
        var reads = 0
        /// Reads that found less than the same client had written.
        var stale = 0
        /// Reads that found less than any client had been told of before.
        var behind = 0
        var failures: [String] = []
        var byPort: [String: Int] = [:]
    }

    private struct State {
        var journal = Journal()
        var written: [Int: Int] = [:]
        var writes = true
        var isOver = false
    }

    private let state = Mutex(State())

    var result: Journal { state.withLock { $0.journal } }
    func end() { state.withLock { $0.isOver = true } }
    func write(_ writes: Bool) { state.withLock { $0.writes = writes } }

    func answers(of port: Int) -> Int { state.withLock { $0.journal.byPort["\(port)", default: 0] } }

    /// - Parameter isShared: whoever reads sees what anybody was told of, and not only what is its own.
    func run(clients: Int, isShared: Bool, connect: @escaping @Sendable () throws -> WireClient) async throws {
        _ = try await ClientThreads.run(clients) { client in
            let wire = try connect()
            var number = 0
            while !self.state.withLock({ $0.isOver }) {
                if self.state.withLock({ $0.writes }) {
                    number += 1
                    try self.write(wire, client, number)
                }
                try self.read(wire, client, isShared)
            }
        }
    }

    private func write(_ wire: WireClient, _ client: Int, _ number: Int) throws {
        let answer = try wire.query("INSERT INTO billing.invoices (client, number) VALUES (\(client), \(number))")
        state.withLock { state in
            if let error = answer.error { return state.journal.failures.append(error.message) }
            state.written[client, default: 0] += 1
            state.journal.writes += 1
        }
    }

    private func read(_ wire: WireClient, _ client: Int, _ isShared: Bool) throws {
        let (own, all) = state.withLock { ($0.written[client, default: 0], $0.journal.writes) }
        let answer = try wire.query(
            "SELECT count(*) FILTER (WHERE client = \(client)), count(*), current_setting('port') FROM billing.invoices"
        )
        state.withLock { state in
            if let error = answer.error { return state.journal.failures.append(error.message) }
            guard let row = answer.rows.first, let mine = row[0].flatMap({ Int($0) }),
                let count = row[1].flatMap({ Int($0) })
            else { return state.journal.failures.append("no row") }
            state.journal.reads += 1
            if mine < own { state.journal.stale += 1 }
            if isShared, count < all { state.journal.behind += 1 }
            state.journal.byPort[row[2] ?? "", default: 0] += 1
        }
    }
}
