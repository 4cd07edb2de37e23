import Planning
import SQLiteImport
import Testing

@Suite("Import: where tables go unless the mapping says otherwise")
struct ImportNamesTests {
    private func source(_ names: String...) throws -> SourceSchema {
        try SQLiteFile(names.map { "CREATE TABLE \(SQLite.identifier($0)) (a TEXT);" }.joined()).schema()
    }

    private func layout(_ text: String) throws -> Layout {
        try #require(LayoutDecoder.decode("strata: 1\n" + text, file: "strata.yaml", environment: [:]).layout)
    }

    @Test(
        "S4.31 To the schema that lists the table, in the layout's letters; else to public; what it ignores is skipped")
    func layout() throws {
        let layout = try layout(
            """
            schemas:
              crm: { tables: [users, Order] }
              ops: { tables: [log], ignore: [_prisma_migrations] }
            """)
        let names = ImportNames(try source("Users", "Order", "Other", "_prisma_migrations", "log"), layout: layout)
            .tables
        #expect(names.map(\.schema) == ["crm", "crm", "public", "ops", "ops"])
        #expect(names.map(\.name) == ["users", "Order", "Other", "_prisma_migrations", "log"])
        #expect(names.map { $0.skipped != nil } == [false, false, false, true, false])
    }

    @Test("Names that PostgreSQL cannot have become such that it can, each time the same and none twice")
    func fitted() throws {
        let long = String(repeating: "é", count: 40)
        let schema = try SQLiteFile(
            "CREATE TABLE \"\(long)1\" (xmin INT, \"xmin_\" INT, \"\(long)1\" INT, \"\(long)2\" INT); CREATE TABLE \"\(long)2\" (\"\" INT)"
        ).schema()
        let names = ImportNames(schema)
        let tables = names.tables.map(\.name)
        let columns = names.columns.values.flatMap(\.values)
        #expect(
            Set(tables).count == 2 && columns.count == 5
                && Set(names.columns["\(long)1"]?.values.map { $0 } ?? []).count == 4)
        for name in tables + columns {
            #expect((1...63).contains(name.utf8.count) && !name.contains("\u{FFFD}") && name != "xmin")
        }
        #expect(names == ImportNames(schema))
        #expect(
            TargetNames.fitted("plain") == "plain"
                && TargetNames.fitted("plain") { $0 == "plain" }
                    == "plain_\(TargetNames.fitted("plain") { $0 == "plain" }.suffix(8))"
        )
    }
}
