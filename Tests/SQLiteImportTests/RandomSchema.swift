import SQLiteImport
import TestSupport

/// A file's definitions put together at random, from parts that applications use.
struct RandomSchema {
    private var random: SeededRandom
    private(set) var statements: [String] = []
    private var parents: [(table: String, column: String, type: String)] = []

    init(_ seed: UInt64) {
        random = SeededRandom(seed)
        for number in 0...random.below(5) { table(number) }
    }

    private static let names = ["a", "B b", "select", "größe", "c\"d", "E'e", "xmin", "user_id", "Ordem"]
    private static let types = [
        "INTEGER", "INT", "TEXT", "VARCHAR(20)", "REAL", "BLOB", "BOOLEAN", "DATETIME", "DATE", "DECIMAL(10,2)", "JSON",
        "", "INTEGER_OR_TEXT",
        "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM",
    ]
    private static let defaults = [
        "1", "'x'", "NULL", "CURRENT_TIMESTAMP", "(1 + 1)", "true", "x'00'", "(lower('A'))", "-1.5", "\"q\"", "''",
        "(random())",
    ]
    private static let checks = [
        "$ > 0", "$ IS NOT NULL", "length($) < 10", "$ IN (0, 1)", "$ IN ('a', 'b')", "typeof($) = 'text'",
        "$ LIKE 'a%'", "$ GLOB '[a-z]*'",
        "$ BETWEEN 1 AND 5", "$ <> ''", "$ / 2 > 1", "$ || 'x' <> 'y'", "coalesce($, 0) >= 0", "json_valid($)",
        "CAST($ AS TEXT) <> ''", "abs($) < 9", "$ = $",
        "NOT ($ IS NULL OR $ = 5)", "CASE WHEN $ > 1 THEN 1 ELSE 0 END", "lower($) = $", "$ COLLATE NOCASE = 'a'",
        "hex($) = ''", "$",
    ]

    private mutating func table(_ number: Int) {
        let table = "T \(number)"
        let names = (0...random.below(6)).map { Self.names[$0] }
        var types: [String: String] = [:]
        let key = random.below(5)
        var parts: [String] =
            key == 0 ? ["id INTEGER PRIMARY KEY AUTOINCREMENT"] : key == 1 ? ["id INTEGER PRIMARY KEY"] : []
        for name in names {
            let type = random.pick(Self.types)
            types[name] = type
            var part = "\(SQLite.identifier(name)) \(type)"
            if random.once(in: 6) { part += " NOT NULL" }
            if random.once(in: 8) { part += " UNIQUE" }
            if random.once(in: 3) { part += " DEFAULT \(random.pick(Self.defaults))" }
            if random.once(in: 3) { part += " CHECK (\(check(name)))" }
            if random.once(in: 6), let parent = parents.randomElement(using: &random) {
                part +=
                    " REFERENCES \(SQLite.identifier(parent.table)) (\(SQLite.identifier(parent.column))) \(random.pick(["", "ON DELETE CASCADE", "ON UPDATE SET NULL", "DEFERRABLE INITIALLY DEFERRED"]))"
            }
            parts.append(part)
        }
        if random.once(in: 3) {
            parts.append(
                "g \(random.pick(["TEXT", "INT", ""])) AS (\(check(random.pick(names)))) \(random.pick(["STORED", "VIRTUAL"]))"
            )
        }
        if key == 2 {
            let keys = names.prefix(2).map { name in
                let isText = types[name]?.contains("TEXT ") == true || types[name] == "TEXT"
                let collations = isText ? [" COLLATE NOCASE", " COLLATE RTRIM DESC"] : [" DESC"]
                return SQLite.identifier(name) + random.pick(["", " COLLATE BINARY DESC"] + collations)
            }
            parts.append("CONSTRAINT pk PRIMARY KEY (\(keys.joined(separator: ", ")))")
        }
        if random.once(in: 3) {
            parts.append("CONSTRAINT ck CHECK (\(check(random.pick(names))) OR \(check(random.pick(names))))")
        }
        let options = key == 2 && random.once(in: 2) ? " WITHOUT ROWID" : ""
        statements.append("CREATE TABLE \(SQLite.identifier(table)) (\(parts.joined(separator: ", ")))\(options)")
        if key < 2 { parents.append((table, "id", "INTEGER")) }
        for index in 0..<random.below(4) { self.index("\(number)i\(index)", table, names) }
    }

    private mutating func check(_ name: String) -> String {
        random.pick(Self.checks).replacing("$", with: SQLite.identifier(name))
    }

    private mutating func index(_ name: String, _ table: String, _ names: [String]) {
        let keys = (0...random.below(2)).map { _ in
            let column = SQLite.identifier(random.pick(names))
            return random.pick([
                column, column, "\(column) DESC", "lower(\(column))", "\(column) COLLATE NOCASE",
                "coalesce(\(column), 'x')",
            ])
        }
        let condition = random.once(in: 3) ? " WHERE \(check(random.pick(names)))" : ""
        statements.append(
            "CREATE \(random.once(in: 3) ? "UNIQUE " : "")INDEX \(SQLite.identifier(name)) ON \(SQLite.identifier(table)) (\(keys.joined(separator: ", ")))\(condition)"
        )
    }
}
