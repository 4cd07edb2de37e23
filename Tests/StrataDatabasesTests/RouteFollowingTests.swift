import PostgresDriver
import StrataDatabases
import Synchronization
import TestSupport
import Testing

@Suite("Following a switch", .timeLimit(.minutes(2)))
struct RouteFollowingTests {
    @Test("a schema without a route: in its split on main, before it on main, else where the layout places it")
    func withoutRoute() async throws {
        try await FactoryFixture.with { fixture in
            // Both databases have the schema and no split is known: as the layout says.
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            #expect(try await place(audit) == "archive")
            try await fixture.control.execute(
                "INSERT INTO strata.splits (schema, state) VALUES ('audit', 'following'); NOTIFY strata_routes")
            try await eventually { audit.database == "main" }
            #expect(try await place(audit) == "main")
            try await fixture.control.execute("UPDATE strata.splits SET state = 'cancelled'; NOTIFY strata_routes")
            try await eventually { audit.database == "archive" }
            // A split that has not begun: only main has something.
            try await fixture.archive.execute("DROP SCHEMA audit CASCADE")
            try await fixture.control.execute("NOTIFY strata_routes")
            try await eventually { audit.database == "main" }
            #expect(try await place(audit) == "main")
            await factory.close()
        }
    }

    @Test("a main database without the switch's tables is as the layout says")
    func withoutTables() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.control.execute("DROP SCHEMA strata CASCADE")
            let factory = try await fixture.factory()
            #expect(try await place(factory.schema("audit")) == "archive")
            // They come with the first split, while the service runs.
            try await fixture.control.execute(FactoryFixture.routeTables)
            try await fixture.route("audit", to: "main", epoch: 1)
            try await eventually { try factory.schema("audit").database == "main" }
            try await fixture.follower(factory, is: "epoch = 1")
            await factory.close()
        }
    }

    @Test("a hold lets uses under way go on and new ones wait; after the flip those go to the new database")
    func switching() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            let door = Door()
            async let underWay = place(audit, behind: door)
            try await eventually { audit.usesUnderWay == 1 }
            try await fixture.hold("audit", 41)
            try await fixture.follower(factory, is: "hold = 41 AND busy = 1 AND kind = 'library'")
            async let waiting = place(audit)
            try await eventually { audit.usesWaiting == 1 }
            #expect(try await place(factory.schema("billing")) == "main")
            #expect(audit.usesUnderWay == 1)
            door.open()
            #expect(try await underWay == "main")
            try await fixture.follower(factory, is: "hold = 41 AND busy = 0")
            #expect(audit.usesWaiting == 1)
            try await fixture.route("audit", to: "archive", epoch: 2)
            #expect(try await waiting == "archive")
            try await fixture.follower(factory, is: "hold IS NULL AND busy = 0 AND epoch = 2")
            #expect(fixture.events.all.contains(.moved(schema: "audit", from: "main", to: "archive")))
            await factory.close()
            #expect(try await fixture.control.query("SELECT 1 FROM strata.followers").isEmpty)
        }
    }

    @Test("a hold that nobody ends is over when its time and the grace have passed")
    func holdExpires() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory([:], fixture.options { $0.holdGrace = .milliseconds(1) })
            let audit = try factory.schema("audit")
            try await fixture.hold("audit", 42, for: "300 milliseconds")
            try await eventually {
                try await fixture.control.query(
                    "SELECT 1 FROM strata.followers WHERE hold = 42 OR (SELECT hold_until < clock_timestamp() FROM strata.routes)"
                ).count == 1
            }
            #expect(try await place(audit) == "main")
            let isOver = try await fixture.control.query("SELECT hold_until < clock_timestamp() FROM strata.routes")
            #expect(try isOver.only().bool(0))
            await factory.close()
        }
    }

    @Test("a use within a use goes on with it while the schema is held")
    func nestedUse() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            try await audit.withConnection { _ in
                try await fixture.hold("audit", 43)
                try await fixture.follower(factory, is: "hold = 43 AND busy = 1")
                #expect(try await place(audit) == "main")
            }
            try await fixture.follower(factory, is: "hold = 43 AND busy = 0")
            await factory.close()
        }
    }

    @Test("a waiting use can be cancelled")
    func cancelled() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            try await fixture.hold("audit", 44)
            try await fixture.follower(factory, is: "hold = 44")
            let task = waitingTask(audit)
            try await eventually { audit.usesWaiting == 1 }
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
            #expect(audit.usesWaiting == 0)
            await factory.close()
        }
    }

    @Test("a transaction that met the guard of the old home is run again at the new one, if it may be")
    func runAgain() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            try await fixture.guardEntries(in: fixture.main)
            for behaviour in [SwitchBehaviour.fail, .runAgain] {
                try await fixture.route("audit", to: "main", epoch: 2)
                try await eventually { audit.database == "main" }
                var runs = 0
                do {
                    try await audit.transaction(onSwitch: behaviour) { connection in
                        runs += 1
                        if runs == 1 { try await fixture.route("audit", to: "archive", epoch: 3) }
                        try await connection.query("INSERT INTO entries (note) VALUES ($1)", "kept")
                    }
                    #expect(behaviour == .runAgain)
                } catch let error as DatabaseError {
                    #expect(behaviour == .fail && error.isReadOnly)
                }
                #expect(runs == (behaviour == .fail ? 1 : 2))
            }
            let notes = try await factory.database("archive").withConnection {
                try await $0.query("SELECT note FROM audit.entries")
            }
            #expect(try notes.only().value("note") == "kept")
            await factory.close()
        }
    }

    @Test("25006 without a switch is the caller's, also with runAgain")
    func ownReadOnly() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory()
            var runs = 0
            let error = try await failure(DatabaseError.self) {
                try await factory.schema("audit").transaction(.snapshot, onSwitch: .runAgain) { connection in
                    runs += 1
                    try await connection.query("INSERT INTO entries (note) VALUES ('x')")
                }
            }
            #expect(error.isReadOnly && runs == 1)
            await factory.close()
        }
    }

    @Test("killed, the listening connection comes back and reads what it has missed")
    func killedListener() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            try await fixture.follower(factory, is: "epoch = 1")
            let killed = try await fixture.control.query(
                """
                SELECT f.pid, pg_terminate_backend(f.pid) FROM strata.followers f JOIN pg_stat_activity a USING (pid)
                 WHERE a.application_name = 'strata follower ' || f.id
                """
            ).only()
            try await fixture.route("audit", to: "archive", epoch: 2)
            try await eventually { audit.database == "archive" }
            #expect(try await place(audit) == "archive")
            try await fixture.follower(factory, is: "epoch = 2 AND pid <> \(killed.int("pid"))")
            await factory.close()
        }
    }

    @Test("while the main database lets nobody in, the last known routes stay in use")
    func mainUnreachable() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "archive", epoch: 1)
            let factory = try await fixture.factory()
            let audit = try factory.schema("audit")
            try await fixture.follower(factory, is: "epoch = 1")
            try await allowConnections(fixture.main, false)
            _ = try await fixture.control.query("SELECT pg_terminate_backend(pid) FROM strata.followers")
            try await eventually { !factory.isFollowing }
            #expect(try await place(audit) == "archive")
            // Longer than the shortest pause, so that attempts fail.
            try await eventually { fixture.events.all.count(where: \.isLoss) >= 2 }
            #expect(try await place(audit) == "archive")
            try await allowConnections(fixture.main, true)
            try await fixture.route("audit", to: "main", epoch: 2)
            try await eventually { audit.database == "main" }
            try await eventually { factory.isFollowing && fixture.events.all.contains(.following) }
            await factory.close()
        }
    }

    @Test("a home that this layout does not list is said")
    func unlistedHome() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "vault", epoch: 1)
            let factory = try await fixture.factory()
            await #expect(throws: FactoryError.unlistedHome(schema: "audit", database: "vault")) {
                _ = try await place(factory.schema("audit"))
            }
            await factory.close()
        }
    }

    @Test("routes that may not be read are an error at the start, and never a guess")
    func unreadableRoutes() async throws {
        try await FactoryFixture.with { fixture in
            let role = "blind_\(UInt32.random(in: 0...UInt32.max))"
            try await fixture.control.execute(
                "CREATE ROLE \(role) LOGIN PASSWORD 'x'; REVOKE SELECT ON strata.routes FROM PUBLIC")
            let url = try fixture.main.settings.settings(["user": role, "password": "x"])
            let error = try await failure(FactoryError.self) {
                _ = try await fixture.factory(["DATABASE_URL": url.keywordText(withPassword: true)])
            }
            #expect(error == .unreadableRoutes(role: role, table: "strata.routes"))
            try await fixture.control.execute("DROP ROLE \(role)")
        }
    }

    @Test("a role that may not write strata.followers follows all the same, and says so")
    func notRegistered() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            try await fixture.control.execute(
                """
                CREATE FUNCTION strata.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON strata.followers FOR EACH ROW EXECUTE FUNCTION strata.refuse()
                """)
            let factory = try await fixture.factory()
            #expect(fixture.events.all.contains(.notRegistered(reason: "not today")))
            try await fixture.route("audit", to: "archive", epoch: 2)
            try await eventually { try factory.schema("audit").database == "archive" }
            #expect(fixture.events.all.count { $0 == .notRegistered(reason: "not today") } == 1)
            await factory.close()
        }
    }

    @Test("no use runs at an old home once the hold is answered with no use under way, whatever clients do")
    func manySwitches() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.route("audit", to: "main", epoch: 1)
            let factory = try await fixture.factory([:], fixture.options { $0.poolSize = 4 })
            let audit = try factory.schema("audit")
            let truth = Truth("main")
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...6 { group.addTask { try await useUntilEnd(audit, truth) } }
                for epoch in 2...21 {
                    try await fixture.hold("audit", 100 + epoch)
                    try await fixture.follower(factory, is: "hold = \(100 + epoch) AND busy = 0")
                    let home = epoch.isMultiple(of: 2) ? "archive" : "main"
                    truth.set(home)
                    try await fixture.route("audit", to: home, epoch: epoch)
                    let uses = truth.uses
                    try await eventually { truth.uses > uses }
                }
                truth.end()
                #expect(try await group.reduce(0, +) >= 20)
            }
            #expect(truth.wrong == [])
            await factory.close()
        }
    }

    @Test("rows of processes that were killed long ago are taken out")
    func oldRows() async throws {
        try await FactoryFixture.with { fixture in
            try await fixture.control.execute(
                """
                INSERT INTO strata.followers (id, kind, seen_at) VALUES
                  ('old', 'library', now() - interval '2 days'), ('young', 'library', now() - interval '1 hour'),
                  ('proxy', 'proxy', now() - interval '2 days')
                """)
            let factory = try await fixture.factory()
            let rows = try await fixture.control.query("SELECT id FROM strata.followers ORDER BY id")
            #expect(try Set(rows.map { try $0.string(0) }) == ["proxy", "young", factory.id])
            await factory.close()
        }
    }
}

extension FactoryEvent {
    fileprivate var isLoss: Bool { if case .followingLost = self { true } else { false } }
}

/// Where the schema is, by whoever switches it.
private final class Truth: Sendable {
    private struct State {
        var home: String
        var uses = 0
        var wrong: [String] = []
        var isOver = false
    }

    private let state: Mutex<State>

    init(_ home: String) { state = Mutex(State(home: home)) }

    var home: String { state.withLock { $0.home } }
    var uses: Int { state.withLock { $0.uses } }
    var wrong: [String] { state.withLock { $0.wrong } }
    var isOver: Bool { state.withLock { $0.isOver } }
    func set(_ home: String) { state.withLock { $0.home = home } }
    func end() { state.withLock { $0.isOver = true } }

    func saw(_ home: String, begun: String) {
        state.withLock { state in
            state.uses += 1
            if home != begun || home != state.home { state.wrong.append("\(begun) \(home) \(state.home)") }
        }
    }
}

private func useUntilEnd(_ schema: SchemaDatabase, _ truth: Truth) async throws -> Int {
    var uses = 0
    while !truth.isOver {
        try await schema.withConnection { connection in
            let begun = truth.home
            truth.saw(try await connection.query("SELECT name FROM place").only().value("name"), begun: begun)
        }
        uses += 1
    }
    return uses
}

/// Keeps a use under way until it is opened.
final class Door: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }
    func wait() async throws { try await eventually { isOpen.withLock { $0 } } }
}

private func place(_ schema: SchemaDatabase, behind door: Door) async throws -> String {
    try await schema.withConnection { connection in
        try await door.wait()
        return try await connection.query("SELECT name FROM place").only().value("name")
    }
}

private func waitingTask(_ schema: SchemaDatabase) -> Task<String, any Error> { Task { try await place(schema) } }

private func allowConnections(_ database: TestDatabase, _ allow: Bool) async throws {
    let admin = try await Connection.open(ConnectionSettings(TestServer.url()))
    try await admin.execute("ALTER DATABASE \(database.name) ALLOW_CONNECTIONS \(allow)")
    await admin.close()
}
