import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// Translated expressions tried on both sides with the same rows: same accepted, same refused.
@Suite("Import: checks and defaults on both sides")
struct CheckEquivalenceTests {
    static let checks = [
        "n / m > 1", "n % m = 0", "-n < m", "n & 6 = 2", "n << 2 > 8", "n >> 1 = 1", "n BETWEEN 1 AND 3",
        "NOT (n > 1 AND m > 1)", "n",
        "r / 2 < 1.5", "r * n >= 2.5", "r + 0.1 = 0.3", "CAST(r AS INTEGER) = 1", "abs(n) = 3", "s > 'b'", "s < 'B'",
        "s BETWEEN 'A' AND 'b'",
        "s LIKE 'a%'", "s LIKE '%_b'", "s LIKE 'a!%%' ESCAPE '!'", "s LIKE 'É'", "s LIKE '\\%'", "s GLOB 'a*'",
        "s GLOB '?'", "s GLOB '[a-c]*'",
        "s GLOB '*[^0-9]*'", "s GLOB '[]]'", "s GLOB '*.*'", "s GLOB '[!-#]*'", "s GLOB '%'", "u = 'ABC'", "u = 'é'",
        "u IN ('abc', 'x')", "u < 'B'",
        "u COLLATE BINARY = 'abc'", "w = 'a'", "s || n = 'a1'", "length(s) > 1", "length(n) = 2", "lower(s) = s",
        "upper(s) = 'É'",
        "trim(s) = s", "ltrim(s, 'a') = ''", "substr(s, 2) = 'b'", "substr(s, 2, 1) = 'b'", "instr(s, 'b') > 1",
        "replace(s, 'a', 'b') = 'bb'",
        "coalesce(s, 'a') = 'a'", "nullif(s, 'a') IS NULL", "iif(n > 1, s, 'a') = 'a'",
        "CASE n WHEN 1 THEN 'a' WHEN 2 THEN 'ab' END = s",
        "CASE WHEN n IS NULL THEN 0 ELSE n END", "active = 1", "active <> 1", "active", "NOT active", "active IS TRUE",
        "active IS NOT FALSE",
        "active + (n > 0) = 1", "coalesce(active, 0) = 0", "active IN (0, 1)", "active = (n > 1)", "s IS 'a'",
        "s IS NOT u", "s IS NULL OR n IS NULL",
        "(s IS NULL) + (n IS NULL) = 1", "(s IS NULL) = (n IS NULL)", "n = '1'", "s = 1", "n IN ()",
        "n NOT IN (1, NULL)", "s IN (u, 'b')",
        "d > '2020-01-01'", "d = '2020-02-29'", "d BETWEEN '2020-01-01' AND '2020-12-31'", "b = x'00ff'", "b > x'00'",
        "length(b) = 2", "hex(b) = '00FF'", "hex(b) = ''", "length(s) * length(u) > 3", "instr(s, u) = 1",
        "NULL OR length(s) = 2", "n = 1 OR NULL", "NOT NULL", "1", "0 OR n = 1", "n + m > 9223372036854775",
        "iif(n = 1, active, 0)",
    ]

    private static let columns = """
        n INTEGER, m INTEGER, r REAL, s TEXT, u TEXT COLLATE NOCASE, w TEXT COLLATE RTRIM, active BOOLEAN, d DATE, b BLOB
        """

    @Test(
        "S4.31 Each check takes and refuses the same rows in SQLite and PostgreSQL",
        arguments: 0..<(checks.count + 9) / 10)
    func check(_ part: Int) async throws {
        let checks = Array(Self.checks.dropFirst(part * 10).prefix(10))
        let tables = checks.enumerated().map { "CREATE TABLE t\($0.offset) (\(Self.columns), CHECK (\($0.element)));" }
        let fixture = try TargetFixture(tables.joined(), ["n": .integer])
        try await withTestDatabase { database in
            try await database.with { connection in
                let target = try await fixture.make(on: connection)
                #expect(target.leftOut.filter { $0.object.kind == .check } == [])
                for (number, expression) in checks.enumerated() {
                    try await compare("t\(number)", expression, fixture, connection)
                }
            }
        }
    }

    private func compare(
        _ table: String, _ expression: String, _ fixture: TargetFixture, _ connection: Connection
    ) async throws {
        var random = SeededRandom(7)
        var taken = 0
        for _ in 0..<100 {
            let row = Self.row(&random)
            let refused = fixture.file.refuses("INSERT INTO \(table) VALUES (\(row.sqlite))")
            let alsoRefused = await connection.refuses("INSERT INTO \(table) VALUES (\(row.postgres))")
            #expect(refused == alsoRefused, "\(expression), \(row.sqlite): SQLite \(refused ? "refuses" : "takes")")
            if !refused { taken += 1 }
        }
        #expect(taken > 0 || ["n IN ()", "NOT NULL"].contains(expression), "\(expression)")
    }

    private static let texts = [
        "NULL", "''", "'a'", "'A'", "'b'", "'B'", "'ab'", "'Ab'", "'a '", "'é'", "'É'", "'aa'", "'a%'", "']'", "'a.b'",
        "'5'",
        "'\\%'", "'x1'", "'abc'", "'bb'",
    ]

    /// The same values as each side writes them.
    private static func row(_ random: inout SeededRandom) -> (sqlite: String, postgres: String) {
        let numbers = ["NULL", "0", "1", "2", "3", "-3", "10"]
        let common = [
            random.pick(numbers), random.pick(numbers), random.pick(["NULL", "0.0", "0.2", "1.25", "1.9", "-2.5"]),
            random.pick(texts), random.pick(texts), random.pick(texts),
        ].joined(separator: ", ")
        let flag = random.pick(["NULL", "0", "1"])
        let day = random.pick(["NULL", "'2020-01-01'", "'2020-02-29'", "'2021-01-01'"])
        let bytes = random.pick(["NULL", "", "00", "00ff", "01"])
        return (
            "\(common), \(flag), \(day), \(bytes == "NULL" ? bytes : "x'\(bytes)'")",
            "\(common), \(flag == "NULL" ? flag : "\(flag == "1")"), \(day), \(bytes == "NULL" ? bytes : "'\\x\(bytes)'")"
        )
    }

    @Test(
        "A DEFAULT gives the same value on both sides",
        arguments: [
            ("INTEGER", .bigint, "5"), ("INTEGER", .bigint, "-5"), ("INTEGER", .integer, "'7'"),
            ("INTEGER", .bigint, "(2 + 3 * 4)"),
            ("INTEGER", .bigint, "0x1F"), ("INTEGER", .bigint, "-9223372036854775808"), ("TEXT", .text, "'it''s'"),
            ("TEXT", .text, "word"),
            ("TEXT", .text, "\"quoted\""), ("TEXT", .text, "5"), ("TEXT", .text, "('a' || 'b' || 1)"),
            ("TEXT", .text, "''"),
            ("TEXT", .text, "(lower('ÀB'))"), ("REAL", .doublePrecision, "1.5"), ("REAL", .doublePrecision, "-1e3"),
            ("REAL", .doublePrecision, "3"),
            ("DECIMAL(6,2)", .numeric(precision: 6, scale: 2), "9.99"), ("BOOLEAN", .boolean, "1"),
            ("BOOLEAN", .boolean, "false"),
            ("BOOLEAN", .boolean, "TRUE"), ("BLOB", .bytea, "x'00ff'"), ("DATE", .date, "'2020-02-29'"),
            ("TEXT", .date, "CURRENT_DATE"),
            ("TEXT", .text, "(date('now'))"), ("TEXT", .text, "(strftime('%Y-%m', 'now'))"), ("TEXT", .text, "NULL"),
            ("INTEGER", .bigint, "(strftime('%s', 'now') / 100000)"),
        ] as [(String, TargetType, String)])
    func defaults(_ declared: String, _ type: TargetType, _ value: String) async throws {
        let fixture = try TargetFixture(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v \(declared) DEFAULT \(value))", ["v": type])
        try await withTestDatabase { database in
            try await database.with { connection in
                let target = try await fixture.make(on: connection)
                guard !value.contains("/ 100000") else {
                    // Text that is divided is not known to mean the same.
                    #expect(target.leftOut.map(\.object.kind) == [.defaultValue])
                    return
                }
                #expect(target.leftOut == [])
                try fixture.file.execute("INSERT INTO t (id) VALUES (1)")
                try await connection.execute("INSERT INTO t (id) VALUES (1)")
                let shown =
                    type == .bytea ? "upper(encode(v, 'hex'))" : type == .boolean ? "v::integer::text" : "v::text"
                let asked = type == .bytea ? "hex(v)" : "CAST(v AS TEXT)"
                let one = try fixture.file.text("SELECT \(asked) FROM t") ?? "NULL"
                let other = try await connection.texts("SELECT \(shown) FROM t")
                let isNumber = type == .doublePrecision
                #expect(isNumber ? Double(one) == Double(other[0]) : one == other[0])
            }
        }
    }

    @Test(
        "A DEFAULT that is now is now, in the column's type and unit",
        arguments: [
            ("DATETIME", .timestamp(nil), nil, "CURRENT_TIMESTAMP"),
            ("DATETIME", .timestamptz(3), nil, "(datetime('now'))"),
            ("INTEGER", .timestamptz(3), .milliseconds, "(cast((julianday('now') - 2440587.5) * 86400000 as integer))"),
            ("INTEGER", .timestamp(nil), .milliseconds, "(strftime('%s', 'now') * 1000)"),
            ("INTEGER", .timestamp(nil), .seconds, "(unixepoch())"),
            ("INTEGER", .bigint, nil, "(strftime('%s','now'))"), ("INTEGER", .bigint, nil, "(1000 * unixepoch('now'))"),
            ("TEXT", .text, nil, "current_timestamp"), ("TEXT", .text, nil, "(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))"),
            ("TEXT", .timestamptz(nil), nil, "(strftime('%Y-%m-%d %H:%M:%f', 'now'))"),
        ] as [(String, TargetType, TimeUnit?, String)])
    func now(_ declared: String, _ type: TargetType, _ unit: TimeUnit?, _ value: String) async throws {
        var fixture = try TargetFixture(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v \(declared) DEFAULT \(value))", ["v": type])
        fixture.mapping.tables[0].columns[1].unit = unit
        try await withTestDatabase { database in
            try await database.with { connection in
                let target = try await fixture.make(on: connection)
                #expect(target.leftOut == [])
                try await connection.execute("INSERT INTO t (id) VALUES (1)")
                try fixture.file.execute("INSERT INTO t (id) VALUES (1)")
                // SQLite's value, read as the column's type, is PostgreSQL's but for the moment between.
                let text = try #require(try fixture.file.text("SELECT CAST(v AS TEXT) FROM t"))
                let read =
                    switch unit {
                    case .milliseconds: "to_timestamp(\(text) / 1000.0)"
                    case .seconds: "to_timestamp(\(text))"
                    default:
                        type == .bigint
                            ? "to_timestamp(\(text.count > 10 ? "\(text) / 1000.0" : text))"
                            : "'\(text.replacing("Z", with: ""))+00'::timestamptz"
                    }
                let mine =
                    type == .bigint
                    ? "to_timestamp(v / \(text.count > 10 ? "1000.0" : "1.0"))"
                    : type == .text
                        ? "(replace(v, 'Z', '') || '+00')::timestamptz"
                        : type == .timestamp(nil) ? "v AT TIME ZONE 'UTC'" : "v"
                let isSame = try await connection.texts(
                    "SELECT abs(extract(epoch FROM \(mine) - \(read))) < 300 FROM t")
                #expect(isSame == ["t"])
                if type == .text {
                    #expect(try await connection.texts("SELECT length(v)::text FROM t") == ["\(text.count)"])
                }
            }
        }
    }

    @Test(
        "Words of an ORM for true and false",
        arguments: [("'t'", "true"), ("'F'", "false"), ("'true'", "true"), ("'0'", "false")])
    func booleanWords(_ value: String, _ expected: String) throws {
        let fixture = try TargetFixture("CREATE TABLE t (v BOOLEAN DEFAULT \(value))")
        let table = try #require(fixture.schema.tables.first)
        #expect(fixture.translation().defaultValue(of: table.columns[0]) == .sql(expected, notes: []))
    }

    @Test(
        "A DEFAULT that does not fit is left, with the reason",
        arguments: [
            ("TEXT", .text, "(lower(hex(randomblob(16))))"), ("INTEGER", .smallint, "70000"),
            ("BOOLEAN", .boolean, "'yes'"),
            ("INTEGER", .bigint, "'x'"), ("TEXT", .varchar(2), "'abc'"), ("TEXT", .jsonb, "'{'"),
            ("DATE", .date, "'0000-00-00'"),
            ("INTEGER", .timestamp(nil), "(unixepoch())"), ("TEXT", .timestamp(nil), "(datetime('now', 'localtime'))"),
            ("REAL", .text, "1.5"),
            ("DECIMAL(4,1)", .numeric(precision: 4, scale: 1), "9.99"), ("INTEGER", .bigint, "(random())"),
        ] as [(String, TargetType, String)])
    func leftDefaults(_ declared: String, _ type: TargetType, _ value: String) async throws {
        let fixture = try TargetFixture(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v \(declared) DEFAULT \(value))", ["v": type])
        let left = fixture.target.leftOut
        #expect(left.map(\.object) == [TargetObject(.defaultValue, "t.v")])
        #expect(
            left.allSatisfy {
                !$0.reason.isEmpty && $0.sql.hasPrefix("DEFAULT ") && $0.nextStep.contains("ALTER COLUMN v SET")
            })
    }
}
