import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata events subject forget --rebuild`: what was forgotten is in no copy of a read model any more, however often it was cut off.
@Suite(.timeLimit(.minutes(5))) struct EventsForgetCommandTests {
    private static let key = ["STRATA_MASTER_KEY": Data(repeating: 9, count: 32).base64EncodedString()]

    private struct Place {
        let fixture: ProjectFixture

        func start(_ words: [String]) throws -> RunningProgram {
            try fixture.shop.program.start(words, environment: EventsForgetCommandTests.key, timeout: 120)
        }

        @discardableResult
        func run(
            _ words: String..., code: Int32 = 0, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> Program.Result {
            let result = try await start(words).finish(sourceLocation)
            #expect(result.code == code, "\(words): \(result)", sourceLocation: sourceLocation)
            return result
        }

        func forget(_ subject: String, _ more: String..., code: Int32 = 0) async throws -> Program.Result {
            let result = try await start(
                ["events", "subject", "forget", subject, "--reason", "on request", "--yes"] + more
            ).finish()
            #expect(result.code == code, "\(subject): \(result)")
            return result
        }

        func append(_ keys: some Sequence<String>) async throws {
            try fixture.write(keys.map { ProjectFixture.registered($0) }.joined(separator: "\n"), to: "more.ndjson")
            try await run("events", "append", "animals", "more.ndjson")
        }

        func names() async throws -> [String] {
            try await fixture.shop.column("SELECT id || ' ' || name FROM public.animals ORDER BY id")
        }

        /// Rows of any copy that still have a name.
        func remains(_ name: String) async throws -> [String] {
            let tables = try await fixture.shop.column(
                "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = 'animals' AND c.relkind = 'r' ORDER BY 1"
            )
            var found: [String] = []
            for table in tables {
                found += try await fixture.shop.column("SELECT '\(table)' FROM \(table) WHERE name = '\(name)'")
            }
            return found
        }
    }

    private func with(_ body: (Place) async throws -> Void) async throws {
        try await ProjectFixture.with { fixture in
            let place = Place(fixture: fixture)
            try await place.run(
                "events", "subject", "protect", "animals", "--member", "/name", "--tombstone", #""(forgotten)""#)
            try await place.append(["a", "b", "c"])
            try await place.run("project", "--once")
            #expect(try await place.names() == ["a Rex a", "b Rex b", "c Rex c"])
            try await body(place)
        }
    }

    @Test("The read model is built anew, and what an earlier rebuild has kept goes; again nothing is done")
    func walk() async throws {
        try await with { place in
            try await place.run("project", "rebuild", "animals")
            #expect(try await place.remains("Rex a") == ["readmodels.animals", "strata_old_animals.animals"])
            let done = try await place.forget("a", "--rebuild")
            #expect(done.output == "Subject a is forgotten.\n")
            #expect(done.errors.contains("Read model animals is rebuilt") && !done.errors.contains("--drop-old"))
            #expect(try await place.names() == ["a (forgotten)", "b Rex b", "c Rex c"])
            #expect(try await place.remains("Rex a") == [])
            let again = try object(await place.forget("a", "--rebuild", "--format", "json").output)
            #expect(again["hadKey"] as? Bool == false && again["projectionsToRebuild"] as? [String] == [])
            #expect((again["rebuilt"] as? [[String: String]]) == [["name": "animals", "outcome": "done"]])
            // Without it the commands are named, with what they need; and that is enough.
            let named = try await place.forget("b")
            #expect(named.errors.contains("strata project rebuild animals --expect-difference --drop-old"))
            #expect(try await place.remains("Rex b") == ["readmodels.animals"])
            try await place.run("project", "rebuild", "animals", "--expect-difference", "--drop-old")
            #expect(try await place.remains("Rex b") == [])
            #expect(try await place.forget("b", "--rebuild").errors.contains("was made after that already"))
            // Copies of an earlier version do not say when they were begun: they count as from before.
            try await place.fixture.shop.database.execute("ALTER TABLE strata.projections DROP COLUMN begun_at")
            #expect(try await place.forget("b", "--rebuild").errors.contains("Read model animals is rebuilt"))
            #expect(try await place.forget("b", "--rebuild").errors.contains("was made after that already"))
            // It goes on as before.
            try await place.append(["d"])
            try await place.run("project", "--once")
            #expect(try await place.names() == ["a (forgotten)", "b (forgotten)", "c Rex c", "d Rex d"])
        }
    }

    @Test("A rebuild that was under way has read what is forgotten: it is given up, and another one made")
    func underWay() async throws {
        try await with { place in
            try await place.fixture.shop.database.execute("UPDATE readmodels.animals SET seen = 5")
            try await place.run("project", "rebuild", "animals", code: 4)
            #expect(try await place.remains("Rex a") == ["readmodels.animals", "strata_next_animals.animals"])
            #expect(try await place.forget("a", "--rebuild").errors.contains("is rebuilt"))
            #expect(try await place.remains("Rex a") == [])
            #expect(try await place.names() == ["a (forgotten)", "b Rex b", "c Rex c"])
        }
    }

    @Test("What cannot be rebuilt is said before anything is forgotten, and what is of another layout afterwards")
    func refused() async throws {
        try await with { place in
            try place.fixture.write("SELEC", to: "sql/seen.sql")
            let bad = try await place.forget("a", "--rebuild", code: 1)
            #expect(bad.errors.contains("syntax error"))
            #expect(try await place.run("events", "subject", "list", "a").output.contains("key since"))
            try place.fixture.write(ProjectFixture.files["sql/seen.sql"] ?? "", to: "sql/seen.sql")
            try await place.run("events", "group", "add", "animals", "projection:elsewhere")
            let partly = try await place.forget("a", "--rebuild", code: 1)
            let words = partly.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("Read model animals is rebuilt"))
            #expect(
                words.contains("may still have what was: elsewhere") && words.contains("not of this layout"), "\(words)"
            )
            #expect(try await place.remains("Rex a") == [])
        }
    }

    @Test("Interrupted while it waits for a lock it ends with 5, and the same command goes on")
    func interrupted() async throws {
        try await with { place in
            let reader = try await place.fixture.shop.database.connect()
            try await reader.execute("BEGIN; SELECT FROM readmodels.animals")
            let words = ["events", "subject", "forget", "a", "--reason", "r", "--yes", "--rebuild"]
            let running = try place.start(words)
            try await eventually("it waits") { running.errorsSoFar.contains("again in") }
            running.signal(SIGTERM)
            let cut = try await running.finish()
            #expect(cut.code == 5 && cut.errors.contains("not rebuilt yet: animals"), "\(cut)")
            #expect(cut.output == "Subject a is forgotten.\n")
            try await reader.execute("COMMIT")
            await reader.close()
            #expect(try await place.forget("a", "--rebuild").errors.contains("is rebuilt"))
            #expect(try await place.remains("Rex a") == [])
        }
    }

    @Test("Killed with -9 at random, the same command ends with read models that have nothing of the subject")
    func killed() async throws {
        try await with { place in
            try await place.append((0..<3_000).map { "more-\($0)" })
            try await place.run("project", "--once")
            try await place.run("project", "rebuild", "animals")
            try await KilledAtRandom {
                try place.start(["events", "subject", "forget", "a", "--reason", "r", "--yes", "--rebuild"])
            }.run(
                "killed forgetting", usual: 17,
                afterKill: { () async throws in #expect(try await place.names().count == 3_003) },
                mayEnd: { result in
                    // The server may still hold what the one before had.
                    if result.code == 5 || result.errors.contains("another process") { return false }
                    #expect(result.code == 0, "\(result)")
                    return true
                })
            #expect(try await place.remains("Rex a") == [])
            #expect(try await place.names().filter { $0.hasSuffix("(forgotten)") } == ["a (forgotten)"])
            #expect(try await place.names().count == 3_003)
        }
    }
}
