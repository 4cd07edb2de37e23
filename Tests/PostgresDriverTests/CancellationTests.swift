import PostgresDriver
import Synchronization
import Testing

@Suite struct CancellationTests {
    @Test func aRunningStatementIsStopped() async throws {
        let connection = try await Connection.open(serverSettings())
        let observer = try await Connection.open(serverSettings())
        for _ in 1...5 {
            let task = Task { try await connection.query("SELECT pg_sleep(600)") }
            try await waitUntilRunning(connection.backendPID, "pg_sleep(600)", seenFrom: observer)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            // A cancel request that came late would hit one of these.
            for n in 1...20 { #expect(try await connection.query("SELECT \(n)").only().int(0) == n) }
        }
        await connection.close()
        await observer.close()
    }

    @Test func aCancelledTaskSendsNothing() async throws {
        let connection = try await Connection.open(serverSettings())
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await connection.execute("SELECT pg_sleep(600)")
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await connection.close()
    }

    @Test func whoWaitsForTheConnectionCanGiveUp() async throws {
        let connection = try await Connection.open(serverSettings())
        let observer = try await Connection.open(serverSettings())
        let first = Task { try await connection.query("SELECT pg_sleep(600)") }
        try await waitUntilRunning(connection.backendPID, "pg_sleep(600)", seenFrom: observer)
        let second = Task { try await connection.query("SELECT 2") }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        #expect(
            try await observer.query("SELECT pg_cancel_backend($1::int) AS ok", [.int(Int(connection.backendPID))])
                .only().bool("ok"))
        // Somebody else's cancel request is the server's error, not this task's cancellation.
        let error = try await postgresError { _ = try await first.value }
        #expect(error.sqlState == .queryCanceled)
        #expect(error.isQueryCanceled && !error.isConnectionLost)
        await connection.close()
        await observer.close()
    }

    @Test func streamsAndCopiesAreStopped() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int)")
            let bodies: [@Sendable (Connection, @escaping @Sendable () -> Void) async throws -> Void] = [
                { connection, started in
                    try await connection.forEachRow("SELECT generate_series(1, 100000000)") { _ in started() }
                },
                { connection, started in
                    try await connection.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { _ in
                        started()
                    }
                },
                { connection, started in
                    try await connection.copyIn("COPY t FROM STDIN") { writer in
                        while true {
                            try await writer.write("1\n")
                            started()
                        }
                    }
                },
            ]
            for body in bodies {
                let started = Flag()
                let task = Task { try await body(connection) { started.raise() } }
                await started.wait()
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                #expect(try await connection.query("SELECT count(*) FROM t").only().int(0) == 0)
            }
        }
    }

    @Test func aCancelledTransactionIsRolledBack() async throws {
        try await withDatabase { settings in
            let connection = try await Connection.open(settings)
            let observer = try await Connection.open(settings)
            try await connection.execute("CREATE TABLE t (n int)")
            let task = Task {
                try await connection.transaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                    _ = try await transaction.query("SELECT pg_sleep(600)")
                }
            }
            try await waitUntilRunning(connection.backendPID, "pg_sleep(600)", seenFrom: observer)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(await connection.transactionStatus == .idle)
            #expect(try await observer.query("SELECT count(*) FROM t").only().int(0) == 0)
            await connection.close()
            await observer.close()
        }
    }

    @Test func statementTimeoutIsTheServersError() async throws {
        let connection = try await Connection.open(serverSettings())
        try await connection.execute("SET statement_timeout = 20")
        let error = try await postgresError { _ = try await connection.query("SELECT pg_sleep(600)") }
        #expect(error.sqlState == .queryCanceled)
        try await expectUsable(connection)
        await connection.close()
    }
}

/// Something that happens once, for others to wait for.
final class Flag: Sendable {
    private struct State {
        var raised = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var isRaised: Bool { state.withLock { $0.raised } }

    func raise() {
        let waiters = state.withLock { state in
            state.raised = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let raised = state.withLock { state in
                if !state.raised { state.waiters.append(continuation) }
                return state.raised
            }
            if raised { continuation.resume() }
        }
    }
}
