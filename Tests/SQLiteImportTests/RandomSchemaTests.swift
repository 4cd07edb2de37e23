import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

@Suite("Import: definitions at random")
struct RandomSchemaTests {
    @Test("Every statement made of a random schema runs, and all of the schema is made or named", arguments: 0..<24)
    func schema(_ number: Int) async throws {
        let seed = SeededRandom.seed(for: "random SQLite schema \(number)", usual: UInt64(number))
        let schema = RandomSchema(seed)
        let file = try SQLiteFile()
        for statement in schema.statements { try file.execute(statement) }
        let fixture = try TargetFixture(file)
        #expect(fixture.schema.tables.compactMap(\.unread) == [])
        try await withTestDatabase { database in
            try await database.with { connection in
                let target = try await fixture.make(on: connection)
                try await Accounting(schema: fixture.schema, target: target).check(connection)
            }
        }
    }
}
