import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Parent and child in different databases, and on the way there.
@Suite("Loose keys: moves")
struct LooseKeyMoveTests {
    @Test("S1.27 the child moves to another database: it is found there, and its copy here is left alone")
    func child() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key(onUpdate: .update))
            // Written down before the move, done after it.
            try await fixture.main.execute("DELETE FROM people.users WHERE id = 1")
            try await fixture.move("audit.events", definition: LooseKeyFixture.movedEvents)
            try await fixture.main.execute(
                "DELETE FROM people.users WHERE id = 2; UPDATE people.users SET id = 30 WHERE id = 3")
            let tally = try await fixture.work()
            #expect(tally.entries == 3 && tally.rows == 15 && tally.failures == 0)
            #expect(try await fixture.value("SELECT count(*) FROM audit.events", in: fixture.other) == "90")
            #expect(
                try await fixture.value("SELECT count(*) FROM audit.events WHERE user_id = 30", in: fixture.other)
                    == "5")
            #expect(try await fixture.value("SELECT count(*) FROM audit.events") == "100")
            let key = try #require(try await LooseKeyStatus.read(fixture.databases).keys.first)
            #expect(key.parentDatabase == "main" && key.childDatabase == "other")
        }
    }

    @Test(
        "The parent moves: its triggers and its key go along, and what was written down before is done by its new rows")
    func parent() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key(onUpdate: .update))
            try await fixture.main.execute("DELETE FROM people.users WHERE id IN (1, 2)")
            try await fixture.move("people.users", definition: LooseKeyFixture.movedUsers)
            let (source, target) = (try await fixture.main.connect(), try await fixture.other.connect())
            let carried = try await LooseKeyInstaller(target).carry(schema: "people", from: source)
            #expect(carried == [LooseKeyFixture.key().name])
            #expect(try await LooseKeyStore(target).keys() == (try await LooseKeyStore(source).keys()))
            await source.close()
            await target.close()
            // One of them comes back, at the new home.
            try await fixture.other.execute(
                "INSERT INTO people.users VALUES (2); DELETE FROM people.users WHERE id = 3; UPDATE people.users SET id = 40 WHERE id = 4"
            )
            #expect(try await fixture.queue(in: fixture.other) == ["delete {3}", "update {4} {40}"])
            let tally = try await fixture.work()
            #expect(tally.entries == 4 && tally.returned == 1 && tally.rows == 15)
            #expect(
                try await fixture.column(
                    "SELECT DISTINCT user_id FROM audit.events WHERE user_id < 5 OR user_id = 40 ORDER BY 1")
                    == ["2", "40"])
            let status = try await LooseKeyStatus.read(fixture.databases)
            #expect(status.keys.count == 1 && status.keys.first?.parentDatabase == "other")
        }
    }

    @Test("A worker takes the key along where nobody did, and watches partitions made since")
    func tends() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key())
            try await fixture.move("people.users", definition: LooseKeyFixture.movedUsers)
            await LooseKeyWorker(fixture.databases).tend()
            try await fixture.other.execute("DELETE FROM people.users WHERE id = 3")
            #expect(try await fixture.queue(in: fixture.other) == ["delete {3}"])
            #expect(try await fixture.work().rows == 5)
        }
    }

    @Test("What a subscription deletes is written down as well; what is done by statements, once")
    func replicated() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key(onUpdate: .update))
            try await fixture.main.execute(
                """
                DELETE FROM people.users WHERE id = 1; UPDATE people.users SET id = 20 + id WHERE id = 2;
                SET session_replication_role = replica;
                DELETE FROM people.users WHERE id = 3; UPDATE people.users SET id = 20 + id WHERE id = 4
                """)
            #expect(try await fixture.queue() == ["delete {1}", "update {2} {22}", "delete {3}", "update {4} {24}"])
        }
    }

    @Test("A table that nobody has, or that two may write, is said, and the entry waits")
    func nowhere() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.replace(LooseKeyFixture.key())
            try await fixture.other.execute("CREATE SCHEMA audit; \(LooseKeyFixture.movedEvents)")
            try await fixture.main.execute("DELETE FROM people.users WHERE id = 1")
            #expect(try await fixture.work().failures == 1)
            let twice = try #require(try await LooseKeyStatus.read(fixture.databases).keys.first?.error)
            #expect(twice == "audit.events is in databases main, other, and may be written in each")
            try await fixture.other.execute("DROP TABLE audit.events")
            try await fixture.main.execute(
                "DROP TABLE audit.events; UPDATE strata.loose_key_queue SET not_before = '-infinity'")
            #expect(try await fixture.work().failures == 1)
            let nowhere = try #require(try await LooseKeyStatus.read(fixture.databases).keys.first?.error)
            #expect(nowhere == "no database of the layout has table audit.events")
            #expect(try await fixture.queue() == ["delete {1}"])
        }
    }

    @Test("Two names of one database are one place")
    func sameDatabase() async throws {
        try await LooseKeyFixture.with { fixture in
            let names = ["main", "archive"].map {
                LooseKeyDatabases.Site(name: $0, settings: .success(fixture.main.settings))
            }
            let databases = LooseKeyDatabases(names, command: "split keys")
            let place = try await databases.place(of: .init("people", "users"))
            #expect(place.database == "main")
            await databases.close()
        }
    }

    @Test("The orphan scan reaches over two databases, in ranges, and goes on where it was cut off")
    func scanAcross() async throws {
        try await LooseKeyFixture.with { fixture in
            try await fixture.main.execute("ALTER TABLE audit.events DROP CONSTRAINT events_user")
            try await fixture.move("audit.events", definition: LooseKeyFixture.movedEvents)
            let key = LooseKeyFixture.key(constraint: nil)
            #expect(try await fixture.replace(key) == [key.name])
            try await fixture.other.execute(
                "INSERT INTO audit.events SELECT 1000 + g, 'lost', 5000 + g % 2 FROM generate_series(1, 9) g; INSERT INTO audit.events VALUES (2000, 'free', NULL)"
            )
            let store = LooseKeyStore(try await fixture.databases.connection(to: "main"))
            let home = try await fixture.databases.place(of: key.parent)
            var scan = OrphanScan(databases: fixture.databases, report: { _ in })
            scan.batch = 8
            var record = try #require(try await store.record(key.name))
            let found = try await scan.run(record, home: home)
            #expect(found.orphans == 9 && found.rows == 110)
            // As if it had been killed after the first hundred rows.
            try await store.noteScan(of: key.name, position: ["100"], rows: 100, orphans: 0, isDone: false)
            record = try #require(try await store.record(key.name))
            #expect(record.scannedAt == nil)
            let rest = try await scan.run(record, home: home)
            #expect(rest.orphans == 9 && rest.rows == 110)
        }
    }
}
