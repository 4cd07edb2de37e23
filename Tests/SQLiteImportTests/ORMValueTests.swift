import JSONSchemas
import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// What ORMs write in ways of their own: durations and times of day as days and times, JSON's words.
@Suite struct ORMValueTests {
    private static let durations = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, d DATETIME); INSERT INTO t VALUES (1, '1970-01-04 02:00:00.000001'),
            (2, '1969-12-31 23:55:00.000000'), (3, '1970-01-01 00:00:00.000000'), (4, NULL), (5, '0001-01-01 00:00:00.000000');
        """
    private static let epochs = ["266400.000001", "-300.000000", "0.000000", "NULL", "-62135596800.000000"]

    @Test(
        arguments: [
            (nil, "tables: { t: { columns: { d: { type: interval, unit: since-1970 } } } }", false),
            (nil, "tables: { t: { columns: { d: { unit: since-1970 } } } }", true), (.sqlalchemy, nil, true),
        ] as [(ORMProfile?, String?, Bool)])
    func `SQLAlchemy's durations are intervals`(_ orm: ORMProfile?, _ mapping: String?, _ isThere: Bool) async throws {
        let file = try SQLiteFile(Self.durations)
        try await withTestDatabase("import") { database in
            if isThere { try await database.execute("CREATE TABLE t (id bigint PRIMARY KEY, d interval)") }
            var fixture = ImportFixture(file, into: database)
            (fixture.orm, fixture.mapping) = (orm, mapping)
            let done = try await fixture.run()
            #expect(done.isEqual && done.verified.allSatisfy(\.notCompared.isEmpty), "\(done.verified)")
            try await database.with {
                #expect(try await $0.texts("SELECT extract(epoch FROM d)::text FROM t ORDER BY id") == Self.epochs)
                try await $0.execute("UPDATE t SET d = d + interval '1 microsecond' WHERE id = 2")
            }
        }
    }

    @Test func `A duration whose beginning is not said is rejected, and the review says what to write`() async throws {
        let file = try SQLiteFile(Self.durations)
        try await withTestDatabase("import") { database in
            try await database.execute("CREATE TABLE t (id bigint PRIMARY KEY, d interval)")
            let done = try await ImportFixture(file, into: database).run()
            let column = try #require(done.site.review.tables[0].columns.last)
            #expect(column.rejects.map(\.count) == [4] && column.remarks.contains { $0.contains("since-1970") })
            #expect(done.rejects.map { $0["reason"] } == ["no-unit", "no-unit", "no-unit", "no-unit"])
        }
    }

    private static let clocks = """
        CREATE TABLE t (id INTEGER PRIMARY KEY, c TIME); INSERT INTO t VALUES (1, '2000-01-01 00:00:00'),
            (2, '2000-01-01 23:59:59.999999'), (3, NULL), (4, '07:30:00');
        """

    @Test(arguments: [false, true])
    func `Rails' times of day are times, and the same on another day is none`(_ isThere: Bool) async throws {
        let file = try SQLiteFile(Self.clocks + "INSERT INTO t SELECT id + 4, c FROM t;")
        let other = try SQLiteFile(Self.clocks + "INSERT INTO t VALUES (5, '2000-01-02 00:00:00');")
        for (file, rejects) in [(file, 0), (other, 1)] {
            try await withTestDatabase("import") { database in
                if isThere { try await database.execute("CREATE TABLE t (id bigint PRIMARY KEY, c time(6))") }
                var fixture = ImportFixture(file, into: database)
                fixture.orm = .rails
                if rejects > 0 {
                    fixture.mapping = "tables: { t: { columns: { c: { type: time, unit: since-2000 } } } }"
                }
                let done = try await fixture.run()
                #expect(done.isEqual && done.rejects.count == rejects, "\(done.rejects)")
                let times = try await database.with { try await $0.texts("SELECT c::text FROM t ORDER BY id LIMIT 4") }
                #expect(times == ["00:00:00", "23:59:59.999999", "NULL", "07:30:00"])
            }
        }
    }

    @Test(arguments: [ORMProfile.django, .sqlalchemy])
    func `A key to a UUID is one, also where no row has it`(_ orm: ORMProfile) async throws {
        let file = try SQLiteFile(
            """
            CREATE TABLE p (id CHAR(32) PRIMARY KEY, other VARCHAR(32)); INSERT INTO p VALUES ('d41d8cd98f00b204e9800998ecf8427e', NULL);
            CREATE TABLE c (id INTEGER PRIMARY KEY, p CHAR(32) REFERENCES p (id)); INSERT INTO c VALUES (1, NULL);
            """)
        try await withTestDatabase("import") { database in
            var fixture = ImportFixture(file, into: database)
            fixture.orm = orm
            let done = try await fixture.run()
            #expect(done.isEqual)
            let keys = try await database.with {
                try await $0.texts(
                    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND convalidated")
            }
            #expect(keys.contains("FOREIGN KEY (p) REFERENCES p(id)"), "\(keys)")
            let types = done.site.review.tables.flatMap(\.columns).map(\.type)
            #expect(types == ["uuid", "varchar(32)", "bigint", "uuid"])
        }
    }

    @Test func `A sequence that only the application asks goes on where the mapping names it`() async throws {
        let file = try SQLiteFile(
            "CREATE TABLE t (n INTEGER PRIMARY KEY AUTOINCREMENT, m INTEGER); INSERT INTO t VALUES (7, 40), (9, 30); DELETE FROM t WHERE n = 9;"
        )
        try await withTestDatabase("import") { database in
            try await database.execute(
                "CREATE SEQUENCE \"Ns\"; CREATE SEQUENCE ms; CREATE TABLE t (n bigint PRIMARY KEY, m integer)")
            var fixture = ImportFixture(file, into: database)
            fixture.mapping = "tables: { t: { columns: { n: { sequence: '\"Ns\"' }, m: { sequence: ms } } } }"
            let done = try await fixture.run()
            #expect(done.isEqual, "\(done.objects)")
            try await database.with { connection in
                let next = "SELECT nextval('\"Ns\"') UNION ALL SELECT nextval('ms')"
                #expect(try await connection.texts(next) == ["10", "41"])
                // Set back, it is told.
                try await connection.execute("SELECT setval('ms', 5)")
            }
            let journal = try await database.with { connection in
                let earlier = try #require(try await ImportJournal.last(fixture.path, on: connection))
                return try await ImportTarget.differences(
                    done.site.plan.tables, done.site.schema.sequences, ImportJournal(earlier.id, on: connection))
            }
            #expect(journal == ["ms stands at 5, and public.t.m has 40"])
        }
    }

    @Test(
        arguments: [
            ("nobodys", "bigint", "is not there"), ("other", "integer", "is no sequence"),
            ("a b", "bigint", "cannot be looked for: invalid name syntax"),
            ("ns", "text", "gives whole numbers, and the column is text"),
        ])
    func `A sequence of the mapping that is none is told before anything is changed`(
        _ name: String, _ type: String, _ why: String
    ) async throws {
        let file = try SQLiteFile("CREATE TABLE t (n INTEGER PRIMARY KEY); INSERT INTO t VALUES (7);")
        try await withTestDatabase("import") { database in
            try await database.execute("CREATE TABLE other (n int); CREATE SEQUENCE ns")
            var fixture = ImportFixture(file, into: database)
            fixture.mapping = "tables: { t: { columns: { n: { type: \(type), sequence: '\(name)' } } } }"
            let error = await #expect(throws: ImportFailure.self) { try await fixture.run() }
            let message = "column t.n: sequence \(name) of the mapping \(why)"
            #expect(error?.kind == .incompatible && error?.diagnostics.map(\.message) == [message])
            let there = try await database.with { try await $0.texts("SELECT coalesce(to_regclass('t')::text, '-')") }
            #expect(there == ["-"])
        }
    }

    @Test func `null, true and false are JSON, however many there are`() async throws {
        let file = try SQLiteFile(
            """
            CREATE TABLE t (id INTEGER PRIMARY KEY, j JSON, b BOOLEAN);
            INSERT INTO t VALUES (1, 'null', 'true'), (2, 'true', 'false'), (3, 'false', 'True'), (4, 'null', 0), (5, '{}', 1);
            """)
        try await withTestDatabase("import") { database in
            let done = try await ImportFixture(file, into: database).run()
            #expect(done.isEqual && done.rejects.isEmpty)
            #expect(done.site.review.tables[0].columns.map(\.type) == ["bigint", "jsonb", "boolean"])
            let values = try await database.with { try await $0.texts("SELECT j::text || b FROM t ORDER BY id") }
            #expect(values == ["nulltrue", "truefalse", "falsetrue", "nullfalse", "{}true"])
        }
    }

    @Test(arguments: [[0.1 + 0.2, 12345.67], [12345.67, 0.1 + 0.2], [0.123456789, 715700541.8994]])
    func `A decimal's digits are those of the value that has most, in whatever order they come`(
        _ values: [Double]
    ) async throws {
        let rows = values.enumerated().map { "(\($0), \($1))" }.joined(separator: ", ")
        let file = try SQLiteFile(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, d DECIMAL(10,2)); INSERT INTO t VALUES \(rows);")
        try await withTestDatabase("import") { database in
            let done = try await ImportFixture(file, into: database).run()
            #expect(done.isEqual && done.rejects.isEmpty, "\(done.rejects)")
            #expect(done.site.review.tables[0].columns.map(\.type) == ["bigint", "numeric"])
        }
    }
}
