import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Statements with parameters from events, and read models that each event changes once.
@Suite("Events: projections")
struct ProjectionTests {
    @Test func namesBecomeParameters() throws {
        let statements = try ProjectionStatement.parse(
            """
            -- :not here
            INSERT INTO t (a, b, c) VALUES (:key, :payload.owner.firstName::text, ':no', $$ :no $$) ;
            UPDATE t SET d = :payload, x = a[1:2], y = :key || :"id" WHERE e = :metadata.by AND z=:position;
            """)
        #expect(statements.map(\.line) == [2, 3])
        #expect(statements[0].sql == "INSERT INTO t (a, b, c) VALUES ($1, $2::text, ':no', $$ :no $$)")
        #expect(statements[0].parameters == [.key, .payload(["owner", "firstName"])])
        #expect(statements[1].sql == "UPDATE t SET d = $1, x = a[1:2], y = $2 || $3 WHERE e = $4 AND z=$5")
        #expect(statements[1].parameters == [.payload([]), .key, .id, .metadata(["by"]), .position])
        #expect(try ProjectionStatement.parse("-- nothing\n").isEmpty)
        let twice = try ProjectionStatement.parse("SELECT :key, :at, :key")
        #expect(twice[0].sql == "SELECT $1, $2, $3" && twice[0].parameters == [.key, .at, .key])
    }

    @Test(
        "What is no statement of rows, no parameter or no SQL is refused with its line",
        arguments: [
            ("SELECT 1;\nDROP TABLE t", 2), ("SELECT :nobody", 1), ("SELECT\n :key.x", 2), ("SELECT 1;\n\nSELEC", 3),
            ("BEGIN", 1),
            ("SELECT $1", 1), ("SELECT 'open", 1), ("COPY t FROM STDIN", 1),
        ])
    func mistakes(_ text: String, _ line: Int) {
        #expect(throws: ProjectionMistake.self) { try ProjectionStatement.parse(text) }
        do { _ = try ProjectionStatement.parse(text) } catch { #expect(error.line == line, "\(error)") }
    }

    private func with(
        _ files: [String: String], onError: Projection.OnError = .stop, batch: Int = 500,
        _ body: (EventStoreFixture, UUID, Projection, ProjectionRunner) async throws -> Void
    ) async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            for table in [
                "CREATE SCHEMA readmodels",
                "CREATE TABLE readmodels.animals (id text PRIMARY KEY, name text NOT NULL, age int, born date, tags jsonb, tame boolean, at timestamptz, seen bigint NOT NULL DEFAULT 0)",
            ] { try await store.rows(table) }
            let projection = Projection(
                "animals", of: stream, store.organization,
                statements: try files.mapValues { try ProjectionStatement.parse($0) },
                onError: onError, schema: "readmodels")
            let runner = ProjectionRunner(
                projection, reader: store.reader, target: store.database.settings, batch: batch)
            do {
                try await body(store, stream, projection, runner)
            } catch {
                await runner.close()
                throw error
            }
            await runner.close()
        }
    }

    private static let files = [
        "registered": """
        INSERT INTO animals (id, name, age, born, tags, tame, at)
        VALUES (:key, :payload.name, :payload.age, :payload.born, :payload.tags, :payload.tame, :at)
        """,
        "seen": "UPDATE animals SET seen = seen + 1 WHERE id = :key",
    ]

    private func registered(_ key: String, _ more: String = "") -> NewEvent {
        NewEvent(type: "registered", key: key, payload: "{\"name\": \"Rex \(key)\"\(more)}")
    }

    @Test("S0.6 S0.11 S0.13 A read model is what its events say, and the same again from the beginning")
    func projects() async throws {
        try await with(Self.files, batch: 3) { store, stream, _, runner in
            let more = #", "age": 3, "born": "2020-02-29", "tags": ["a", {"b": null}], "tame": true"#
            try await store.append([registered("a", more), registered("b")], to: stream)
            try await store.append((0..<10).map { _ in NewEvent(type: "seen", key: "a", payload: "{}") }, to: stream)
            try await store.append([NewEvent(type: "unknown", payload: "1")], to: stream)
            let progress = try await runner.catchUp()
            #expect(progress == .init(position: 13, lastPosition: 13, events: 13, deadLetters: 0))
            func content() async throws -> [String] {
                try await store.rows(
                    "SELECT (id, name, age, born, tags, tame, seen)::text AS text FROM readmodels.animals ORDER BY id"
                )
                .map { try $0.string("text") }
            }
            let first = try await content()
            #expect(first == [#"(a,"Rex a",3,2020-02-29,"[""a"", {""b"": null}]",t,10)"#, #"(b,"Rex b",,,,,0)"#])
            try await store.append([NewEvent(type: "seen", key: "b", payload: "{}")], to: stream)
            #expect(try await runner.catchUp().events == 14)
            // Dropped, and made again.
            for statement in ["TRUNCATE readmodels.animals", "UPDATE strata.projections SET position = 0"] {
                try await store.rows(statement)
            }
            await runner.close()
            try await runner.catchUp()
            #expect(try await content() == [first[0], #"(b,"Rex b",,,,,1)"#])
        }
    }

    @Test("An event that cannot be projected stops it, with what is before it done; mended, it goes on")
    func stops() async throws {
        try await with(Self.files) { store, stream, _, runner in
            try await store.append([registered("a"), registered("b"), registered("a"), registered("c")], to: stream)
            for _ in 0..<2 {
                await #expect {
                    try await runner.catchUp()
                } throws: { error in
                    guard case ProjectionStop.event(3, "registered", let message) = error else { return false }
                    return message.contains("duplicate key")
                }
            }
            let row = try await store.rows("SELECT position, state, error FROM strata.projections").only()
            #expect(
                try row.int("position") == 2 && row.string("state") == "stopped"
                    && row.string("error").contains("event 3"))
            try await store.rows("DELETE FROM readmodels.animals WHERE id = 'a'")
            #expect(try await runner.catchUp().position == 4)
            #expect(try await store.rows("SELECT state FROM strata.projections").only().string("state") == "running")
        }
    }

    @Test("Or it is a dead letter, where the layout says so, and the others go on")
    func setsAside() async throws {
        try await with(Self.files, onError: .deadLetter, batch: 100) { store, stream, _, runner in
            try await store.append(
                [
                    registered("a"), registered("a"), NewEvent(type: "registered", key: "n", payload: "[]"),
                    registered("b"),
                ],
                to: stream)
            let progress = try await runner.catchUp()
            #expect(progress.deadLetters == 2 && progress.position == 4)
            #expect(
                try await store.rows("SELECT id FROM readmodels.animals ORDER BY 1").map { try $0.string("id") } == [
                    "a", "b",
                ])
            let letters = try await store.rows(
                "SELECT position, error_class, status FROM events.dead_letter_events ORDER BY 1")
            #expect(try letters.map { try $0.int("position") } == [2, 3])
            #expect(try letters.map { try $0.string("error_class") } == ["23505", "23502"])
        }
    }

    @Test("Statements that go together are bounded in number and in bytes")
    func packets() async throws {
        try await withTestDatabase("packets") { database in
            let connection = try await database.connect()
            let statement = try await connection.prepare("SELECT $1::text")
            await connection.close()
            let half = PipelineCall(statement, [.text(String(repeating: "x", count: 1 << 19))])
            var packet = ProjectionPacket()
            for number in 0..<999 { packet.add(PipelineCall(statement, ["x"]), of: number / 2) }
            #expect(!packet.isFull && packet.numbers.last == 499)
            packet.add(PipelineCall(statement, [.null]), of: 500)
            #expect(packet.isFull)
            packet = ProjectionPacket()
            packet.add(half, of: 0)
            #expect(!packet.isFull)
            packet.add(half, of: 0)
            #expect(packet.isFull)
        }
    }

    @Test(
        "Of thousands in one transaction exactly the bad ones are set aside, wherever they stand, and all others done once"
    )
    func badOnesAmongThousands() async throws {
        let files = Self.files.merging(["seen": "SELECT 1; UPDATE animals SET seen = seen + 1 WHERE id = :key"]) { $1 }
        try await with(files, onError: .deadLetter, batch: 3_000) { store, stream, _, runner in
            try await store.append([registered("a")], to: stream)
            var events = (0..<2_400).map { _ in NewEvent(type: "seen", key: "a", payload: "{}") }
            // The first and the last of all, of a packet, and two in a row.
            let bad = [0, 498, 499, 500, 1_777, 2_399]
            for number in bad { events[number] = registered("a") }
            for first in stride(from: 0, to: events.count, by: 800) {
                try await store.append(Array(events[first..<first + 800]), to: stream)
            }
            #expect(try await runner.catchUp().deadLetters == bad.count)
            #expect(try await store.rows("SELECT seen FROM readmodels.animals").only().int("seen") == 2_400 - bad.count)
            let letters = try await store.rows("SELECT position FROM events.dead_letter_events ORDER BY 1")
            #expect(try letters.map { try $0.int("position") } == bad.map { $0 + 2 })
        }
    }

    @Test("A constraint that speaks at COMMIT is put down to its event")
    func deferred() async throws {
        try await with(Self.files, onError: .deadLetter) { store, stream, _, runner in
            try await store.rows(
                "ALTER TABLE readmodels.animals ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED")
            var events = (1...9).map { registered("k\($0)") }
            events[6].payload = events[2].payload
            try await store.append(events, to: stream)
            #expect(try await runner.catchUp().deadLetters == 1)
            #expect(try await store.rows("SELECT count(*) AS n FROM readmodels.animals").only().int("n") == 8)
            #expect(try await store.rows("SELECT position FROM events.dead_letter_events").only().int("position") == 7)
        }
    }

    @Test("S0.23 Killed at any point, each event has changed the read model once; a second runner is sent away")
    func once() async throws {
        try await with(Self.files, batch: 7) { store, stream, projection, runner in
            try await store.append([registered("a")], to: stream)
            try await store.append((0..<300).map { _ in NewEvent(type: "seen", key: "a", payload: "{}") }, to: stream)
            try await runner.catchUp { _ in }
            try await store.append((0..<300).map { _ in NewEvent(type: "seen", key: "a", payload: "{}") }, to: stream)
            let second = ProjectionRunner(projection, reader: store.reader, target: store.database.settings)
            await #expect(throws: ProjectionStop.self) { try await second.catchUp() }
            // Its server processes are killed, again and again.
            let killer = Task {
                var killed = 0
                while !Task.isCancelled {
                    let rows = try? await store.rows(
                        "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'strata project'"
                    )
                    killed += (try? rows?.only().int("n")) ?? 0
                    try? await Task.sleep(for: .milliseconds(15))
                }
                return killed
            }
            var losses = 0
            try await eventually("it has caught up") {
                do { return try await runner.catchUp().position == 601 } catch let error as ProjectionStop {
                    guard case .event = error else { return false }
                    Issue.record("a lost connection is no bad event: \(error)")
                    return false
                } catch {
                    losses += 1
                    return false
                }
            }
            killer.cancel()
            #expect(await killer.value > 0)
            #expect(
                try await store.rows("SELECT seen FROM readmodels.animals").only().int("seen") == 600,
                "\(losses) losses")
        }
    }
}
