import PostgresDriver
import Testing

@Suite struct ConcurrencyTests {
    /// All 64 wait for a lock that only a task of the cooperative pool gives back. If waiting took the pool's threads,
    /// that task would never run.
    @Test func waitingConnectionsLeaveThePoolFree() async throws {
        try await withDatabase { settings in
            let holder = try await Connection.open(settings)
            try await holder.execute("SELECT pg_advisory_lock(1)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...64 {
                    group.addTask {
                        let connection = try await Connection.open(settings)
                        try await connection.execute("SELECT pg_advisory_lock_shared(1)")
                        await connection.close()
                    }
                }
                group.addTask {
                    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                    while try await holder.query(waiting).only().int(0) < 64 {
                        _ = try await holder.query("SELECT pg_sleep(0.01)")
                    }
                    try await holder.execute("SELECT pg_advisory_unlock(1)")
                }
                try await group.waitForAll()
            }
            await holder.close()
        }
    }

    @Test func manyTasksShareOneConnection() async throws {
        let connection = try await Connection.open(serverSettings())
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for n in 1...200 {
                group.addTask { try await connection.query("SELECT $1 AS n", [.int(n)]).only().int("n") }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 200 * 201 / 2)
        await connection.close()
    }

    @Test func connectionsThatNobodyClosesEnd() async throws {
        let observer = try await Connection.open(serverSettings())
        let pid: Int
        do {
            let forgotten = try await Connection.open(serverSettings())
            pid = Int(forgotten.backendPID)
            #expect(try await forgotten.query("SELECT 1").only().int(0) == 1)
        }
        while try await !observer.query("SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.int(pid)]).isEmpty {
            _ = try await observer.query("SELECT pg_sleep(0.01)")
        }
        await observer.close()
    }
}
