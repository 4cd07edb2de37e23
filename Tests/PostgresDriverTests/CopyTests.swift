import PostgresDriver
import Testing

@Suite struct CopyTests {
    @Test func bothWaysWithAHundredThousandRows() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int, v text)")
            let copied = try await connection.copyIn("COPY t FROM STDIN") { writer in
                for n in 1...100_000 { try await writer.write(row: [String(n), n % 7 == 0 ? nil : "row\t\(n)\\\n"]) }
            }
            #expect(copied == 100_000)
            let row = try await connection.query(
                "SELECT count(*) AS rows, sum(n) AS sum, count(v) AS texts, min(v) FILTER (WHERE n = 1) AS v FROM t"
            ).only()
            #expect(try row.int("rows") == 100_000)
            #expect(try row.int("sum") == 100_000 * 100_001 / 2)
            #expect(try row.int("texts") == 100_000 - 100_000 / 7)
            #expect(try row.string("v") == "row\t1\\\n")

            var lines = 0
            var largest = 0
            try await connection.copyOut("COPY (SELECT n FROM t ORDER BY n) TO STDOUT") { chunk in
                lines += chunk.count { $0 == UInt8(ascii: "\n") }
                largest = max(largest, chunk.count)
                #expect(chunk.last == UInt8(ascii: "\n"))
            }
            #expect(lines == 100_000)
            #expect(largest < 1 << 17)
        }
    }

    @Test func bytesAndTextsThatAreNotWholeRows() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (v text)")
            let big = [UInt8](repeating: UInt8(ascii: "x"), count: 5 << 20)
            let rows = try await connection.copyIn("COPY t FROM STDIN") { writer in
                try await writer.write(big)
                try await writer.write("y\nsec")
                try await writer.write("ond\n")
            }
            #expect(rows == 2)
            let lengths = try await connection.query("SELECT length(v) AS n FROM t ORDER BY 1")
            #expect(try lengths.map { try $0.int("n") } == [6, (5 << 20) + 1])
        }
    }

    @Test func anErrorOfTheWriterTakesEverythingBack() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int)")
            await #expect(throws: Unexpected.self) {
                try await connection.copyIn("COPY t FROM STDIN") { writer in
                    for n in 1...100_000 { try await writer.write("\(n)\n") }
                    throw Unexpected(description: "stop")
                }
            }
            #expect(try await connection.query("SELECT count(*) FROM t").only().int(0) == 0)
        }
    }

    @Test func anErrorOfTheServerReachesTheWriter() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int PRIMARY KEY)")
            let error = try await postgresError {
                try await connection.copyIn("COPY t FROM STDIN") { writer in
                    try await writer.write("not a number\n")
                    // Would never end, if the writer did not hear of it.
                    while true { try await writer.write("1\n") }
                }
            }
            #expect(error.sqlState == "22P02")
            #expect(error.context?.contains("COPY t, line 1") == true)
            let late = try await postgresError {
                try await connection.copyIn("COPY t FROM STDIN") { try await $0.write("1\n1\n") }
            }
            #expect(late.sqlState == .uniqueViolation)
            #expect(late.constraint == "t_pkey")
            #expect(try await connection.query("SELECT count(*) FROM t").only().int(0) == 0)
        }
    }

    @Test func noticesDuringACopyAreNotTakenForAnError() async throws {
        try await withConnection { connection in
            try await connection.execute(
                """
                CREATE TABLE t (n int);
                CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE NOTICE 'EEEE %', repeat('E', 500); RETURN NEW; END $$;
                CREATE TRIGGER tell BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tell()
                """)
            let rows = try await connection.copyIn("COPY t FROM STDIN") { writer in
                for n in 1...20_000 { try await writer.write("\(n)\n") }
            }
            #expect(rows == 20_000)
            #expect(connection.lastNotices.count == 100)
        }
    }

    @Test func aSwallowedErrorIsStillReported() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int)")
            let error = try await postgresError {
                try await connection.copyIn("COPY t FROM STDIN") { writer in
                    try? await writer.write([UInt8](repeating: UInt8(ascii: "z"), count: 1 << 20))
                    try? await writer.write("\n")
                }
            }
            #expect(error.sqlState == "22P02" || error.kind == .protocolViolation)
            try await expectUsable(connection)
        }
    }

    @Test func anErrorOfTheReaderStopsTheServer() async throws {
        try await withConnection { connection in
            await #expect(throws: Unexpected.self) {
                try await connection.copyOut("COPY (SELECT generate_series(1, 100000000)) TO STDOUT") { _ in
                    throw Unexpected(description: "stop")
                }
            }
            try await expectUsable(connection)
        }
    }

    @Test func anErrorWhileReadingIsReported() async throws {
        try await withConnection { connection in
            let sql = "COPY (SELECT 1 / (90000 - n) FROM generate_series(1, 100000) n) TO STDOUT"
            let error = try await postgresError { try await connection.copyOut(sql) { _ in } }
            #expect(error.sqlState == "22012")
            try await expectUsable(connection)
        }
    }

    @Test func otherStatementsAreRefused() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int)")
            let calls: [() async throws -> Void] = [
                { try await connection.copyIn("SELECT 1") { _ in } },
                { try await connection.copyOut("SELECT 1") { _ in } },
                { try await connection.copyIn("COPY t TO STDOUT") { _ in } },
                { try await connection.copyOut("COPY t FROM STDIN") { _ in } },
                { try await connection.execute("COPY t FROM STDIN") },
                { try await connection.execute("COPY (SELECT generate_series(1, 100000)) TO STDOUT") },
                { _ = try await connection.query("COPY t FROM STDIN") },
                { _ = try await connection.query("COPY t TO STDOUT") },
            ]
            for call in calls {
                #expect(try await postgresError(call).kind == .invalidInput)
                try await expectUsable(connection)
            }
        }
    }

    @Test func aStatementInsideACopyIsRefused() async throws {
        try await withConnection { connection in
            try await connection.execute("CREATE TABLE t (n int)")
            let rows = try await connection.copyIn("COPY t FROM STDIN") { writer in
                let error = try await postgresError { try await connection.execute("SELECT 1") }
                #expect(error.kind == .protocolViolation)
                try await writer.write("1\n")
            }
            #expect(rows == 1)
        }
    }
}
