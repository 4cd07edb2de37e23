import PostgresDriver
import Testing

@Suite struct ErrorTests {
    @Test func fieldsOfAConstraintViolation() async throws {
        try await withConnection { connection in
            try await connection.execute(
                "CREATE SCHEMA shop; CREATE TABLE shop.item (id int CONSTRAINT item_key PRIMARY KEY)")
            let sql = "INSERT INTO shop.item VALUES ($1), ($1)"
            let error = try await postgresError { _ = try await connection.query(sql, [1]) }
            #expect(error.kind == .server)
            #expect(error.sqlState == .uniqueViolation)
            #expect(error.severity == "ERROR")
            #expect(error.schema == "shop")
            #expect(error.table == "item")
            #expect(error.constraint == "item_key")
            #expect(error.detail?.contains("(id)=(1)") == true)
            #expect(error.statement == sql)
            #expect(!error.isConnectionLost && !error.isRetryable && !error.isLockTimeout)
            #expect("\(error)".hasPrefix("ERROR 23505: duplicate key"))
            #expect("\(error)".contains("STATEMENT: INSERT INTO"))
        }
    }

    @Test func positionHintAndContext() async throws {
        let connection = try await Connection.open(serverSettings())
        let syntax = try await postgresError { _ = try await connection.query("SELECT relnme FROM pg_class") }
        #expect(syntax.sqlState == .undefinedColumn)
        #expect(syntax.position == 8)
        #expect(syntax.hint?.contains("relname") == true)
        let raised = try await postgresError {
            try await connection.execute(
                "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P1234', DETAIL = 'd', HINT = 'h'; END $$")
        }
        #expect(raised.sqlState == "P1234")
        #expect(raised.message == "no")
        #expect(raised.detail == "d")
        #expect(raised.hint == "h")
        #expect(raised.context?.contains("PL/pgSQL") == true)
        await connection.close()
    }

    @Test func parametersAreNeverShown() async throws {
        // The server itself repeats parameters in CONTEXT when it is told to.
        let settings = try serverSettings().settings(["options": "-c log_parameter_max_length_on_error=-1"])
        let connection = try await Connection.open(settings)
        let error = try await postgresError {
            _ = try await connection.query("SELECT 1 / (length($1) - 10)", ["hidden-txt"])
        }
        #expect(error.sqlState == "22012")
        #expect(!"\(error)".contains("hidden-txt"))
        await connection.close()
    }

    @Test func passwordLiteralsAreMasked() async throws {
        let connection = try await Connection.open(serverSettings())
        for sql in [
            "ALTER ROLE no_such_role PASSWORD 's3cret'", "ALTER ROLE no_such_role PASSWORD E's3''cret s3cret'",
            "ALTER ROLE no_such_role PASSWORD $$s3cret$$",
            "alter role no_such_role encrypted password 's3cret'; SELECT 1",
            "DO $x$ BEGIN EXECUTE 'ALTER ROLE no_such_role PASSWORD ''s3cret'''; END $x$",
            "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1 password=s3cret' PUBLICATION p",
            "SELECT no_such_function('postgresql://ann:s3cret@h/d')",
        ] {
            let error = try await postgresError { try await connection.execute(sql) }
            #expect(error.statement?.contains("***") == true, "\(error)")
            #expect(!"\(error)".contains("s3cret"))
        }
        await connection.close()
    }

    @Test func longStatementsAreCut() async throws {
        let connection = try await Connection.open(serverSettings())
        let sql = "SELECT no_such_column, '" + String(repeating: "é😀", count: 100_000) + "'"
        let error = try await postgresError { try await connection.execute(sql) }
        let statement = try unwrap(error.statement, "a statement")
        #expect(statement.utf8.count <= 2048)
        #expect(statement.hasSuffix("…"))
        #expect(!statement.contains("\u{FFFD}"))
        await connection.close()
    }

    @Test func lockTimeoutAndDeadlock() async throws {
        try await withDatabase { settings in
            let one = try await Connection.open(settings)
            let two = try await Connection.open(settings)
            try await one.execute("CREATE TABLE t (n int); CREATE TABLE u (n int)")
            try await one.execute("BEGIN; LOCK t")
            try await two.execute("SET lock_timeout = 20")
            let lock = try await postgresError { try await two.execute("BEGIN; LOCK t") }
            try await two.execute("ROLLBACK")
            #expect(lock.isLockTimeout)
            let nowait = try await postgresError { try await two.execute("BEGIN; LOCK t NOWAIT") }
            #expect(nowait.isLockTimeout)
            try await two.execute("ROLLBACK; SET lock_timeout = 0; BEGIN; LOCK u")
            async let first: Void = { _ = try await one.execute("LOCK u") }()
            async let second: Void = { _ = try await two.execute("LOCK t") }()
            var retryable = 0
            do { try await first } catch let error as PostgresError where error.isRetryable {
                retryable += 1
                try await one.execute("ROLLBACK")
            }
            do { try await second } catch let error as PostgresError where error.isRetryable {
                retryable += 1
                try await two.execute("ROLLBACK")
            }
            #expect(retryable == 1)
            await one.close()
            await two.close()
        }
    }

    @Test func aTerminatedConnectionIsLost() async throws {
        let connection = try await Connection.open(serverSettings())
        let observer = try await Connection.open(serverSettings())
        let task = Task { try await connection.query("SELECT pg_sleep(600)") }
        try await waitUntilRunning(connection.backendPID, "pg_sleep(600)", seenFrom: observer)
        try await observer.execute("SELECT pg_terminate_backend(\(connection.backendPID))")
        let error = try await postgresError { _ = try await task.value }
        #expect(error.sqlState == .adminShutdown)
        #expect(error.isConnectionLost)
        #expect(await !connection.isAlive)
        #expect(await connection.transactionStatus == .unknown)
        let later = try await postgresError { try await connection.execute("SELECT 1") }
        #expect(later.kind == .connection(.lost))
        await observer.close()
    }

    @Test func aConnectionLostWhileIdleIsNoticed() async throws {
        let connection = try await Connection.open(serverSettings())
        let observer = try await Connection.open(serverSettings())
        try await observer.execute("SELECT pg_terminate_backend(\(connection.backendPID))")
        let gone = "SELECT 1 FROM pg_stat_activity WHERE pid = $1"
        while try await !observer.query(gone, [.int(Int(connection.backendPID))]).isEmpty {}
        while await connection.isAlive { await Task.yield() }
        let error = try await postgresError { try await connection.execute("SELECT 1") }
        #expect(error.isConnectionLost)
        await observer.close()
    }

    @Test func aConnectionLostInsideATransactionOrCopy() async throws {
        try await withDatabase { settings in
            let observer = try await Connection.open(settings)
            try await observer.execute("CREATE TABLE t (n int)")
            let kill = { (pid: Int32) in _ = try await observer.execute("SELECT pg_terminate_backend(\(pid))") }
            let one = try await Connection.open(settings)
            let first = try await postgresError {
                try await one.transaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (1)")
                    try await kill(one.backendPID)
                    while true { try await transaction.execute("SELECT 1") }
                }
            }
            #expect(first.isConnectionLost)
            let two = try await Connection.open(settings)
            let second = try await postgresError {
                try await two.copyIn("COPY t FROM STDIN") { writer in
                    try await kill(two.backendPID)
                    while true { try await writer.write("1\n") }
                }
            }
            #expect(second.isConnectionLost)
            #expect(await !two.isAlive)
            #expect(try await observer.query("SELECT count(*) FROM t").only().int(0) == 0)
            await observer.close()
        }
    }

    @Test func executeRunsSeveralStatements() async throws {
        try await withConnection { connection in
            let result = try await connection.execute(
                "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2); UPDATE t SET n = n + 1")
            #expect(result.commandTag == "UPDATE 2")
            #expect(result.affectedRows == 2)
            #expect(result.statementCount == 3)
            #expect(try await connection.execute("CREATE TABLE u (n int)").affectedRows == nil)
            #expect(try await connection.execute("").commandTag.isEmpty)
            let error = try await postgresError { try await connection.execute("DELETE FROM t; SELECT 1 / 0") }
            #expect(error.sqlState == "22012")
            #expect(try await connection.query("SELECT count(*) FROM t").only().int(0) == 2)
        }
    }
}
