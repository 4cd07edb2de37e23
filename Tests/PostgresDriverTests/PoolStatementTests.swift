import PostgresDriver
import Testing

/// A pool that lends a connection for one statement.
@Suite struct PoolStatementTests {
    private func pool(_ size: Int = 1) throws -> ConnectionPool {
        ConnectionPool(try serverSettings(), size: size, bounds: PoolBounds(discards: false))
    }

    private static let pid = "SELECT pg_backend_pid() + $1::integer"

    @Test func theStatementIsPreparedOnceAndTheConnectionKept() async throws {
        let pool = try pool()
        let first = try await pool.query(keeping: Self.pid, ["0"]).only().int(0)
        for _ in 1...3 { #expect(try await pool.query(keeping: Self.pid, ["0"]).only().int(0) == first) }
        let prepared = try await pool.withConnection {
            try await $0.query("SELECT count(*) FROM pg_prepared_statements WHERE statement = $1", [.text(Self.pid)])
        }
        #expect(try prepared.only().int(0) == 1)
        #expect(await pool.idleCount == 1)
        await pool.close()
        await #expect(throws: PoolError.closed) { _ = try await pool.query(keeping: Self.pid, ["0"]) }
    }

    @Test func aConnectionThatIsGoneIsReplacedBeforeAnythingIsSent() async throws {
        let observer = try await Connection.open(serverSettings())
        let pool = try pool(2)
        // Both at once, so that there are two.
        async let one = pool.query(keeping: "SELECT pg_backend_pid() FROM pg_sleep(0.05)")
        async let other = pool.query(keeping: "SELECT pg_backend_pid() FROM pg_sleep(0.05)")
        let pids = try await [one.only().int(0), other.only().int(0)]
        for pid in pids {
            try await observer.execute("SELECT pg_terminate_backend(\(pid))")
            while try await !observer.query("SELECT FROM pg_stat_activity WHERE pid = $1", [.int(pid)]).isEmpty {}
        }
        let next = try await pool.query(keeping: Self.pid, ["0"]).only().int(0)
        #expect(!pids.contains(next))
        await pool.close()
        await observer.close()
    }

    @Test func anErrorLeavesTheConnectionUsableAndATransactionIsRolledBack() async throws {
        let pool = try pool()
        let pid = try await pool.query(keeping: Self.pid, ["0"]).only().int(0)
        await #expect(throws: PostgresError.self) { _ = try await pool.query(keeping: "SELECT 1 / $1::integer", ["0"]) }
        _ = try await pool.query(keeping: "BEGIN")
        // Else the next one would be in it.
        #expect(try await pool.withConnection { await $0.transactionStatus } == .idle)
        #expect(try await pool.query(keeping: Self.pid, ["0"]).only().int(0) == pid)
        #expect(await pool.openCount == 1)
        await pool.close()
    }

    @Test func thoseWhoWaitGetTheirTurn() async throws {
        let pool = try pool(2)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...50 {
                group.addTask {
                    try await pool.query(keeping: "SELECT $1::integer", [.text("\(number)")]).only().int(0)
                }
            }
            var seen = Set<Int>()
            for try await number in group { seen.insert(number) }
            #expect(seen == Set(1...50))
        }
        #expect(await pool.idleCount == pool.openCount)
        await pool.close()
    }
}
