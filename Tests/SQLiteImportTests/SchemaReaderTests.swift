import Foundation
import GRDB
import SQLiteImport
import Testing

@Suite("Import: what a SQLite file holds")
struct SchemaReaderTests {
    private func schema(_ sql: String) throws -> SourceSchema { try SQLiteFile(sql).schema() }

    private func table(_ name: String, in sql: String) throws -> SourceTable {
        try #require(try schema(sql).tables.first { $0.name == name })
    }

    @Test("Columns: types as written, NOT NULL, defaults, collations, generated ones")
    func columns() throws {
        let file = try SQLiteFile()
        // SQLite asks for the collation when the table is made, and no more when it is only read.
        try file.queue.writeWithoutTransaction { $0.add(collation: DatabaseCollation("reverse") { $1.compare($0) }) }
        try file.execute(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(20) NOT NULL DEFAULT 'x' COLLATE nocase, b, c "My Type"
            DEFAULT (1 + 2), d AS (a || 'y'), e INT GENERATED ALWAYS AS (id * 2) STORED, f TEXT COLLATE "reverse");
            """)
        let table = try #require(try SQLiteFile(copyOf: file).schema().tables.first)
        #expect(table.columns.map(\.name) == ["id", "a", "b", "c", "d", "e", "f"])
        #expect(table.columns.map(\.declared) == ["INTEGER", "VARCHAR(20)", "", "My Type", "", "INT", "TEXT"])
        #expect(table.columns.map(\.defaultSQL) == [nil, "'x'", nil, "1 + 2", nil, nil, nil])
        #expect(table.columns.map(\.isNotNull) == [false, true, false, false, false, false, false])
        #expect(table.columns.map(\.generation) == [nil, nil, nil, nil, .virtual, .stored, nil])
        #expect(table.columns.map(\.generationSQL) == [nil, nil, nil, nil, "a || 'y'", "id * 2", nil])
        #expect(
            table.columns.map(\.collation) == ["BINARY", "nocase", "BINARY", "BINARY", "BINARY", "BINARY", "reverse"])
        #expect(table.primaryKey == ["id"] && table.rowidAlias == "id" && table.unread == nil)
    }

    @Test(
        "Which primary keys are the rowid",
        arguments: [
            ("CREATE TABLE t (id INTEGER PRIMARY KEY)", "id"), ("CREATE TABLE t (id INTEGER, PRIMARY KEY (id))", "id"),
            ("CREATE TABLE t (id INTEGER, PRIMARY KEY (id DESC))", "id"),
            ("CREATE TABLE t (id INTEGER PRIMARY KEY DESC)", nil),
            ("CREATE TABLE t (id INT PRIMARY KEY)", nil),
            ("CREATE TABLE t (id INTEGER PRIMARY KEY) WITHOUT ROWID", nil),
            ("CREATE TABLE t (id integer primary key autoincrement)", "id"),
            ("CREATE TABLE t (id INTEGER, b INT, PRIMARY KEY (id, b))", nil),
        ] as [(String, String?)])
    func rowidAlias(_ sql: String, _ expected: String?) throws {
        let table = try table("t", in: sql)
        #expect(table.rowidAlias == expected)
        #expect(table.primaryKey.first == "id")
        #expect(table.isAutoincrement == sql.contains("autoincrement"))
        #expect(table.rowidName == (table.isWithoutRowid ? nil : "rowid"))
    }

    @Test("Names of the rowid that columns have taken")
    func rowidNames() throws {
        let schema = try schema(
            "CREATE TABLE a (RowId TEXT); CREATE TABLE b (rowid, _ROWID_); CREATE TABLE c (rowid, _rowid_, OID)")
        #expect(schema.tables.map(\.rowidName) == ["_rowid_", "oid", nil])
    }

    @Test("Indexes: keys, order, collation, conditions, expressions, names of constraints")
    func indexes() throws {
        let table = try table(
            "t",
            in: """
                CREATE TABLE t (a TEXT CONSTRAINT ua UNIQUE, b TEXT COLLATE NOCASE, c INT, CONSTRAINT pk PRIMARY KEY (b, c),
                  CONSTRAINT ubc UNIQUE (c, a) ON CONFLICT REPLACE, UNIQUE (b));
                CREATE INDEX plain ON t (a, b DESC, c COLLATE RTRIM);
                CREATE UNIQUE INDEX part ON t (a) WHERE c > 0 AND a <> ')';
                CREATE INDEX expr ON t (lower(a), c, a || ',' COLLATE NOCASE DESC);
                """)
        let named = Dictionary(uniqueKeysWithValues: table.indexes.map { ($0.name, $0) })
        #expect(table.indexes.map(\.constraint).compactMap { $0 }.sorted() == ["pk", "ua", "ubc"])
        #expect(table.keyName == "pk" && table.conflicts == ["UNIQUE (c, a) ON CONFLICT REPLACE"])
        let plain = try #require(named["plain"])
        #expect(
            plain.keys == [
                SourceIndex.Key(column: "a"), SourceIndex.Key(column: "b", isDescending: true, collation: "NOCASE"),
                SourceIndex.Key(column: "c", collation: "RTRIM"),
            ])
        #expect(!plain.isUnique && plain.origin == .created && plain.condition == nil)
        let part = try #require(named["part"])
        #expect(part.isUnique && part.condition == "c > 0 AND a <> ')'" && part.sql != nil)
        let expr = try #require(named["expr"])
        #expect(
            expr.keys.map(\.column) == [nil, "c", nil])
        #expect(expr.keys.map(\.expression) == ["lower(a)", nil, "a || ',' COLLATE NOCASE"])
        #expect(
            expr.keys.map(\.collation) == ["BINARY", "BINARY", "BINARY"]
                && expr.keys.map(\.isDescending) == [false, false, true])
        #expect(table.indexes.filter { $0.origin == .unique }.count == 3)
        #expect(table.indexes.filter { $0.origin == .primaryKey }.map { $0.keys.map(\.column) } == [["b", "c"]])
    }

    @Test("References: composite, to itself, without columns, deferred, with names; checks")
    func references() throws {
        let table = try table(
            "t",
            in: """
                CREATE TABLE p (x INT, y INT, PRIMARY KEY (x, y));
                CREATE TABLE t (id INTEGER PRIMARY KEY, up INT REFERENCES t ON DELETE CASCADE, x INT CHECK (x > 0), y INT,
                  z INT CONSTRAINT fz REFERENCES gone (a) DEFERRABLE INITIALLY DEFERRED,
                  CONSTRAINT fp FOREIGN KEY (x, y) REFERENCES p (x, y) ON UPDATE SET NULL, CONSTRAINT ck CHECK (x <> y));
                """)
        #expect(table.foreignKeys.map(\.columns) == [["up"], ["z"], ["x", "y"]])
        #expect(table.foreignKeys.map(\.parent) == ["t", "gone", "p"])
        #expect(table.foreignKeys.map(\.parentColumns) == [[], ["a"], ["x", "y"]])
        #expect(table.foreignKeys.map(\.name) == [nil, "fz", "fp"])
        #expect(table.foreignKeys.map(\.isDeferred) == [false, true, false])
        #expect(table.foreignKeys.map(\.onDelete) == ["CASCADE", "NO ACTION", "NO ACTION"])
        #expect(table.foreignKeys.map(\.onUpdate) == ["NO ACTION", "NO ACTION", "SET NULL"])
        #expect(table.checks == [SourceCheck("x > 0", column: "x"), SourceCheck("x <> y", name: "ck")])
    }

    @Test("Views, triggers, virtual tables and their shadows are named with their statements; SQLite's own are not")
    func others() throws {
        let schema = try schema(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);
            CREATE VIEW v AS SELECT a FROM t;
            CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;
            CREATE VIRTUAL TABLE f USING fts4(body);
            INSERT INTO t (a) VALUES ('x'), ('y'); DELETE FROM t WHERE id = 2; ANALYZE;
            """)
        #expect(schema.tables.map(\.name) == ["t"])
        #expect(schema.sequences == ["t": 2])
        let others = Dictionary(grouping: schema.others, by: \.kind).mapValues { $0.map(\.name) }
        #expect(others[.view] == ["v"] && others[.trigger] == ["tr"] && others[.virtualTable] == ["f"])
        #expect(others[.shadowTable]?.sorted() == ["f_content", "f_docsize", "f_segdir", "f_segments", "f_stat"])
        #expect(schema.others.first { $0.name == "tr" }?.table == "t")
        #expect(schema.others.allSatisfy { $0.sql?.hasPrefix("CREATE") == true })
    }

    @Test("A table whose module is not loaded is unreadable, with the reason; its shadows are known; the rest is read")
    func unreadable() throws {
        let file = try SQLiteFile("CREATE TABLE t (a); CREATE TABLE g_node (a); CREATE TABLE g_other (a)")
        try file.execute(
            """
            PRAGMA writable_schema = ON;
            INSERT INTO sqlite_master VALUES ('table', 'm', 'm', 0, 'CREATE VIRTUAL TABLE m USING nosuch(a)');
            INSERT INTO sqlite_master VALUES ('table', 'g', 'g', 0, 'CREATE VIRTUAL TABLE g USING geopoly(a)');
            PRAGMA writable_schema = RESET;
            """)
        let schema = try SQLiteFile(copyOf: file).schema()
        #expect(schema.tables.map(\.name) == ["t", "g_other"])
        let broken = schema.others.filter { $0.kind == .unreadable }
        #expect(broken.map(\.name) == ["m", "g"])
        #expect(broken.first?.problem == "no such module: nosuch")
        #expect(schema.others.filter { $0.kind == .shadowTable }.map(\.name) == ["g_node"])
    }

    @Test(
        "Any name works: quotes, keywords, Unicode, brackets, spaces, the empty one",
        arguments: ["select", "a\"b", "a'b", "a]b", "a\"\u{301}b", "größe 表", " x ", "%s; DROP TABLE t;--", ""])
    func names(_ name: String) throws {
        let quoted = SQLite.identifier(name)
        let schema = try schema(
            "CREATE TABLE \(quoted) (\(quoted) TEXT, z INT UNIQUE, FOREIGN KEY (\(quoted)) REFERENCES \(quoted))")
        #expect(schema.others == [])
        let table = try #require(schema.tables.first)
        #expect(table.name == name && table.columns.map(\.name) == [name, "z"] && table.unread == nil)
        #expect(table.foreignKeys.map(\.parent) == [name] && table.indexes.count == 1)
    }

    @Test("Names that are not UTF-8 are said, and nothing crashes")
    func badNames() throws {
        let file = try SQLiteFile("CREATE TABLE good (a); CREATE TABLE xbad (a); CREATE TABLE t (xcol TEXT)")
        try file.execute("PRAGMA writable_schema = ON")
        try file.execute(
            """
            UPDATE sqlite_master SET name = CAST(x'ff626164' AS TEXT), tbl_name = CAST(x'ff626164' AS TEXT),
              sql = CAST(x'435245415445205441424c452022ff626164222028612c2062290a' AS TEXT) WHERE name = 'xbad';
            UPDATE sqlite_master SET sql = CAST(x'435245415445205441424c45207420282278ff22205445585429' AS TEXT) WHERE name = 't';
            """)
        let schema = try SQLiteFile(copyOf: file).schema()
        #expect(schema.tables.map(\.name) == ["good"])
        #expect(schema.others.map(\.kind) == [.unreadable, .unreadable])
        #expect(schema.others.compactMap(\.problem).allSatisfy { $0.contains("not valid UTF-8") })
    }

    @Test("Names that differ only in how Unicode composes them are said")
    func composed() throws {
        let schema = try schema(
            "CREATE TABLE \u{E9} (a); CREATE TABLE e\u{301} (a); CREATE TABLE t (\u{E9} INT, e\u{301} INT)")
        #expect(schema.tables.map(\.name) == ["é"])
        #expect(schema.others.map(\.kind) == [.unreadable, .unreadable])
        #expect(schema.others.allSatisfy { $0.problem?.contains("Unicode composes") == true })
    }

    @Test("A UTF-16 file, WITHOUT ROWID, STRICT")
    func options() throws {
        let schema = try schema(
            "PRAGMA encoding = 'UTF-16le'; CREATE TABLE é (ü TEXT PRIMARY KEY) WITHOUT ROWID; CREATE TABLE s (a ANY) STRICT"
        )
        #expect(schema.tables.map(\.name) == ["é", "s"] && schema.tables[0].columns.map(\.name) == ["ü"])
        #expect(
            schema.tables.map(\.isWithoutRowid) == [true, false] && schema.tables.map(\.isStrict) == [false, true])
    }

    @Test("A column added by ALTER TABLE, a renamed one, and a table of CREATE TABLE AS")
    func altered() throws {
        let schema = try schema(
            """
            CREATE TABLE t (a INT CHECK (a > 0)); ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'x' CHECK (b <> '');
            ALTER TABLE t RENAME COLUMN a TO "new a"; CREATE TABLE u AS SELECT * FROM t;
            """)
        #expect(schema.tables[0].columns.map(\.name) == ["new a", "b"] && schema.tables[0].unread == nil)
        #expect(
            schema.tables[0].checks == [
                SourceCheck("\"new a\" > 0", column: "new a"), SourceCheck("b <> ''", column: "b"),
            ])
        #expect(schema.tables[1].columns.map(\.name) == ["new a", "b"] && schema.tables[1].unread == nil)
    }
}
