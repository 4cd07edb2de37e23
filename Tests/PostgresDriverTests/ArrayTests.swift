import PostgresDriver
import Testing

@Suite struct ArrayTests {
    static let texts: [[String?]] = [
        [], [""], ["a"], [nil], ["NULL", nil, "null"], ["a,b", "{c}", "d\"e", "f\\g", " h ", "'i'", "j\nk", "ä😀"],
        (0..<5000).map { "element \($0)" },
    ]

    @Test(arguments: texts)
    func textsComeBackAsSent(_ elements: [String?]) async throws {
        let connection = try await Connection.open(serverSettings())
        let row = try await connection.query(
            "SELECT $1 AS a, cardinality($1) AS n", [.textArray(elements)]
        ).only()
        #expect(try row.nullableTextArray("a") == elements)
        #expect(try row.int("n") == elements.count)
        await connection.close()
    }

    @Test func numbers() async throws {
        let connection = try await Connection.open(serverSettings())
        let row = try await connection.query(
            "SELECT $1 AS i, $2 AS o, '1 2 3'::int2vector AS v, '[0:1]={7,8}'::int[] AS shifted",
            [.intArray([.min, 0, .max]), .oidArray([0, 4_294_967_295])]
        ).only()
        #expect(try row.intArray("i") == [.min, 0, .max])
        #expect(try row.uint32Array("o") == [0, 4_294_967_295])
        #expect(try row.intArray("v") == [1, 2, 3])
        #expect(try row.intArray("shifted") == [7, 8])
        await connection.close()
    }

    @Test func anyMatchesElements() async throws {
        let connection = try await Connection.open(serverSettings())
        let rows = try await connection.query(
            "SELECT relname::text FROM pg_class WHERE relname = ANY($1) ORDER BY 1",
            [.textArray(["pg_type", "pg_class", "it's not there"])])
        #expect(try rows.map { try $0.string(0) } == ["pg_class", "pg_type"])
        let oids = try await connection.query("SELECT count(*) FROM pg_class WHERE oid = ANY($1)", [.oidArray([1259])])
        #expect(try oids.only().int(0) == 1)
        await connection.close()
    }
}
