import SQLSyntax
import Testing

@Suite("Parser")
struct ParserTests {
    @Test("statements come with their text, bytes and line")
    func statements() throws {
        let text = "-- first\nSELECT 'é';\n\n/* second /* nested */ */ UPDATE t SET a = 1 ;  \n"
        let statements = try SQLParser.parse(text)
        #expect(statements.map(\.text) == ["SELECT 'é'", "UPDATE t SET a = 1"])
        #expect(statements.map(\.kind) == ["SelectStmt", "UpdateStmt"])
        #expect(statements.map(\.line) == [2, 4])
        #expect(statements[0].range == 9..<20)
    }

    @Test("no statement in a text without one", arguments: ["", "  \n", "-- only a comment", ";;"])
    func noStatements(text: String) throws {
        #expect(try SQLParser.parse(text).isEmpty)
    }

    @Test("an unquoted reserved alias is PostgreSQL's syntax error with its place (S1.18)")
    func reservedAlias() {
        let error = #expect(throws: SQLSyntaxError.self) {
            try SQLParser.parse("SELECT 'éé'\n  FROM education.groups AS group")
        }
        #expect(error?.message == "syntax error at or near \"group\"")
        #expect(error?.reason == .syntax)
        #expect(error?.line == 2)
        #expect(error?.description.contains("line 2, column") == true)
    }

    @Test("positions count bytes, columns count characters")
    func multiByte() {
        let error = #expect(throws: SQLSyntaxError.self) { try SQLParser.parse("select 'éé' frm frm frm") }
        #expect(error?.message == "syntax error at or near \"frm\"")
        #expect(error?.offset == 18)
        #expect(error?.column == 17)
    }

    @Test("a comment may stand between the parts of a string constant, as in PostgreSQL")
    func commentInString() throws {
        let text = "SELECT 'a' -- é\n 'b' FROM t"
        let statement = try #require(try SQLParser.parse(text).first)
        #expect(statement.text == text)
        let value = statement.node["targetList"]?.children.first?["ResTarget"]?["val"]?["A_Const"]?["sval"]
        #expect(value?["sval"]?.string == "ab")
        #expect(StatementReferences.collect(in: statement).relations.map(\.line) == [2])
    }

    @Test("texts that are too long or hold a NUL are refused before parsing")
    func bounds() {
        let long = #expect(throws: SQLSyntaxError.self) { try SQLParser.parse("select 1", limit: 7) }
        #expect(long?.reason == .tooLarge(limit: 7))
        let nul = #expect(throws: SQLSyntaxError.self) { try SQLParser.parse("select 1\u{0}; drop table t") }
        #expect(nul?.reason == .containsNUL)
        #expect(throws: SQLSyntaxError.self) { try SQLParser.parse(String(repeating: " ", count: 1 << 20) + "x") }
    }

    @Test("fingerprints ignore constants; normalising replaces them")
    func fingerprint() throws {
        #expect(try SQLParser.fingerprint("select 1") == SQLParser.fingerprint("SELECT   2"))
        #expect(try SQLParser.fingerprint("select 1").count == 16)
        #expect(try SQLParser.normalise("select 'a', 2") == "select $1, $2")
        #expect(throws: SQLSyntaxError.self) { try SQLParser.fingerprint("selec") }
    }

    @Test("escapes in names and constants survive the tree")
    func escapes() throws {
        let text = "select 'tab\there <b> \"q\" back\\slash\u{1} 😀' as \"a\"\"b\n\""
        let target = try #require(try SQLParser.parse(text).first?.node["targetList"]?.children.first?["ResTarget"])
        #expect(target["name"]?.string == "a\"b\n")
        let value = target["val"]?["A_Const"]?["sval"]?["sval"]?.string
        #expect(value == "tab\there <b> \"q\" back\\slash\u{1} 😀")
    }

    /// Statements that nest or run on further than anybody writes.
    enum Monster: String, CaseIterable {
        case parentheses, conjunction, sum, joins, unions, calls, systemColumns

        var text: String {
            switch self {
            case .parentheses: "SELECT " + repeated("(", 5_000) + "1" + repeated(")", 5_000)
            case .conjunction: "SELECT 1 FROM t WHERE a = 1" + repeated(" AND a = 1", 20_000)
            case .sum: "SELECT 1" + repeated("+1", 60_000)
            case .joins: "SELECT 1 FROM a" + repeated(" JOIN b ON true", 5_000)
            case .unions: "SELECT 1" + repeated(" UNION SELECT 1 FROM u", 5_000)
            case .calls: "SELECT " + repeated("f(", 2_000) + "1" + repeated(")", 2_000)
            case .systemColumns: "SELECT xmin" + repeated("+xmin", 20_000) + " FROM t, u"
            }
        }

        private func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
    }

    @Test("deep and long statements are read and never crash", arguments: Monster.allCases)
    func deep(monster: Monster) throws {
        let statement = try #require(try SQLParser.parse(monster.text).first)
        #expect(StatementReferences.collect(in: statement).writes == false)
        #expect(try SQLParser.fingerprint(monster.text).count == 16)
        #expect(try !SQLParser.normalise(monster.text).isEmpty)
    }

    @Test("more nesting than the parser takes is an error, as in PostgreSQL")
    func tooDeep() {
        let text = "SELECT " + String(repeating: "(", count: 50_000) + "1" + String(repeating: ")", count: 50_000)
        let error = #expect(throws: SQLSyntaxError.self) { try SQLParser.parse(text) }
        #expect(error?.message.hasPrefix("memory exhausted") == true)
    }

    @Test("many threads parse at once")
    func parallel() async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let padding = String(repeating: " ", count: number % 2 == 0 ? 0 : 10_000)
                    let text = "SELECT \(number)\(padding) FROM s\(number).t; bogus"
                    do {
                        _ = try SQLParser.parse(text)
                        return false
                    } catch let error as SQLSyntaxError {
                        let good = try SQLParser.parse("SELECT 1\(padding) FROM s\(number).t")
                        let names = StatementReferences.collect(in: good[0]).relations.map(\.schema)
                        return error.message.contains("bogus") && names == ["s\(number)"]
                    }
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
