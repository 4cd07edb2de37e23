import PostgresDriver
import Synchronization

/// Stops all clients; each ends with the statement that it is at.
final class LoadSwitch: Sendable {
    private let off = Atomic(false)

    var isOff: Bool { off.load(ordering: .acquiring) }
    func turnOff() { off.store(true, ordering: .releasing) }
}

/// One client: runs the workload's statements in order, round and round, on one connection that it never opens again.
struct LoadClient: Sendable {
    /// From 0. Every other client prepares its statements; of four, the last two use transactions.
    let number: Int
    let connection: Connection
    let statements: [String]
    let pause: Duration
    let tally: LoadTally
    let toggle: LoadSwitch

    var prepares: Bool { number % 2 == 1 }
    var usesTransactions: Bool { number % 4 >= 2 }

    func run() async {
        var calls: [Call] = []
        for statement in statements { calls.append(await call(statement)) }
        // An even start, so that pairs in transactions are the same for all and lock rows in one order.
        var next = (number * 2) % calls.count
        while !toggle.isOff, !Task.isCancelled {
            let second = (next + 1) % calls.count
            if usesTransactions, second > next {
                guard await transaction(calls[next], calls[second]) else { break }
                next = (next + 2) % calls.count
            } else {
                guard await measure(calls[next]) != .lost else { break }
                next = second
            }
            if pause > .zero { try? await Task.sleep(for: pause) }
        }
        if await !connection.isAlive { tally.connectionLost() }
        await connection.close()
    }

    private enum Call {
        case text(String)
        case prepared(PreparedStatement)

        var sql: String {
            switch self {
            case .text(let sql): sql
            case .prepared(let statement): statement.sql
            }
        }
    }

    private enum Outcome { case done, failed, lost }

    /// A statement that cannot be prepared is counted as failed, and then sent as text.
    private func call(_ sql: String) async -> Call {
        guard prepares else { return .text(sql) }
        let begun = ContinuousClock.now
        do {
            return .prepared(try await connection.prepare(sql))
        } catch {
            tally.add(sql, begun: begun, error: error)
            return .text(sql)
        }
    }

    private func measure(_ call: Call) async -> Outcome {
        let begun = ContinuousClock.now
        do {
            switch call {
            case .text(let sql): _ = try await connection.query(sql)
            case .prepared(let statement): _ = try await connection.query(statement)
            }
            tally.add(call.sql, begun: begun, error: nil)
            return .done
        } catch is CancellationError {
            return .lost
        } catch {
            tally.add(call.sql, begun: begun, error: error)
            return await connection.isAlive ? .failed : .lost
        }
    }

    /// - Returns: false when the connection is gone.
    private func transaction(_ first: Call, _ second: Call) async -> Bool {
        for call in [.text("BEGIN"), first, second, .text("COMMIT")] {
            switch await measure(call) {
            case .done: continue
            case .lost: return false
            case .failed:
                _ = try? await connection.executeShielded("ROLLBACK")
                return true
            }
        }
        return true
    }
}
