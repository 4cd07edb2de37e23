import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

@Suite("Import: SQLite's expressions in PostgreSQL's words")
struct ExpressionTranslationTests {
    static let table = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, m INT, r REAL, s TEXT, "Mixed Case" TEXT, u TEXT COLLATE NOCASE,
          w TEXT COLLATE RTRIM, active BOOLEAN, data JSON, d DATE, e DATE, at DATETIME, until DATETIME, b BLOB,
          price DECIMAL(10,2), c INTEGER_OR_TEXT, x)
        """

    @Test(
        "What is known to mean the same",
        arguments: [
            ("n > 0", "n > 0"), ("N == 1 AND \"Mixed Case\" <> 'x'", "(n = 1) AND (\"Mixed Case\" <> 'x')"),
            ("t.n != 1", "n <> 1"), ("rowid > 0 AND oid < 9", "(id > 0) AND (id < 9)"),
            ("s IN (\"a\", 'b')", "s IN ('a', 'b')"), ("s > 'a'", "s COLLATE \"C\" > 'a'"),
            ("s BETWEEN 'a' AND 'b'", "(s COLLATE \"C\" >= 'a') AND (s COLLATE \"C\" <= 'b')"),
            ("s IS 'x' OR s IS NOT NULL", "(s IS NOT DISTINCT FROM 'x') OR (s IS NOT NULL)"),
            ("s IS DISTINCT FROM 'x'", "s IS DISTINCT FROM 'x'"), ("s NOTNULL", "s IS NOT NULL"),
            ("active = 1", "active = true"), ("active", "active"), ("NOT active", "NOT active"),
            ("active IS TRUE", "active IS TRUE"), ("active = FALSE", "active = false"),
            ("active + (n > 0) = 1", "(active::integer + (n > 0)::integer) = 1"),
            ("n", "n <> 0"), ("1", "true"), ("NULL OR n = 1", "NULL::boolean OR (n = 1)"),
            ("s LIKE 'a\\_%'", "s COLLATE \"C\" ILIKE E'a\\\\_%' ESCAPE ''"),
            ("s NOT LIKE 'a!%' ESCAPE '!'", "NOT (s COLLATE \"C\" ILIKE 'a!%' ESCAPE '!')"),
            ("s GLOB 'a*_?'", "s LIKE E'a%\\\\__'"), ("s GLOB '[0-9]*'", "s COLLATE \"C\" ~ '^[0-9].*$'"),
            ("u = 'Abc'", "lower(u COLLATE \"C\") = 'abc'"),
            ("s = 'x' COLLATE NOCASE", "lower(s COLLATE \"C\") = 'x'"),
            ("w = 'x'", "rtrim(w, ' ') = rtrim('x', ' ')"), ("s = u", "s = u"),
            ("n / m > 1", "(n / NULLIF(m, 0)) > 1"), ("n % 2 = 0", "(n % 2::bigint) = 0"),
            ("r / 2 < 1.5", "(r / 2::bigint) < 1.5"), ("-n < ~m", "(- n) < (~ m)"), ("n = -5", "n = (-5)"),
            ("s || n = 'x1'", "(s || n::text) = 'x1'"), ("n & 4 = 4", "(n & 4::bigint) = 4"),
            ("length(s) <= 10", "length(s) <= 10"), ("length(n) = 3", "length(n::text) = 3"),
            ("length(b) = 2", "length(b) = 2"),
            ("lower(s) = s", "lower(s COLLATE \"C\") = s"), ("trim(s) <> ''", "btrim(s) <> ''"),
            ("substr(s, 1, 2) = 'ab'", "substr(s, 1, 2) = 'ab'"), ("instr(s, '@') > 1", "strpos(s, '@') > 1"),
            ("coalesce(s, '') <> ''", "COALESCE(s, '') <> ''"),
            ("ifnull(active, 0) = 1", "COALESCE(active, false) = true"),
            ("iif(n > 0, 'a', 'b') = s", "CASE WHEN n > 0 THEN 'a' ELSE 'b' END = s"),
            ("CASE s WHEN 'a' THEN n = 1 ELSE 1 END", "CASE WHEN s = 'a' THEN (n = 1) ELSE true END"),
            ("b <> x'00fF'", "b <> '\\x00fF'::bytea"), ("d >= '2020-02-29'", "d >= '2020-02-29'::date"),
            ("d < e", "d < e"),
            ("price > 0 AND price <= 9.99", "(price > 0) AND (price <= 9.99)"), ("n = '5'", "n = 5"),
            ("s = 5", "s = '5'"),
            ("c NOT IN ('WKT', '12')", "NOT (c IN ('WKT', '12'))"), ("CAST(r AS INTEGER) = n", "trunc(r)::bigint = n"),
            ("(d IS NULL) + (e IS NULL) = 1", "((d IS NULL)::integer + (e IS NULL)::integer) = 1"),
            ("n IN ()", "false"), ("nullif(NULL, 0) >= s", "NULL >= s"),
            ("CASE n WHEN 1 THEN NULL END > m", "NULL > m"),
            ("n IS NOT (TRUE COLLATE NOCASE)", "(n <> 0) IS NOT TRUE"),
            ("CAST(u AS TEXT) = 'A'", "lower(u COLLATE \"C\") = 'a'"),
            ("+u = 'A'", "lower(u COLLATE \"C\") = 'a'"), ("NULL IN (0.5, 'q')", "NULL::boolean"),
            ("0x10 = n", "16 = n"), ("replace(s, 'a', '') = ''", "replace(s, 'a', '') = ''"),
        ])
    func translated(_ expression: String, _ expected: String) throws {
        let result = try TargetFixture(Self.table).translation().translate(expression, for: .check)
        guard case .sql(let sql, _) = result else {
            Issue.record("\(expression): \(result)")
            return
        }
        #expect(sql == expected)
    }

    @Test(
        "What is left says why",
        arguments: [
            ("typeof(n) = 'integer'", "typeof()"), ("max(n, m) > 0", "max()"), ("nosuch > 0", "nosuch"),
            ("price * n > 0", "exact decimals"), ("at > '2020-01-01'", "text of at"), ("date(at) = at", "date()"),
            ("round(r, 2) = r", "round()"), ("s REGEXP 'a'", "REGEXP"), ("s LIKE u", "no literal"),
            ("s = 1.5", "compares s"),
            ("n > 'a'", "compares n"), ("active = 2", "compares active"), ("substr(s, -1) = 'a'", "substr()"),
            ("s COLLATE mine = 'a'", "collation mine"), ("n IN (SELECT 1)", "a list of values"),
            ("(n, m) = (1, 2)", "a row"),
            ("s", "true or false"), ("n = :p", "a value"), ("json_valid(s)", "json_valid()"),
            ("data ->> 'a' = 'b'", "JSON"),
            ("x = 5", "compares x"), ("c < '5'", "compares c"), ("c = '05'", "compares c"),
            ("count(*) > 1", "aggregate"),
            ("d = '2021-02-29'", "text of d"), ("coalesce(n, '') = ''", "it gives"), ("n % 1.5 = 0", "no integers"),
            ("s GLOB '[z-a]'", "brackets"), ("hex(randomblob(4)) = s", "randomblob()"), ("r + s > 1", "reckons with s"),
            ("price / 2 > 1", "exact decimals"), ("nullif(n, '1') = 1", "compares n"), ("'1' IN (n)", "compares '1'"),
            ("likely(s) > 1", "compares s"),
            ("trim(s COLLATE NOCASE) = u", "COLLATE within"), ("coalesce(c, '') = '1'", "as numbers"),
            ("n > ", "cannot be read"),
        ])
    func left(_ expression: String, _ reason: String) throws {
        let result = try TargetFixture(Self.table).translation().translate(expression, for: .check)
        guard case .left(let text) = result else {
            Issue.record("\(expression): \(result)")
            return
        }
        #expect(text.contains(reason), "\(text)")
    }

    @Test(
        "What the type sees to needs no check",
        arguments: ["active IN (0, 1)", "json_valid(data) OR data IS NULL", "(json_valid(data)) AND active IN (1,0)"])
    func implied(_ expression: String) throws {
        let result = try TargetFixture(Self.table).translation().translate(expression, for: .check)
        guard case .implied = result else {
            Issue.record("\(result)")
            return
        }
    }

    @Test("Where it is one of several conditions, the rest stays; negated or in an index it is not left away")
    func impliedParts() throws {
        let translation = try TargetFixture(Self.table).translation()
        #expect(translation.translate("active IN (0, 1) AND n > 0", for: .check) == .sql("n > 0", notes: []))
        #expect(
            translation.translate("NOT json_valid(data)", for: .check)
                == .sql("NOT CASE WHEN data IS NOT NULL THEN true END", notes: []))
        #expect(
            translation.translate("active IN (0, 1)", for: .condition) == .sql("active IN (false, true)", notes: []))
    }

    @Test("Times of one type compare as times, with a note where SQLite compared text")
    func times() throws {
        var fixture = try TargetFixture(Self.table)
        guard case .sql("until > at", let notes) = fixture.translation().translate("until > at", for: .check) else {
            Issue.record("not translated")
            return
        }
        #expect(notes.count == 1)
        for index in fixture.mapping.tables[0].columns.indices {
            fixture.mapping.tables[0].columns[index].unit = .milliseconds
        }
        #expect(fixture.translation().translate("until > at", for: .check) == .sql("until > at", notes: []))
    }

    @Test("Deep and wide expressions are read or refused, never a crash")
    func depth() throws {
        let translation = try TargetFixture(Self.table).translation()
        let wide = (0..<3_000).map { "n = \($0)" }.joined(separator: " OR ")
        guard case .sql = translation.translate(wide, for: .check) else {
            Issue.record("wide")
            return
        }
        for deep in [
            String(repeating: "(", count: 20_000) + "n" + String(repeating: ")", count: 20_000),
            "n" + String(repeating: " + n", count: 20_000) + " > 0", String(repeating: "NOT ", count: 20_000) + "n",
            String(repeating: "-", count: 1) + String(repeating: " - ", count: 20_000) + "n",
        ] {
            guard case .left(let reason) = translation.translate(deep, for: .check) else {
                Issue.record("deep")
                return
            }
            #expect(reason.contains("levels"))
        }
    }

    @Test("Any bytes: translated text is always PostgreSQL's, and nothing crashes")
    func fuzz() throws {
        var random = SeededRandom(SeededRandom.seed(for: "SQLite expressions", usual: 1))
        let translation = try TargetFixture(Self.table).translation()
        let words = [
            "n", "s", "u", "active", "d", "'a'", "1", "0.5", "NULL", "(", ")", "AND", "OR", "NOT", "IN", "(1,2)", "=",
            "<", "||",
            "IS", "LIKE", "BETWEEN", "CASE", "WHEN", "THEN", "END", "lower(", "length(", ",", "COLLATE NOCASE", "+",
            "/", "-", "\"q\"",
            "x'00'", "[n]", "GLOB '[a]*'", "CAST(n AS TEXT)", "--", "/*", "'", "\u{FFFD}", "é", "ESCAPE '!'", ".", "t",
        ]
        var translated = 0
        for _ in 0..<20_000 {
            let text = (0...random.below(8)).map { _ in random.pick(words) }.joined(separator: " ")
            switch translation.translate(text, for: random.once(in: 2) ? .check : .key(isUnique: true)) {
            case .sql: translated += 1
            case .left(let reason): #expect(!reason.contains("PostgreSQL's parser"), "\(text): \(reason)")
            case .implied: break
            }
        }
        #expect(translated > 300)
    }
}
