import JSONSchemas
import Planning
import PostgresDriver
import SQLiteImport
import TestSupport
import Testing

/// Imports that are taken back, or go on where another call was cut off.
@Suite struct ImportResumeTests {
    private static let shelter = """
        CREATE TABLE animal (id INTEGER PRIMARY KEY, name TEXT, age INTEGER);
        CREATE TABLE visit (id INTEGER PRIMARY KEY, animal INTEGER REFERENCES animal (id));
        CREATE INDEX animal_name ON animal (name);
        INSERT INTO animal VALUES (1, 'Rex', 3), (2, 'Minka', 7); INSERT INTO visit VALUES (1, 1), (2, 2), (3, 1);
        """

    private func with(
        _ sql: String = shelter, target: String = "", _ body: (ImportFixture, SQLiteFile) async throws -> Void
    ) async throws {
        let file = try SQLiteFile(sql)
        try await withTestDatabase("import") { database in
            if !target.isEmpty { try await database.execute(target) }
            try await body(ImportFixture(file, into: database), file)
        }
    }

    private func texts(_ fixture: ImportFixture, _ sql: String) async throws -> [String] {
        try await fixture.database.with { try await $0.texts(sql) }
    }

    private static let tables =
        "SELECT c.relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"

    // MARK: --restart

    @Test func `Taken back, nothing of the import is left, and it can begin anew`() async throws {
        try await with { (fixture, _) async throws in
            #expect(try await fixture.run().isEqual)
            try await fixture.restart()
            #expect(try await texts(fixture, Self.tables) == [])
            #expect(try await fixture.run().isEqual)
            #expect(try await texts(fixture, "SELECT state FROM strata.imports ORDER BY id") == ["undone", "done"])
        }
    }

    @Test func `Taken back in the midst: a step refused, rows there, keys not yet`() async throws {
        try await with { (fixture, _) async throws in
            // A type of the name of the index makes its step fail, which is told and leaves the import unfinished.
            try await fixture.database.execute("CREATE TABLE elsewhere (id int)")
            let done = try await fixture.run()
            #expect(done.isEqual)
            try await fixture.database.execute(
                "UPDATE strata.import_steps SET state = 'planned' WHERE stage IN ('sequences', 'statistics'); UPDATE strata.imports SET state = 'finishing'"
            )
            try await fixture.restart()
            #expect(try await texts(fixture, Self.tables) == ["elsewhere"])
            #expect(try await fixture.run().isEqual)
        }
    }

    @Test func `Rows that somebody else wrote are not taken back`() async throws {
        try await with { (fixture, _) async throws in
            _ = try await fixture.run()
            try await fixture.database.execute("INSERT INTO animal VALUES (77, 'new', 1)")
            let error = await #expect(throws: ImportFailure.self) { try await fixture.restart() }
            #expect(error?.diagnostics.map(\.code) == ["other-rows"])
            #expect(error?.diagnostics.first?.nextStep != nil)
            #expect(try await texts(fixture, "SELECT count(*) FROM animal") == ["3"])
            #expect(
                try await texts(
                    fixture, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'visit'::regclass")
                    == ["1"])
        }
    }

    @Test(arguments: [
        "",
        "CREATE TABLE animal (id bigint PRIMARY KEY, name text, age bigint) PARTITION BY HASH (id); CREATE TABLE one PARTITION OF animal FOR VALUES WITH (MODULUS 1, REMAINDER 0);",
    ])
    func `A row that somebody else has changed since is not taken back`(_ target: String) async throws {
        try await with(target: target) { (fixture, _) async throws in
            let done = try await fixture.run()
            #expect(done.isEqual, "\(done.objects) \(done.verified)")
            try await fixture.database.execute("UPDATE animal SET age = 8 WHERE id = 2")
            let error = await #expect(throws: ImportFailure.self) { try await fixture.restart() }
            #expect(error?.diagnostics.map(\.code) == ["other-rows"])
            #expect(
                error?.diagnostics.first?.message.contains("was changed after the import, in 1 row") == true,
                "\(String(describing: error))")
            #expect(try await texts(fixture, "SELECT age::text FROM animal ORDER BY id") == ["3", "8"])
            try await fixture.database.execute("TRUNCATE animal, visit")
            try await fixture.restart()
            #expect(try await fixture.run().isEqual)
        }
    }

    @Test func `What was mended between two calls is not taken back`() async throws {
        let sql = """
            CREATE TABLE animal (id INTEGER PRIMARY KEY, settled BOOLEAN);
            CREATE TABLE visit (id INTEGER PRIMARY KEY, animal INTEGER REFERENCES animal (id));
            INSERT INTO animal VALUES (1, 0); INSERT INTO visit VALUES (1, 1), (2, 9);
            """
        try await with(sql) { (fixture, _) async throws in
            #expect(try await fixture.run().objects.count == 1, "a visit without its animal")
            try await fixture.database.execute("UPDATE visit SET animal = 1 WHERE id = 2")
            #expect(try await fixture.run().objects == [])
            let error = await #expect(throws: ImportFailure.self) { try await fixture.restart() }
            #expect(error?.diagnostics.map(\.code) == ["other-rows"])
            try await fixture.database.execute("TRUNCATE visit")
            try await fixture.restart()
            #expect(try await texts(fixture, Self.tables) == [])
        }
    }

    @Test(arguments: [
        "CREATE VIEW mine AS SELECT * FROM animal",
        "CREATE TABLE mine (animal bigint REFERENCES animal (id))",
        "CREATE FUNCTION mine() RETURNS SETOF animal LANGUAGE sql BEGIN ATOMIC SELECT * FROM animal; END",
    ])
    func `What was built on the tables keeps them, and nothing is changed`(_ mine: String) async throws {
        try await with { (fixture, _) async throws in
            _ = try await fixture.run()
            try await fixture.database.execute(mine)
            let error = await #expect(throws: ImportFailure.self) { try await fixture.restart() }
            #expect(error?.diagnostics.map(\.code) == ["in-use"] && error?.diagnostics.first?.nextStep != nil)
            #expect(try await texts(fixture, "SELECT count(*) FROM visit") == ["3"])
            #expect(try await texts(fixture, "SELECT state FROM strata.imports") == ["done"])
        }
    }

    private static let made = """
        CREATE TABLE animal (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text, age integer);
        CREATE TABLE visit (id bigserial PRIMARY KEY, animal bigint NOT NULL REFERENCES animal (id));
        """

    @Test func `Of tables that were there, the rows are taken back and the keys are as before`() async throws {
        try await with(target: Self.made) { (fixture, _) async throws in
            let keys =
                "SELECT conname || pg_get_constraintdef(oid) || convalidated FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
            let before = try await texts(fixture, keys)
            #expect(try await fixture.run().isEqual)
            #expect(try await texts(fixture, keys) == before)
            try await fixture.restart()
            #expect(try await texts(fixture, keys) == before)
            #expect(
                try await texts(fixture, "SELECT (SELECT count(*) FROM animal) + (SELECT count(*) FROM visit)") == ["0"]
            )
            #expect(try await fixture.run().isEqual)
        }
    }

    @Test func `A table that somebody else's refers to is not emptied, and that is said`() async throws {
        let target = Self.made + "CREATE TABLE mine (animal bigint REFERENCES animal (id) ON DELETE CASCADE);"
        try await with(target: target) { (fixture, _) async throws in
            #expect(try await fixture.run().isEqual)
            try await fixture.database.execute("INSERT INTO mine VALUES (1)")
            let error = await #expect(throws: ImportFailure.self) { try await fixture.restart() }
            #expect(error?.diagnostics.map(\.code) == ["in-use"] && error?.diagnostics.first?.nextStep != nil)
            #expect(
                try await texts(fixture, "SELECT (SELECT count(*) FROM animal) || ' ' || (SELECT count(*) FROM mine)")
                    == ["2 1"])
        }
    }

    /// As Django's migrate does; the import was cut off before its first step.
    @Test func `Rows of the target that the import has not yet replaced do not stand in its way`() async throws {
        let target = """
            CREATE TABLE django_content_type (id serial PRIMARY KEY, app_label text, model text);
            INSERT INTO django_content_type (app_label, model) VALUES ('a', 'b'), ('c', 'd');
            """
        let sql =
            "CREATE TABLE django_content_type (id INTEGER PRIMARY KEY, app_label TEXT, model TEXT); INSERT INTO django_content_type VALUES (9, 'x', 'y');"
        try await with(sql, target: target) { (fixture, _) async throws in
            var fixture = fixture
            fixture.orm = .django
            try await fixture.begin()
            try await fixture.restart()
            #expect(try await texts(fixture, "SELECT count(*) FROM django_content_type") == ["2"])
            #expect(try await fixture.run().isEqual)
            #expect(try await texts(fixture, "SELECT id FROM django_content_type") == ["9"])
            #expect(
                try await texts(fixture, "INSERT INTO django_content_type (model) VALUES ('z') RETURNING id") == ["10"])
        }
    }

    // MARK: Going on

    /// The client was killed after it had sent COMMIT, and the server has not yet come to it.
    @Test func `A chunk whose commit is still under way is waited for, and not loaded twice`() async throws {
        try await with { (fixture, _) async throws in
            let id = try await fixture.begin()
            try await fixture.database.execute(
                "CREATE TABLE animal (id bigint, name text, age bigint); UPDATE strata.import_steps SET state = 'done' WHERE object = 'table public.animal'"
            )
            let ghost = try await fixture.database.connect()
            try await ghost.execute(
                """
                BEGIN; INSERT INTO animal VALUES (1, 'Rex', 3), (2, 'Minka', 7);
                INSERT INTO strata.import_chunks (import_id, source, first, last, read, loaded, rejected) VALUES (\(id), 'animal', 1, 2, 2, 2, 0)
                """)
            async let going = fixture.run()
            let watcher = try await fixture.database.connect()
            let waits =
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
            let loads = "SELECT EXISTS (SELECT FROM strata.import_chunks)"
            while try await watcher.texts("\(waits) OR (\(loads))") == ["f"] {}
            try await ghost.execute("COMMIT")
            _ = try? await going
            #expect(try await watcher.texts("SELECT id FROM animal ORDER BY id") == ["1", "2"])
            await ghost.close()
            await watcher.close()
        }
    }

    /// Its session lock was lost with its connection, so another call may be at work beside it.
    @Test func `A chunk that another call has committed is not committed again`() async throws {
        try await with { (fixture, _) async throws in
            _ = try await fixture.run()
            let again =
                "INSERT INTO strata.import_chunks (import_id, source, first, last, read, loaded, rejected) SELECT import_id, source, first, last, read, loaded, rejected FROM strata.import_chunks"
            #expect(await fixture.database.refuses(again))
        }
    }
}

extension TestDatabase {
    func refuses(_ sql: String) async -> Bool {
        do {
            try await execute(sql)
            return false
        } catch { return true }
    }
}
