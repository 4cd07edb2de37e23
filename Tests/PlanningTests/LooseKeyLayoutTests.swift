import Testing

@testable import Planning

@Suite("Layout: loose keys")
struct LooseKeyLayoutTests {
    private static let base = """
        strata: 1
        databases: { main: {}, archive: { url: "host=a" } }
        schemas:
          audit: { database: archive, tables: [events] }
          people: { tables: [users] }
        loose_keys:

        """

    @Test("every key, and what is left out")
    func decodes() throws {
        let decoded = try layout(
            Self.base + """
                  - { table: audit.events, columns: [user_id], references: people.users, on_delete: set_null }
                  - table: events
                    columns: [a, b]
                    references: public.pairs
                    referenced_columns: [x, y]
                    on_delete: delete
                    on_update: update
                """)
        let (one, two) = (try #require(decoded.looseKeys.first), try #require(decoded.looseKeys.last))
        #expect(one.table == .init("audit", "events") && one.references == .init("people", "users"))
        #expect(
            one.columns == ["user_id"] && one.referencedColumns == [] && one.onDelete == .setNull && one.onUpdate == nil
        )
        #expect(two.table == .init("audit", "events") && two.references == .init("public", "pairs"))
        #expect(two.referencedColumns == ["x", "y"] && two.onDelete == .delete && two.onUpdate == .update)
        #expect(two.place.line == 8)
    }

    @Test("It counts as a change of the layout, and a layout without is what it was")
    func fingerprint() throws {
        let entry = "  - { table: audit.events, columns: [user_id], references: people.users, on_delete: delete }\n"
        let without = try layout(Self.base).fingerprint
        let with = try layout(Self.base + entry).fingerprint
        #expect(with != without)
        #expect(try layout(Self.base + entry.replacing("delete }", with: "ignore }")).fingerprint != with)
        #expect(try layout(Self.base.replacing("loose_keys:\n", with: "")).fingerprint == without)
    }

    private static func complaint(
        _ name: String, _ entry: String, _ code: String, _ column: Int, _ says: String
    ) -> LayoutComplaint {
        LayoutComplaint(name, base + "  - \(entry)\n", code, 7, column, says)
    }

    @Test(
        "what is wrong with one",
        arguments: [
            complaint("no table", "{ columns: [a], references: people.users }", "missing-key", 5, "`table`"),
            complaint("no columns", "{ table: events, references: people.users }", "missing-key", 5, "`columns`"),
            complaint("no parent", "{ table: events, columns: [a] }", "missing-key", 5, "`references`"),
            complaint(
                "an unknown key", "{ table: events, columns: [a], references: people.users, on_deleted: delete }",
                "unknown-key",
                62, "did you mean `on_delete`?"),
            complaint(
                "a wrong action", "{ table: events, columns: [a], references: people.users, on_delete: set_nul }",
                "unknown-choice", 73, "set_null"),
            complaint(
                "an action on change", "{ table: events, columns: [a], references: people.users, on_update: delete }",
                "unknown-choice", 73, "update or ignore"),
            complaint(
                "no column", "{ table: events, columns: [], references: people.users }", "empty-list", 31,
                "names no column"),
            complaint(
                "another number of columns",
                "{ table: events, columns: [a], references: people.users, referenced_columns: [b, c] }", "column-count",
                82,
                "1 column cannot point to 2 columns"),
            complaint(
                "a column twice", "{ table: events, columns: [a, a], references: people.users }", "duplicate-entry", 35,
                "twice"),
            complaint(
                "an unlisted table", "{ table: audit.event, columns: [a], references: people.users }", "unlisted-table",
                14,
                "did you mean audit.events?"),
            complaint("a list", "[events]", "wrong-type", 5, "a loose key"),
        ])
    func complaints(complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("The same key twice")
    func twice() {
        let entry = "  - { table: audit.events, columns: [user_id], references: people.users }\n"
        LayoutComplaint("twice", Self.base + entry + entry, "duplicate-entry", 8, 5, "audit.events to people.users")
            .check(.error)
    }
}
