import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

@Suite("Import: definitions of files that others made")
struct RealFilesTests {
    @Test(
        "S4.31 proj.db, elements.db and zipcodes.db: all that they have is made, or named as left out",
        arguments: [("proj.db", 37, 43), ("elements.db", 13, 0), ("zipcodes.db", 1, 0)])
    func files(_ name: String, _ tables: Int, _ others: Int) async throws {
        let fixture = try TargetFixture(try SQLiteFile(opening: RealFiles.path(name)))
        #expect(fixture.schema.tables.count == tables && fixture.schema.others.count == others)
        #expect(fixture.schema.tables.compactMap(\.unread) == [])
        try await withTestDatabase { database in
            try await database.with { connection in
                let target = try await fixture.make(on: connection)
                try await Accounting(schema: fixture.schema, target: target).check(connection)
                let left = target.leftOut.filter { ![.view, .trigger].contains($0.object.kind) }
                for object in left {
                    print("\(name): left out \(object.object.kind.rawValue) \(object.object.name): \(object.reason)")
                }
                // Nothing but views and triggers: all checks and keys of these files are known to mean the same.
                #expect(left == [])
            }
        }
    }
}
