import Testing

@testable import Planning

@Suite("Layout: YAML itself")
struct LayoutYamlTests {
    static let complaints: [LayoutComplaint] = [
        .init("tab", "strata: 1\nschemas:\n\ta: {}", "tab-indentation", 3, 1, "spaces"),
        .init("tab after spaces", "strata: 1\nschemas:\n  \ta: {}", "tab-indentation", 3, 3),
        .init("open bracket", "strata: 1\nschemas: { a: { tables: [t }", "bad-yaml", 2, 28, "close the bracket"),
        .init("colon in a text", "strata: 1\nrouting: listen: x", "bad-yaml", 2, 16, "quotes"),
        .init("bad indentation", "strata: 1\nschemas:\n  a: {}\n b: {}", "bad-yaml", 4, 2, "indent"),
        .init("open quote", "strata: 1\nschemas: { \"a: {} }\nroles: {}", "open-quote", 2, 12, "close the quote"),
        .init("reserved sign", "strata: 1\nschemas: { a: { tables: [@x] } }", "bad-yaml", 2, 26, "quotes"),
        .init("two documents", "strata: 1\n---\nstrata: 1", "several-documents", 2, 1, "---"),
        .init("unknown alias", "strata: 1\nschemas: *a", "unknown-alias", 2, 10, "&name"),
        .init("control character", "strata: 1\n# \u{1}\n", "bad-character", 2, 3, "character 1"),
        .init("complex key", "strata: 1\n? [a, b]\n: c", "complex-key", 2, 1),
        .init("list as a key", "strata: 1\nroles: { [a]: b }", "complex-key", 2, 12),
        .init("alias as a key", "strata: 1\nroles: { a: &x r, *x : {} }", "complex-key", 2, 19),
        .init("merging a text", "strata: 1\nroles: { <<: a }", "wrong-type", 2, 14, "mapping"),
        .init(
            "duplicate key", "strata: 1\nschemas:\n  a: {}\n  b: {}\n  a: {}", "duplicate-key", 5, 3, "\"a\"",
            "line 3, column 3"),
        .init(
            "duplicate quoted key", "strata: 1\nschemas: { a: {}, \"a\": {} }", "duplicate-key", 2, 19,
            "line 2, column 12"),
    ]

    @Test("what YAML refuses", arguments: complaints)
    func checksComplaints(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("all duplicate keys are reported, and the rest is still looked at")
    func duplicates() {
        let text = "strata: 1\nroles: { r: { read: [], read: [] }, r: {}, r: {} }\nschemas: { pg_x: {} }\nschemas: {}\n"
        let diagnostics = decode(text).diagnostics
        #expect(
            diagnostics.map(\.code) == [
                "duplicate-key", "duplicate-key", "duplicate-key", "reserved-name", "duplicate-key",
            ])
        #expect(diagnostics.compactMap { $0.place?.column } == [25, 37, 44, 12, 1])
    }

    @Test("too large, too deep, too many values: refused before they cost anything")
    func bounds() {
        let large = "strata: 1\n" + String(repeating: "# comment\n", count: 1_700_000)
        #expect(decode(large).diagnostics.map(\.code) == ["file-too-large"])
        for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("[\n", ""), ("[#]\n", ""), ("[']',", "")] {
            let deep =
                "schemas:\n  " + String(repeating: open, count: 100_000) + String(repeating: close, count: 100_000)
            #expect(decode(deep).diagnostics.map(\.code) == ["too-deep"], "\(open)")
        }
        let nested = "schemas: " + String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
        #expect(decode(nested).diagnostics.map(\.code) == ["too-deep"])
    }

    @Test("aliases of aliases are bounded")
    func laughs() {
        var text = "strata: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            let alias = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(alias)]\n"
        }
        #expect(decode(text).diagnostics.map(\.code) == ["too-many-values"])
    }

    @Test("ten thousand tables are no burden, and random bytes no crash")
    func scale() throws {
        let tables = (0..<10_000).map { "table_\($0)" }.joined(separator: ", ")
        #expect(try layout("strata: 1\nschemas: { a: { tables: [\(tables)] } }").schemas[0].tables.count == 10_000)
        var generator = SystemRandomNumberGenerator()
        let signs = Array("ab:-?[]{}'\"#&*!|>%@,\n \t$1")
        for _ in 0..<2000 {
            let text = String((0..<60).map { _ in signs[Int.random(in: 0..<signs.count, using: &generator)] })
            #expect(decode(text).diagnostics.hasErrors, "\(text.debugDescription)")
        }
    }
}
