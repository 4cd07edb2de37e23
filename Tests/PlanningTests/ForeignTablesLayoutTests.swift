import Testing

@testable import Planning

@Suite("Layout: foreign tables")
struct ForeignTablesLayoutTests {
    private static let base = """
        strata: 1
        databases: { main: {}, archive: { url: "host=a" } }
        schemas:
          audit: { database: archive, tables: [events] }
          people: { tables: [users] }
        foreign_tables:

        """

    @Test("A schema for those of another database, all of them or some")
    func decodes() throws {
        let decoded = try layout(
            Self.base + "  - { schema: far, of: audit }\n  - { schema: some, of: audit, tables: [events] }\n")
        #expect(decoded.foreignTables.map(\.schema) == ["far", "some"])
        #expect(decoded.foreignTables.map(\.source) == ["audit", "audit"])
        #expect(decoded.foreignTables.map(\.database) == ["archive", "archive"])
        #expect(decoded.foreignTables.map(\.tables) == [[], ["events"]])
        let one = try layout(Self.base + "  - { schema: far, of: audit }\n").fingerprint
        #expect(try layout(Self.base).fingerprint != one && decoded.fingerprint != one)
    }

    private static func complaint(
        _ name: String, _ entry: String, _ code: String, _ column: Int, _ says: String
    ) -> LayoutComplaint {
        LayoutComplaint(name, base + "  - \(entry)\n", code, 7, column, says)
    }

    @Test(
        "what is wrong with one",
        arguments: [
            complaint("no schema", "{ of: audit }", "missing-key", 5, "`schema`"),
            complaint("no source", "{ schema: far }", "missing-key", 5, "`of`"),
            complaint("a listed schema", "{ schema: people, of: audit }", "foreign-schema-listed", 5, "far_audit"),
            complaint("of the main database", "{ schema: far, of: people }", "foreign-schema-at-home", 5, "people"),
            complaint("of nothing", "{ schema: far, of: audits }", "foreign-schema-at-home", 5, "did you mean audit?"),
            complaint("a reserved name", "{ schema: pg_far, of: audit }", "reserved-name", 15, "pg_"),
            complaint("an unknown key", "{ schema: far, of: audit, table: x }", "unknown-key", 31, "`tables`"),
        ])
    func complaints(complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("The same schema twice")
    func twice() {
        let entry = "  - { schema: far, of: audit }\n"
        LayoutComplaint("twice", Self.base + entry + entry, "duplicate-entry", 8, 5, "schema far").check(.error)
    }
}
