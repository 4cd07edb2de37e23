import PostgresDriver
import Testing

@Suite struct ParameterTests {
    @Test(arguments: [
        "", "plain", "it's", "\"quoted\"", "back\\slash", "'; DROP TABLE t; --", "$1", "line\nbreak\ttab", "ä€😀",
        "NULL",
        String(repeating: "x", count: 2_000_000),
    ])
    func textComesBackAsSent(_ text: String) async throws {
        let connection = try await Connection.open(serverSettings())
        let row = try await connection.query("SELECT $1::text AS t, length($1::text) AS n", [.text(text)]).only()
        #expect(try row.string("t") == text)
        #expect(try row.int("n") == text.unicodeScalars.count)
        await connection.close()
    }

    @Test func everyType() async throws {
        let connection = try await Connection.open(serverSettings())
        let row = try await connection.query(
            "SELECT $1::text a, $2 b, $3 c, $4 d, $5 e, $6 f, $7::date g, $8 h",
            [
                .null, .int(.min), true, .double(-0.1), .bytes([0, 1, 92, 255]), .oid(4_294_967_295),
                .typed("2024-02-29", type: 1082), .int(.max),
            ]
        ).only()
        #expect(try row.optionalString("a") == nil)
        #expect(try row.isNull("a"))
        #expect(try row.int("b") == .min)
        #expect(try row.bool("c"))
        #expect(try row.double("d") == -0.1)
        #expect(try row.bytes("e") == [0, 1, 92, 255])
        #expect(try row.uint32("f") == 4_294_967_295)
        #expect(try row.string("g") == "2024-02-29")
        #expect(try row.int("h") == .max)
        await connection.close()
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 1 / 3])
    func doubles(_ value: Double) async throws {
        let connection = try await Connection.open(serverSettings())
        let back = try await connection.query("SELECT $1 AS d", [.double(value)]).only().double("d")
        #expect(back == value || (back.isNaN && value.isNaN))
        await connection.close()
    }

    @Test func nulBytesAreRefusedBeforeSending() async throws {
        let connection = try await Connection.open(serverSettings())
        let error = try await postgresError { _ = try await connection.query("SELECT $1, $2", ["a", "s3cret\0b"]) }
        #expect(error.kind == .invalidInput)
        #expect(error.message.contains("$2"))
        #expect(!"\(error)".contains("s3cret"))
        for call in [{ _ = try await connection.query("SELECT 1\0") }, { try await connection.execute("SELECT\0 1") }]
            as [() async throws -> Void]
        {
            #expect(try await postgresError(call).kind == .invalidInput)
        }
        let array = try await postgresError { _ = try await connection.query("SELECT $1", [.textArray(["a\0"])]) }
        #expect(array.kind == .invalidInput)
        try await expectUsable(connection)
        await connection.close()
    }

    @Test func tooManyAreRefused() async throws {
        let connection = try await Connection.open(serverSettings())
        let many = [Parameter](repeating: 1, count: 65_536)
        #expect(try await postgresError { _ = try await connection.query("SELECT 1", many) }.kind == .invalidInput)
        await connection.close()
    }

    @Test func preparedStatements() async throws {
        let connection = try await Connection.open(serverSettings())
        let statement = try await connection.prepare("SELECT $1::int + $2::int AS sum")
        #expect(statement.parameterCount == 2)
        #expect(try await connection.query(statement, [1, 2]).only().int("sum") == 3)
        #expect(try await connection.query(statement, [40, 2]).only().int("sum") == 42)
        try await connection.deallocate(statement)
        let error = try await postgresError { _ = try await connection.query(statement, [1, 2]) }
        #expect(error.sqlState == "26000")
        #expect(try await postgresError { _ = try await connection.prepare("SELEC 1") }.sqlState == .syntaxError)
        await connection.close()
    }
}
