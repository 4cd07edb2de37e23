import GRDB
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
        for table in fixture.schema.tables where table.isWithoutRowid { try requireSearch(table, file) }
        try await withTestDatabase { database in
            try await database.with { connection in
                let target = try await fixture.make(on: connection)
                try await Accounting(schema: fixture.schema, target: target).check(connection)
            }
        }
    }

    /// Behind a key, whatever it is made of.
    private func requireSearch(_ table: SourceTable, _ file: SQLiteFile) throws {
        let order = try #require(KeyOrder(table))
        for part in order.parts(behind: order.keys.map { _ in .text([0x61]) }) {
            let sql = "EXPLAIN QUERY PLAN SELECT * FROM \(SQLite.identifier(table.name)) \(part.sql)"
            let plan = try file.queue.read { try Row.fetchAll($0, sql: sql) }.map { $0["detail"] as String }
            #expect(plan.count == 1 && plan[0].hasPrefix("SEARCH"), "\(sql): \(plan)")
        }
    }
}
