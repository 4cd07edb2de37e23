import Planning
import SQLiteImport
import TestSupport
import Testing

/// What is written is read back as the same; what is wrong has its place.
@Suite struct MappingTextTests {
    private static let names = [
        "plain", "User", "with space", "null", "true", "no", "~", "1", "1e3", "0x1f", "a: b", "a #b", "- a", "'", "\"",
        "\\", "{", "[x]",
        "line\nbreak", "tab\t", "é", "日本", "🐕", "<<", "*a", "&a", "!x", "%x", "@x", "?", "y", "", "a,b", "$x",
        "${HOME}", "2024-01-01", ".inf", "=",
    ]

    @Test func `Random mappings are read back as they were written, with and without comments`() throws {
        var random = SeededRandom(SeededRandom.seed(for: "mapping text", usual: 1))
        let types: [TargetType] = [
            .boolean, .smallint, .integer, .bigint, .real, .doublePrecision, .numeric(precision: nil, scale: nil),
            .numeric(precision: 10, scale: 2), .numeric(precision: 5, scale: 0), .text, .varchar(nil), .varchar(20),
            .bytea, .uuid, .json, .jsonb, .date,
            .time, .timestamp(nil), .timestamp(3), .timestamptz(nil), .timestamptz(0), .other("inet"),
            .other("\"Status\""),
            .other("app.\"Odd, Type\""), .other("integer[]"), .other("character varying(20)[]"),
            .other("numeric(10,2)[]"),
            .other("timestamp(3) without time zone[]"), .other("character(5)"), .other("interval"), .other("bit(3)"),
        ]
        for _ in 0..<200 {
            var mapping = ImportMapping(orm: random.pick([nil] + ORMProfile.allCases.map(Optional.some)))
            for source in Self.names.shuffled(using: &random).prefix(4) {
                let place = random.pick(Self.names.filter { !$0.isEmpty })
                var table = TableMapping(
                    source, schema: random.pick(["public", place]),
                    name: random.pick([source.isEmpty ? "t" : source, place]))
                if random.once(in: 4) {
                    table.skipped = random.pick(["by the mapping", "not needed: \"old\" # x", "no longer"])
                }
                for column in Self.names.shuffled(using: &random).prefix(6) {
                    table.columns.append(self.column(column, random.pick(types), &random))
                }
                mapping.tables.append(table)
            }
            let suggested = ImportMapping(
                tables: mapping.tables.map { table in
                    let columns = table.columns.map { ColumnMapping($0.source, .text, why: $0.why) }
                    return TableMapping(table.source, schema: "s", name: "n", columns: columns)
                })
            for comments in [true, false] {
                let text = MappingText.render(mapping, source: "a\nb.db", comments: comments)
                let read = try MappingReader.read(text, file: "m.yaml", over: suggested)
                #expect(Self.comparable(read) == Self.comparable(mapping), "\(text)")
            }
        }
    }

    private func column(_ source: String, _ type: TargetType, _ random: inout SeededRandom) -> ColumnMapping {
        var column = ColumnMapping(
            source, name: random.pick([source.isEmpty ? "c" : source, "other name"]), type,
            invalid: random.pick(ColumnMapping.Policy.allCases), emptyIsNull: random.once(in: 3),
            isGenerated: random.once(in: 5),
            why: random.pick(["", "declared X # y: z", "line\nbreak"]))
        column.isSkipped = random.once(in: 5)
        column.sequence = random.pick([nil, "numbers", "app.\"Odd: #\""])
        if type.isTime || type == .time || type == .other("interval") {
            column.unit = random.pick([nil] + TimeUnit.allCases.map(Optional.some))
        }
        return column
    }

    /// Without what is not written: reasons, and names of side columns; columns of tables that are skipped.
    private static func comparable(_ mapping: ImportMapping) -> ImportMapping {
        var mapping = mapping
        for table in mapping.tables.indices {
            if mapping.tables[table].skipped != nil { mapping.tables[table].columns = [] }
            for column in mapping.tables[table].columns.indices {
                mapping.tables[table].columns[column].why = ""
                mapping.tables[table].columns[column].side = nil
            }
        }
        return mapping
    }

    private static let suggested = ImportMapping(tables: [
        TableMapping(
            "User", schema: "public", name: "User",
            columns: [ColumnMapping("id", .bigint), ColumnMapping("at", .timestamptz(nil))])
    ])

    @Test(
        "What is wrong is told with line and column",
        arguments: [
            ("strata_import: 2\ntables: {}", "version", 1, 16), ("strata_import: 1\ntabels: {}", "unknown-key", 2, 1),
            ("orm: hibernate", "orm", 1, 6), ("tables: [User]", "tables", 1, 9),
            ("tables:\n  Users: {}", "unknown-table", 2, 3), ("tables:\n  User: 7", "table", 2, 9),
            ("tables:\n  User:\n    shema: x", "unknown-key", 3, 5),
            ("tables:\n  User:\n    schema: [a]", "schema", 3, 13),
            ("tables:\n  User:\n    name: {}", "name", 3, 11), ("tables:\n  User:\n    skip: [1]", "skip", 3, 11),
            ("tables:\n  User:\n    columns: [id]", "columns", 3, 14),
            ("tables:\n  User:\n    columns:\n      ids: {}", "unknown-column", 4, 7),
            ("tables:\n  User:\n    columns:\n      id: bigint", "column", 4, 11),
            ("tables:\n  User:\n    columns:\n      id: { tipe: x }", "unknown-key", 4, 13),
            ("tables:\n  User:\n    columns:\n      id: { type: [] }", "type", 4, 19),
            ("tables:\n  User:\n    columns:\n      at: { unit: hours }", "unit", 4, 19),
            ("tables:\n  User:\n    columns:\n      id: { invalid: drop }", "invalid", 4, 22),
            ("tables:\n  User:\n    columns:\n      id: { empty: 0 }", "empty", 4, 20),
            ("tables:\n  User:\n    columns:\n      id: { skip: maybe }", "skip", 4, 19),
            ("tables:\n  User:\n    columns:\n      id: { generated: 3 }", "generated", 4, 24),
            ("tables:\n  User:\n    columns:\n      id: { sequence: [a] }", "sequence", 4, 23),
        ])
    func wrong(_ text: String, _ code: String, _ line: Int, _ column: Int) throws {
        let error = try #require(throws: DiagnosticsError.self) {
            try MappingReader.read(text, file: "m.yaml", over: Self.suggested)
        }
        #expect(error.diagnostics.map(\.code) == [code], "\(error.diagnostics)")
        #expect(
            error.diagnostics.first?.place == SourcePlace(file: "m.yaml", line: line, column: column),
            "\(error.diagnostics)")
    }

    @Test(arguments: ["", "- a\n- b", "just text", "tables: {", "tables: {}\ntables: {}"])
    func `What is no mapping at all is told`(_ text: String) throws {
        let error = try #require(throws: DiagnosticsError.self) {
            try MappingReader.read(text, file: "m.yaml", over: Self.suggested)
        }
        #expect(error.diagnostics.count == 1 && error.diagnostics[0].message.contains("m.yaml"))
    }

    @Test func `All that is wrong is told at once, with the name that was meant`() throws {
        let text = "orm: x\ntables:\n  Usr: {}\n  User: { columns: { idd: {}, id: { unit: hours } } }"
        let error = try #require(throws: DiagnosticsError.self) {
            try MappingReader.read(text, file: "m.yaml", over: Self.suggested)
        }
        #expect(error.diagnostics.map(\.code) == ["orm", "unknown-table", "unknown-column", "unit"])
        #expect(
            error.diagnostics[1].nextStep == "did you mean User?" && error.diagnostics[2].nextStep == "did you mean id?"
        )
    }

    @Test func `What the text does not mention stays as suggested`() throws {
        let read = try MappingReader.read(
            "tables: { User: { columns: { at: { unit: milliseconds } } } }", file: "m", over: Self.suggested)
        #expect(read.table("User")?.column("at")?.unit == .milliseconds)
        #expect(read.table("User")?.column("at")?.type == .timestamptz(nil))
        #expect(read.table("User")?.column("id") == Self.suggested.table("User")?.column("id"))
    }
}
