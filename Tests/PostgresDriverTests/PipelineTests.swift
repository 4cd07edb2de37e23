import PostgresDriver
import Testing

/// Statements that are sent together, and those that a connection keeps prepared.
@Suite struct PipelineTests {
    @Test("Each sees what those before it did; one that fails is named, and those behind it are not carried out")
    func failures() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int PRIMARY KEY)")
            let insert = try await connection.prepare("INSERT INTO t VALUES ($1)")
            let double = try await connection.prepare("UPDATE t SET n = n * 2 WHERE n = $1 RETURNING n")
            try await connection.transaction { connection in
                let failure = try await connection.pipeline([
                    PipelineCall(insert, ["1"]), PipelineCall(insert, ["3"]), PipelineCall(double, ["3"]),
                    PipelineCall(double, ["6"]),
                ])
                #expect(failure == nil)
                #expect(try await connection.pipeline([]) == nil)
                try await connection.execute("SAVEPOINT before")
                let second = try await connection.pipeline([
                    PipelineCall(insert, ["4"]), PipelineCall(insert, ["1"]), PipelineCall(insert, ["5"]),
                    PipelineCall(insert, ["1"]),
                ])
                #expect(second?.index == 1)
                #expect(second?.error.sqlState == .uniqueViolation)
                #expect(second?.error.statement == "INSERT INTO t VALUES ($1)")
                #expect(await connection.transactionStatus == .inFailedTransaction)
                try await connection.execute("ROLLBACK TO SAVEPOINT before")
                #expect(try await connection.pipeline([PipelineCall(insert, ["7"])]) == nil)
            }
            #expect(try await connection.query("SELECT n FROM t ORDER BY n").map { try $0.int(0) } == [1, 7, 12])
        }
    }

    @Test("More than the buffers of either side hold, in both directions")
    func large() async throws {
        try await withConnection { connection in
            let echo = try await connection.prepare("SELECT repeat($1::text, 100)")
            let text = String(repeating: "x", count: 10_000)
            try await connection.transaction { (connection) async throws in
                let calls = (0..<200).map { _ in PipelineCall(echo, [.text(text)]) }
                #expect(try await connection.pipeline(calls) == nil)
            }
            try await expectUsable(connection)
        }
    }

    @Test("What cannot be sent leaves the connection as it was; outside of a transaction nothing is sent")
    func refused() async throws {
        try await withConnection { connection in
            let echo = try await connection.prepare("SELECT $1::text")
            let outside = try await postgresError { _ = try await connection.pipeline([PipelineCall(echo, ["a"])]) }
            #expect(outside.kind == .protocolViolation)
            try await connection.transaction { connection in
                let error = try await postgresError {
                    _ = try await connection.pipeline([PipelineCall(echo, ["a"]), PipelineCall(echo, ["a\0b"])])
                }
                #expect(error.kind == .invalidInput)
                #expect(try await connection.pipeline([PipelineCall(echo, ["a"])]) == nil)
            }
            try await expectUsable(connection)
        }
    }

    @Test func cancelled() async throws {
        let connection = try await Connection.open(serverSettings())
        let observer = try await Connection.open(serverSettings())
        let sleep = try await connection.prepare("SELECT pg_sleep($1)")
        for _ in 1...3 {
            let task = Task {
                try await connection.transaction { connection in
                    try await connection.pipeline([
                        PipelineCall(sleep, ["0"]), PipelineCall(sleep, ["600"]), PipelineCall(sleep, ["600"]),
                    ])
                }
            }
            try await waitUntilRunning(connection.backendPID, "pg_sleep", seenFrom: observer)
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
            try await expectUsable(connection)
        }
        await connection.close()
        await observer.close()
    }

    @Test func lost() async throws {
        let connection = try await Connection.open(serverSettings())
        let observer = try await Connection.open(serverSettings())
        let sleep = try await connection.prepare("SELECT pg_sleep($1)")
        let task = Task {
            try await connection.transaction { connection in
                try await connection.pipeline((0..<10).map { _ in PipelineCall(sleep, ["600"]) })
            }
        }
        try await waitUntilRunning(connection.backendPID, "pg_sleep", seenFrom: observer)
        _ = try await observer.query("SELECT pg_terminate_backend($1)", [.typed("\(connection.backendPID)", type: 23)])
        let error = try await postgresError { _ = try await task.value }
        #expect(error.isConnectionLost)
        #expect(await !connection.isAlive)
        await connection.close()
        await observer.close()
    }

    // MARK: Kept statements

    private func prepared(_ connection: Connection) async throws -> Int {
        try await connection.query("SELECT count(*) FROM pg_prepared_statements").only().int(0)
    }

    @Test("A kept statement is prepared once, for each kind of its parameters")
    func keeps() async throws {
        try await withConnection { connection in
            for number in 1...3 {
                #expect(
                    try await connection.query(keeping: "SELECT $1 + 1", [.int(number)]).only().int(0) == number + 1)
            }
            #expect(try await prepared(connection) == 1)
            #expect(try await connection.query(keeping: "SELECT $1 + 1", ["4"]).only().int(0) == 5)
            #expect(try await prepared(connection) == 2)
            let error = try await postgresError { _ = try await connection.query(keeping: "SELEC", []) }
            #expect(error.sqlState == .syntaxError)
            #expect(
                try await postgresError { _ = try await connection.query(keeping: "SELECT 1 / $1", [.int(0)]) }.sqlState
                    == "22012")
            for number in 1...100 {
                #expect(try await connection.query(keeping: "SELECT \(number)").only().int(0) == number)
            }
            #expect(try await prepared(connection) <= 64)
        }
    }

    @Test("One that is gone, or gives other columns by now, is asked as text")
    func stale() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)")
            #expect(try await connection.query(keeping: "SELECT * FROM t").columnNames == ["n"])
            try await connection.execute("ALTER TABLE t ADD m int")
            #expect(try await connection.query(keeping: "SELECT * FROM t").columnNames == ["n", "m"])
            #expect(try await connection.query(keeping: "SELECT * FROM t").columnNames == ["n", "m"])
            try await connection.execute("DEALLOCATE ALL")
            for _ in 1...3 { #expect(try await connection.query(keeping: "SELECT * FROM t").count == 1) }
            // Where nothing stays, nothing is left behind.
            #expect(try await prepared(connection) == 0)
        }
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int)")
            _ = try await connection.query(keeping: "SELECT * FROM t")
            try await connection.execute("DEALLOCATE ALL")
            let error = try await postgresError {
                try await connection.transaction { _ = try await $0.query(keeping: "SELECT * FROM t") }
            }
            #expect(error.sqlState == .invalidStatementName)
        }
    }
}
