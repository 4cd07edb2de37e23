import JSONSchemas
import Testing

@Suite("Regular expressions")
struct PatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        try JSONSchema.compile(["pattern": .string(pattern)]).isValid(.string(text))
    }

    private func refusal(_ pattern: String) -> String? {
        do throws(SchemaErrors) {
            _ = try JSONSchema.compile(["pattern": .string(pattern)])
            return nil
        } catch {
            return error.mistakes.first?.message
        }
    }

    @Test("means what it means in ECMA-262")
    func meaning() throws {
        let yes = [
            ("^a.c$", "abc"), ("^.$", "😀"), ("^.$", "\u{85}"), ("^\\S+$", "é–"), ("^[\\s]$", "\u{FEFF}"),
            ("^[\\S]$", "x"),
            ("^[^\\S]$", "\u{2003}"), ("^\\u{1F600}$", "😀"), ("^\\ud83d\\ude00$", "😀"), ("^\\x41\\u0042$", "AB"),
            ("^[a\\-z]+$", "a-z"), ("^[\\w-.]+$", "a-."), ("^(?<y>\\d{4})-\\k<y>$", "2024-2024"), ("^(a)|\\1b$", "b"),
            ("^[\\b]$", "\u{8}"), ("^\\v\\f$", "\u{B}\u{C}"), ("^\\p{Lu}\\p{Script=Greek}$", "Éα"), ("^\\P{L}$", "1"),
            ("^\\p{Uppercase_Letter}$", "É"), ("^[\\p{L}\\p{Nd}]+$", "é٣"), ("^{}]$", "{}]"), ("a{,2}", "a{,2}"),
            ("^x{2,3}?$", "xx"), ("^[^]$", "\n"), ("^[[:x:]+\\]$", "x]"), ("^\\/\\.\\@$", "/.@"), ("(?<=a)b", "ab"),
            ("^(?:(?!ab).)+$", "ba"), ("#", "#"), ("^\\0$", "\0"), ("^\\p{Assigned}$", "a"),
        ]
        for (pattern, text) in yes { #expect(try matches(pattern, text), "\(pattern) \(text)") }
        let no = [
            ("^.$", "\n"), ("^.$", "\u{2028}"), ("^a$", "a\n"), ("^\\w$", "é"), ("^\\d$", "٣"), ("^[^\\s]$", "\u{A0}"),
            ("[]", "a"),
            ("^A$", "a"), ("^\\P{Assigned}$", "a"), ("^[^]$", "ab"),
        ]
        for (pattern, text) in no { #expect(try !matches(pattern, text), "\(pattern) \(text)") }
    }

    @Test(
        "what ECMA-262 does not have is refused, and what PCRE2 cannot do",
        arguments: [
            "(", ")", "(a", "a)", "[a", "[z-a]", "*a", "a**", "a++", "a{2}{3}", "a{3,2}", "a{70000}", "^*", "(?=a)*",
            "\\", "\\Z",
            "\\A", "\\a", "\\h", "\\R", "\\K", "\\Q", "\\1", "(a)\\2", "\\k<n>", "(?<n>a)(?<n>b)", "(?<1>a)", "(?i)a",
            "(?>a)", "(?P<n>a)", "(?#c)", "(?|a)", "(*FAIL)", "\\x4", "\\u12", "\\u{110000}", "\\ud800", "\\c1",
            "\\p{Nonsense}",
            "\\p{Script=Nonsense}", "\\pL", "\\p{gc=Greek}", "\\01", "\\é", "(?<=a+)b", "[\\1]",
        ])
    func refused(_ pattern: String) { #expect(refusal(pattern) != nil) }

    @Test("too long a pattern, or too many groups, is refused")
    func tooLong() {
        #expect(refusal(String(repeating: "a", count: 10_001)) != nil)
        #expect(refusal(String(repeating: "(", count: 1_000) + String(repeating: ")", count: 1_000)) != nil)
        #expect(refusal("(((a{1000}){1000}){1000})") != nil)
    }

    @Test(
        "a search without end is given up, and the value is invalid",
        arguments: ["^(a+)+$", "^(a|aa)+$", "^(.*)*(.*)*(.*)*x$"])
    func hostile(_ pattern: String) throws {
        let schema = try JSONSchema.compile(["pattern": .string(pattern)])
        let text = JSONValue.string(String(repeating: "a", count: 5_000) + "!")
        let violations = schema.validate(text)
        #expect(violations.count == 1)
        #expect(violations.first?.message.contains("given up") == true, "\(violations)")
        #expect(violations.first?.keyword == "#/pattern")
        #expect(!schema.isValid(text))
        // Nor does it become valid where a mistake is wished for, or may be.
        let inverted = try JSONSchema.compile(["not": ["pattern": .string(pattern)]])
        #expect(!inverted.isValid(text))
        #expect(inverted.validate(text).count == 1)
        let either = try JSONSchema.compile(["anyOf": [["pattern": .string(pattern)], true]])
        #expect(!either.isValid(text))
        let keys = try JSONSchema.compile([
            "patternProperties": .object(object(pattern, true)), "additionalProperties": false,
        ])
        var value = JSONObject()
        value.append(String(repeating: "a", count: 5_000) + "!", 1)
        #expect(keys.validate(.object(value)).first?.message.contains("given up") == true)
    }

    @Test("many searches that each end in time end together as well")
    func manyHostile() throws {
        let schema = try JSONSchema.compile(["items": ["pattern": "^(a+)+$"]])
        let one = JSONValue.string(String(repeating: "a", count: 17) + "!")
        #expect(schema.validate([one]).map(\.keyword) == ["#/items/pattern"])
        let many = JSONValue.array(Array(repeating: one, count: 50_000))
        let violations = schema.validate(many, limit: 100_000)
        #expect(violations.last?.message.contains("takes too long") == true)
        #expect(violations.count < 1_000)
    }

    @Test("random patterns: nothing crashes, and each search ends")
    func random() throws {
        let pieces = [
            "(", ")", "(?:", "(?=", "(?<!", "(?<n>", "[", "]", "[^", "-", "\\", "\\d", "\\S", "\\b", "\\1", "\\k<n>",
            "\\p{L}", "\\u{41}",
            "\\x4", "{", "}", "{2}", "{1,", "*", "+", "?", "|", "^", "$", ".", "a", "b", "é", ">", ",", "\\c",
            "\\ud83d",
        ]
        var random = SeededGenerator(seed: 3)
        var accepted = 0
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 1...9, using: &random)).map { _ in random.pick(pieces) }.joined()
            guard let schema = try? JSONSchema.compile(["pattern": .string(pattern)]) else { continue }
            accepted += 1
            _ = schema.isValid("aab\u{E9}A]{")
        }
        #expect(accepted > 1_000)
    }

    private func object(_ key: String, _ value: JSONValue) -> JSONObject {
        var object = JSONObject()
        object.append(key, value)
        return object
    }
}
