import SQLiteImport
import TestSupport
import Testing

@Suite("Import: CREATE TABLE and CREATE INDEX as SQLite keeps them")
struct TableDefinitionTests {
    static let full = """
        CREATE TABLE IF NOT EXISTS main."Weird ""Table" ( -- a comment, (with brackets
          id INTEGER CONSTRAINT pk PRIMARY KEY DESC ON CONFLICT FAIL AUTOINCREMENT,
          'name' VARCHAR ( 20 ) COLLATE nocase NOT NULL ON CONFLICT IGNORE DEFAULT 'a,b)',
          [big int] UNSIGNED BIG INT DEFAULT -1 CHECK ([big int] > (0)) /* , */,
          bare, "key" "my type", `default` TEXT DEFAULT (lower('X')),
          total REAL GENERATED ALWAYS AS (id * (2 + 1)) STORED UNIQUE,
          twice AS (id || ')') , ts DATETIME DEFAULT CURRENT_TIMESTAMP,
          parent INT CONSTRAINT fk REFERENCES "P"(id) ON DELETE SET NULL ON UPDATE CASCADE MATCH full DEFERRABLE INITIALLY DEFERRED,
          generated TEXT NULL,
          CONSTRAINT u UNIQUE (name COLLATE RTRIM DESC, bare) ON CONFLICT REPLACE
          CHECK (bare <> ')' AND 1),
          CONSTRAINT fk2 FOREIGN KEY (bare, "key") REFERENCES other NOT DEFERRABLE INITIALLY DEFERRED
        ) STRICT, WITHOUT ROWID
        """

    @Test("Everything that a table may say")
    func everything() throws {
        let table = try TableDefinitionReader.read(Self.full)
        #expect(table.name == "Weird \"Table" && table.isStrict && table.isWithoutRowid)
        #expect(
            table.columns.map(\.name) == [
                "id", "name", "big int", "bare", "key", "default", "total", "twice", "ts", "parent", "generated",
            ])
        #expect(
            table.columns.map(\.type) == [
                "INTEGER", "VARCHAR(20)", "UNSIGNED BIG INT", "", "\"my type\"", "TEXT", "REAL", "", "DATETIME", "INT",
                "TEXT",
            ])
        #expect(
            table.columns[0].constraints == [
                ConstraintDefinition(.primaryKey([], isAutoincrement: true), name: "pk", conflict: "FAIL")
            ])
        #expect(
            table.columns[1].constraints.map(\.rule) == [.collate("nocase"), .notNull, .defaultValue("'a,b)'")])
        #expect(table.columns[2].constraints.map(\.rule) == [.defaultValue("-1"), .check("[big int] > (0)")])
        #expect(table.columns[5].constraints.map(\.rule) == [.defaultValue("lower('X')")])
        #expect(table.columns[6].constraints.map(\.rule) == [.generated("id * (2 + 1)", isStored: true), .unique([])])
        #expect(table.columns[7].constraints.map(\.rule) == [.generated("id || ')'", isStored: false)])
        #expect(table.columns[8].constraints.map(\.rule) == [.defaultValue("CURRENT_TIMESTAMP")])
        #expect(table.columns[10].constraints.map(\.rule) == [.null])
        let unique = try #require(table.constraints.first)
        #expect(unique.name == "u" && unique.conflict == "REPLACE")
        #expect(
            unique.rule
                == .unique([KeyDefinition("name", collation: "RTRIM", isDescending: true), KeyDefinition("bare")]))
        #expect(table.constraints[1] == ConstraintDefinition(.check("bare <> ')' AND 1")))
    }

    @Test("References, behind a column and of the table")
    func references() throws {
        let table = try TableDefinitionReader.read(Self.full)
        var one = ReferenceDefinition()
        (one.parent, one.parentColumns, one.onDelete, one.onUpdate) = ("P", ["id"], "SET NULL", "CASCADE")
        (one.match, one.isDeferred) = ("FULL", true)
        #expect(table.columns[9].constraints == [ConstraintDefinition(.references(one), name: "fk")])
        var two = ReferenceDefinition()
        (two.columns, two.parent) = (["bare", "key"], "other")
        #expect(table.constraints[2] == ConstraintDefinition(.references(two), name: "fk2"))
    }

    @Test("An index: unique, with expressions, order, collations and a condition")
    func index() throws {
        let index = try IndexDefinitionReader.read(
            "CREATE UNIQUE INDEX \"i x\" ON [t](a DESC, lower(b, ',') COLLATE NOCASE ASC, \"c\" COLLATE 'RTRIM') WHERE d IS NOT NULL;"
        )
        #expect(index.isUnique && index.name == "i x" && index.table == "t" && index.condition == "d IS NOT NULL")
        #expect(
            index.keys == [
                KeyDefinition("a", isDescending: true),
                KeyDefinition("lower(b, ',') COLLATE NOCASE", isExpression: true),
                KeyDefinition("c", collation: "RTRIM"),
            ])
    }

    @Test("The module of a virtual table")
    func module() {
        #expect(TableDefinitionReader.module(of: "CREATE VIRTUAL TABLE \"v\" USING fts5(a, b)") == "fts5")
        #expect(TableDefinitionReader.module(of: "CREATE TABLE v (a)") == nil)
    }

    @Test(
        "What is no such statement is said, and where",
        arguments: [
            ("CREATE TABLE", "it ends where a name is expected (byte 12)"),
            ("CREATE TABLE t (a INT CHECK (a > 0)", "it ends where a name is expected (byte 35)"),
            ("CREATE TABLE t (a INT CHECK (a > 0", "a bracket that is never closed (byte 28)"),
            ("CREATE TABLE t (a INT DEFAULT)", "‘)’ where a value is expected (byte 29)"),
            ("CREATE TABLE t (a) WITHOUT OIDS", "‘WITHOUT’ where WITHOUT ROWID or STRICT is expected (byte 19)"),
            ("CREATE TABLE t AS SELECT 1", "‘AS’ where ‘(’ is expected (byte 15)"),
        ])
    func problems(_ sql: String, _ expected: String) {
        #expect { try TableDefinitionReader.read(sql) } throws: { "\($0)" == expected }
    }

    @Test("No bytes make the readers crash, and what they take they took from the statement")
    func fuzz() {
        var random = SeededRandom(SeededRandom.seed(for: "SQLite definitions", usual: 1))
        let seeds = [Self.full, "CREATE UNIQUE INDEX i ON t(a DESC, lower(b) COLLATE NOCASE) WHERE c > x'00'"].map {
            Array($0.utf8)
        }
        let parts = [
            "(", ")", ",", "'", "\"", "[", "]", "--", "/*", " CHECK ", " AS ", " ON ", "CONSTRAINT ", ".", "\0", "0x",
            "x'",
        ]
        var taken = 0
        for _ in 0..<4_000 {
            var bytes = random.pick(seeds)
            for _ in 0...random.below(3) {
                let place = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[place] = UInt8(random.below(256))
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(30)))
                case 2: bytes.insert(contentsOf: random.pick(parts).utf8, at: place)
                default:
                    bytes.insert(
                        contentsOf: bytes[place..<min(bytes.count, place + random.below(60))],
                        at: random.below(bytes.count))
                }
                if bytes.isEmpty { bytes = [0x43] }
            }
            let statement = String(decoding: bytes, as: UTF8.self)
            if let table = try? TableDefinitionReader.read(statement) {
                taken += 1
                for case .check(let text) in table.allConstraints.map(\.constraint.rule) {
                    #expect(statement.utf8.count >= text.utf8.count)
                }
            }
            if (try? IndexDefinitionReader.read(statement)) != nil { taken += 1 }
        }
        #expect(taken > 100)
    }
}
