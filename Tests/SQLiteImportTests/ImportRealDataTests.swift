import GRDB
import JSONSchemas
import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// Files that others made, with their rows: what is read is loaded or rejected, and equal on both sides.
@Suite("Import: rows of files that others made") struct ImportRealDataTests {
    @Test(
        "S4.39 proj.db, elements.db and zipcodes.db: rows read are loaded or rejected, hashes equal, the rest named",
        arguments: ["proj.db", "elements.db", "zipcodes.db"])
    func rows(_ name: String) async throws {
        let file = try SQLiteFile(opening: RealFiles.path(name))
        try await withTestDatabase("import") { database in
            let done = try await ImportFixture(file, into: database).run()
            // INTEGER_OR_TEXT holds both, and keys refer from one such column to the other.
            #expect(done.rejects.isEmpty)
            #expect(done.isEqual, "\(done.objects) \(done.verified.filter { !$0.isEqual })")
            var total = 0
            for table in done.site.schema.tables where !["alembic_version"].contains(table.name) {
                let rows = Int(try file.text("SELECT CAST(count(*) AS TEXT) FROM \"\(table.name)\"") ?? "") ?? -1
                let count = done.outcome.tables[table.name] ?? ImportRun.Outcome.Count()
                let mapping = try #require(done.site.mapping.table(table.name))
                let there = try await database.with {
                    try await $0.texts("SELECT count(*) FROM \(mapping.schema).\"\(mapping.name)\"")
                }
                #expect(
                    count.read == rows && count.loaded + count.rejected == rows, "\(table.name): \(count), \(rows) rows"
                )
                #expect(there == ["\(count.loaded)"], "\(table.name)")
                total += rows
            }
            print("\(name): \(total) rows, \(done.rejects.count) rejects")
            #expect(done.verified.allSatisfy { $0.notCompared.isEmpty })
            let named = Set(done.site.review.leftOut.map(\.object))
            for object in done.site.schema.others {
                #expect(named.contains { $0.hasSuffix(" \(object.name)") }, "\(object.name) is not named")
            }
        }
    }
}
