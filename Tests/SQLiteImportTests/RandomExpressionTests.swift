import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

@Suite("Import: expressions at random, on both sides")
struct RandomExpressionTests {
    private static let columns = ["n", "m", "r", "s", "u", "w", "active", "d"]
    private static let literals = [
        "1", "0", "-2", "0.5", "'a'", "'B'", "''", "'1'", "NULL", "TRUE", "'2020-01-01'", "\"q\"",
    ]

    /// At most three levels high.
    private static func expression(_ random: inout SeededRandom, _ height: Int = 3) -> String {
        guard height > 0, !random.once(in: 5) else { return random.pick(random.once(in: 3) ? literals : columns) }
        func part() -> String { expression(&random, height - 1) }
        switch random.below(18) {
        case 0: return "(\(part()) AND \(part()))"
        case 1: return "(\(part()) OR \(part()))"
        case 2: return "NOT (\(part()))"
        case 3, 4, 5: return "(\(part()) \(random.pick(["=", "<>", "<", ">=", "IS", "IS NOT"])) \(part()))"
        case 6: return "(\(part()) \(random.pick(["+", "-", "*", "/", "%", "&", "|"])) \(part()))"
        case 7: return "(\(part()) || \(part()))"
        case 8: return "(\(part()) IN (\(part()), \(part())))"
        case 9: return "(\(part()) BETWEEN \(part()) AND \(part()))"
        case 10: return "(\(part()) IS NULL)"
        case 11:
            return
                "(\(part()) \(random.pick(["LIKE 'a%'", "LIKE '_'", "GLOB '[a-c]*'", "GLOB 'A*'", "NOT LIKE '%B'"])))"
        case 16 where random.once(in: 2): return "+\(part())"
        case 12: return "\(random.pick(["lower", "upper", "length", "abs", "trim", "likely"]))(\(part()))"
        case 13: return "\(random.pick(["coalesce", "ifnull", "nullif", "instr"]))(\(part()), \(part()))"
        case 14: return "iif(\(part()), \(part()), \(part()))"
        case 15: return "CASE WHEN \(part()) THEN \(part()) ELSE \(part()) END"
        case 16: return "CAST(\(part()) AS \(random.pick(["TEXT", "INTEGER", "REAL"])))"
        default: return "(\(part()) COLLATE \(random.pick(["NOCASE", "BINARY", "RTRIM"])))"
        }
    }

    @Test("What is translated finds the same rows in SQLite and PostgreSQL, and never fails there")
    func sameRows() async throws {
        let fixture = try TargetFixture(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, m INTEGER, r REAL, s TEXT, u TEXT COLLATE NOCASE, w TEXT COLLATE RTRIM,
              active BOOLEAN, d DATE)
            """)
        var random = SeededRandom(SeededRandom.seed(for: "SQLite expressions on both sides", usual: 6))
        try await withTestDatabase { database in
            try await database.with { connection in
                try await fixture.make(on: connection)
                for _ in 0..<40 {
                    let numbers = ["NULL", "0", "1", "2", "-3", "10"],
                        texts = ["NULL", "''", "'a'", "'A'", "'ab'", "'B '", "'é'", "'1'"]
                    let flag = random.pick(["NULL", "0", "1"])
                    let row = [
                        random.pick(numbers), random.pick(numbers), random.pick(["NULL", "0.0", "0.5", "-1.5", "2.0"]),
                        random.pick(texts),
                        random.pick(texts), random.pick(texts),
                    ].joined(separator: ", ")
                    let day = random.pick(["NULL", "'2020-01-01'", "'2020-02-29'"])
                    let insert = "INSERT INTO t (n, m, r, s, u, w, active, d) VALUES (\(row), "
                    try fixture.file.execute("\(insert)\(flag), \(day))")
                    try await connection.execute("\(insert)\(flag == "NULL" ? flag : "\(flag == "1")"), \(day))")
                }
                let translation = fixture.translation()
                var translated = 0
                for _ in 0..<6_000 {
                    let expression = Self.expression(&random)
                    guard case .sql(let sql, _) = translation.translate(expression, for: .condition) else { continue }
                    translated += 1
                    let found = try fixture.file.text(
                        "SELECT coalesce(group_concat(id), '') FROM (SELECT id FROM t WHERE \(expression) ORDER BY id)")
                    do {
                        let also = try await connection.texts(
                            "SELECT coalesce(string_agg(id::text, ',' ORDER BY id), '') FROM t WHERE \(sql)")
                        #expect(also == [found ?? ""], "\(expression)\n\(sql)")
                    } catch {
                        Issue.record("\(expression)\n\(sql)\n\(error)")
                    }
                }
                #expect(translated > 300)
            }
        }
    }
}
