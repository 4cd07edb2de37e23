import Testing

@testable import Planning

@Suite("Layout: copies")
struct CopyLayoutTests {
    private static let base = """
        strata: 1
        databases: { main: {}, archive: { url: "host=a" }, books: { url: "host=b" } }
        schemas:
          audit: { database: archive, tables: [events] }
          people: { tables: [users, countries] }
        copies:

        """

    @Test("Tables of the main database, with the databases that get them")
    func decodes() throws {
        let decoded = try layout(
            Self.base + """
                  - { table: people.countries, databases: [archive, books] }
                  - { table: users, databases: [books] }
                """)
        #expect(decoded.copies.map(\.schema) == ["people", "people"])
        #expect(decoded.copies.map(\.table) == ["countries", "users"])
        #expect(decoded.copies.map(\.databases) == [["archive", "books"], ["books"]])
        #expect(decoded.copies[1].place.line == 8)
    }

    @Test("It counts as a change of the layout, and a layout without is what it was")
    func fingerprint() throws {
        let without = try layout(Self.base).fingerprint
        let with = try layout(Self.base + "  - { table: users, databases: [archive, books] }\n").fingerprint
        #expect(with != without)
        #expect(try layout(Self.base + "  - { table: users, databases: [books, archive] }\n").fingerprint == with)
        #expect(try layout(Self.base + "  - { table: users, databases: [books] }\n").fingerprint != with)
        #expect(try layout(Self.base.replacing("copies:\n", with: "")).fingerprint == without)
    }

    private static func complaint(
        _ name: String, _ entry: String, _ code: String, _ column: Int, _ says: String
    ) -> LayoutComplaint {
        LayoutComplaint(name, base + "  - \(entry)\n", code, 7, column, says)
    }

    @Test(
        "what is wrong with one",
        arguments: [
            complaint("no table", "{ databases: [archive] }", "missing-key", 5, "`table`"),
            complaint("no database", "{ table: users }", "missing-key", 5, "`databases`"),
            complaint("an empty list", "{ table: users, databases: [] }", "empty-list", 32, "names no database"),
            complaint(
                "an unknown database", "{ table: users, databases: [archiv] }", "unknown-database", 33, "archive?"),
            complaint(
                "one twice", "{ table: users, databases: [books, books] }", "duplicate-entry", 40, "database books"),
            complaint(
                "its own", "{ table: users, databases: [main] }", "copy-at-home", 33, "lives in database main itself"),
            complaint(
                "a table of another database", "{ table: audit.events, databases: [books] }", "copy-from-elsewhere", 5,
                "lives in database archive"),
            complaint(
                "an unlisted table", "{ table: people.user, databases: [books] }", "unlisted-table", 14, "people.users?"
            ),
            complaint(
                "an unknown key", "{ table: users, database: books, databases: [books] }", "unknown-key", 21,
                "did you mean"),
        ])
    func complaints(complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("The same table twice")
    func twice() {
        LayoutComplaint(
            "twice",
            Self.base + "  - { table: users, databases: [archive] }\n  - { table: people.users, databases: [books] }\n",
            "duplicate-entry", 8, 5, "people.users"
        ).check(.error)
    }
}
