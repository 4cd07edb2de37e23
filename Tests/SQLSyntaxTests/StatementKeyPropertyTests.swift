import SQLSyntax
import TestSupport
import Testing

@Suite("Keys of statements, by chance")
struct StatementKeyPropertyTests {
    private static let seed = StatementKey.Seed(high: 0xDEAD_BEEF_0BAD_F00D, low: 0x1122_3344_5566_7788)

    private func key(_ bytes: [UInt8]) -> StatementKey? {
        bytes.withUnsafeBytes { StatementKey.of($0, seed: Self.seed)?.key }
    }

    private func key(_ sql: String) -> StatementKey? { key(Array(sql.utf8)) }

    /// Tokens: `#` stands for a number, `'` for a string.
    private static let texts = [
        "SELECT abalance FROM pgbench_accounts WHERE aid = # AND note <> '",
        "UPDATE s . groups AS \"Group\" SET name = ' , amount = amount + # WHERE id = # OR kind IN ( ' , ' , ' )",
        "INSERT INTO t ( a , b ) VALUES ( # , ' ) , ( # , ' ) ON CONFLICT ( a ) DO UPDATE SET b = excluded . b",
        "WITH x AS ( DELETE FROM y WHERE a ->> ' = ' RETURNING * ) SELECT count ( * ) , f ( # ) FROM x FOR UPDATE",
        "( SELECT a :: numeric ( # , # ) FROM t LIMIT # ) UNION ALL ( SELECT ' :: text ) ORDER BY # OFFSET #",
        "MERGE INTO t USING u ON t . i = u . i WHEN MATCHED AND t . n > # THEN UPDATE SET n = #",
    ].map { $0.split(separator: " ").map(String.init) }

    private func number(_ generator: inout SeededRandom) -> String {
        let whole = Int.random(in: 0...10_000_000, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: return "\(whole)"
        case 1: return "\(whole).\(whole)"
        case 2: return "\(whole)E+5"
        default: return ".\(whole)"
        }
    }

    private func string(_ generator: inout SeededRandom) -> String {
        let pieces = ["a", "''", "é", ";", "--", "/*", "\"", "$1", " ", "SELECT", "\n", "表", "0"]
        let content = (0..<Int.random(in: 0..<12, using: &generator)).map { _ in
            pieces.randomElement(using: &generator) ?? ""
        }.joined()
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: return "E'\(content)a\\'b\\\\'"
        case 1: return "$q$\(content)$q$"
        case 2: return "$$\(content)$$"
        case 3: return "U&'\(content)\\00e9'"
        default: return "'\(content)'"
        }
    }

    private func space(_ generator: inout SeededRandom) -> String {
        let spaces = [" ", "\n", "\t", "  ", " /* c */ ", " -- c\n", "\r\n", " /* 'a /* $$ */ */ "]
        return spaces.randomElement(using: &generator) ?? " "
    }

    private func spell(_ token: String, _ generator: inout SeededRandom) -> String {
        switch token {
        case "#": return number(&generator)
        case "'": return string(&generator)
        default:
            guard !token.contains("\"") else { return token }
            return token.map { Bool.random(using: &generator) ? $0.uppercased() : $0.lowercased() }.joined()
        }
    }

    private func spell(_ tokens: [String], _ generator: inout SeededRandom) -> String {
        tokens.map { spell($0, &generator) + space(&generator) }.joined()
    }

    @Test("constants, white space, comments and case may be anything: one key, and one shape")
    func spelling() throws {
        var generator = SeededRandom(1)
        for tokens in Self.texts {
            let first = spell(tokens, &generator)
            let expected = try #require(key(first), "\(first)")
            let shape = try StatementReader.read(first)
            for _ in 0..<200 {
                let ends = ["", ";", " ;\n", ";  \t\r\n"]
                let text = spell(tokens, &generator) + (ends.randomElement(using: &generator) ?? "")
                #expect(key(text) == expected, "\(text)")
                #expect(try StatementReader.read(text) == shape, "\(text)")
            }
        }
    }

    @Test("a changed, missing or doubled token changes the key")
    func changes() throws {
        var generator = SeededRandom(2)
        for tokens in Self.texts {
            var seen = [try #require(key(spell(tokens, &generator)))]
            for index in tokens.indices {
                var (changed, missing, doubled) = (tokens, tokens, tokens)
                changed[index] = tokens[index] + (tokens[index].contains { $0.isLetter } ? "x" : " ~")
                missing.remove(at: index)
                doubled.insert(tokens[index], at: index)
                for other in [changed, missing, doubled] {
                    guard let found = key(spell(other, &generator)) else { continue }
                    #expect(found != seen[0], "\(other.joined(separator: " "))")
                    seen.append(found)
                }
            }
            #expect(seen.count > tokens.count)
        }
    }

    @Test("texts with one key have one shape, whatever they are made of")
    func sameShape() throws {
        var generator = SeededRandom(3)
        let words = [
            "SELECT", "FROM", "t", "s.t", "\"t\"", "1", "22", "'a'", "'b'", "f(1)", "f('x')", ",", "WHERE", "=", "-",
            "- 1", "-2", "(", ")",
            "FOR UPDATE", "INTO", "TEMP", "n", "AS", "::regclass", "nextval('q')", "nextval('r')", "$1", ";", "/* c */",
            "E'\\''", "$$a$$", "*",
            "set_config('a','b',true)", "set_config('c','d',true)", "VALUES", "INSERT", "UPDATE", "SET", "WITH", "a$1",
            "::", "int", "+", "<", "=-3",
        ]
        var shapes: [StatementKey: [StatementShape]] = [:]
        var repeated = 0
        for _ in 0..<60_000 {
            let count = Int.random(in: 1..<7, using: &generator)
            let text =
                "SELECT " + (0..<count).map { _ in words.randomElement(using: &generator) ?? "" }.joined(separator: " ")
            guard let found = key(text), let shape = try? StatementReader.read(text) else { continue }
            if let known = shapes[found] {
                repeated += 1
                #expect(known == shape, "\(text)")
            } else {
                shapes[found] = shape
            }
        }
        #expect(repeated > 1000)
    }

    @Test("random bytes are read to their end or refused, and never past it")
    func fuzz() {
        var generator = SeededRandom(4)
        let alphabet = Array("SELECT select aE'\"$$$;-/*+:.,()[]0 1u&U\n\\=\u{0}xb_{".utf8) + [0x80, 0xC3, 0xA9, 0xFF]
        var keys = 0
        for round in 0..<40_000 {
            let count = Int.random(in: 0..<60, using: &generator)
            var bytes = round.isMultiple(of: 2) ? Array("SELECT ".utf8) : []
            for _ in 0..<count {
                let byte =
                    round.isMultiple(of: 3)
                    ? UInt8.random(in: 0...255, using: &generator) : alphabet.randomElement(using: &generator)
                bytes.append(byte ?? 0)
            }
            let found = key(bytes)
            if found != nil { keys += 1 }
            // What stands after the text must not matter: the same bytes as a part of a larger buffer.
            for filler in [0x27, 0x61] as [UInt8] {
                let larger = bytes + [UInt8](repeating: filler, count: 16)
                let part = larger.withUnsafeBytes { buffer in
                    StatementKey.of(UnsafeRawBufferPointer(rebasing: buffer.prefix(bytes.count)), seed: Self.seed)?.key
                }
                #expect(part == found)
            }
            let whole = bytes.withUnsafeBytes { StatementKey.exact($0, seed: Self.seed) }
            #expect(
                whole
                    == (bytes + [1]).withUnsafeBytes { buffer in
                        StatementKey.exact(UnsafeRawBufferPointer(rebasing: buffer.dropLast()), seed: Self.seed)
                    })
            #expect(bytes.withUnsafeBytes { StatementDirectives.read($0) }.tags.count <= StatementDirectives.maxTags)
        }
        #expect(keys > 500)
    }
}
