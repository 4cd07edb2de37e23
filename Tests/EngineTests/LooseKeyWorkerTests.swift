import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

@Suite("Loose keys: worker")
struct LooseKeyWorkerTests {
    @Test("S1.27 children are deleted, and follow a changed key, after the real key has gone")
    func deletes() async throws {
        try await LooseKeyFixture.with { fixture in
            #expect(try await fixture.replace(LooseKeyFixture.key(onUpdate: .update)).count == 1)
            try await fixture.main.execute(
                "DELETE FROM people.users WHERE id <= 3; UPDATE people.users SET id = 100 WHERE id = 4; UPDATE people.users SET name = 'x'"
            )
            #expect(try await fixture.queue() == ["delete {1}", "delete {2}", "delete {3}", "update {4} {100}"])
            #expect(try await fixture.value("SELECT count(*) FROM audit.events") == "100")
            let tally = try await fixture.work()
            #expect(tally.entries == 4 && tally.rows == 20 && tally.failures == 0)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events") == "85")
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id = 100") == "5")
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id = 4") == "0")
            #expect(try await fixture.queue() == [])
        }
    }

    @Test("set_null empties the column, and a key with ignore is written down nowhere")
    func setNull() async throws {
        let pile =
            LooseKeyFixture.pile
            + "CREATE TABLE audit.kept (id int PRIMARY KEY, user_id bigint CONSTRAINT kept_user REFERENCES people.users);"
        try await LooseKeyFixture.with(pile: pile) { fixture in
            let kept = LooseKey(
                parent: .init("people", "users"), child: .init("audit", "kept"),
                pairs: [(parent: "id", child: "user_id", type: "bigint")], onDelete: .ignore, onUpdate: .ignore,
                childDatabase: "other", constraint: "kept_user")
            try await fixture.main.execute("INSERT INTO audit.kept VALUES (1, 7)")
            #expect(try await fixture.replace(LooseKeyFixture.key(onDelete: .setNull), kept).count == 2)
            try await fixture.main.execute("DELETE FROM people.users WHERE id = 7")
            #expect(try await fixture.queue() == ["delete {7}"])
            #expect(try await fixture.work().rows == 5)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id IS NULL") == "5")
            #expect(try await fixture.value("SELECT user_id FROM audit.kept") == "7")
        }
    }

    @Test("Composite keys of several types; a NULL in one of them points nowhere")
    func composite() async throws {
        let pile = """
            CREATE SCHEMA a; CREATE TYPE a.kind AS ENUM ('one', 'two');
            CREATE TABLE a.parent (at timestamptz, kind a.kind, code varchar(10), UNIQUE (at, kind, code));
            CREATE TABLE a.child (id serial PRIMARY KEY, c text, k a.kind, t timestamptz,
                CONSTRAINT triple FOREIGN KEY (t, k, c) REFERENCES a.parent (at, kind, code) ON DELETE CASCADE ON UPDATE CASCADE);
            INSERT INTO a.parent VALUES ('2026-01-02 03:04:05.678+02', 'one', 'x'), ('2026-01-02', 'two', 'a "b\\');
            INSERT INTO a.child (t, k, c) SELECT at, kind, code FROM a.parent; INSERT INTO a.child (t, k) VALUES (now(), 'one');
            """
        try await LooseKeyFixture.with(pile: pile) { fixture in
            let key = LooseKey(
                parent: .init("a", "parent"), child: .init("a", "child"),
                pairs: [
                    ("at", "t", "timestamp with time zone"), ("kind", "k", "a.kind"),
                    ("code", "c", "character varying(10)"),
                ], onDelete: .delete, onUpdate: .update, childDatabase: "main", constraint: "triple")
            try await fixture.replace(key)
            // Written in the settings of a session that nobody else has.
            try await fixture.main.execute(
                """
                SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Tokyo';
                DELETE FROM a.parent WHERE kind = 'two'; UPDATE a.parent SET at = at + '1 day', kind = 'two'
                """)
            let tally = try await fixture.work()
            #expect(tally.rows == 2 && tally.failures == 0)
            #expect(
                try await fixture.value("SELECT count(*) FROM a.child JOIN a.parent ON (t, k, c) = (at, kind, code)")
                    == "1")
            #expect(try await fixture.value("SELECT count(*) FROM a.child") == "2")
        }
    }

    @Test("One parent with many children: transactions of a bounded size, and passes that end")
    func chunks() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key())
            try await fixture.main.execute(
                """
                INSERT INTO audit.events (user_id) SELECT 1 FROM generate_series(1, 995);
                CREATE TABLE public.sizes (n bigint);
                CREATE FUNCTION public.counted() RETURNS trigger LANGUAGE plpgsql AS
                    $$BEGIN INSERT INTO public.sizes SELECT count(*) FROM gone; RETURN NULL; END$$;
                CREATE TRIGGER counted AFTER DELETE ON audit.events REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.counted();
                DELETE FROM people.users WHERE id = 1
                """)
            var options = LooseKeyWorker.Options()
            (options.chunk, options.chunks) = (100, 3)
            let worker = LooseKeyWorker(fixture.databases, options: options)
            let first = try await worker.pass(LooseKeyFixture.key().name, in: "main")
            #expect(first.rows == 300 && first.entries == 0)
            #expect(try await fixture.queue() == ["delete {1}"])
            _ = try await worker.runOnce()
            #expect(try await fixture.queue() == [])
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id = 1") == "0")
            #expect(try await fixture.value("SELECT max(n) FROM public.sizes") == "100")
        }
    }

    @Test("Two workers at once do everything, and nothing twice")
    func concurrency() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key())
            try await fixture.main.execute(
                """
                INSERT INTO people.users SELECT g FROM generate_series(1001, 1400) g;
                INSERT INTO audit.events (user_id) SELECT g FROM generate_series(1001, 1400) g;
                DELETE FROM people.users WHERE id > 1000
                """)
            var options = LooseKeyWorker.Options()
            options.batch = 7
            let second = LooseKeyDatabases(
                [.init(name: "main", settings: .success(fixture.main.settings))], command: "split keys")
            let settings = options
            async let one = LooseKeyWorker(fixture.databases, options: settings).runOnce()
            async let two = LooseKeyWorker(second, options: settings).runOnce()
            let (left, right) = try await (one, two)
            await second.close()
            #expect(left.entries + right.entries == 400 && left.rows + right.rows == 400)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events") == "100")
            #expect(try await fixture.queue() == [])
        }
    }

    @Test("Killed between the child's commit and the queue's: the batch is done again, and changes nothing more")
    func killed() async throws {
        struct Killed: Error {}
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key(onUpdate: .update))
            try await fixture.main.execute(
                "UPDATE people.users SET id = 200 WHERE id = 2; DELETE FROM people.users WHERE id = 200; UPDATE people.users SET id = 300 WHERE id = 3"
            )
            let worker = LooseKeyWorker(fixture.databases, afterChange: { throw Killed() })
            await #expect(throws: Killed.self) { try await worker.runOnce() }
            #expect(try await fixture.queue().count == 3)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id = 300") == "5")
            let tally = try await fixture.work()
            #expect(tally.entries == 3 && tally.rows == 0)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id IN (2, 200)") == "0")
            #expect(try await fixture.value("SELECT count(*) FROM audit.events") == "95")
            // The whole session: its transaction goes, and with it the claim.
            try await fixture.main.execute("DELETE FROM people.users WHERE id = 5")
            let databases = fixture.databases
            let ended = LooseKeyWorker(
                databases,
                afterChange: {
                    let queue = try await databases.connection(to: "main", .queue)
                    let admin = try await databases.connection(to: "main", .work)
                    _ = try await admin.query("SELECT pg_terminate_backend($1)", [.int(Int(queue.backendPID))])
                })
            await #expect(throws: PostgresError.self) { try await ended.pass(LooseKeyFixture.key().name, in: "main") }
            #expect(try await fixture.queue() == ["delete {5}"])
            #expect(try await fixture.work().entries == 1)
            #expect(try await fixture.queue() == [])
        }
    }

    @Test("A parent row that came back keeps its children")
    func returned() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key(onUpdate: .update))
            try await fixture.main.execute(
                "DELETE FROM people.users WHERE id IN (1, 2); INSERT INTO people.users VALUES (1); UPDATE people.users SET id = 30 WHERE id = 3; INSERT INTO people.users VALUES (3)"
            )
            let tally = try await fixture.work()
            #expect(tally.returned == 2 && tally.rows == 5)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id IN (1, 3)") == "10")
        }
    }

    @Test("A child whose trigger raises stops no other; it is tried again later, and shown")
    func failing() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key())
            try await fixture.main.execute(
                """
                CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS
                    $$BEGIN IF OLD.user_id = 2 THEN RAISE EXCEPTION 'user 2 stays'; END IF; RETURN OLD; END$$;
                CREATE TRIGGER keep BEFORE DELETE ON audit.events FOR EACH ROW EXECUTE FUNCTION public.keep();
                DELETE FROM people.users WHERE id <= 4
                """)
            var options = LooseKeyWorker.Options()
            options.firstPause = .seconds(600)
            let tally = try await fixture.work(options)
            #expect(tally.entries == 3 && tally.failures == 1 && tally.rows == 15)
            #expect(try await fixture.queue() == ["delete {2}"])
            let status = try await LooseKeyStatus.read(fixture.databases)
            let key = try #require(status.keys.first)
            #expect(key.queued == 1 && key.failing == 1 && key.error == "user 2 stays [P0001]" && (key.lag ?? -1) >= 0)
            #expect(
                try await fixture.value(
                    "SELECT attempts FROM strata.loose_key_queue WHERE not_before > now() + interval '9 min'") == "1")
            try await fixture.main.execute(
                "DROP TRIGGER keep ON audit.events; UPDATE strata.loose_key_queue SET not_before = '-infinity'")
            #expect(try await fixture.work().entries == 1)
        }
    }

    @Test("Where changes build on each other, none overtakes one that failed")
    func order() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key(onUpdate: .update))
            try await fixture.main.execute(
                """
                CREATE FUNCTION public.keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'not now'; END$$;
                CREATE TRIGGER keep BEFORE UPDATE ON audit.events FOR EACH ROW EXECUTE FUNCTION public.keep();
                UPDATE people.users SET id = 50 WHERE id = 5; DELETE FROM people.users WHERE id = 50
                """)
            var options = LooseKeyWorker.Options()
            options.firstPause = .seconds(600)
            #expect(try await fixture.work(options).failures == 1)
            #expect(try await fixture.work(options).isIdle)
            #expect(try await fixture.queue() == ["update {5} {50}", "delete {50}"])
            try await fixture.main.execute(
                "DROP TRIGGER keep ON audit.events; UPDATE strata.loose_key_queue SET not_before = '-infinity'")
            #expect(try await fixture.work().entries == 2)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id IN (5, 50)") == "0")
        }
    }

    @Test("It works until it is cancelled, and picks up what comes")
    func runs() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key())
            var options = LooseKeyWorker.Options()
            options.idle = .milliseconds(20)
            let worker = LooseKeyWorker(fixture.databases, options: options)
            let running = Task { try await worker.run() }
            for id in 1...3 {
                try await fixture.main.execute("DELETE FROM people.users WHERE id = \(id)")
                try await eventually("user \(id) has no events") {
                    try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id = \(id)") == "0"
                }
            }
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
        }
    }
}
