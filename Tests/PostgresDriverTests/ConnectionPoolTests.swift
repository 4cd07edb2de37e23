import PostgresDriver
import Synchronization
import Testing

@Suite struct ConnectionPoolTests {
    @Test func reusesAndBounds() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 3)
        let pids = try await withThrowingTaskGroup(of: Int32.self) { group in
            for _ in 1...30 {
                group.addTask {
                    try await pool.withConnection { connection in
                        _ = try await connection.query("SELECT 1")
                        return connection.backendPID
                    }
                }
            }
            return try await group.reduce(into: Set<Int32>()) { $0.insert($1) }
        }
        #expect(pids.count <= 3)
        #expect(await pool.openCount <= 3)
        #expect(await pool.idleCount == pool.openCount)
        await pool.close()
        #expect(await pool.openCount == 0)
        await #expect(throws: PoolError.closed) { try await pool.withConnection { _ in } }
    }

    @Test func servesInTheOrderOfAsking() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 1)
        let order = Order()
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await pool.withConnection { _ in
                for n in 1...10 {
                    group.addTask { try await pool.withConnection { _ in order.add(n) } }
                    while await pool.waitingCount < n { await Task.yield() }
                }
            }
            try await group.waitForAll()
        }
        #expect(order.all == Array(1...10))
        await pool.close()
    }

    @Test func waitingEndsAfterTheTimeout() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 1)
        try await pool.withConnection { _ in
            let expected = PoolError.timedOut(size: 1, waited: .milliseconds(20))
            await #expect(throws: expected) {
                try await pool.withConnection(timeout: .milliseconds(20)) { _ in }
            }
            #expect("\(expected)".contains("all 1 connections"))
        }
        #expect(try await pool.withConnection { try await $0.query("SELECT 1").only().int(0) } == 1)
        await pool.close()
    }

    @Test func waitingCanBeCancelled() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 1)
        try await pool.withConnection { _ in
            let task = Task { try await pool.withConnection { _ in } }
            while await pool.waitingCount == 0 { await Task.yield() }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(await pool.waitingCount == 0)
        }
        #expect(await pool.idleCount == 1)
        await pool.close()
    }

    @Test func closingWakesThoseWhoWait() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 1)
        try await pool.withConnection { _ in
            let task = Task { try await pool.withConnection { _ in } }
            while await pool.waitingCount == 0 { await Task.yield() }
            await pool.close()
            await #expect(throws: PoolError.closed) { try await task.value }
        }
        #expect(await pool.openCount == 0)
    }

    @Test func asManyWaitAsMayWait() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 1, bounds: PoolBounds(waiting: 1))
        try await pool.withConnection { _ in
            let task = Task { try await pool.withConnection { _ in } }
            while await pool.waitingCount == 0 { await Task.yield() }
            await #expect(throws: PoolError.tooManyWaiting(1)) { try await pool.withConnection { _ in } }
            await pool.close()
            await #expect(throws: PoolError.closed) { try await task.value }
        }
    }

    @Test func oldConnectionsAreNotLentAgain() async throws {
        let once = ConnectionPool(try serverSettings(), size: 1, bounds: PoolBounds(lifetime: .zero))
        let pids = [try await backend(of: once), try await backend(of: once)]
        #expect(pids[0] != pids[1])
        #expect(await once.openCount == 0)
        let kept = ConnectionPool(try serverSettings(), size: 1, bounds: PoolBounds(lifetime: .seconds(3600)))
        let same = [try await backend(of: kept), try await backend(of: kept)]
        #expect(same[0] == same[1])
        await once.close()
        await kept.close()
    }

    @Test(arguments: [
        PoolBounds(idleTimeout: .milliseconds(5)), PoolBounds(lifetime: .seconds(1), idleTimeout: .seconds(3600)),
    ])
    func idleConnectionsAreClosed(_ bounds: PoolBounds) async throws {
        let pool = ConnectionPool(try serverSettings(), size: 2, bounds: bounds)
        for _ in 1...2 {
            _ = try await backend(of: pool)
            while await pool.openCount > 0 { try await Task.sleep(for: .milliseconds(2)) }
            #expect(await pool.idleCount == 0)
        }
        await pool.close()
    }

    @Test func whatPreparesFindsAnotherConnection() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 1)
        let first = try await pool.withConnection(preparation: "SET lock_timeout = 4321") { connection in
            let timeout = try await connection.query("SHOW lock_timeout").only().string(0)
            #expect(timeout == "4321ms")
            return connection.backendPID
        }
        // Looks alive until it is used: the statement itself ends it.
        let next = try await pool.withConnection(
            preparation:
                "SELECT pg_terminate_backend(pg_backend_pid()) FROM pg_stat_activity WHERE pid = \(first) AND pid = pg_backend_pid()"
        ) { $0.backendPID }
        #expect(next != first)
        let error = try await postgresError {
            try await pool.withConnection(preparation: "SELECT nonsense") { _ in }
        }
        #expect(error.sqlState == .undefinedColumn)
        #expect(try await backend(of: pool) == next)
        #expect(await pool.openCount == 1)
        await pool.close()
    }

    @Test func nothingReachesTheNextUser() async throws {
        let pool = ConnectionPool(try serverSettings(), size: 1)
        let first = try await pool.withConnection { connection in
            try await connection.execute("SET lock_timeout = 4321; CREATE TEMP TABLE t (n int); BEGIN")
            return connection.backendPID
        }
        await #expect(throws: PostgresError.self) {
            try await pool.withConnection { try await $0.execute("BEGIN; SELECT 1 / 0") }
        }
        try await pool.withConnection { connection in
            #expect(connection.backendPID == first)
            #expect(await connection.transactionStatus == .idle)
            let timeout = try await connection.query("SHOW lock_timeout").only().string(0)
            #expect(timeout != "4321ms")
            let dropped = try await connection.query("SELECT to_regclass('pg_temp.t') IS NULL").only().bool(0)
            #expect(dropped)
        }
        await pool.close()
    }

    @Test func deadConnectionsAreReplaced() async throws {
        let observer = try await Connection.open(serverSettings())
        let pool = ConnectionPool(try serverSettings(), size: 1)
        let gone = "SELECT 1 FROM pg_stat_activity WHERE pid = $1"
        for duringUse in [false, true] {
            let pid = try await pool.withConnection { connection in
                if duringUse { try await observer.execute("SELECT pg_terminate_backend(\(connection.backendPID))") }
                return connection.backendPID
            }
            if !duringUse { try await observer.execute("SELECT pg_terminate_backend(\(pid))") }
            while try await !observer.query(gone, [.int(Int(pid))]).isEmpty {}
            let next = try await pool.withConnection { connection in
                try await expectUsable(connection)
                return connection.backendPID
            }
            #expect(next != pid)
            #expect(await pool.openCount == 1)
        }
        await pool.close()
        await observer.close()
    }

    @Test func aFailureToOpenFreesThePlace() async throws {
        let settings = try serverSettings().settings(["dbname": "no_such_database"])
        let pool = ConnectionPool(settings, size: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...4 {
                group.addTask {
                    let error = try await postgresError { try await pool.withConnection { _ in } }
                    #expect(error.kind == .connection(.databaseMissing))
                }
            }
            try await group.waitForAll()
        }
        #expect(await pool.openCount == 0)
        await pool.close()
    }
}

private final class Order: Sendable {
    private let numbers = Mutex<[Int]>([])
    var all: [Int] { numbers.withLock { $0 } }
    func add(_ number: Int) { numbers.withLock { $0.append(number) } }
}

private func backend(of pool: ConnectionPool) async throws -> Int32 {
    try await pool.withConnection { $0.backendPID }
}
