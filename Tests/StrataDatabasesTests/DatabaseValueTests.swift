import Foundation
import StrataDatabases
import Testing

@Suite("Values", .timeLimit(.minutes(2)))
struct DatabaseValueTests {
    @Test("parameters come back as they went, and as the server's types")
    func roundTrip() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory()
            let id = UUID()
            let time = Date(timeIntervalSince1970: 1_763_767_941.123456)
            try await factory.schema("billing").withConnection { connection in
                let row = try await connection.query(
                    """
                    SELECT $1::text AS text, $2 AS number, $3 AS truth, $4 AS ratio, $5 AS bytes, $6 AS id, $7 AS price,
                           $8 AS time, $9::text AS nothing, ARRAY['a', NULL, 'b"c'] AS list, $10 AS small,
                           array_to_string(ARRAY(SELECT pg_typeof(x) FROM (SELECT $8 AS x) t), ',') AS type
                    """, "O'Neil \\ ✓", Int.min, true, -Double.infinity, [UInt8](0...255), id,
                    Decimal(string: "-12345.678900", locale: Locale(identifier: "C")), time, nil, Int16(-3)
                ).only()
                #expect(try row.value("text") == "O'Neil \\ ✓")
                #expect(try row.value("number", as: Int.self) == Int.min)
                #expect(try row.value("truth", as: Bool.self))
                #expect(try row.value("ratio", as: Double.self) == -Double.infinity)
                #expect(try row.value("bytes", as: [UInt8].self) == [UInt8](0...255))
                #expect(try row.value("id", as: UUID.self) == id)
                #expect(try row.value("price", as: Decimal.self) == Decimal(string: "-12345.6789"))
                #expect(try abs(row.value("time", as: Date.self).timeIntervalSince(time)) < 0.000_001)
                #expect(try row.optional("nothing", as: Int.self) == nil)
                #expect(try row.array("list", of: String.self) == ["a", nil, "b\"c"])
                #expect(try row.value("small", as: Int16.self) == -3)
                #expect(try row.value("type") == "timestamp with time zone")
            }
            await factory.close()
        }
    }

    @Test(
        "times are the server's, in any zone and century",
        arguments: [
            "2026-11-21 23:32:21.5+00", "1969-12-31 23:59:59.999999+05:30", "0001-02-28 12:00:00-08",
            "2000-02-29 00:00:00+01",
            "1600-03-01 00:00:00+00", "12345-12-31 23:59:59+00",
        ])
    func times(_ text: String) async throws {
        let date = try #require(Date(databaseText: text))
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory()
            let row = try await factory.schema("billing").query(
                "SELECT $1 = $2::text::timestamptz AS same, extract(epoch FROM $2::text::timestamptz)::float8 AS seconds",
                date, text
            ).only()
            #expect(try row.value("same"))
            #expect(try abs(row.value("seconds", as: Double.self) - date.timeIntervalSince1970) < 0.000_001)
            await factory.close()
        }
    }

    @Test("what is no such value is an error that names the column and does not show the value")
    func mistakes() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory()
            let row = try await factory.schema("billing").query("SELECT 'private' AS word, NULL::int AS gap").only()
            for body in [
                { _ = try row.value("word", as: Int.self) }, { _ = try row.value("gap", as: Int.self) },
                { _ = try row.value("absent", as: Int.self) }, { _ = try row.value(7, as: Int.self) },
            ] as [() throws -> Void] {
                let error = try await failure(DatabaseError.self) { try body() }
                #expect(error.kind == .decoding && !error.message.contains("private"))
            }
            #expect(Date(databaseText: "infinity") == nil && [UInt8](databaseText: "\\x0") == nil)
            #expect(Decimal(databaseText: "NaN") == nil)
            await factory.close()
        }
    }

    @Test("transactions commit, roll back, and say why")
    func transactions() async throws {
        try await FactoryFixture.with { fixture in
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            struct Stop: Error {}
            await #expect(throws: Stop.self) {
                try await audit.transaction { connection in
                    try await connection.query("INSERT INTO entries (note) VALUES ('gone')")
                    throw Stop()
                }
            }
            try await audit.transaction(.serializable) {
                try await $0.query("INSERT INTO entries (note) VALUES ('kept')")
            }
            var notes: [String] = []
            try await audit.withConnection { connection in
                try await connection.forEachRow("SELECT note FROM entries WHERE note <> $1", parameters: ["x"]) {
                    notes.append(try $0.value("note"))
                }
            }
            #expect(notes == ["kept"])
            let error = try await failure(DatabaseError.self) { try await audit.query("SELECT nonsense FROM entries") }
            #expect(error.kind == .server && error.sqlState == "42703" && error.statement?.contains("nonsense") == true)
            await factory.close()
        }
    }
}
