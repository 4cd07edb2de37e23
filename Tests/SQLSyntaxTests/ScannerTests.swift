import SQLSyntax
import Testing

@Suite("Scanner")
struct ScannerTests {
    @Test("tokens carry kind and bytes")
    func tokens() throws {
        let scanned = try SQLScanner.scan("SELECT \"Ä\"\"b\", Foo /* c */ FROM t WHERE a <> $1 -- end")
        let found = scanned.tokens.map { scanned.text($0) }
        #expect(
            found == [
                "SELECT", "\"Ä\"\"b\"", ",", "Foo", "/* c */", "FROM", "t", "WHERE", "a", "<>", "$1", "-- end",
            ])
        #expect(scanned.tokens[0].kind == .keyword(.reserved))
        #expect(scanned.tokens[4].kind == .comment)
        #expect(scanned.tokens[10].kind == .parameter)
        #expect(scanned.name(scanned.tokens[1]) == "Ä\"b")
        #expect(scanned.name(scanned.tokens[3]) == "foo")
    }

    @Test("an empty text has no tokens and a hash")
    func empty() throws {
        #expect(try SQLScanner.scan("").tokens.isEmpty)
        #expect(try SQLScanner.normalisedTokenHash(" -- x\n") == SQLScanner.normalisedTokenHash(""))
    }

    @Test("an open quote is an error with its place")
    func openQuote() {
        let error = #expect(throws: SQLSyntaxError.self) { try SQLScanner.scan("select 1,\n 'abc") }
        #expect(error?.line == 2)
        #expect(error?.column == 2)
    }

    @Test(
        "layout, comments and letter case do not change the hash (S1.42)",
        arguments: [
            ("select a from T", "SELECT\n\ta  FROM t -- licence"),
            ("select \"id\"", "select ID"),
            ("/* a */ insert into x values ('A')", "insert into X values('A')"),
        ])
    func sameHash(one: String, other: String) throws {
        #expect(try SQLScanner.normalisedTokenHash(one) == SQLScanner.normalisedTokenHash(other))
    }

    @Test(
        "what changes the meaning changes the hash (S1.42)",
        arguments: [
            ("select 'A'", "select 'a'"), ("select \"Id\"", "select id"), ("select 1", "select 11"),
            ("select a b", "select ab"), ("select \"char\"", "select char"), ("select 'x'", "select E'x'"),
            ("select '1'", "select 1"), ("a;b", "a b"),
        ])
    func differentHash(one: String, other: String) throws {
        #expect(try SQLScanner.normalisedTokenHash(one) != SQLScanner.normalisedTokenHash(other))
    }

    @Test("the formula of v1 stays as it is")
    func pinned() throws {
        // FNV-1a 128 of the empty text is its offset basis.
        #expect(try SQLScanner.normalisedTokenHash("") == "v1:6c62272e07bb014262b821756295c58d")
        #expect(try SQLScanner.normalisedTokenHash("SELECT 1") == "v1:8729fb1a5b2fdcfe8bd4070a3f484fd9")
    }
}
