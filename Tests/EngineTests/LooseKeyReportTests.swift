import Planning
import TestSupport
import Testing

/// What `strata plan` says of declared loose keys.
@Suite("Split: report of loose keys")
struct LooseKeyReportTests {
    private static let before = """
        CREATE SCHEMA audit;
        CREATE TABLE users (id bigint PRIMARY KEY, code text UNIQUE, name text);
        CREATE TABLE audit.events (id bigint PRIMARY KEY, label varchar(5), number numeric,
            refuses bigint NOT NULL CONSTRAINT refuses REFERENCES users,
            presets bigint CONSTRAINT presets REFERENCES users ON DELETE SET DEFAULT,
            renames bigint CONSTRAINT renames REFERENCES users ON DELETE CASCADE ON UPDATE SET NULL,
            partly bigint, other text, CONSTRAINT by_code FOREIGN KEY (other) REFERENCES users (code) ON DELETE SET NULL ON UPDATE CASCADE);
        """
    private static let layout = """
        strata: 1
        databases: { main: {}, archive: { url: "postgresql://localhost/archive" } }
        schemas: { audit: { database: archive, tables: [events] } }

        """

    private func crossings(_ declared: String) async throws -> [String: SplitReport.Crossing] {
        try await Reorganisation.with("loose_report", before: Self.before, layout: Self.layout + declared) { work in
            let report = try #require(try await work.plan().splits?.first)
            let keys = report.crossings.filter { $0.kind == .foreignKey }
            return Dictionary(
                uniqueKeysWithValues: keys.map { ($0.object.split(separator: " ").map(String.init)[1], $0) })
        }
    }

    @Test("S1.27 without a declaration the keys that refuse are obstacles, and the report says what to write")
    func undeclared() async throws {
        let keys = try await crossings("")
        #expect(keys.count == 4 && keys.filter(\.value.isBlocking).keys.sorted() == ["presets", "refuses", "renames"])
        #expect(
            keys["refuses"]?.nextStep
                == "nothing can refuse that over two databases: say in loose_keys what happens instead, { table: audit.events, columns: [refuses], references: public.users, on_delete: … }"
        )
        #expect(keys["presets"]?.nextStep?.hasPrefix("a loose key deletes or sets NULL in all its columns") == true)
        #expect(keys["renames"]?.nextStep?.hasSuffix("references: public.users, on_update: … }") == true)
        #expect(
            keys["by_code"]?.replacement == "a loose key: a worker sets NULL soon after; changed keys follow as well")
    }

    @Test("S1.27 a declared loose key clears the obstacle away")
    func declared() async throws {
        let keys = try await crossings(
            """
            loose_keys:
              - { table: audit.events, columns: [refuses], references: public.users, on_delete: ignore }
              - { table: audit.events, columns: [presets], references: public.users, on_delete: set_null }
              - { table: audit.events, columns: [renames], references: public.users, referenced_columns: [id], on_update: update }
              - { table: audit.events, columns: [other], references: public.users, referenced_columns: [code], on_delete: delete, on_update: ignore }
            """)
        #expect(keys.count == 4 && !keys.values.contains(where: \.isBlocking))
        #expect(
            keys["refuses"]?.replacement == "replaced by the loose key of the layout: rows stay when theirs is deleted")
        #expect(
            keys["presets"]?.replacement == "replaced by the loose key of the layout: a worker sets NULL soon after")
        #expect(
            keys["renames"]?.replacement
                == "replaced by the loose key of the layout: a worker deletes the rows soon after; changed keys follow as well"
        )
        #expect(
            keys["by_code"]?.replacement
                == "replaced by the loose key of the layout: a worker deletes the rows soon after")
    }

    @Test(
        "What is wrong with a declaration, by the catalog",
        arguments: [
            (
                "table: audit.events, columns: [refuse], references: public.users", "unknown-column",
                "did you mean refuses?"
            ),
            (
                "table: audit.events, columns: [refuses], references: public.users, on_delete: set_null",
                "null-not-allowed",
                "DROP NOT NULL"
            ),
            (
                "table: audit.events, columns: [refuses], references: public.user", "unknown-table",
                "did you mean public.users?"
            ),
            (
                "table: audit.events, columns: [label], references: public.users, referenced_columns: [name]",
                "not-unique",
                "unique index"
            ),
            ("table: audit.events, columns: [label], references: public.users", "type-mismatch", "the same type"),
            ("table: audit.events, columns: [number], references: public.users", "type-mismatch", "the same type"),
            (
                "table: audit.events, columns: [refuses, partly], references: public.users", "column-count",
                "one column for each"
            ),
            (
                "table: audit.events, columns: [refuses], references: public.users, referenced_columns: [nick]",
                "unknown-column",
                "public.users has id, code, name"
            ),
        ])
    func wrong(entry: String, code: String, says: String) async throws {
        let layout = Self.layout + "loose_keys:\n  - { \(entry) }\n"
        try await Reorganisation.with("loose_wrong", before: Self.before, layout: layout) { work in
            let error = await #expect(throws: DiagnosticsError.self) { try await work.plan() }
            let found = try #require(error?.diagnostics.first)
            #expect(error?.diagnostics.map(\.code) == [code], "\(error?.diagnostics ?? [])")
            #expect(found.nextStep?.contains(says) == true, "\(found)")
            #expect(found.place?.line == 5)
        }
    }

    @Test("A text column finds a longer one; what has gone to its own database is not looked for here")
    func right() async throws {
        let layout =
            Self.layout.replacing("tables: [events]", with: "tables: [events, gone]") + """
                loose_keys:
                  - { table: audit.events, columns: [label], references: public.users, referenced_columns: [code], on_delete: ignore }
                  - { table: audit.gone, columns: [id], references: public.users, on_delete: ignore }
                """
        try await Reorganisation.with("loose_right", before: Self.before, layout: layout) { work in
            let error = await #expect(throws: DiagnosticsError.self) { try await work.plan() }
            #expect(error?.diagnostics.contains { ["unknown-table", "type-mismatch"].contains($0.code) } != true)
        }
    }
}
