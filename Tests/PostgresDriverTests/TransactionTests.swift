import PostgresDriver
import Testing

@Suite struct TransactionTests {
    @Test func commitsWhatTheBodyDoes() async throws {
        try await withConnection { connection in
            let value = try await connection.transaction { transaction in
                try await transaction.execute("CREATE TABLE t (n int)")
                #expect(await transaction.transactionStatus == .inTransaction)
                return 7
            }
            #expect(value == 7)
            #expect(await connection.transactionStatus == .idle)
            #expect(try await connection.query("SELECT count(*) FROM t").only().int(0) == 0)
        }
    }

    @Test func rollsBackWhenTheBodyThrows() async throws {
        try await withConnection { connection in
            await #expect(throws: Unexpected.self) {
                try await connection.transaction { transaction in
                    try await transaction.execute("CREATE TABLE t (n int)")
                    throw Unexpected(description: "no")
                }
            }
            let error = try await postgresError {
                try await connection.transaction { _ = try await $0.query("SELECT 1 / 0") }
            }
            #expect(error.sqlState == "22012")
            #expect(await connection.transactionStatus == .idle)
            #expect(try await connection.query("SELECT to_regclass('t') IS NULL").only().bool(0))
        }
    }

    @Test func statementsOfOneMessageAreOneTransactionWithAllTheirRows() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)")
            let rows = try await connection.queryAll([
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "SET LOCAL work_mem = '123kB'",
                "SELECT n FROM t ORDER BY n", "SELECT n FROM t WHERE false", "SHOW transaction_isolation",
                "SHOW transaction_read_only", "SHOW work_mem",
            ])
            #expect(rows.map(\.count) == [0, 0, 2, 0, 1, 1, 1])
            #expect(try rows[2].map { try $0.int(0) } == [1, 2])
            #expect(try rows[4...].map { try $0.only().string(0) } == ["repeatable read", "on", "123kB"])
            #expect(try await connection.query("SHOW transaction_isolation").only().string(0) == "read committed")

            let error = try await postgresError {
                _ = try await connection.queryAll(["INSERT INTO t VALUES (3)", "SELECT 1 / 0", "SELECT 1"])
            }
            #expect(error.sqlState == "22012")
            #expect(await connection.transactionStatus == .idle)
            #expect(try await connection.query("SELECT count(*) FROM t").only().int(0) == 2)
        }
    }

    @Test func aSwallowedErrorDoesNotLookLikeACommit() async throws {
        try await withConnection { connection in
            let error = try await postgresError {
                try await connection.transaction { transaction in
                    try await transaction.execute("CREATE TABLE t (n int)")
                    _ = try? await transaction.query("SELECT 1 / 0")
                }
            }
            #expect(error.sqlState == .inFailedTransaction)
            #expect(try await connection.query("SELECT to_regclass('t') IS NULL").only().bool(0))
        }
    }

    @Test func anErrorOfCommitIsReported() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            let error = try await postgresError {
                try await connection.transaction { _ = try await $0.execute("INSERT INTO t VALUES (1), (1)") }
            }
            #expect(error.sqlState == .uniqueViolation)
            #expect(await connection.transactionStatus == .idle)
        }
    }

    @Test func options() async throws {
        try await withConnection { connection in
            let modes = try await connection.transaction(.snapshot) { transaction in
                try await transaction.query(
                    "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
                ).only()
            }
            #expect(try modes.string(0) == "repeatable read")
            #expect(try modes.string(1) == "on")
            let error = try await postgresError {
                try await connection.transaction(TransactionOptions(readOnly: true)) {
                    _ = try await $0.execute("CREATE TABLE t (n int)")
                }
            }
            #expect(error.sqlState == .readOnlyTransaction)
        }
    }

    @Test func nestingIsRefused() async throws {
        try await withConnection { connection in
            try await connection.transaction { transaction in
                let error = try await postgresError { try await transaction.transaction { _ in } }
                #expect(error.kind == .protocolViolation)
            }
            try await connection.execute("BEGIN")
            let error = try await postgresError { try await connection.transaction { _ in } }
            #expect(error.kind == .protocolViolation)
        }
    }

    @Test func otherTasksWaitForTheEnd() async throws {
        try await withConnection { connection in
            let inside = Flag()
            let outside = Task {
                await inside.wait()
                return try await connection.query("SELECT pg_current_xact_id_if_assigned() IS NULL").only().bool(0)
            }
            try await connection.transaction { transaction in
                _ = try await transaction.query("SELECT pg_current_xact_id()")
                inside.raise()
                for _ in 1...50 { _ = try await transaction.query("SELECT 1") }
            }
            #expect(try await outside.value)
        }
    }

    @Test func twoConnectionsInOneTask() async throws {
        try await withDatabase { settings in
            let one = try await Connection.open(settings)
            let two = try await Connection.open(settings)
            let sum = try await one.transaction { one in
                try await two.transaction { two in
                    let a = try await one.query("SELECT 1").only().int(0)
                    let b = try await two.query("SELECT 2").only().int(0)
                    return a + b
                }
            }
            #expect(sum == 3)
            await one.close()
            await two.close()
        }
    }
}
