import Foundation
import PostgresDriver
import Testing

@Suite struct StreamTests {
    @Test func rowsComeInOrder() async throws {
        let connection = try await Connection.open(serverSettings())
        var seen: [Int] = []
        try await connection.forEachRow("SELECT n AS n FROM generate_series(1, $1) AS n", [5000]) { row in
            seen.append(try row.int("n"))
        }
        #expect(seen == Array(1...5000))
        #expect(await connection.transactionStatus == .idle)
        await connection.close()
    }

    /// In a process of its own, so that the peak of its memory is that of the stream.
    @Test func aMillionRowsTakeLittleMemory() async throws {
        await #expect(processExitsWith: .success) {
            let connection = try await Connection.open(serverSettings())
            try await connection.forEachRow("SELECT 1 AS n") { _ in }
            let before = peakMemory()
            var count = 0
            let sql = "SELECT n, repeat('x', 200) AS filler FROM generate_series(1, 1000000) AS n"
            try await connection.forEachRow(sql) { row in
                count += 1
                if try row.int("n") != count { throw Unexpected(description: "row \(count) is missing") }
            }
            #expect(count == 1_000_000)
            // All rows at once would be above 250 MB.
            #expect(peakMemory() - before < 64 << 20)
            await connection.close()
        }
    }

    @Test func stoppingEarlyLeavesTheConnectionUsable() async throws {
        let connection = try await Connection.open(serverSettings())
        var seen = 0
        await #expect(throws: Unexpected.self) {
            try await connection.forEachRow("SELECT generate_series(1, 100000000)") { _ in
                seen += 1
                if seen == 1000 { throw Unexpected(description: "enough") }
            }
        }
        #expect(seen == 1000)
        try await expectUsable(connection)
        await connection.close()
    }

    @Test func errorsInTheMiddleAreReported() async throws {
        let connection = try await Connection.open(serverSettings())
        var seen = 0
        let sql = "SELECT 1 / (3000 - n) FROM generate_series(1, 5000) AS n"
        let error = try await postgresError { try await connection.forEachRow(sql) { _ in seen += 1 } }
        #expect(error.sqlState == "22012")
        #expect(error.statement == sql)
        #expect(seen < 3000)
        try await expectUsable(connection)
        await connection.close()
    }

    @Test func otherStatementsInsideAreRefused() async throws {
        let connection = try await Connection.open(serverSettings())
        var refusals = 0
        try await connection.forEachRow("SELECT generate_series(1, 3)") { _ in
            let error = try await postgresError { try await connection.execute("SELECT 1") }
            if error.kind == .protocolViolation { refusals += 1 }
        }
        #expect(refusals == 3)
        try await expectUsable(connection)
        await connection.close()
    }

    @Test func copyIsRefused() async throws {
        let connection = try await Connection.open(serverSettings())
        for sql in ["COPY (SELECT 1) TO STDOUT", "COPY pg_class FROM STDIN"] {
            let error = try await postgresError { try await connection.forEachRow(sql) { _ in } }
            #expect(error.kind == .invalidInput || error.sqlState != nil)
            try await expectUsable(connection)
        }
        await connection.close()
    }
}

/// The largest resident size of this process so far, in bytes.
private func peakMemory() -> Int {
    var usage = rusage()
    #if os(Linux)
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    #else
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss
    #endif
}
