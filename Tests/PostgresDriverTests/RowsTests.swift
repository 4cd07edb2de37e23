import PostgresDriver
import Testing

@Suite struct RowsTests {
    @Test func namesTypesAndCounts() async throws {
        let connection = try await Connection.open(serverSettings())
        let rows = try await connection.query("SELECT n, n::text AS t, n AS n FROM generate_series(1, 3) AS n")
        #expect(rows.columnNames == ["n", "t", "n"])
        #expect(rows.columns.map(\.typeOID) == [23, 25, 23])
        #expect(rows.count == 3)
        #expect(rows.commandTag == "SELECT 3")
        #expect(rows.affectedRows == 3)
        #expect(try rows.map { try $0.int("n") } == [1, 2, 3])
        #expect(try rows[2].string(1) == "3")
        await connection.close()
        // The rows outlive the connection.
        #expect(try rows[1].int(0) == 2)
    }

    @Test func decodingErrorsNameColumnTypeAndKindButNoValue() async throws {
        let connection = try await Connection.open(serverSettings())
        let row = try await connection.query(
            """
            SELECT NULL::int AS nothing, 's3cret' AS word, 99999999999999999999 AS big, -1 AS negative,
                   '{{1,2},{3,4}}'::int[] AS nested, '{a,NULL}'::text[] AS holes, 1.5 AS fraction, '' AS empty
            """
        ).only()
        let calls: [(String, (Row) throws -> Void, [String])] = [
            ("nothing", { _ = try $0.int("nothing") }, ["NULL", "integer", "23"]),
            ("word", { _ = try $0.int("word") }, ["text of 6 bytes", "25"]),
            ("word", { _ = try $0.bool("word") }, ["boolean"]),
            ("word", { _ = try $0.double("word") }, ["number"]),
            ("word", { _ = try $0.textArray("word") }, ["not an array"]),
            ("big", { _ = try $0.int("big") }, ["64-bit", "1700"]),
            ("negative", { _ = try $0.uint32("negative") }, ["oid"]),
            ("nested", { _ = try $0.intArray("nested") }, ["array of arrays"]),
            ("holes", { _ = try $0.textArray("holes") }, ["NULL"]),
            ("fraction", { _ = try $0.int("fraction") }, ["integer"]),
            ("empty", { _ = try $0.int("empty") }, ["integer"]),
            ("missing", { _ = try $0.int("missing") }, ["no column missing", "nothing, word"]),
            ("99", { _ = try $0.int(99) }, ["no column 99"]),
        ]
        for (column, call, fragments) in calls {
            let error = try #require(throws: PostgresError.self) { try call(row) }
            #expect(error.kind == .decoding)
            #expect(error.message.contains(column))
            #expect(!error.message.contains("s3cret"))
            for fragment in fragments { #expect(error.message.contains(fragment), "\(error)") }
        }
        await connection.close()
    }

    @Test func nullsAreOptional() async throws {
        let connection = try await Connection.open(serverSettings())
        let row = try await connection.query("SELECT NULL AS x").only()
        #expect(try row.optionalString("x") == nil)
        #expect(try row.optionalInt("x") == nil)
        #expect(try row.optionalUInt32("x") == nil)
        #expect(try row.optionalBool("x") == nil)
        #expect(try row.optionalDouble("x") == nil)
        #expect(try row.optionalBytes("x") == nil)
        #expect(try row.optionalTextArray("x") == nil)
        #expect(try row.optionalIntArray("x") == nil)
        await connection.close()
    }

    @Test func onlyWantsOneRow() async throws {
        let connection = try await Connection.open(serverSettings())
        for sql in ["SELECT 1 WHERE false", "SELECT generate_series(1, 2)"] {
            #expect(try await postgresError { _ = try await connection.query(sql).only() }.kind == .decoding)
        }
        await connection.close()
    }

    @Test func aLargeResultIsReadWhole() async throws {
        let connection = try await Connection.open(serverSettings())
        let rows = try await connection.query("SELECT n, 'row ' || n AS t FROM generate_series(1, 500000) AS n")
        #expect(rows.count == 500_000)
        var sum = 0
        for row in rows { sum += try row.int("n") }
        #expect(sum == 500_000 * 500_001 / 2)
        #expect(try rows[499_999].string("t") == "row 500000")
        await connection.close()
    }

    @Test func bytesInTheOldFormat() async throws {
        let settings = try serverSettings().settings(["options": "-c bytea_output=escape"])
        let connection = try await Connection.open(settings)
        let row = try await connection.query("SELECT $1 AS b", [.bytes([0, 65, 92, 200])]).only()
        #expect(try row.bytes("b") == [0, 65, 92, 200])
        await connection.close()
    }
}
