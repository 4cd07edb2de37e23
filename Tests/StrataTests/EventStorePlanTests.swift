import Engine
import Foundation
import Planning
import PostgresDriver
import TestSupport
import Testing

/// The event store by plan and ledger, as a person sees it: `events:` in the layout.
@Suite("Event store: plan, apply, rollback")
struct EventStorePlanTests {
    /// Beside a pile that has a table `events` of its own, which moves.
    static let layout = Workshop.layout + "\nevents:\n"

    private static let mark = "COMMENT ON SCHEMA events IS 'strata: event store'"

    private func with(
        _ layout: String = EventStorePlanTests.layout, _ body: (Workshop) async throws -> Void
    ) async throws {
        try await Workshop.with(layout: layout, body)
    }

    /// Of the catalog.
    private func fingerprint(_ shop: Workshop) async throws -> String {
        let connection = try await shop.database.connect()
        let catalog = try await CatalogReader.read(connection)
        await connection.close()
        return catalog.fingerprint
    }

    /// What is in schema events, without what differs from one database to another.
    private func contents(_ shop: Workshop) async throws -> [String] {
        let connection = try await shop.database.connect()
        let catalog = try await CatalogReader.read(connection)
        await connection.close()
        return catalog.canonicalLines().filter { $0.contains("events.") || $0.contains("schema events") }
            .map { $0.replacing(/\toid=\d+/, with: "") }
    }

    private func expectDone(_ shop: Workshop, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let plan = try await shop.program.run("plan", "--detailed-exit-code")
        #expect(plan.code == 0 && plan.output.contains("Nothing to do"), "\(plan)", sourceLocation: sourceLocation)
        #expect(!plan.output.contains(" events."), "unplaced: \(plan.output)", sourceLocation: sourceLocation)
        let verified = try await shop.program.run("verify", "--all")
        #expect(verified.code == 0, "\(verified)", sourceLocation: sourceLocation)
        #expect(verified.output.contains("version 1"), "\(verified.output)", sourceLocation: sourceLocation)
    }

    private func words(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }

    // MARK: There and back

    @Test("S3.4-S3.9 S3.12-S3.15 Plan, apply, the catalog is that of events init, plan again is empty, back, forward")
    func recipe() async throws {
        try await with { shop in
            let before = try await fingerprint(shop)
            let planned = try await shop.program.start(["plan"], environment: ["COLUMNS": "80"]).finish()
            let text: String = planned.output.replacing(shop.database.name, with: "DATABASE")
                .replacing(/PostgreSQL \d+/, with: "PostgreSQL NN")
            let lines = text.split(separator: "\n").dropFirst()
            #expect(lines.allSatisfy { $0.count <= 80 })
            try Golden.compare(text, with: "plan-events.txt")
            #expect(try await fingerprint(shop) == before)

            let applied = try await shop.program.run("apply", "--yes")
            #expect(applied.code == 0, "\(applied)")
            try await expectDone(shop)
            #expect(try await shop.program.run("status").output.contains("Event store: schema events, version 1."))
            let made = try await contents(shop)
            try await Workshop.with(layout: Workshop.layout) { other in
                #expect(try await other.program.run("apply", "--yes").code == 0)
                #expect(try await other.program.run("events", "init").code == 0)
                let same = try await contents(other)
                #expect(made == same, "\(made.difference(from: same))")
                #expect(made.count > 200)
            }

            let undone = try await shop.program.run("rollback", "--yes")
            #expect(undone.code == 0 && undone.output.contains("exactly as it was before"), "\(undone)")
            #expect(try await fingerprint(shop) == before)
            #expect(try await shop.program.run("apply", "--yes").code == 0)
            #expect(try await contents(shop) == made)
            for words in [["organization", "add", "Shelter"], ["stream", "add", "animals"]] {
                #expect(try await shop.program.start(["events"] + words).finish().code == 0)
            }
        }
    }

    @Test("S3.17 A store that is in use is not undone: nothing is, and the run stands; nor are its partitions drift")
    func inUse() async throws {
        try await with { shop in
            #expect(try await shop.program.run("events", "init").code == 0)
            #expect(try await shop.program.run("events", "organization", "add", "Shelter").code == 0)
            #expect(try await shop.program.run("events", "stream", "add", "animals").code == 0)
            let file = shop.folder.appending(path: "a.ndjson")
            try Data(#"{"type": "t", "payload": 1}"#.utf8).write(to: file)
            #expect(try await shop.program.run("events", "append", "animals", file.path).code == 0)
            // Neither its tables nor its functions are in the way of what moves, under whatever names.
            let moves = try await shop.program.run("plan")
            #expect(moves.output.contains("0 hazards") && !moves.output.contains("event store"), "\(moves.output)")
            #expect(try await shop.program.run("apply", "--yes").code == 0)
            _ = try await shop.column("SELECT events.make_partitions(9)")
            try await expectDone(shop)
            let moved = try await shop.program.run("rollback", "--yes")
            #expect(moved.code == 0 && moved.output.contains("exactly as it was before"), "\(moved)")

            let refused = try await shop.program.run("rollback", "--yes")
            #expect(refused.code == 1, "\(refused)")
            let text = words(refused.errors)
            #expect(text.contains("in use (organisations: 1, streams: 1, events: 1)"), "\(text)")
            #expect(text.contains("DROP SCHEMA events CASCADE") && text.contains("run 1 stands as before"), "\(text)")
            #expect(
                try await shop.column("SELECT state || ' ' || (finished_at IS NOT NULL) FROM strata.runs ORDER BY id")
                    == ["done true", "undone true"])
            #expect(try await shop.program.run("events", "append", "animals", file.path).code == 0)
            #expect(try await shop.program.run("apply", "--yes").code == 0)
            #expect(try await shop.program.run("rollback", "--yes").code == 0)

            try await shop.database.execute("DROP SCHEMA events CASCADE")
            let gone = try await shop.program.run("rollback", "--yes")
            #expect(gone.code == 0 && gone.output.contains("exactly as it was before"), "\(gone)")
        }
    }

    // MARK: Killed

    /// The server process of the run sleeps at the end of a step's transaction; then both are killed.
    private func kill(_ command: String, at object: String, _ state: String, _ shop: Workshop) async throws {
        try await shop.database.execute(
            """
            CREATE OR REPLACE FUNCTION strata.rest() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_sleep(600); RETURN NEW; END';
            DROP TRIGGER IF EXISTS rest ON strata.steps;
            CREATE TRIGGER rest BEFORE UPDATE ON strata.steps FOR EACH ROW
                WHEN (NEW.object LIKE '%: \(object)' AND NEW.state = '\(state)') EXECUTE FUNCTION strata.rest();
            """)
        let running = try shop.program.start([command, "--yes"])
        let sleeper = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        try await shop.until("it is at \(object)", "SELECT count(*) = 1 \(sleeper)")
        running.signal(SIGKILL)
        #expect(try await running.finish().wasKilled)
        _ = try await shop.column("SELECT pg_terminate_backend(pid) \(sleeper)")
        try await shop.until("its session has ended", "SELECT count(*) = 0 \(sleeper)")
        try await shop.database.execute("DROP TRIGGER rest ON strata.steps")
    }

    @Test(
        "Killed in the midst, on the way there and back, it goes on where it was",
        arguments: [
            ("schema events", "append"), ("tables", "tables"), ("consumer groups", "schema events"),
            ("version 1", "version 1"),
        ])
    func killed(there: String, back: String) async throws {
        try await with { shop in
            let before = try await fingerprint(shop)
            for command in ["apply", "rollback"] { #expect(try await shop.program.run(command, "--yes").code == 0) }
            try await kill("apply", at: there, "done", shop)
            let refused = try await shop.program.run("events", "stream", "list")
            #expect(
                refused.code == 1
                    && (refused.errors.contains("not finished") || refused.errors.contains("no event store")),
                "\(refused)")
            let resumed = try await shop.program.run("apply", "--yes")
            #expect(resumed.code == 0 && resumed.errors.contains("resuming run 2"), "\(resumed)")
            try await expectDone(shop)
            try await kill("rollback", at: back, "undone", shop)
            let undone = try await shop.program.run("rollback", "--yes")
            #expect(undone.code == 0 && undone.output.contains("exactly as it was before"), "\(undone)")
            #expect(try await fingerprint(shop) == before)
        }
    }

    @Test("events init goes on with a run of its own that was cut off")
    func initResumes() async throws {
        try await with { shop in
            for words in [["events", "init"], ["rollback", "--yes"]] {
                #expect(try await shop.program.start(words).finish().code == 0)
            }
            try await kill("apply", at: "append", "done", shop)
            // That run moves tables as well: it is not for init to go on with.
            let other = try await shop.program.run("events", "init")
            #expect(other.code == 1 && other.errors.contains("go on with it: strata apply"), "\(other)")
            #expect(try await shop.program.run("rollback", "--yes").code == 0)
            try shop.write("strata: 1\ndatabases: { main: { url: \"${DATABASE_URL}\" } }\nevents:\n")
            try await kill("apply", at: "append", "done", shop)
            let resumed = try await shop.program.run("events", "init")
            #expect(resumed.code == 0 && resumed.errors.contains("resuming run 3"), "\(resumed)")
            #expect(try await shop.program.run("status").output.contains("version 1."))
        }
    }

    @Test("strata init writes it, and nothing of what is in it", arguments: ["month", "day"])
    func written(every: String) async throws {
        try await with(Workshop.layout) { shop in
            let made = try await shop.program.run("events", "init", "--schema", "My Events", "--every", every)
            #expect(made.code == 0)
            for arguments in [["init"], ["init", "--suggest"]] {
                let written = try await shop.program.start(arguments + ["--out", "new.yaml", "--force"]).finish()
                #expect(written.code == 0, "\(written)")
                let text = try String(contentsOf: shop.folder.appending(path: "new.yaml"), encoding: .utf8)
                #expect(
                    text.contains("events: { schema: \"My Events\", every: \(every) }")
                        && !text.contains("organizations"))
            }
            _ = try await shop.program.run("init", "--out", "new.yaml", "--force")
            let plan = try await shop.program.run("plan", "--layout", "new.yaml", "--detailed-exit-code")
            #expect(plan.code == 0 && plan.output.contains("Nothing to do"), "\(plan)")
            let listed = try await shop.program.run("events", "organization", "list", "--layout", "new.yaml")
            #expect(listed.code == 0, "\(listed)")
        }
    }

    // MARK: Versions

    @Test("A store of a release without versions is taken over, in place, and given back as it was")
    func takenOver() async throws {
        try await with { shop in
            try shop.write(Workshop.layout)
            for words in [["init"], ["organization", "add", "Shelter"], ["stream", "add", "animals"]] {
                #expect(try await shop.program.start(["events"] + words).finish().code == 0)
            }
            try await shop.database.execute(
                """
                \(Self.mark);
                DROP FUNCTION events.projection_letters;
                CREATE OR REPLACE FUNCTION events.now() RETURNS timestamp LANGUAGE sql AS 'SELECT timestamp ''2026-01-01''';
                """)
            let before = try await fingerprint(shop)
            try shop.write(Self.layout.replacing("log: { tables: [events] }", with: "log: {}"))
            let refused = try await shop.program.run("events", "stream", "list")
            #expect(refused.code == 1, "\(refused)")
            #expect(words(refused.errors).contains("knew no versions, this one needs version 1"), "\(refused.errors)")
            #expect(words(refused.errors).contains("strata apply"), "\(refused.errors)")
            #expect(words(try await shop.program.run("status").output).contains("knew no versions"))
            let served = try await shop.program.run("serve", "--listen", "127.0.0.1:0")
            #expect(served.code == 1 && words(served.errors).contains("knew no versions"), "\(served)")
            #expect(try await shop.program.run("verify").code == 4)

            let plan = words(try await shop.program.run("plan").output)
            #expect(plan.contains("becomes version 1: every part is made again, in place"), "\(plan)")
            #expect(plan.contains("renew event store events: append made again: not known of which release it is"))
            #expect(
                plan.contains("renew event store events: projections missing: function projection_letters"), "\(plan)")
            #expect(
                plan.contains("made again: not known of which release it is; lock: SHARE UPDATE EXCLUSIVE"), "\(plan)")
            #expect(plan.contains("renew event store events: version 1") && !plan.contains("partitions of today"))
            #expect(try await shop.program.run("apply", "--yes").code == 0)
            try await expectDone(shop)
            #expect(try await shop.program.run("events", "stream", "list").output.contains("animals"))
            #expect(try await shop.column("SELECT events.now() > '2026-02-01'") == ["t"])

            let undone = try await shop.program.run("rollback", "--yes")
            #expect(undone.code == 0 && undone.output.contains("exactly as it was before"), "\(undone)")
            #expect(try await fingerprint(shop) == before)
            #expect(try await shop.column("SELECT count(*) FROM events.event_streams") == ["1"])
            #expect(try await shop.program.run("events", "init").code == 0)
            #expect(try await shop.column("SELECT state FROM strata.runs ORDER BY id") == ["undone", "done"])
            #expect(try await shop.program.run("events", "stream", "list").code == 0)
        }
    }

    @Test("Of an earlier version, or with a part of other statements: the plan says which, and does no more")
    func upgraded() async throws {
        try await with { shop in
            #expect(try await shop.program.run("apply", "--yes").code == 0)
            let record = try await shop.column("SELECT obj_description('events'::regnamespace)")[0]
            func set(_ text: String) async throws {
                try await shop.database.execute("COMMENT ON SCHEMA events IS '\(text)'")
            }
            try await set(record.replacing(/\ append=\w+/, with: " append=000000000000"))
            // The version is the same: programs go on.
            #expect(try await shop.program.run("events", "organization", "list").code == 0)
            var plan = try await shop.program.run("plan", "--detailed-exit-code")
            #expect(plan.code == 2 && plan.output.contains("1 step in 1 transaction"), "\(plan)")
            #expect(words(plan.output).contains("stays at version 1, and gets: append"), "\(plan.output)")

            try await set(record.replacing("version 1", with: "version 0").replacing(/\ groups=\w+/, with: ""))
            let refused = try await shop.program.run("events", "organization", "list")
            #expect(
                refused.code == 1 && words(refused.errors).contains("is of version 0, this release needs version 1"),
                "\(refused)")
            plan = try await shop.program.run("plan")
            #expect(
                plan.output.contains("2 steps") && plan.output.contains("renew event store events: consumer groups"))
            #expect(words(plan.output).contains("goes from version 0 to 1: consumer groups"), "\(plan.output)")
            #expect(try await shop.program.run("apply", "--yes").code == 0)
            try await expectDone(shop)
            #expect(try await shop.column("SELECT obj_description('events'::regnamespace)") == [record])
        }
    }

    @Test("A newer store is refused by everything, and stays as it is")
    func newer() async throws {
        try await with { shop in
            #expect(try await shop.program.run("events", "init").code == 0)
            try await shop.database.execute(
                "COMMENT ON SCHEMA events IS 'strata: event store, version 7; parts append=1'")
            let before = try await fingerprint(shop)
            for command in [
                ["plan"], ["apply", "--yes"], ["events", "init"], ["events", "stream", "list"], ["events", "maintain"],
                ["serve", "--listen", "127.0.0.1:0"],
            ] {
                let refused = try await shop.program.start(command).finish()
                #expect(refused.code == 1, "\(command): \(refused)")
                let text = words(refused.errors)
                #expect(text.contains("is of version 7, this release knows 1 and none later"), "\(command): \(text)")
                #expect(text.contains("try: use the release that made it"), "\(command): \(text)")
            }
            #expect(try await shop.program.run("plan").errors.contains("strata.yaml:"))
            #expect(try await shop.program.run("verify").code == 4)
            #expect(try await fingerprint(shop) == before)
        }
    }

    // MARK: What else the layout says

    @Test("On another database events init makes it, by the ledger of that one; all commands go there")
    func elsewhere() async throws {
        try await with { shop in
            try await withTestDatabase("cli") { archive in
                let url = try Workshop.url(of: archive.name)
                try shop.write(
                    """
                    strata: 1
                    databases: { main: { url: "${DATABASE_URL}" }, archive: { url: "${ARCHIVE_URL}" } }
                    events: { schema: far events, database: archive, every: day, ahead: 5 }
                    """)
                func run(_ words: String...) async throws -> Program.Result {
                    try await shop.program.start(words, environment: ["ARCHIVE_URL": url]).finish()
                }
                let plan = try await run("plan")
                #expect(plan.code == 0 && plan.output.contains("Nothing to do"), "\(plan)")
                #expect(words(plan.output).contains("the event store belongs on database archive"), "\(plan.output)")
                #expect(try await run("events", "stream", "list").errors.contains("strata events init"))
                for contrary in [["--every", "month"], ["--ahead", "3"]] {
                    let refused = try await shop.program.start(
                        ["events", "init"] + contrary, environment: ["ARCHIVE_URL": url]
                    ).finish()
                    #expect(refused.code == 1 && refused.errors.contains("the layout says"), "\(refused)")
                }
                let made = try await run("events", "init")
                #expect(
                    made.code == 0
                        && made.output.contains("schema far events, version 1, partitions by day, made 5 ahead"),
                    "\(made)")
                #expect(try await run("events", "organization", "list").code == 0)
                #expect(
                    try await shop.column("SELECT count(*) FROM pg_namespace WHERE nspname IN ('far events', 'strata')")
                        == ["0"])
                let undone = try await run("rollback", "--yes", "--url", url)
                #expect(undone.code == 0 && undone.output.contains("exactly as it was before"), "\(undone)")
                let printed = try await run("events", "init", "--print")
                #expect(
                    printed.output.contains("CREATE SCHEMA IF NOT EXISTS \"far events\"")
                        && printed.output.contains("interval '1 day'"))
            }
        }
    }

    @Test("What is not an event store's is not taken; the width of partitions stays")
    func refused() async throws {
        try await with { shop in
            try await shop.database.execute("CREATE SCHEMA events; CREATE TABLE events.theirs (id int)")
            var plan = try await shop.program.run("plan")
            #expect(plan.code == 1 && plan.errors.contains("strata.yaml:"), "\(plan)")
            #expect(
                words(plan.errors).contains("schema events has tables that are not an event store's"), "\(plan.errors)")
            try await shop.database.execute("DROP TABLE events.theirs")
            #expect(try await shop.program.run("apply", "--yes").code == 0)
            try shop.write(Self.layout.replacing("events:\n", with: "events: { every: day }\n"))
            plan = try await shop.program.run("plan")
            #expect(plan.code == 1 && words(plan.errors).contains("partitions by month, not by day"), "\(plan)")
            try shop.write(Self.layout)
            let undone = try await shop.program.run("rollback", "--yes")
            #expect(undone.code == 0 && undone.output.contains("exactly as it was before"), "\(undone)")
            #expect(try await shop.column("SELECT count(*) FROM pg_namespace WHERE nspname = 'events'") == ["1"])
        }
    }

    @Test("A role that is no superuser makes it, uses it and takes it away")
    func ordinaryRole() async throws {
        try await with { shop in
            let role = "strata_maker_" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
            try shop.write("strata: 1\ndatabases: { main: { url: \"${MAKER_URL}\" } }\nevents:\n")
            var components = try #require(URLComponents(string: Workshop.url(of: shop.database.name)))
            (components.user, components.password) = (role, role)
            let url = try #require(components.string)
            func run(_ words: String...) async throws -> Program.Result {
                try await shop.program.start(words, environment: ["MAKER_URL": url]).finish()
            }
            try await shop.database.execute("CREATE ROLE \(role) LOGIN PASSWORD '\(role)' CREATEROLE")
            let result: Result<Void, any Error>
            do {
                let poor = try await run("plan")
                #expect(poor.code == 1 && poor.errors.contains("may not create schemas"), "\(poor)")
                try await shop.database.execute("GRANT CREATE ON DATABASE \(shop.database.name) TO \(role)")
                let applied = try await run("apply", "--yes")
                #expect(applied.code == 0, "\(applied)")
                #expect(try await run("plan", "--detailed-exit-code").code == 0)
                #expect(try await run("events", "stream", "list").code == 1)
                try await shop.database.execute(Self.mark)
                let again = try await run("apply", "--yes")
                #expect(again.code == 0, "\(again)")
                for _ in 1...2 {
                    let undone = try await run("rollback", "--yes")
                    #expect(undone.code == 0, "\(undone)")
                }
                #expect(try await shop.column("SELECT count(*) FROM pg_namespace WHERE nspname = 'events'") == ["0"])
                result = .success(())
            } catch { result = .failure(error) }
            try await shop.database.execute("DROP OWNED BY \(role) CASCADE; DROP ROLE \(role)")
            try result.get()
        }
    }
}
