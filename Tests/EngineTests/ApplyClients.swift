import PostgresDriver
import Synchronization
import TestSupport

@testable import Engine

/// Clients that read and write by the old names until they are told to stop.
final class ApplyClients: Sendable {
    private struct State {
        var statements = 0
        var failures: [String] = []
        var stopped = false
    }

    private let fixture: ApplyFixture
    private let state = Mutex(State())

    init(_ fixture: ApplyFixture) { self.fixture = fixture }

    var statements: Int { state.withLock { $0.statements } }
    var failures: [String] { state.withLock { $0.failures } }
    private var isStopped: Bool { state.withLock { $0.stopped } }

    /// Runs `count` clients while `body` runs, and waits for their last statements.
    func work(_ count: Int, while body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count { group.addTask { try await self.client(number) } }
            do { try await body() } catch {
                state.withLock { $0.stopped = true }
                throw error
            }
            state.withLock { $0.stopped = true }
            try await group.waitForAll()
        }
    }

    private func client(_ number: Int) async throws {
        let connection = try await fixture.database.connect(["user": fixture.app, "password": fixture.app])
        var round = number
        let prepared = number.isMultiple(of: 2) ? try await Self.prepare(connection) : []
        while !isStopped {
            round += 1
            for (index, statement) in Self.statements.enumerated() where !isStopped {
                await attempt(statement.sql) {
                    if prepared.isEmpty {
                        _ = try await connection.query(statement.sql, statement.parameters(round))
                    } else {
                        _ = try await connection.query(prepared[index], statement.parameters(round))
                    }
                }
            }
            await attempt("transaction") { try await Self.transaction(connection, round) }
        }
        await connection.close()
    }

    private func attempt(_ what: String, _ body: () async throws -> Void) async {
        do {
            try await body()
            state.withLock { $0.statements += 1 }
        } catch {
            state.withLock { $0.failures.append("\(what): \(error)") }
        }
    }

    private static func prepare(_ connection: Connection) async throws -> [PreparedStatement] {
        var prepared: [PreparedStatement] = []
        for statement in statements { prepared.append(try await connection.prepare(statement.sql)) }
        return prepared
    }

    private static func transaction(_ connection: Connection, _ round: Int) async throws {
        try await connection.transaction { connection in
            let id = try await connection.query(
                "INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id",
                [.int(1 + round % 50), .int(round)]
            ).only().int("id")
            _ = try await connection.query("SELECT total FROM orders WHERE id = $1 FOR UPDATE", [.int(id)])
            _ = try await connection.query("DELETE FROM orders WHERE id = $1", [.int(id)])
        }
    }

    private struct Statement: Sendable {
        var sql: String
        var parameters: @Sendable (Int) -> [Parameter]
    }

    private static let statements = [
        Statement(sql: "SELECT count(*) FROM orders o JOIN customers c ON c.id = o.customer WHERE c.id = $1::int") {
            [.int(1 + $0 % 50)]
        },
        Statement(sql: "INSERT INTO customers (name) VALUES ($1) RETURNING id") { [.text("client \($0)")] },
        Statement(sql: "UPDATE public.orders SET total = total + 1 WHERE id = $1::bigint RETURNING state") {
            [.int(1 + $0 % 500)]
        },
        Statement(sql: "INSERT INTO events (body) VALUES (jsonb_build_object('round', $1::int))") { [.int($0)] },
        Statement(sql: "SELECT max(id) FROM events WHERE id > $1::bigint") { [.int($0)] },
        Statement(
            sql:
                "INSERT INTO customers (id, name) VALUES ($1::int, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name"
        ) { [.int(1 + $0 % 50)] },
    ]
}
