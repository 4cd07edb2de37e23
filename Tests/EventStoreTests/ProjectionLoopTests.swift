import Foundation
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import EventStore

/// Projections that follow their streams, and dead letters that are tried again.
@Suite("Events: projections at work")
struct ProjectionLoopTests {
    /// Follows until the body is done.
    private func follow(
        _ fixture: ProjectionFixture, _ runners: [ProjectionRunner],
        report: @escaping @Sendable (String, ProjectionLoop.Event) -> Void = { _, _ in },
        _ body: (StreamWatch) async throws -> Void
    ) async throws -> [String: ProjectionLoop.Outcome] {
        let watch = StreamWatch(fixture.store.database.settings, schema: fixture.store.schema)
        let watching = Task { await watch.run() }
        let running = Task { await ProjectionLoop(watch: watch, jobs: 2, report: report).run(runners) }
        let result: Result<Void, any Error>
        do { result = .success(try await body(watch)) } catch { result = .failure(error) }
        running.cancel()
        let outcomes = await running.value
        watching.cancel()
        try result.get()
        return outcomes
    }

    /// The server alone can tell whether somebody listens yet.
    private func untilHeard(_ fixture: ProjectionFixture) async throws {
        try await eventually("it listens") {
            try await fixture.column(
                "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            ) == ["1"]
        }
    }

    @Test("S0.53 What is appended elsewhere is in the read model at once: it waits for a word, and not for a clock")
    func wakes() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.register("a")
            let caughtUp = Mutex(0)
            _ = try await follow(
                fixture, [fixture.runner()],
                report: { _, event in if case .caughtUp = event { caughtUp.withLock { $0 += 1 } } }
            ) { watch in
                try await untilHeard(fixture)
                for number in 1...5 {
                    try await eventually("it waits") { await watch.waiting == 1 }
                    let began = ContinuousClock.now
                    let part = try await fixture.store.append(
                        [NewEvent(type: "seen", key: "a", payload: "{}")], to: fixture.stream)
                    try await StreamWatch.tell(
                        [part], schema: fixture.store.schema, on: fixture.store.database.settings)
                    try await eventually("it is there") {
                        try await fixture.column("SELECT seen::text FROM public.animals") == ["\(number)"]
                    }
                    // It would look by itself after ten.
                    #expect(ContinuousClock.now - began < .seconds(9))
                }
            }
            #expect(caughtUp.withLock { $0 } >= 5)
        }
    }

    @Test("One that stops does not stop the others; interrupted, all end with whole transactions")
    func several() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.store.database.execute(
                "CREATE SCHEMA other; CREATE TABLE other.counts (type text PRIMARY KEY, n bigint NOT NULL)")
            var counting = Projection(
                "counting", of: fixture.stream, fixture.store.organization,
                statements: try ["seen", "registered", "failing"].reduce(into: [:]) {
                    $0[$1] = try ProjectionStatement.parse(
                        "INSERT INTO counts VALUES (:type, 1) ON CONFLICT (type) DO UPDATE SET n = counts.n + 1")
                }, schema: "other")
            counting.tables = ["counts"]
            let second = ProjectionRunner(
                counting, reader: fixture.store.reader, target: fixture.store.database.settings, batch: 10)
            try await fixture.register("a")
            try await fixture.fail("a")
            try await fixture.see("a", times: 95)
            let outcomes = try await follow(fixture, [fixture.runner(), second]) { _ in
                try await eventually("both are where they can be") {
                    try await fixture.column("SELECT name || position || state FROM strata.projections ORDER BY 1") == [
                        "animals1stopped", "counting97running",
                    ]
                }
            }
            guard case .stopped(.event(2, "failing", let message)) = outcomes["animals"] else {
                Issue.record("\(outcomes)")
                return
            }
            #expect(message.contains("division by zero"))
            if case .done = outcomes["counting"] {} else { Issue.record("\(outcomes)") }
            #expect(try await fixture.column("SELECT n::text FROM other.counts WHERE type = 'seen'") == ["95"])
        }
    }

    @Test("S0.23 A second process takes over when the first one ends")
    func takesOver() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.register("a")
            let first = fixture.runner()
            try await first.catchUp()
            let waits = Mutex(false)
            _ = try await follow(
                fixture, [fixture.runner()],
                report: { _, event in if case .waiting = event { waits.withLock { $0 = true } } }
            ) { _ in
                try await eventually("it waits") { waits.withLock { $0 } }
                await first.close()
                try await fixture.see("a")
                try await eventually("it has taken over") {
                    try await fixture.column("SELECT seen::text FROM public.animals") == ["1"]
                }
            }
        }
    }

    @Test("Where a table is not in the projection's schema, one of its name in another schema is not filled")
    func noTable() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.store.append(
                [NewEvent(type: "registered", key: "a", payload: #"{"name": "Rex"}"#)], to: fixture.stream)
            try await fixture.store.database.execute(
                "CREATE TABLE public.visits (animal text, what text); ALTER TABLE readmodels.visits RENAME TO visitors")
            await #expect(throws: ProjectionStop.noTable("readmodels.visits")) { try await fixture.catchUp() }
            try await fixture.store.database.execute("ALTER TABLE readmodels.visitors RENAME TO visits")
            try await fixture.catchUp()
            let found = try await fixture.column(
                "SELECT count(*)::text FROM public.visits UNION ALL SELECT count(*)::text FROM readmodels.visits")
            #expect(found == ["0", "1"])
        }
    }

    @Test("Dead letters that are redriven are tried again outside of the order, once; a discarded one is not")
    func redriven() async throws {
        try await ProjectionFixture.with(onError: .deadLetter) { fixture in
            try await fixture.register("a")
            for _ in 0..<3 { try await fixture.fail("a") }
            try await fixture.see("a")
            let runner = fixture.runner()
            _ = try await follow(fixture, [runner]) { watch in
                try await eventually("all is passed by") { try await fixture.letters().count == 3 }
                try await untilHeard(fixture)
                try await eventually("it waits") { await watch.waiting == 1 }
                // As they are they fail again.
                let group = try await fixture.group()
                #expect(try await fixture.store.reader.redrive(group, of: fixture.store.organization) == 3)
                try await eventually("they have failed again") {
                    try await fixture.column("SELECT attempts::text FROM events.dead_letter_events ORDER BY position")
                        == [
                            "2", "2", "2",
                        ]
                }
            }
            #expect(try await fixture.letters() == ["2 dead", "3 dead", "4 dead"])
            #expect(try await fixture.column("SELECT seen::text FROM readmodels.animals") == ["1"])
            // With another statement they can be done.
            var mended = fixture
            var files = ProjectionFixture.files
            files["failing"] = "UPDATE animals SET seen = seen + 100 WHERE id = :key"
            mended.projection.statements = try ProjectionFixture.parse(files)
            let ids = try await fixture.store.rows(
                "SELECT id::text AS id FROM events.dead_letter_events ORDER BY position"
            ).map { try $0.id() }
            let (reader, organization) = (fixture.store.reader, fixture.store.organization)
            let group = try await fixture.group()
            _ = try await reader.discard(group, of: organization, [ids[2]])
            _ = try await reader.redrive(group, of: organization, [ids[0], ids[1], ids[2]])
            let outcomes = await ProjectionLoop(watch: nil).run([mended.runner()])
            if case .done = outcomes["animals"] {} else { Issue.record("\(outcomes)") }
            #expect(try await fixture.letters() == ["2 resolved", "3 resolved", "4 discarded"])
            #expect(try await fixture.column("SELECT seen::text FROM readmodels.animals") == ["201"])
        }
    }

    @Test("A redriven letter whose process was killed before it could say so is not done twice")
    func redrivenOnce() async throws {
        try await ProjectionFixture.with(onError: .deadLetter) { fixture in
            try await fixture.register("a")
            try await fixture.fail("a")
            try await fixture.catchUp()
            var mended = fixture
            var files = ProjectionFixture.files
            files["failing"] = "UPDATE animals SET seen = seen + 100 WHERE id = :key"
            mended.projection.statements = try ProjectionFixture.parse(files)
            let group = try await fixture.group()
            _ = try await fixture.store.reader.redrive(group, of: fixture.store.organization)
            let first = mended.runner()
            #expect(try await first.tryRedriven() == 1)
            #expect(await first.progress.deadLetters == 0)
            await first.close()
            // As if the word to the store had been lost, and the lease is over.
            try await fixture.store.rows(
                "UPDATE events.dead_letter_events SET status = 'redriving', next_try = '-infinity'")
            let second = mended.runner()
            try await second.catchUp()
            #expect(try await second.tryRedriven() == 1)
            await second.close()
            #expect(try await fixture.letters() == ["2 resolved"])
            #expect(try await fixture.column("SELECT seen::text FROM readmodels.animals") == ["100"])
        }
    }

    @Test("S0.20 An event, its read model and a user's row are one transaction of the application, or nothing")
    func oneTransaction() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.store.database.execute("CREATE TABLE public.users (name text PRIMARY KEY)")
            let connection = try await fixture.store.database.connect()
            let call = AppendCall([
                AppendRequest(
                    fixture.store.organization,
                    [AppendPart(fixture.stream, [NewEvent(type: "bought", key: "a", payload: "{}")])])
            ])
            struct NotNow: Error {}
            for isKept in [false, true] {
                do {
                    try await connection.transaction { connection in
                        _ = try await connection.query(AppendCall.statement(fixture.store.schema), call.parameters)
                        try await connection.execute(
                            "INSERT INTO readmodels.animals (id, name) VALUES ('a', 'Rex'); INSERT INTO public.users VALUES ('Ann')"
                        )
                        if !isKept { throw NotNow() }
                    }
                } catch is NotNow {}
                let found = try await fixture.column(
                    "SELECT count(*)::text FROM events.events UNION ALL SELECT count(*)::text FROM readmodels.animals UNION ALL SELECT count(*)::text FROM public.users UNION ALL SELECT last_position::text FROM events.event_streams"
                )
                #expect(found == Array(repeating: isKept ? "1" : "0", count: 4))
            }
            await connection.close()
        }
    }
}
