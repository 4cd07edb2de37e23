import Testing

@testable import Planning

@Suite("Layout: projections")
struct ProjectionLayoutTests {
    private static let base = """
        strata: 1
        schemas:
          readmodels: { tables: [animals, sponsorships] }
        projections:

        """

    private static let files = "statements: { AnimalRegistered: a.sql }"

    @Test("Every key, and what is left out")
    func decodes() throws {
        let decoded = try layout(
            Self.base + """
                  animals:
                    stream: animals
                    organization: hauspet
                    store: my_events
                    schema: readmodels
                    tables: [animals, sponsorships]
                    on_error: dead_letter
                    not_compared: [animals.updated_at]
                    statements:
                      AnimalRegistered: projections/registered.sql
                      "Animal Adopted": /srv/adopted.sql
                  totals: { stream: animals, schema: public, tables: [totals], statements: { x: x.sql } }
                """)
        let (full, short) = (try #require(decoded.projections.first), try #require(decoded.projections.last))
        #expect(full.name == "animals" && full.stream == "animals" && full.organization == "hauspet")
        #expect(full.store == "my_events" && full.schema == "readmodels" && full.onError == .deadLetter)
        #expect(full.tables.map(\.value) == ["animals", "sponsorships"])
        #expect(full.notCompared.map(\.value) == [.init("animals", "updated_at")])
        #expect(full.statements.map(\.type) == ["AnimalRegistered", "Animal Adopted"])
        #expect(full.statements.map(\.path) == ["projections/registered.sql", "/srv/adopted.sql"])
        #expect(full.statements[0].place.line == 14 && full.place.line == 5)
        #expect(short.organization == nil && short.store == "events" && short.onError == .stop)
        #expect(short.notCompared.isEmpty)
    }

    @Test("They are no part of what is planned: the fingerprint stays")
    func fingerprint() throws {
        let entry = "  a: { stream: s, schema: readmodels, tables: [animals], \(Self.files) }\n"
        #expect(try layout(Self.base + entry).fingerprint == layout(Self.base).fingerprint)
    }

    private static func complaint(
        _ name: String, _ entry: String, _ code: String, _ column: Int, _ says: String...
    ) -> LayoutComplaint {
        var complaint = LayoutComplaint(name, base + "  \(entry)\n", code, 5, column)
        complaint.says = says
        return complaint
    }

    @Test(
        "What is wrong with one",
        arguments: [
            complaint(
                "no stream", "a: { schema: readmodels, tables: [animals], \(files) }", "missing-key", 3, "`stream`"),
            complaint("no schema", "a: { stream: s, tables: [animals], \(files) }", "missing-key", 3, "`schema`"),
            complaint("no tables", "a: { stream: s, schema: readmodels, \(files) }", "missing-key", 3, "`tables`"),
            complaint(
                "no statements", "a: { stream: s, schema: readmodels, tables: [animals] }", "missing-key", 3,
                "`statements`"),
            complaint(
                "an unknown key", "a: { stream: s, schema: readmodels, tables: [animals], on_eror: stop, \(files) }",
                "unknown-key", 58, "did you mean `on_error`?"),
            complaint(
                "an unknown choice",
                "a: { stream: s, schema: readmodels, tables: [animals], on_error: skip, \(files) }", "unknown-choice",
                68, "stop or dead_letter"),
            complaint(
                "a table that the schema does not list",
                "a: { stream: s, schema: readmodels, tables: [animal], \(files) }", "unlisted-table", 48,
                "did you mean animals?"),
            complaint(
                "a column of another table",
                "a: { stream: s, schema: readmodels, tables: [animals], not_compared: [users.id], \(files) }",
                "unlisted-table", 73, "no table \"users\""),
            complaint(
                "no file", "a: { stream: s, schema: readmodels, tables: [animals], statements: {} }", "empty-list", 70,
                "names no file"),
            complaint(
                "an empty file name",
                "a: { stream: s, schema: readmodels, tables: [animals], statements: { x: \"\" } }", "empty-value", 75,
                "a file with SQL"),
            complaint(
                "no table at all", "a: { stream: s, schema: readmodels, tables: [], \(files) }", "empty-list", 47,
                "names no table"),
            complaint(
                "a long name",
                "\(String(repeating: "n", count: 41)): { stream: s, schema: readmodels, tables: [animals], \(files) }",
                "name-too-long", 3, "40 bytes", "schemas that are called after it"),
            complaint(
                "a name with a colon",
                "\"a:b\": { stream: s, schema: readmodels, tables: [animals], \(files) }", "bad-name", 3, "no :"),
            complaint("a list", "a: [animals]", "wrong-type", 6, "a projection"),
        ])
    func complaints(complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("A table that two projections fill, and a schema that nobody lists")
    func others() {
        let one = "  a: { stream: s, schema: readmodels, tables: [animals], \(Self.files) }\n"
        LayoutComplaint(
            "twice", Self.base + one + one.replacing("  a:", with: "  b:"), "duplicate-entry", 6, 48,
            "readmodels.animals"
        ).check(.error)
        LayoutComplaint(
            "unlisted", Self.base + one.replacing("readmodels", with: "readmodel"), "unlisted-schema", 5, 46,
            "did you mean readmodels?"
        ).check(.warning)
    }

    @Test("More of them than there may be")
    func bounds() {
        let many = (0...64).map { "  p\($0): { stream: s, schema: public, tables: [t\($0)], \(Self.files) }\n" }
        LayoutComplaint(
            "many", Self.base + many.joined(), "out-of-bounds", 5, 3, "65 entries", "up to 64"
        ).check(.error)
    }
}
