import Foundation
import SQLSyntax
import Testing

@Suite("Quoting")
struct QuotingTests {
    @Test(
        "identifiers are quoted as quote_ident does",
        arguments: [
            ("users", "users"), ("_x1", "_x1"), ("a$b", "\"a$b\""), ("1a", "\"1a\""), ("Order", "\"Order\""),
            ("group", "\"group\""), ("between", "\"between\""), ("authorization", "\"authorization\""),
            ("abort", "abort"), ("name", "name"), ("", "\"\""), ("ä", "\"ä\""), ("a b", "\"a b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ])
    func identifier(name: String, quoted: String) {
        #expect(SQL.identifier(name) == quoted)
    }

    @Test("a qualified name quotes each part")
    func qualified() {
        #expect(SQL.qualified("public", "Order") == "public.\"Order\"")
        #expect(SQL.qualified(nil, "users") == "users")
        #expect(SQL.qualified("a.b", "c") == "\"a.b\".c")
    }

    @Test(
        "literals are quoted as quote_literal does",
        arguments: [
            ("", "''"), ("x", "'x'"), ("it's", "'it''s'"), (#"a\b"#, #"E'a\\b'"#), (#"\'"#, #"E'\\'''"#),
            ("$$", "'$$'"),
        ])
    func literal(value: String, quoted: String) {
        #expect(SQL.literal(value) == quoted)
    }

    @Test(
        "a dollar quote's tag never occurs in the body",
        arguments: [
            "", "x", "$", "a $$ b", "$body$", "$$ $body$ $body2$", "ends in $body", "ends in $", "$x", "a$body2$",
        ])
    func dollarQuoted(body: String) throws {
        let text = SQL.dollarQuoted(body)
        let statement = try #require(try SQLParser.parse("SELECT \(text)").first)
        let value = statement.node["targetList"]?.children.first?["ResTarget"]?["val"]?["A_Const"]?["sval"]
        #expect(value?["sval"]?.string ?? "" == body)
    }

    @Test("names are measured and cut in bytes, never inside a character")
    func truncation() {
        #expect(SQL.fits(String(repeating: "a", count: 63)))
        #expect(!SQL.fits(String(repeating: "a", count: 64)))
        #expect(!SQL.fits(""))
        #expect(!SQL.fits("a\u{0}"))
        #expect(SQL.truncated(String(repeating: "a", count: 70)) == String(repeating: "a", count: 63))
        #expect(SQL.truncated(String(repeating: "ä", count: 40)) == String(repeating: "ä", count: 31))
        #expect(SQL.truncated("short") == "short")
    }

    @Test("the key words are those of the server", .enabled(if: LiveServer.isAvailable))
    func keywordsMatchServer() throws {
        let rows = try LiveServer.query("SELECT word || ' ' || catcode::text FROM pg_get_keywords() ORDER BY 1")
        let major = try #require(Int(try LiveServer.query("SHOW server_version_num")[0])) / 10_000
        let ours = SQLKeywords.classes.map { "\($0.key) \($0.value.rawValue)" }
        if major == 15 {
            #expect(Set(rows) == Set(ours))
        } else {
            let reserved = rows.filter { $0.hasSuffix(" R") }
            #expect(Set(reserved).symmetricDifference(ours.filter { $0.hasSuffix(" R") }).count < 5)
        }
    }

    @Test("quoting agrees with the server", .enabled(if: LiveServer.isAvailable))
    func quotingMatchesServer() throws {
        let odd = ["a$b", "A", "é", "a\"b", "x y", "_", "a1", "it's", #"a\b'"#, "$1"]
        let samples = SQLKeywords.classes.keys + odd
        let values = samples.map { "(\(SQL.literal($0)))" }.joined(separator: ",")
        let query = "SELECT quote_ident(v) || ' ' || quote_literal(v) FROM (VALUES \(values)) AS t(v)"
        let answers = try LiveServer.query(query)
        #expect(answers == samples.map { SQL.identifier($0) + " " + SQL.literal($0) })
    }
}

@Suite("Search path")
struct SearchPathTests {
    @Test(
        "a list is read as PostgreSQL reads it",
        arguments: [
            ("\"$user\", public", ["$user", "public"]), ("", []), ("  ", []), ("A , \"B c\"", ["a", "B c"]),
            ("\"say \"\"x\"\"\"", ["say \"x\""]), ("\"\"", [""]), ("a,b", ["a", "b"]),
            ("pg_temp,x.y", ["pg_temp", "x.y"]),
        ])
    func parse(text: String, schemas: [String]) {
        #expect(SearchPath.parse(text)?.schemas == schemas)
    }

    @Test("a broken list is refused", arguments: ["a,", ",a", "a b", "\"a", "a,,b", "\"a\"b"])
    func refuses(text: String) {
        #expect(SearchPath.parse(text) == nil)
    }

    @Test("rendering and reading again gives the same list")
    func roundTrip() {
        let path = SearchPath(schemas: ["$user", "public", "Mixed Case", "group"])
        #expect(path.rendered == "\"$user\", public, \"Mixed Case\", \"group\"")
        #expect(SearchPath.parse(path.rendered) == path)
        #expect(SearchPath(schemas: []).rendered == "''")
    }

    @Test("names in string constants are read as regclass reads them")
    func qualifiedNames() {
        #expect(QualifiedName.parse("public.\"Order\"") == QualifiedName(schema: "public", name: "Order"))
        #expect(QualifiedName.parse(" Users ") == QualifiedName(name: "users"))
        #expect(QualifiedName.parse("db.s.t") == QualifiedName(schema: "s", name: "t"))
        #expect(QualifiedName.parse("") == nil)
        #expect(QualifiedName.parse("a..b") == nil)
        #expect(QualifiedName.parse("a.b.c.d") == nil)
    }
}
