import PostgresDriver
import Synchronization
import TestSupport

/// A few clients of Phoenix, by the old names: check-ins, records of deletions, logins, and the supervisors' dashboard.
final class PhoenixLoad: Sendable {
    struct Journal: Sendable {
        var visits: [Int] = []
        var deletions: [Int] = []
        var logins = 0
        /// Visits that were not found by whoever had just written them.
        var stale = 0
        var failures: [String] = []
    }

    private let journal = Mutex(Journal())
    private let isOver = Mutex(false)

    var result: Journal { journal.withLock { $0 } }
    func end() { isOver.withLock { $0 = true } }

    func run(clients: Int, _ connect: @escaping @Sendable () async throws -> Connection) async {
        await withTaskGroup(of: Void.self) { group in
            for client in 1...clients { group.addTask { await self.client(client, connect) } }
        }
    }

    func goesOn(_ more: Int) async throws {
        let wanted = result.deletions.count + more
        try await eventually("the clients go on") { result.deletions.count >= wanted || !result.failures.isEmpty }
    }

    private func client(_ client: Int, _ connect: @Sendable () async throws -> Connection) async {
        do {
            let connection = try await connect()
            while !isOver.withLock({ $0 }) { try await round(client, connection) }
            await connection.close()
        } catch {
            journal.withLock { $0.failures.append("client \(client): \(error)") }
        }
    }

    private func round(_ client: Int, _ connection: Connection) async throws {
        let visit = try await connection.query(
            "INSERT INTO visits (student_id, active_group_id, entry_time, exit_time) VALUES (\(client), 80, now(), now()) RETURNING id"
        ).only().int("id")
        journal.withLock { $0.visits.append(visit) }
        let found = try await connection.query("SELECT count(*) AS n FROM visits WHERE id = $1", [.int(visit)]).only()
        if try found.int("n") != 1 { journal.withLock { $0.stale += 1 } }
        _ = try await connection.query("UPDATE legacy.groups SET last_activity = now() WHERE id = \(60 + client)")
        let deletion = try await connection.query(
            "INSERT INTO data_deletions (entity_type, entity_id, deleted_by, reason) VALUES ('Visit', $1, \(client), 'proof') RETURNING id",
            [.int(visit)]
        ).only().int("id")
        journal.withLock { $0.deletions.append(deletion) }
        _ = try await connection.query("UPDATE accounts SET login_count = login_count + 1 WHERE id = \(client)")
        journal.withLock { $0.logins += 1 }
        _ = try await connection.query("SELECT count(*) FROM supervisor_dashboard")
    }
}
