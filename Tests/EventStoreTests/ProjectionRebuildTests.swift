import Foundation
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import EventStore

/// Read models that are built anew beside the live ones, compared, exchanged, and brought back.
@Suite("Events: rebuilding projections")
struct ProjectionRebuildTests {
    @Test("S0.6 S0.11 A rebuilt read model is the same, with keys, indexes, rights, comments, views and sequences")
    func same() async throws {
        try await ProjectionFixture.with { fixture in
            let role = "strata_rebuild_reader"
            try await fixture.store.database.execute(
                """
                DO $$ BEGIN CREATE ROLE \(role); EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO \(role);
                GRANT SELECT ON readmodels.animals TO \(role) WITH GRANT OPTION; GRANT UPDATE (name) ON readmodels.animals TO \(role);
                GRANT USAGE ON SEQUENCE readmodels.visits_number_seq TO PUBLIC; GRANT SELECT ON public.animals TO \(role)
                """)
            try await fixture.register("a", "b")
            try await fixture.see("a", times: 600)
            try await fixture.catchUp()
            let (content, definition) = (try await fixture.content(), try await fixture.definition())
            let tables = try await fixture.column("SELECT 'readmodels.animals'::regclass::oid::text")
            let views = try await fixture.column(
                "SELECT oid::text || relacl::text FROM pg_class WHERE oid = 'public.animals'::regclass")
            let report = try #require(try await fixture.rebuild().run())
            #expect(report.isEqual && report.position == 602 && report.tables.map(\.liveRows) == [2, 602])
            #expect(try await fixture.content() == content)
            #expect(try await fixture.definition() == definition)
            #expect(try await fixture.column("SELECT 'readmodels.animals'::regclass::oid::text") != tables)
            #expect(
                try await fixture.column(
                    "SELECT oid::text || relacl::text FROM pg_class WHERE oid = 'public.animals'::regclass") == views)
            #expect(
                try await fixture.column("SELECT obj_description('public.animals'::regclass, 'pg_class')") == [
                    "the old name"
                ])
            #expect(
                try await fixture.column("SELECT reloptions::text FROM pg_class WHERE oid = 'public.animals'::regclass")
                    == ["{security_barrier=true,check_option=cascaded}"])
            #expect(try await fixture.content("strata_old_animals") == content, "what was live is kept")
            // The view follows the new tables, and the projection goes on in them, with numbers of its own.
            try await fixture.register("c")
            try await fixture.see("c")
            try await fixture.catchUp()
            #expect(
                try await fixture.column("SELECT visits::text FROM public.report ORDER BY name") == ["601", "1", "2"])
            #expect(try await fixture.column("SELECT max(number)::text FROM readmodels.visits") == ["604"])
            #expect(try await fixture.content("strata_old_animals") == content)
            try await fixture.rebuild().dropOld()
            #expect(
                try await fixture.column("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'strata\\_%'") == [])
            #expect(try await fixture.column("SELECT copy FROM strata.projections") == ["live"])
        }
    }

    @Test(
        "While the live one goes on, readers and writers see one state after the other, and nothing is lost or done twice",
        .timeLimit(.minutes(5)))
    func live() async throws {
        try await ProjectionFixture.with { fixture in
            let fixture = fixture.withoutNumbers
            try await fixture.register("a")
            try await fixture.see("a", times: 500)
            let watch = StreamWatch(fixture.store.database.settings, schema: fixture.store.schema)
            let runner = fixture.runner(20)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await watch.run() }
                group.addTask {
                    for outcome in await ProjectionLoop(watch: watch).run([runner]).values {
                        if case .done = outcome { continue }
                        Issue.record("\(outcome)")
                    }
                }
                group.addTask {
                    while !Task.isCancelled {
                        let part = try await fixture.store.append(
                            (0..<5).map { _ in NewEvent(type: "seen", key: "a", payload: "{}") }, to: fixture.stream)
                        await watch.grown([part])
                        let last = part.positions.upperBound
                        try await eventually("it is not far behind") { try await position(fixture) > last - 50 }
                    }
                }
                group.addTask { try await read(fixture) }
                try await eventually("the live one has begun") { try await position(fixture) > 100 }
                for _ in 0..<2 {
                    #expect(try #require(try await fixture.rebuild().run()).isEqual)
                    try await fixture.rebuild().dropOld()
                }
                group.cancelAll()
                while let result = await group.nextResult() {
                    if case .failure(let error) = result, !(error is CancellationError) { throw error }
                }
            }
            try await fixture.catchUp()
            let last = try await fixture.store.rows("SELECT last_position FROM events.event_streams").only().int(0)
            #expect(try await position(fixture) == last)
            #expect(
                try await fixture.column("SELECT seen::text FROM readmodels.animals") == ["\(last - 1)"],
                "each event once")
            #expect(
                try await fixture.column("SELECT count(*)::text FROM readmodels.visits") == ["\(last)"])
        }
    }

    private func position(_ fixture: ProjectionFixture) async throws -> Int {
        try await fixture.column("SELECT position::text FROM strata.projections WHERE copy = 'live'").first.flatMap {
            Int($0)
        } ?? 0
    }

    /// For its reader the read model never fails, and never goes back.
    private func read(_ fixture: ProjectionFixture) async throws {
        let connection = try await fixture.store.database.connect()
        var last = 0
        while !Task.isCancelled {
            do {
                guard let row = try await connection.query("SELECT seen FROM public.animals").first else { continue }
                let now = try row.int("seen")
                #expect(now >= last)
                last = now
            } catch is CancellationError { break }
        }
        await connection.close()
        #expect(last > 0)
    }

    @Test(
        "Differences are reported table by table, and exchanged only where they are meant; then undone, with what has come since"
    )
    func differences() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.register("a", "b")
            try await fixture.see("a", times: 3)
            try await fixture.catchUp()
            let before = try await fixture.content()
            var fixture = fixture
            var files = ProjectionFixture.files
            files["registered"] = "INSERT INTO animals (id, name) VALUES (:key, upper(:payload.name))"
            fixture.projection.statements = try ProjectionFixture.parse(files)
            #expect(try await refusal(fixture) == .differs)
            #expect(try await fixture.content() == before, "nothing was exchanged")
            let status = try await self.status(fixture)
            let report = try #require(status.rebuild?.report)
            let animals = try #require(report.tables.first { $0.name == "animals" }?.difference)
            #expect(animals.changed == 2 && animals.columns == ["name": 2] && animals.examples == ["(a)", "(b)"])
            let visits = try #require(report.tables.first { $0.name == "visits" })
            #expect(visits.liveRows == 5 && visits.rebuiltRows == 3 && visits.difference?.onlyLive == 2)
            // Other statements than it began with are not mixed in.
            let other = fixture
            fixture.projection.statements = try ProjectionFixture.parse(ProjectionFixture.files)
            #expect(try await refusal(fixture) == .declaredOtherwise)
            var options = ProjectionRebuild.Options()
            options.expectsDifference = true
            try await other.rebuild(options).run()
            #expect(try await other.column("SELECT name FROM readmodels.animals ORDER BY 1") == ["REX A", "REX B"])
            try await other.see("a", times: 2)
            try await other.catchUp()
            #expect(try await refusal(other) == .oldIsKept)
            // Back to what was, by the statements that made it.
            try await fixture.rebuild().undo()
            #expect(try await fixture.column("SELECT seen::text FROM readmodels.animals ORDER BY id") == ["5", "0"])
            #expect(try await fixture.column("SELECT name FROM public.animals ORDER BY 1") == ["Rex a", "Rex b"])
            #expect(try await fixture.column("SELECT count(*)::text FROM readmodels.visits") == ["7"])
            try await fixture.rebuild().undo()
            #expect(try await fixture.column("SELECT name FROM public.animals ORDER BY 1") == ["Rex a", "Rex b"])
            try await fixture.see("b")
            try await fixture.catchUp()
            #expect(try await fixture.column("SELECT seen::text FROM readmodels.animals ORDER BY id") == ["5", "1"])
            try await fixture.rebuild().dropOld()
            try await fixture.rebuild().run()
        }
    }

    private func refusal(_ fixture: ProjectionFixture) async throws -> RebuildRefusal? {
        do { try await fixture.rebuild().run() } catch let refusal as RebuildRefusal { return refusal }
        return nil
    }

    private func status(_ fixture: ProjectionFixture) async throws -> ProjectionStatus {
        let connection = try await fixture.store.database.connect()
        let found = try await ProjectionStatus.read(["animals"], on: connection)
        await connection.close()
        return try #require(found.first)
    }

    @Test(
        "What cannot be exchanged is refused before anything is built",
        arguments: [
            (
                "CREATE MATERIALIZED VIEW public.m AS SELECT * FROM readmodels.animals", "materialized view",
                "make it a view"
            ),
            ("CREATE TABLE public.toys (animal text REFERENCES readmodels.animals)", "foreign key", "drop it"),
            (
                "CREATE FUNCTION public.named() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM readmodels.animals; END",
                "function", "body as a string"
            ),
            (
                "CREATE FUNCTION public.f(a readmodels.animals) RETURNS int LANGUAGE sql AS 'SELECT 1'", "function",
                "drop"
            ),
            ("CREATE TABLE public.boxes (content readmodels.animals)", "table", "another type"),
            ("CREATE PUBLICATION p FOR TABLE readmodels.visits", "publication", "DROP TABLE readmodels.visits"),
            ("CREATE RULE r AS ON DELETE TO readmodels.visits DO ALSO NOTHING", "rule", "drop it"),
            ("CREATE TABLE readmodels.more () INHERITS (readmodels.visits)", "table", "ordinary tables"),
            ("ALTER TABLE readmodels.visits SET UNLOGGED", "table", "SET LOGGED"),
            (
                "CREATE TABLE public.drawing (n bigint DEFAULT nextval('readmodels.visits_number_seq'))", "default",
                "own"
            ),
            (
                """
                CREATE FUNCTION public.counts() RETURNS trigger LANGUAGE plpgsql SET search_path = readmodels AS $$
                BEGIN UPDATE animals SET seen = seen + 1; RETURN NULL; END $$;
                CREATE TRIGGER counting AFTER INSERT ON readmodels.visits FOR EACH ROW EXECUTE FUNCTION public.counts()
                """, "trigger counting", "statements do what it does"
            ),
            (
                """
                CREATE FUNCTION public.runs() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN EXECUTE 'UPDATE readmodels.' || TG_ARGV[0] || ' SET seen = 0'; RETURN NULL; END $$;
                CREATE TRIGGER running AFTER INSERT ON readmodels.visits FOR EACH ROW EXECUTE FUNCTION public.runs('animals')
                """, "trigger running", "cannot be read"
            ),
            ("CREATE SCHEMA strata_old_animals", "schema", "strata_"),
        ])
    func obstacles(_ sql: String, _ object: String, _ says: String) async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.register("a")
            try await fixture.catchUp()
            try await fixture.store.database.execute(sql)
            do {
                try await fixture.rebuild().run()
                Issue.record("not refused")
            } catch RebuildRefusal.obstacles(let found) {
                let words = found.map { "\($0.object): \($0.reason) \($0.remedy)" }.joined(separator: "\n")
                #expect(found.contains { $0.object.hasPrefix(object) } && words.contains(says), "\(words)")
            }
            #expect(
                try await fixture.column("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'strata\\_next%'") == [])
            #expect(try await fixture.column("SELECT name FROM strata.projection_rebuilds") == [])
        }
    }

    @Test("A trigger that writes by the search path writes into the copy that is being built")
    func triggers() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.store.database.execute(
                """
                CREATE FUNCTION public.counts() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN UPDATE animals SET seen = seen + 10 WHERE id = NEW.animal; RETURN NULL; END $$;
                CREATE TRIGGER counting AFTER INSERT ON readmodels.visits FOR EACH ROW EXECUTE FUNCTION public.counts()
                """)
            try await fixture.register("a")
            try await fixture.see("a", times: 2)
            try await fixture.catchUp()
            let content = try await fixture.content()
            try await fixture.rebuild().run()
            #expect(try await fixture.content() == content)
            #expect(try await fixture.column("SELECT seen::text FROM strata_old_animals.animals") == ["32"])
        }
    }

    @Test("A live table that is altered meanwhile is not replaced by one that is not")
    func altered() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.register("a")
            try await fixture.catchUp()
            // It waits for a word, with what it has built.
            try await fixture.store.rows("UPDATE readmodels.animals SET name = 'other'")
            #expect(try await refusal(fixture) == .differs)
            try await fixture.store.database.execute("CREATE INDEX late ON readmodels.animals (kind)")
            var options = ProjectionRebuild.Options()
            options.expectsDifference = true
            do {
                try await fixture.rebuild(options).run()
                Issue.record("not refused")
            } catch RebuildRefusal.obstacles(let found) {
                #expect(found.map(\.object) == ["index late of animals"] && found[0].remedy.contains("--cancel"))
            }
            try await fixture.rebuild().cancel()
            try await fixture.rebuild(options).run()
            #expect(
                try await fixture.column("SELECT to_regclass('readmodels.late')::text") == ["readmodels.late"])
        }
    }

    @Test("A process that has the statements of before does not go on with a read model that others have made")
    func replaced() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.register("a")
            let running = fixture.runner()
            try await running.catchUp()
            var other = fixture
            var files = ProjectionFixture.files
            files["registered"] = "INSERT INTO animals (id, name) VALUES (:key, 'X')"
            other.projection.statements = try ProjectionFixture.parse(files)
            var options = ProjectionRebuild.Options()
            options.expectsDifference = true
            try await other.rebuild(options).run()
            try await fixture.register("b")
            let waiting = Set(await ProjectionLoop(watch: nil).run([running]).values.map { "\($0)" })
            #expect(waiting.count == 1 && waiting.first?.contains("other statements") == true, "\(waiting)")
            #expect(try await fixture.column("SELECT name FROM public.animals") == ["X"])
            // Who starts anew with what is declared now goes on; the same statements are followed without a word.
            let anew = other.runner()
            try await anew.catchUp()
            try await other.rebuild().dropOld()
            try await other.rebuild().run()
            try await fixture.register("c")
            #expect(try await anew.catchUp().position == 3)
            await anew.close()
            #expect(try await fixture.column("SELECT name FROM public.animals") == ["X", "X", "X"])
        }
    }

    @Test("The owner of the tables needs no superuser")
    func owner() async throws {
        try await ProjectionFixture.with { fixture in
            let role = "strata_rebuild_owner"
            try await fixture.store.database.execute(
                """
                DO $$ BEGIN CREATE ROLE \(role); EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
                DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO \(role)', current_database()); END $$;
                GRANT REFERENCES, SELECT ON public.kinds TO \(role); GRANT CREATE, USAGE ON SCHEMA public TO \(role);
                ALTER SCHEMA readmodels OWNER TO \(role); ALTER TABLE readmodels.animals OWNER TO \(role);
                ALTER TABLE readmodels.visits OWNER TO \(role); ALTER STATISTICS readmodels.animal_stats OWNER TO \(role);
                ALTER VIEW public.animals OWNER TO \(role); ALTER VIEW public.report OWNER TO \(role)
                """)
            try await fixture.register("a")
            try await fixture.see("a", times: 3)
            let target = try fixture.store.database.settings.settings(["options": "-c role=\(role)"])
            let rebuild = try ProjectionRebuild(fixture.projection, reader: fixture.store.reader, target: target)
            let report = try #require(try await rebuild.run())
            #expect(report.isEqual && report.position == 4)
            try await rebuild.undo()
            try await rebuild.dropOld()
            #expect(try await fixture.column("SELECT visits::text FROM public.report") == ["4"])
        }
    }

    @Test("Who holds a table is waited for beside the queue, and not for ever")
    func locks() async throws {
        try await ProjectionFixture.with { fixture in
            try await fixture.register("a")
            try await fixture.catchUp()
            let holder = try await fixture.store.database.connect()
            try await holder.execute("BEGIN; SELECT FROM readmodels.animals")
            var options = ProjectionRebuild.Options()
            (options.lockTimeout, options.lockWait) = (.milliseconds(20), .milliseconds(300))
            do {
                try await fixture.rebuild(options).run()
                Issue.record("the lock was free")
            } catch RebuildRefusal.lockNotFree(let message) { #expect(message.contains("lock timeout")) }
            let waits = Mutex(0)
            options.lockWait = .seconds(60)
            try await fixture.rebuild(options) { event in
                guard case .waiting = event else { return }
                if waits.withLock({
                    $0 += 1; return $0
                }) == 3 {
                    Task { try await holder.execute("COMMIT") }
                }
            }.run()
            await holder.close()
            #expect(waits.withLock { $0 } >= 3)
        }
    }

    @Test("Dead letters: what the new one can do is resolved, what it cannot is one; the undo brings the old ones back")
    func deadLetters() async throws {
        try await ProjectionFixture.with(onError: .deadLetter) { fixture in
            try await fixture.register("a")
            try await fixture.fail("a")
            try await fixture.see("a")
            try await fixture.catchUp()
            #expect(try await fixture.letters() == ["2 dead"])
            var other = fixture
            var files = ProjectionFixture.files
            files["failing"] = "UPDATE animals SET seen = seen + 7 WHERE id = :key"
            files["seen"] = "SELECT 1 / 0"
            other.projection.statements = try ProjectionFixture.parse(files)
            var options = ProjectionRebuild.Options()
            options.expectsDifference = true
            try await other.rebuild(options).run()
            #expect(try await fixture.column("SELECT seen::text FROM readmodels.animals") == ["7"])
            #expect(try await fixture.letters() == ["2 resolved", "3 dead"])
            try await fixture.rebuild().undo()
            #expect(try await fixture.column("SELECT seen::text FROM readmodels.animals") == ["1"])
            #expect(try await fixture.letters() == ["2 dead", "3 resolved"])
        }
    }

    @Test(
        "Its server processes killed at any moment, calls that follow end with the same tables", .timeLimit(.minutes(5))
    )
    func killed() async throws {
        try await ProjectionFixture.with { fixture in
            let fixture = fixture.withoutNumbers
            try await fixture.register("a", "b", "c")
            for key in ["a", "b"] { try await fixture.see(key, times: 700) }
            try await fixture.catchUp()
            let content = try await fixture.contentWithoutNumbers()
            var options = ProjectionRebuild.Options()
            options.dropsOld = true
            var random = SeededRandom(SeededRandom.seed(for: "killed rebuilds", usual: 20_261_122))
            for _ in 0..<4 {
                var kills = 0
                var isDone = false
                while !isDone {
                    let delay = Duration.milliseconds(Int.random(in: 0...400, using: &random))
                    let killer = Task {
                        try await Task.sleep(for: delay)
                        try await fixture.store.rows(
                            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'strata project%'"
                        )
                    }
                    do {
                        try await fixture.rebuild(options).run()
                        isDone = true
                    } catch is PostgresError {
                        kills += 1
                    } catch RebuildRefusal.busy, ProjectionStop.busy {
                        // The server has not noticed yet that a session is gone.
                    }
                    if kills > 15 { killer.cancel() }
                    _ = await killer.result
                    if !isDone, kills > 15 {
                        try await eventually("it is done in peace") {
                            do {
                                try await fixture.rebuild(options).run()
                                return true
                            } catch RebuildRefusal.busy, ProjectionStop.busy { return false }
                        }
                        isDone = true
                    }
                }
                #expect(try await fixture.contentWithoutNumbers() == content)
                #expect(
                    try await fixture.column("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'strata\\_%'") == [])
            }
        }
    }
}

extension Result {
    fileprivate var success: Success? { try? get() }
}
