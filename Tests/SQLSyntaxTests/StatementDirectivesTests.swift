import SQLSyntax
import Testing

@Suite("Directives and tags in comments")
struct StatementDirectivesTests {
    private func read(_ sql: String) -> StatementDirectives {
        Array(sql.utf8).withUnsafeBytes { StatementDirectives.read($0) }
    }

    @Test(
        "directives count in comments, wherever these are",
        arguments: [
            ("/* strata:primary */ SELECT 1", StatementDirectives.Target.primary),
            ("SELECT 1 /*strata:replica*/", .replica),
            ("SELECT 1 -- strata:primary", .primary), ("SELECT 1 --strata:replica\n FROM t", .replica),
            ("SELECT /* a /* strata:primary */ b */ 1", .primary), ("SELECT 1; -- x, strata:replica, y", .replica),
            ("/* strata:replica */ SELECT 1 /* strata:primary */", .primary),
            ("/* strata:primary */ SELECT 1 /* strata:replica */", .primary),
            ("SELECT 'it''s' /* strata:replica */", .replica), ("SELECT E'\\'' /* strata:replica */", .replica),
            ("SELECT \"a\"\"b\" -- strata:replica", .replica), ("SELECT $$'$$ -- strata:replica", .replica),
            ("SELECT a$$b /* strata:replica */ FROM c$$d", .replica), ("SELECT '\\' -- strata:replica", .replica),
            ("SELECT 1 /* it's */ /* strata:replica */", .replica), ("SELECT $1 /* strata:replica */", .replica),
        ])
    func targets(sql: String, expected: StatementDirectives.Target) {
        #expect(read(sql).target == expected)
    }

    @Test(
        "nothing else counts",
        arguments: [
            "SELECT '/* strata:primary */'", "SELECT \"-- strata:primary\"", "SELECT $a$ /* strata:primary */ $a$",
            "SELECT E'\\'/* strata:primary */'", "SELECT strata:primary", "SELECT 1 /* strata */",
            "SELECT 1 /* strata:both */",
            "SELECT 1 /* strata:primaryish */", "SELECT 1 /* xstrata:primary */", "SELECT 1 /* Strata:Primary */",
            "SELECT 1 - - strata:primary",
            "SELECT 1 /* strata:primary", "SELECT ' /* strata:primary */", "", "/**/", "--",
            "/*note='strata:primary'*/ SELECT 1",
        ])
    func none(sql: String) {
        #expect(read(sql).target == nil)
    }

    @Test(
        "sqlcommenter's tags",
        arguments: [
            (
                "SELECT 1 /*route='%2Fapi%2Fprojects',controller='x'*/", ["route": "/api/projects", "controller": "x"]
            ),
            ("/* a='1' , b.c-d_e='2' */ SELECT 1", ["a": "1", "b.c-d_e": "2"]), ("SELECT 1 -- a='b'", ["a": "b"]),
            ("SELECT 1 /*a='it\\'s %27q%27'*/", ["a": "it's 'q'"]), ("SELECT 1 /*a='%C3%A9%'*/", ["a": "é%"]),
            ("SELECT 1 /*a='100%zz'*/", ["a": "100%zz"]), ("SELECT 1 /*a=''*/", ["a": ""]),
            ("SELECT 1 /*a='1'*/ /*b='2',a='3'*/", ["a": "1", "b": "2"]), ("SELECT 1 /*a='b'c*/", [:]),
            ("SELECT 1 /*a=\"b\"*/", [:]), ("SELECT 1 /*a='b*/", [:]), ("SELECT 1 /*a='b',*/", [:]),
            ("SELECT 1 /*='b'*/", [:]),
            ("SELECT '/*a=''b''*/'", [:]), ("SELECT 1 /*a b='c'*/", [:]),
        ])
    func tags(sql: String, expected: [String: String]) {
        #expect(read(sql).tags == expected)
        #expect(read(sql).target == nil)
    }

    @Test("at most 32 tags, and values up to 1,024 bytes")
    func bounds() {
        let many = (0..<50).map { "k\($0)='\($0)'" }.joined(separator: ",")
        let found = read("SELECT 1 /*\(many)*/ /*z='1'*/")
        #expect(found.tags.count == 32 && found.tags["k31"] == "31" && found.tags["z"] == nil)
        let value = String(repeating: "%41", count: 1024)
        #expect(read("/*a='\(value)'*/").tags["a"]?.count == 1024)
        #expect(read("/*a='\(value)A',b='1'*/").tags == ["b": "1"])
    }

    @Test("a comment with a directive is one that a key is told of")
    func agreement() {
        let seed = StatementKey.Seed.random()
        for comment in ["/* strata:primary */", "-- strata:replica", "/*a='b'*/", "/* a = b */", "-- a='b"] {
            let text = Array("SELECT 1 \(comment)".utf8)
            let found = text.withUnsafeBytes { StatementDirectives.read($0) }
            let scanned = text.withUnsafeBytes { StatementKey.of($0, seed: seed) }
            #expect(found == StatementDirectives() || scanned?.hasDirectives == true)
        }
    }
}
