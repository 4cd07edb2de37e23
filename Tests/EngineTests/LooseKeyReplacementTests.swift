import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

@Suite("Loose keys: replacing and restoring")
struct LooseKeyReplacementTests {
    private let constraints = """
        SELECT conname || ' ' || pg_get_constraintdef(oid) || ' ' || convalidated FROM pg_constraint
         WHERE contype = 'f' AND connamespace IS DISTINCT FROM to_regnamespace('strata') ORDER BY 1
        """
    private let triggers =
        "SELECT tgrelid::regclass || ' ' || regexp_replace(tgname, '.*_', '') || ' ' || tgenabled::text FROM pg_trigger WHERE tgname LIKE 'zz\\_strata%' AND tgparentid = 0 ORDER BY 1"

    @Test("S1.27 there and back: the real key is as it was, and nothing of the loose one is left")
    func roundTrip() async throws {
        try await LooseKeyFixture.with { fixture in
            let before = try await fixture.column(
                "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'events_user'")
            let key = LooseKeyFixture.key(onUpdate: .update)
            #expect(try await fixture.replace(key) == [key.name])
            #expect(try await fixture.column("SELECT conname FROM pg_constraint WHERE conname = 'events_user'") == [])
            #expect(
                try await fixture.column(triggers) == [
                    "people.users delete O", "people.users replicated R", "people.users truncate O",
                    "people.users update A",
                ])
            let status = try #require(try await LooseKeyStatus.read(fixture.databases).keys.first)
            #expect(status.record.state == .loose && status.record.scannedRows == 100 && status.record.orphans == 0)
            #expect(status.record.scannedAt != nil && status.record.definition == before.first)
            // Again: there is nothing to do.
            #expect(try await fixture.replace(key) == [])
            // What waits is done before the key comes back.
            try await fixture.main.execute("DELETE FROM people.users WHERE id = 9")
            let restoration = LooseKeyRestoration(fixture.databases, options: LooseKeyFixture.quick)
            #expect(try await restoration.candidates(of: "people").count == 1)
            #expect(try await restoration.candidates(of: "elsewhere").isEmpty)
            try await restoration.restore(try await restoration.candidates(of: nil))
            #expect(try await fixture.value("SELECT count(*) FROM audit.events") == "95")
            #expect(
                try await fixture.column(
                    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'events_user' AND convalidated"
                ) == before)
            #expect(try await fixture.column(triggers) == [])
            #expect(try await fixture.column("SELECT name FROM strata.loose_keys") == [])
            // And once more there.
            #expect(try await fixture.replace(key) == [key.name])
        }
    }

    @Test("Orphans are refused, counted and not shown; the real key stays, and the next attempt goes on")
    func orphans() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.main.execute(
                """
                ALTER TABLE audit.events DROP CONSTRAINT events_user;
                INSERT INTO audit.events (user_id) VALUES (777001), (777001), (777002), (NULL);
                ALTER TABLE audit.events ADD CONSTRAINT events_user FOREIGN KEY (user_id) REFERENCES people.users ON DELETE CASCADE NOT VALID
                """)
            let failure = await #expect(throws: EngineFailure.self) { try await fixture.replace(LooseKeyFixture.key()) }
            let found = try #require(failure?.diagnostics.first)
            #expect(found.code == "orphans" && failure?.diagnostics.count == 1)
            #expect(
                found.message
                    == "constraint events_user of audit.events: of 104 rows 3 point to rows of people.users that are not there; nothing was replaced"
            )
            #expect(!"\(failure as Any)".contains("777"))
            // What it says to run shows them.
            let query = try #require(found.nextStep?.split(separator: ": ", maxSplits: 1).last)
            #expect(try await fixture.column(String(query)).count == 3)
            #expect(try await fixture.column(constraints).count == 1)
            let status = try #require(try await LooseKeyStatus.read(fixture.databases).keys.first)
            #expect(status.record.state == .recording && status.record.orphans == 3)
            try await fixture.main.execute("DELETE FROM audit.events WHERE user_id > 777000")
            #expect(try await fixture.replace(LooseKeyFixture.key()).count == 1)
            // Without the real key one came: it cannot come back, and what was found before counts no more.
            try await fixture.main.execute("INSERT INTO audit.events (user_id) VALUES (777003)")
            let restoration = LooseKeyRestoration(fixture.databases, options: LooseKeyFixture.quick)
            let stopped = await #expect(throws: EngineFailure.self) {
                try await restoration.restore(try await restoration.candidates(of: nil))
            }
            #expect(stopped?.kind == .resumable && stopped?.diagnostics.first?.code == "orphans")
            #expect(try await LooseKeyStatus.read(fixture.databases).keys.first?.record.state == .restoring)
            await #expect(throws: EngineFailure.self) { try await fixture.replace(LooseKeyFixture.key()) }
            try await fixture.main.execute("DELETE FROM audit.events WHERE user_id > 777000")
            // Made again as it was, but valid.
            try await restoration.restore(try await restoration.candidates(of: nil))
            #expect(
                try await fixture.column(constraints)
                    == ["events_user FOREIGN KEY (user_id) REFERENCES people.users(id) ON DELETE CASCADE true"])
        }
    }

    @Test("A lock that does not come free: it stops where it is, and goes on from there")
    func locked() async throws {
        try await LooseKeyFixture.with { fixture in
            let holder = try await fixture.main.connect()
            try await holder.execute("BEGIN; SELECT FROM audit.events LIMIT 1")
            var options = LooseKeyFixture.quick
            options.lockWaitLimit = .milliseconds(300)
            let replacement = LooseKeyReplacement(fixture.databases, options: options)
            let failure = await #expect(throws: EngineFailure.self) {
                try await replacement.replace([LooseKeyFixture.key()])
            }
            #expect(failure?.kind == .resumable && failure?.diagnostics.first?.code == "lock-not-free")
            // The trigger is there, the real key too, and both work.
            try await fixture.main.execute("DELETE FROM people.users WHERE id = 1")
            #expect(try await fixture.queue() == ["delete {1}"])
            #expect(try await fixture.value("SELECT count(*) FROM audit.events") == "95")
            try await holder.execute("COMMIT")
            await holder.close()
            #expect(try await fixture.replace(LooseKeyFixture.key()).count == 1)
            #expect(try await fixture.work().rows == 0)
        }
    }

    @Test("The real key does not go where somebody took the trigger away meanwhile")
    func withoutTrigger() async throws {
        try await LooseKeyFixture.with { fixture in
            try await LooseKeyStore(try await fixture.databases.connection(to: "main")).prepare()
            // Between the scan and the end of the real key.
            try await fixture.main.execute(
                """
                CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE name text;
                BEGIN
                    FOR name IN SELECT tgname FROM pg_trigger WHERE tgname LIKE 'zz\\_strata%delete' LOOP
                        EXECUTE format('DROP TRIGGER %I ON people.users', name);
                    END LOOP;
                    RETURN NULL;
                END$$;
                CREATE TRIGGER meddle AFTER UPDATE ON strata.loose_keys FOR EACH ROW WHEN (NEW.scanned_at IS NOT NULL)
                    EXECUTE FUNCTION public.meddle()
                """)
            let replacement = LooseKeyReplacement(fixture.databases, options: LooseKeyFixture.quick)
            let error = await #expect(throws: PostgresError.self) {
                try await replacement.replace([LooseKeyFixture.key()])
            }
            #expect(error?.sqlState?.rawValue == "ST004")
            #expect(try await fixture.column(constraints).count == 1)
            try await fixture.main.execute("DROP TRIGGER meddle ON strata.loose_keys")
            #expect(try await fixture.replace(LooseKeyFixture.key()).count == 1)
        }
    }

    @Test("TRUNCATE of a parent is refused, as a real key would, and says why")
    func truncate() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key())
            let error = await #expect(throws: PostgresError.self) {
                try await fixture.main.execute("TRUNCATE people.users")
            }
            #expect(error?.sqlState == .featureNotSupported && error?.hint?.contains("DELETE") == true)
            #expect(error?.message.contains("audit.events(user_id) -> people.users(id)") == true)
            #expect(try await fixture.value("SELECT count(*) FROM people.users") == "20")
        }
    }

    @Test(
        "Rights: whoever may delete a parent may, and needs none on Strata's own tables; no publication is in the way")
    func rights() async throws {
        try await LooseKeyFixture.with { fixture in
            let role = "strata_keys_\(UInt64.random(in: 0...UInt64.max))"
            try await fixture.main.execute(
                "CREATE ROLE \(role); GRANT USAGE ON SCHEMA people TO \(role); GRANT SELECT, UPDATE, DELETE ON people.users TO \(role); CREATE PUBLICATION everything FOR ALL TABLES"
            )
            try await fixture.replace(LooseKeyFixture.key(onUpdate: .update))
            try await fixture.main.execute(
                "SET ROLE \(role); DELETE FROM people.users WHERE id = 1; UPDATE people.users SET id = 21 WHERE id = 2")
            #expect(try await fixture.work().rows == 10)
            let error = await #expect(throws: PostgresError.self) {
                try await fixture.main.execute("SET ROLE \(role); SELECT FROM strata.loose_key_queue")
            }
            #expect(error?.sqlState == .insufficientPrivilege)
            try await fixture.main.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
        }
    }

    @Test("A catalog has none of it: plans and fingerprints stay what they were")
    func catalog() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.main.execute("ALTER TABLE audit.events DROP CONSTRAINT events_user")
            let connection = try await fixture.main.connect()
            let before = try await CatalogReader.read(connection).fingerprint
            try await fixture.replace(LooseKeyFixture.key(constraint: nil))
            #expect(try await CatalogReader.read(connection).fingerprint == before)
            await connection.close()
        }
    }

    @Test("Partitioned parents and children: by the root, by a partition, and from one to another")
    func partitions() async throws {
        let pile = """
            CREATE SCHEMA a;
            CREATE TABLE a.parent (region int, id int, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
            CREATE TABLE a.parent_1 PARTITION OF a.parent FOR VALUES IN (1);
            CREATE TABLE a.parent_2 (id int NOT NULL, region int NOT NULL);
            ALTER TABLE a.parent ATTACH PARTITION a.parent_2 FOR VALUES IN (2);
            CREATE TABLE a.child (region int, parent int, at int, CONSTRAINT link FOREIGN KEY (region, parent) REFERENCES a.parent ON DELETE CASCADE ON UPDATE CASCADE)
                PARTITION BY RANGE (at);
            CREATE TABLE a.child_1 PARTITION OF a.child FOR VALUES FROM (0) TO (10);
            CREATE TABLE a.child_2 PARTITION OF a.child FOR VALUES FROM (10) TO (20);
            INSERT INTO a.parent SELECT r, i FROM generate_series(1, 2) r, generate_series(1, 9) i;
            INSERT INTO a.child SELECT region, id, n FROM a.parent, generate_series(5, 14) n;
            """
        try await LooseKeyFixture.with(pile: pile) { fixture in
            let key = LooseKey(
                parent: .init("a", "parent"), child: .init("a", "child"),
                pairs: [("region", "region", "integer"), ("id", "parent", "integer")], onDelete: .delete,
                onUpdate: .update, childDatabase: "main", constraint: "link")
            let definition = try await fixture.column(constraints + " LIMIT 1")
            try await fixture.replace(key)
            let children = "SELECT count(*) FROM a.child"
            try await fixture.main.execute("DELETE FROM a.parent WHERE id = 1; DELETE FROM a.parent_2 WHERE id = 2")
            // Within a partition, and from one to the other, which PostgreSQL carries out as DELETE and INSERT.
            try await fixture.main.execute(
                "UPDATE a.parent SET id = 30 WHERE id = 3 AND region = 1; UPDATE a.parent SET region = 2, id = 40 WHERE id = 4 AND region = 1"
            )
            #expect(
                try await fixture.queue().sorted() == [
                    "delete {1,1}", "delete {1,2}", "delete {2,2}", "update {3,1} {30,1}", "update {4,1} {40,2}",
                ])
            #expect(try await fixture.work().rows == 50)
            #expect(try await fixture.value(children) == "150")
            #expect(try await fixture.value("\(children) WHERE (region, parent) IN ((1, 30), (2, 40))") == "20")
            // One that is made later gets its trigger from the worker.
            try await fixture.main.execute(
                "CREATE TABLE a.parent_3 PARTITION OF a.parent FOR VALUES IN (3); INSERT INTO a.parent VALUES (3, 1); INSERT INTO a.child VALUES (3, 1, 1)"
            )
            await LooseKeyWorker(fixture.databases).tend()
            try await fixture.main.execute("DELETE FROM a.parent_3")
            #expect(try await fixture.work().rows == 1)
            let restoration = LooseKeyRestoration(fixture.databases, options: LooseKeyFixture.quick)
            try await restoration.restore(try await restoration.candidates(of: nil))
            #expect(try await fixture.column(constraints + " LIMIT 1") == definition)
            #expect(try await fixture.column(triggers) == [])
        }
    }

    @Test("S1.27 Phoenix: all keys around active and audit, there and back")
    func phoenix() async throws {
        let example = try Example.named("phoenix")
        let layout = example.layout.replacing("${ARCHIVE_URL}", with: "postgresql://localhost/archive")
            .replacing("  archive:", with: "  second: { url: \"postgresql://localhost/second\" }\n  archive:")
            .replacing("  active:\n", with: "  active:\n    database: second\n")
            .replacing("  audit:\n", with: "  audit:\n    database: archive\n")
        let rest = try #require(layout.range(of: "\nretention:"))
        let kept = String(layout[..<rest.lowerBound]) + "\n"
        try await Reorganisation.with("phoenix_keys", before: example.before, layout: kept) { work in
            _ = try await work.apply(try await work.plan())
            // What refuses now has to be declared; the message is what to write.
            let error = await #expect(throws: DiagnosticsError.self) {
                try LooseKeyPlanner.keys(work.layout, try await work.catalog(), of: nil)
            }
            let undeclared = try #require(error?.diagnostics.filter { $0.code == "undeclared-key" })
            #expect(undeclared.count == error?.diagnostics.count)
            let entries = try undeclared.map { diagnostic in
                let entry = try #require(diagnostic.nextStep?.split(separator: ": ", maxSplits: 1).last)
                return "  - \(entry)\n".replacing("…", with: "ignore")
            }
            let declared = kept + "loose_keys:\n" + entries.joined()
            let layout = try Pipeline.decode(declared, file: "layout.yaml", environment: [:]).layout
            let catalog = try await work.catalog()
            #expect(try LooseKeyPlanner.keys(layout, catalog, of: "active").count == 19)
            #expect(try LooseKeyPlanner.keys(layout, catalog, of: "audit").count == 4)
            let keys = try LooseKeyPlanner.keys(layout, catalog, of: nil)
            #expect(Set(keys.map(\.onDelete)) == [.delete, .setNull, .ignore])
            let splits = try #require(try await work.with(layout: declared).plan().splits)
            let crossing = splits.flatMap(\.crossings).filter { $0.kind == .foreignKey }
            #expect(crossing.count == 23 && !crossing.contains(where: \.isBlocking))

            let databases = LooseKeyDatabases(
                [.init(name: "main", settings: .success(work.database.settings))], command: "split keys")
            let before = try await definitions(work.connection)
            let replaced = try await LooseKeyReplacement(databases).replace(keys)
            #expect(replaced == keys.map(\.name))
            let without = try await definitions(work.connection)
            #expect(without.count == before.count - keys.count)
            #expect(
                try LooseKeyPlanner.keys(layout, try await work.catalog(), of: nil).allSatisfy { $0.constraint == nil })
            let others = try await work.session { session in
                try await session.value("SELECT count(*) FROM active.visits WHERE student_id = 8")
            }
            // As the real keys would: a student's visits and attendance go, and no one else's.
            try await work.session { session in
                try await session.expect(
                    "WITH gone AS (DELETE FROM users.persons WHERE id = (SELECT person_id FROM users.students WHERE id = 7) RETURNING 1) SELECT count(*) FROM gone",
                    "1")
                try await session.run("COMMIT; BEGIN")
            }
            let tally = try await LooseKeyWorker(databases).runOnce()
            #expect(tally.failures == 0 && tally.rows > 0)
            try await work.session { session in
                try await session.expect("SELECT count(*) FROM active.visits WHERE student_id = 7", "0")
                try await session.expect("SELECT count(*) FROM active.visits WHERE student_id = 8", others)
            }
            let restoration = LooseKeyRestoration(databases)
            try await restoration.restore(try await restoration.candidates(of: nil))
            #expect(try await definitions(work.connection) == before)
            await databases.close()
        }
    }

    private func definitions(_ connection: Connection) async throws -> [String] {
        try await connection.query(
            "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || convalidated FROM pg_constraint WHERE contype = 'f' AND connamespace IS DISTINCT FROM to_regnamespace('strata') ORDER BY 1"
        ).map { try $0.string(0) }
    }
}
