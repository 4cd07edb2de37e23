import Testing

@testable import Planning

@Suite("Layout: fingerprint")
struct LayoutFingerprintTests {
    private static let base = """
        strata: 1
        databases: { main: { url: "${A}" }, second: { url: host=x } }
        schemas:
          a: { tables: [t, { table: u, from: x }], append_only: [t], views: [v], functions: ["f(int)"] }
          b: { database: second, tables: [w], partitions: { w: { by: c, every: day, ahead: 2 } } }
        roles: { r: { read: [a], write: [b] } }
        indexes: [{ table: t, columns: [c, d], include: [e] }]
        """

    private func fingerprint(_ text: String, _ environment: [String: String] = ["A": "host=y"]) throws -> String {
        try #require(decode(text, environment).layout).fingerprint
    }

    @Test("is the same on every machine and in every release")
    func stable() throws {
        #expect(try fingerprint("strata: 1") == "82ae9f4d311971f6637f036711f2cbb9")
        #expect(try fingerprint(Self.base) == "89553573cc3578861b5e85535c2f5f3b")
    }

    @Test(
        "does not change with what has no meaning",
        arguments: [
            ("strata: 1", "# hello\nstrata:   1   # there"), ("host=x", "host=z"), ("${A}", "${B:-host=q}"),
            ("[t, { table: u, from: x }]", "[{ from: x, table: u }, t]"),
            ("b: { database: second", "b: { database: \"second\""),
            ("a: { tables", "a: { database: main, tables"), ("table: t, columns", "table: a.t, columns"),
            ("\"f(int)\"", "\"f( int )\""), ("views: [v]", "views: [v], rebuildable: false"),
            ("roles:", "compatibility: views\nrouting: { freshness: session }\nthresholds: { a: { rows: 5 } }\nroles:"),
        ])
    func unchanged(old: String, new: String) throws {
        try #require(Self.base.contains(old))
        let changed = Self.base.replacing(old, with: new)
        #expect(try fingerprint(changed) == fingerprint(Self.base))
    }

    @Test(
        "changes with whatever is placed otherwise",
        arguments: [
            ("[t,", "[T,"), ("from: x", "from: y"), ("append_only: [t]", "append_only: []"),
            ("views: [v]", "types: [v]"),
            ("f(int)", "f(text)"), ("database: second, ", ""), ("every: day", "every: week"), ("ahead: 2", "ahead: 3"),
            ("read: [a]", "read: []"), ("write: [b]", "read: [b]"), ("[c, d]", "[d, c]"), ("[c, d]", "[c, d desc]"),
            ("include: [e]", "include: [f]"), ("include: [e]", "include: [e], unique: true"), ("by: c", "by: d"),
            ("strata: 1", "strata: 1\ncompatibility: none"), ("views: [v]", "views: [v], rebuildable: true"),
            ("views: [v]", "views: [v], ignore: [z]"),
        ])
    func changed(old: String, new: String) throws {
        try #require(Self.base.contains(old))
        var changed = Self.base.replacing(old, with: new)
        if new == "read: [b]" { changed = Self.base.replacing("read: [a], write: [b]", with: "read: [a, b]") }
        if new == "[T," {
            changed = changed.replacing("append_only: [t]", with: "append_only: [T]").replacing(
                "table: t,", with: "table: T,")
        }
        #expect(try fingerprint(changed) != fingerprint(Self.base))
    }
}
