import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// What PostgreSQL's catalog says after all statements were run.
@Suite("Import: definitions on a real PostgreSQL")
struct TargetDefinitionTests {
    private func made(
        _ fixture: TargetFixture, _ body: (Connection, TargetDefinition) async throws -> Void
    ) async throws {
        try await withTestDatabase { database in
            try await database.with { connection in try await body(connection, try await fixture.make(on: connection)) }
        }
    }

    private static let indexes = """
        SELECT regexp_replace(indexdef, ' ON .*USING btree', '') FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname
        """
    private static let constraints = """
        SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace ORDER BY conrelid::regclass::text, conname
        """

    @Test("S4.31 Keys: rowid, composite, WITHOUT ROWID, STRICT, self-reference, cycle, actions, deferred")
    func keys() async throws {
        let fixture = try TargetFixture(
            """
            CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, up INT REFERENCES a ON DELETE CASCADE,
              b INT CONSTRAINT ab REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id) ON UPDATE SET NULL);
            CREATE TABLE c (x TEXT, y INT, z TEXT, CONSTRAINT pk PRIMARY KEY (y, x), UNIQUE (z), CONSTRAINT uq UNIQUE (x, z)) WITHOUT ROWID;
            CREATE TABLE d (y INT, x TEXT, FOREIGN KEY (x, y) REFERENCES c (x, y), CONSTRAINT pk PRIMARY KEY (x)) STRICT;
            """)
        try await made(fixture) { (connection, target) async throws in
            #expect(target.leftOut == [] && target.problems == [])
            #expect(
                try await connection.texts(Self.constraints) == [
                    "a a_pkey PRIMARY KEY (id)", "a a_up_fkey FOREIGN KEY (up) REFERENCES a(id) ON DELETE CASCADE",
                    "a ab FOREIGN KEY (b) REFERENCES b(id) DEFERRABLE INITIALLY DEFERRED",
                    "b b_a_fkey FOREIGN KEY (a) REFERENCES a(id) ON UPDATE SET NULL", "b b_pkey PRIMARY KEY (id)",
                    "c c_z_key UNIQUE (z)", "c pk PRIMARY KEY (y, x)", "c uq UNIQUE (x, z)",
                    "d d_x_y_fkey FOREIGN KEY (x, y) REFERENCES c(x, y)",
                    "d \(TargetNames.fitted("pk") { $0 == "pk" }) PRIMARY KEY (x)",
                ])
            let identity =
                "SELECT attrelid::regclass || '.' || attname FROM pg_attribute WHERE attidentity = 'd' ORDER BY 1"
            #expect(try await connection.texts(identity) == ["a.id", "b.id"])
            #expect(
                try await connection.texts("SELECT count(*)::text FROM pg_constraint WHERE NOT convalidated") == ["0"])
        }
    }

    @Test("S4.31 Indexes: unique, partial stays partial, expression, DESC")
    func indexes() async throws {
        let fixture = try TargetFixture(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, n INT, deleted BOOLEAN, data JSON);
            CREATE UNIQUE INDEX i1 ON t (mail) WHERE deleted = 0 AND mail IS NOT NULL;
            CREATE INDEX i2 ON t (lower(mail), n DESC);
            CREATE UNIQUE INDEX i3 ON t (n, mail);
            CREATE INDEX i4 ON t (json_extract(data, '$.a.b'), data ->> 'c');
            """)
        try await made(fixture) { (connection, target) async throws in
            #expect(target.leftOut == [])
            let indexes = try await connection.texts(Self.indexes)
            #expect(
                indexes == [
                    "CREATE UNIQUE INDEX i1 (mail) WHERE ((deleted = false) AND (mail IS NOT NULL))",
                    "CREATE INDEX i2 (lower((mail COLLATE \"C\")), n DESC)", "CREATE UNIQUE INDEX i3 (n, mail)",
                    "CREATE INDEX i4 (((data #>> ARRAY['a'::text, 'b'::text])), ((data ->> 'c'::text)))",
                    "CREATE UNIQUE INDEX t_pkey (id)",
                ])
            try await connection.execute("INSERT INTO t (mail, deleted) VALUES ('a', true), ('a', true), ('a', false)")
            #expect(await connection.refuses("INSERT INTO t (mail, deleted) VALUES ('a', false)"))
        }
    }

    @Test("NOCASE: unique keys stay so for ASCII, as in SQLite; a reference to one is left")
    func noCase() async throws {
        let fixture = try TargetFixture(
            """
            CREATE TABLE t (name TEXT COLLATE NOCASE PRIMARY KEY, mail TEXT COLLATE NOCASE UNIQUE, plain TEXT, w TEXT COLLATE RTRIM UNIQUE);
            CREATE INDEX i1 ON t (mail);
            CREATE INDEX i2 ON t (plain COLLATE NOCASE);
            CREATE UNIQUE INDEX i3 ON t (plain COLLATE NOCASE);
            CREATE TABLE u (mail TEXT REFERENCES t (mail), name TEXT REFERENCES t);
            """)
        try await made(fixture) { (connection, target) async throws in
            let left = Dictionary(grouping: target.leftOut, by: \.object.kind)
            #expect(left[.collation]?.map(\.object.name) == ["t.name", "t.mail", "t.w"])
            #expect(left[.foreignKey]?.map(\.sql) == ["FOREIGN KEY (mail) REFERENCES t (mail)"])
            let indexes = try await connection.texts(Self.indexes)
            #expect(indexes.contains("CREATE INDEX i1 (mail)") && indexes.contains("CREATE INDEX i2 (lower(plain))"))
            for (name, refused) in [("'A'", false), ("'a'", true), ("'é'", false), ("'É'", false)] {
                let sql = "INSERT INTO t (name, mail, plain, w) VALUES (\(name), \(name), \(name), \(name) || 'x')"
                #expect(fixture.file.refuses(sql) == refused)
                #expect(await connection.refuses(sql) == refused)
            }
            for (text, refused) in [("'q'", false), ("'q '", true), ("' q'", false)] {
                let sql = "INSERT INTO t (name, w) VALUES ('n' || \(text), \(text))"
                #expect(fixture.file.refuses(sql) == refused)
                #expect(await connection.refuses(sql) == refused)
            }
        }
    }

    @Test("Generated columns are stored and reckon the same; what cannot be said becomes an ordinary column")
    func generated() async throws {
        let fixture = try TargetFixture(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b TEXT, s INT GENERATED ALWAYS AS (a * 2 / 3) STORED,
              v TEXT AS (b || '-' || a), f INT AS (a > 1), l TEXT AS (strftime('%Y', b)), w TEXT AS (v || 'x'),
              k INT AS (b COLLATE NOCASE = 'X'), j INT AS (b COLLATE NOCASE > 5), i INT AS (lower(5) = b), z INT AS (b = 'x' OR replace('a', 'b', 'c') = b), y INT AS (-1 + a));
            """)
        try await made(fixture) { (connection, target) async throws in
            #expect(target.generated == ["t": ["s", "v", "f", "k", "j", "y"]])
            #expect(
                target.leftOut.map(\.object) == [
                    TargetObject(.generatedColumn, "t.l"), TargetObject(.generatedColumn, "t.w"),
                    TargetObject(.generatedColumn, "t.i"), TargetObject(.generatedColumn, "t.z"),
                ])
            for sql in [
                "INSERT INTO t (a, b) VALUES (5, 'x')", "INSERT INTO t (a, b) VALUES (-5, NULL)",
                "INSERT INTO t (a, b) VALUES (1, '')",
            ] {
                try fixture.file.execute(sql)
                try await connection.execute(sql)
            }
            let sql = "SELECT coalesce(s || '|' || f || '|' || coalesce(v, '?'), '?') FROM t ORDER BY id"
            #expect(try await connection.texts(sql) == ["3|1|x-5", "-3|0|?", "0|0|-1"])
            #expect(
                try fixture.file.text("SELECT group_concat(s || '|' || f || '|' || coalesce(v, '?')) FROM t")
                    == "3|1|x-5,-3|0|?,0|0|-1")
        }
    }

    @Test(
        "Names: mixed case, keywords, Unicode, quotes, system columns, 64 bytes and more, a sequence's name that is taken"
    )
    func names() async throws {
        let long = String(repeating: "long_name_", count: 8)
        let wide = String(repeating: "ü", count: 40)
        let fixture = try TargetFixture(
            """
            CREATE TABLE "Order" ("select" INTEGER PRIMARY KEY, "Mixed Case" TEXT UNIQUE, "a""b" INT CHECK ("a""b" > 0), ctid TEXT, XMIN TEXT, xmin2 TEXT);
            CREATE TABLE "\(long)1" (id INTEGER PRIMARY KEY, "\(wide)" TEXT, "\(wide)x" TEXT, CONSTRAINT "\(long)c" CHECK (id > 0));
            CREATE TABLE "\(long)2" (id INTEGER PRIMARY KEY, "" TEXT, x INT, CONSTRAINT "\(long)c" CHECK (id > 1), CONSTRAINT "\(long)c" CHECK (x > 1));
            CREATE TABLE "" (a TEXT);
            CREATE TABLE q (id INTEGER PRIMARY KEY); CREATE TABLE q_id_seq (id INTEGER PRIMARY KEY);
            CREATE INDEX "\(long)i1" ON "\(long)1" ("\(wide)"); CREATE INDEX "\(long)i2" ON "\(long)1" ("\(wide)x");
            """)
        try await made(fixture) { (connection, target) async throws in
            #expect(target.problems == [] && target.leftOut == [])
            let tables = try await connection.texts(
                "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid"
            )
            #expect(tables.count == 6 && tables[0] == "Order" && tables[4...] == ["q", "q_id_seq"])
            #expect(tables[1] != tables[2] && tables[1].utf8.count <= 63 && tables[1].hasPrefix("long_name_long_name_"))
            let columns =
                "SELECT attname::text FROM pg_attribute WHERE attrelid = '\"Order\"'::regclass AND attnum > 0 ORDER BY attnum"
            let names = try await connection.texts(columns)
            #expect(
                names[0...2] == ["select", "Mixed Case", "a\"b"] && names[3].hasPrefix("ctid_")
                    && names[4...] == ["XMIN", "xmin2"])
            #expect(target.notes.filter { $0.message.hasPrefix("called ") }.count >= 6)
            #expect(ImportNames(fixture.schema) == ImportNames(fixture.schema))
        }
    }

    @Test("What cannot be carried over is named, with what it was and what to do; nothing fails on the server")
    func leftOut() async throws {
        let fixture = try TargetFixture(
            """
            CREATE TABLE p (id INTEGER PRIMARY KEY, k TEXT, j JSON);
            CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT REFERENCES p (id), b INT REFERENCES nowhere (id), c TEXT REFERENCES p (k),
              e TEXT UNIQUE ON CONFLICT IGNORE, d TEXT DEFAULT (lower(hex(randomblob(4)))), CHECK (typeof(a) = 'text'));
            CREATE VIEW v AS SELECT 1; CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; END;
            CREATE UNIQUE INDEX part ON t (a) WHERE typeof(a) = 'text'; CREATE INDEX ex ON t (typeof(a));
            CREATE VIRTUAL TABLE f USING fts4(body);
            CREATE TABLE nokey (a TEXT);
            """)
        try await made(fixture) { (connection, target) async throws in
            let left = Dictionary(grouping: target.leftOut, by: \.object.kind).mapValues { $0.map(\.reason) }
            #expect(left[.foreignKey]?.count == 3)
            #expect(left[.foreignKey]?[0].contains("a becomes text and p.id bigint") == true)
            #expect(
                left[.foreignKey]?[1].contains("nowhere") == true
                    && left[.foreignKey]?[2].contains("no unique key on (k)") == true)
            #expect(left[.check]?.count == 1 && left[.conflictClause]?.count == 1 && left[.defaultValue]?.count == 1)
            #expect(left[.index]?.count == 2 && left[.view]?.count == 1 && left[.trigger]?.count == 1)
            #expect(left[.virtualTable]?.count == 1 && left[.shadowTable]?.count == 5)
            #expect(target.leftOut.allSatisfy { !$0.reason.isEmpty && !$0.nextStep.isEmpty && !$0.sql.isEmpty })
            #expect(target.notes.contains { $0.object.name == "public.nokey" && $0.message.contains("no primary key") })
            #expect(
                try await connection.texts("SELECT count(*)::text FROM pg_indexes WHERE indexname IN ('part', 'ex')")
                    == ["0"])
        }
    }

    @Test("A primary key that holds NULL becomes unique; else its columns are NOT NULL")
    func keysWithNull() async throws {
        let fixture = try TargetFixture("CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b))")
        let exact = fixture.target
        #expect(exact.statements.first?.sql.contains("a text NOT NULL") == true)
        #expect(
            exact.notes.contains { $0.object.kind == .primaryKey && $0.message.contains("would take NULL in a, b") })
        let loose = TargetDefinition(fixture.schema, fixture.mapping, keysWithNull: ["t"])
        #expect(
            loose.statements.map(\.sql) == [
                "CREATE TABLE public.t (\n    a text,\n    b text\n)",
                "ALTER TABLE public.t ADD CONSTRAINT t_a_b_key UNIQUE (a, b)",
            ])
    }

    @Test("Undo takes back exactly what was made, in reverse")
    func undo() async throws {
        var fixture = try TargetFixture(
            """
            CREATE TABLE a (id INTEGER PRIMARY KEY, b INT REFERENCES b, n TEXT UNIQUE); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a);
            CREATE INDEX i ON a (n);
            """)
        fixture.mapping.tables[1].schema = "Other"
        try await made(fixture) { (connection, target) async throws in
            #expect(
                target.statements.map(\.stage)
                    == target.statements.map(\.stage).sorted {
                        TargetStage.allCases.firstIndex(of: $0)! < TargetStage.allCases.firstIndex(of: $1)!
                    })
            for undo in target.statements.reversed().compactMap(\.undo) {
                #expect(!undo.contains("CASCADE"))
                try await connection.execute(undo)
            }
            let rest = "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            #expect(try await connection.texts(rest) == ["0"])
            #expect(
                try await connection.texts("SELECT count(*)::text FROM pg_namespace WHERE nspname = 'Other'") == ["0"])
        }
    }

    @Test("1,601 columns, a mapping that contradicts itself or the file: problems that name the table")
    func problems() throws {
        let columns = (0..<1_601).map { "c\($0)" }.joined(separator: ", ")
        #expect(
            try TargetFixture("CREATE TABLE t (\(columns))").target.problems.map(\.message) == [
                "table t has 1601 columns; PostgreSQL's tables have at most 1600"
            ])
        var fixture = try TargetFixture(
            "CREATE TABLE t (a TEXT NOT NULL, b TEXT); CREATE TABLE u (a TEXT); CREATE TABLE w (a TEXT)")
        fixture.mapping.tables[0].columns = [
            ColumnMapping("a", .integer, invalid: .null), ColumnMapping("b", name: "a", .text),
            ColumnMapping("zz", .text),
            ColumnMapping("b", name: String(repeating: "x", count: 64), .integer, invalid: .text),
        ]
        fixture.mapping.tables[1].name = "t"
        fixture.mapping.tables.remove(at: 2)
        fixture.mapping.tables.append(TableMapping("gone", schema: "public", name: "gone"))
        let problems = fixture.target.problems
        for part in [
            "NOT NULL", "cannot have a column a", "no column zz", "64 bytes", "no side column", "is there already",
            "does not say where table w", "no table gone",
        ] {
            #expect(problems.contains { $0.message.contains(part) && !$0.nextStep.isEmpty }, "\(part)")
        }
    }

    @Test("Side columns, skipped tables, columns that are left out")
    func mapping() throws {
        var fixture = try TargetFixture(
            "CREATE TABLE t (a INT, b TEXT, CHECK (b > '')); CREATE TABLE u (t INT REFERENCES t (a)); CREATE TABLE k (x INT)"
        )
        fixture.mapping.tables[0].columns = [ColumnMapping("a", .integer, invalid: .text, side: "a_text")]
        fixture.mapping.tables[2].skipped = "bookkeeping"
        let target = fixture.target
        #expect(target.statements.first?.sql == "CREATE TABLE public.t (\n    a integer,\n    a_text text\n)")
        #expect(target.leftOut.map(\.object.kind) == [.table, .column, .check, .foreignKey])
    }
}
