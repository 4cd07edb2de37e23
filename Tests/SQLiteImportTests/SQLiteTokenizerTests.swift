import SQLiteImport
import Testing

@Suite("Import: tokens of SQLite's SQL")
struct SQLiteTokenizerTests {
    private func tokens(_ sql: String) throws -> [String] {
        try SQLiteTokenizer.tokens(of: Array(sql.utf8)).map { "\($0.kind):\($0.text)" }
    }

    @Test(
        "Each kind of token",
        arguments: [
            ("a _b c$1 größe", ["word:a", "word:_b", "word:c$1", "word:größe"]),
            (#""a""b" `c``d` [e"f]"#, ["quotedName:a\"b", "bracketedName:c`d", "bracketedName:e\"f"]),
            ("'it''s' '' ''''", ["string:it's", "string:", "string:'"]),
            ("x'00fF' X'' xy", ["blob:00fF", "blob:", "word:xy"]),
            (
                "1 1.5 .5 1. 1e3 1.5E-3 0x1F 0X0",
                ["1", "1.5", ".5", "1.", "1e3", "1.5E-3", "0x1F", "0X0"].map { "number:" + $0 }
            ),
            (
                "a==b!=c<>d||e->f->>g<<1>>2<=>=",
                [
                    "word:a", "symbol:==", "word:b", "symbol:!=", "word:c", "symbol:<>", "word:d", "symbol:||",
                    "word:e",
                    "symbol:->", "word:f", "symbol:->>", "word:g", "symbol:<<", "number:1", "symbol:>>", "number:2",
                    "symbol:<=", "symbol:>=",
                ]
            ),
            (
                "a--b\nc/*d*/e - - f/g/*",
                ["word:a", "word:c", "word:e", "symbol:-", "symbol:-", "word:f", "symbol:/", "word:g"]
            ),
            ("?1 :a @b $c", ["variable:?1", "variable::a", "variable:@b", "variable:$c"]),
            ("\u{FEFF}a.b;", ["word:a", "symbol:.", "word:b", "symbol:;"]),
            ("", []),
        ] as [(String, [String])])
    func kinds(_ sql: String, _ expected: [String]) throws {
        #expect(try tokens(sql) == expected)
    }

    @Test(
        "What SQLite refuses is named, with its place",
        arguments: ["'a", "\"a", "`a", "[a", "x'0'", "x'0g'", "1a", "a ! b", "a\u{0}b", "{"])
    func refused(_ sql: String) throws {
        #expect(throws: DefinitionProblem.self) { try tokens(sql) }
    }

    @Test("A token knows its bytes")
    func ranges() throws {
        let tokens = try SQLiteTokenizer.tokens(of: Array("é 'a''b' c".utf8))
        #expect(tokens.map(\.range) == [0..<2, 3..<9, 10..<11])
    }

    @Test("A statement that is too long is refused")
    func limit() {
        #expect(throws: DefinitionProblem.self) {
            try SQLiteTokenizer.tokens(of: [UInt8](repeating: 0x20, count: SQLiteTokenizer.limit + 1))
        }
    }
}
