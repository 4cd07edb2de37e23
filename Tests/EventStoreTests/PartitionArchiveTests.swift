import Foundation
import JSONSchemas
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import EventStore

/// Whole partitions past their retention: into files, verified, and gone.
@Suite("Events: archive")
struct PartitionArchiveTests {
    @Test(
        "S3.17 S3.3 Partitions go oldest first, all their events are in verified files, and what is below is EV416 for all who ask"
    )
    func whole() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let (stream, other) = (try await store.stream(), try await store.stream("orders", of: store.other))
                let early = try await store.reader.createGroup("early", on: stream, of: store.organization)
                for months in [3, 2, 1] { try await store.past(40, in: stream, monthsAgo: months) }
                let lone = try await store.past(7, in: other, monthsAgo: 2)
                try await store.append([.counted(121)], to: stream, key: "present")
                let before = try await store.rows(
                    "SELECT \(EventLine.column("events")) AS line FROM events.events e WHERE created_at < date_trunc('month', now() AT TIME ZONE 'UTC') ORDER BY stream_id, position"
                ).map { try $0.string("line") }
                #expect(before.count == 127)
                // The last month's end is not a day old on each day, so its partition may stay.
                var options = PartitionArchive.Options()
                options.leavesBehind = true
                let manifests = try await store.archive(folder, olderThan: .zero, options)
                #expect(manifests.map(\.events) == [40, 47, 40] && manifests[1].partition == lone)
                #expect(try await store.partitions().count == 4)
                #expect(try await store.floor(of: stream) == 120)
                #expect(try await store.floor(of: other) == 7)
                var lines: [String] = []
                for manifest in manifests {
                    lines += try String(contentsOf: folder.appending(path: manifest.file), encoding: .utf8)
                        .split(separator: "\n").map(String.init)
                }
                #expect(lines.sorted() == before.sorted())
                let entries = try await ArchiveFolder(folder.path).entries(verifies: true)
                #expect(entries.map(\.state) == [.intact, .intact, .intact] && entries.map(\.manifest) == manifests)
                try await beyond(store, stream, early)
                // Nothing is left to do.
                #expect(try await store.archive(folder, olderThan: .zero, options).isEmpty)
                let left = try await store.rows(
                    "SELECT (SELECT count(*) FROM events.archived_partitions WHERE state = 'dropped') AS dropped, (SELECT count(*) FROM pg_class WHERE relname LIKE 'archived_events%' AND relkind = 'r') AS tables, (SELECT count(*) FROM events.stream_partitions) AS places"
                ).only()
                #expect(try left.int("dropped") == 3 && left.int("tables") == 0 && left.int("places") == 1)
            }
        }
    }

    /// Reads, polls, seeks, projections and new groups, once events up to 120 of 121 are archived.
    private func beyond(_ store: EventStoreFixture, _ stream: UUID, _ early: UUID) async throws {
        let (reader, one) = (store.reader, store.organization)
        let gone = EventStoreRefusal.outOfRange(floor: 120)
        for after in [0, 119] {
            await #expect(throws: gone) { try await reader.read(stream, of: one, after: after) }
        }
        #expect(try await reader.read(stream, of: one, after: 120).events.map(\.position) == [121])
        await #expect(throws: gone) { try await reader.poll(early, of: one, as: "m") }
        await #expect(throws: gone) { try await reader.seek(early, of: one, to: .after(50)) }
        let past = Date(timeIntervalSinceNow: -80 * 86_400)
        #expect(try await reader.seek(early, of: one, to: .time(past)) == 120)
        #expect(try await reader.seek(early, of: one, to: .start) == 120)
        #expect(try await reader.poll(early, of: one, as: "m").events.map(\.event.position) == [121])
        let late = try await reader.createGroup("late", on: stream, of: one)
        #expect(try await reader.poll(late, of: one, as: "m").events.map(\.event.position) == [121])
        let projection = Projection(
            "all", of: stream, one, statements: ["counted": try ProjectionStatement.parse("SELECT :position")])
        let runner = ProjectionRunner(projection, reader: reader, target: store.database.settings)
        await #expect(throws: gone) { try await runner.catchUp() }
        try await store.rows("UPDATE strata.projections SET position = 120")
        await runner.close()
        #expect(try await runner.catchUp().position == 121)
        await runner.close()
        // Positions go on; the key of an event that is here is known.
        #expect(try await store.append([.counted(121)], to: stream, key: "present").positions == 121...121)
        #expect(try await store.append([.counted(122)], to: stream).positions == 122...122)
    }

    @Test(
        "The idempotency key of archived events still gets the first answer, without ids; what was archived is not appended again"
    )
    func keys() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream()
                let first = try await store.append([.counted(1), .counted(2)], to: stream, key: "k")
                // As if it had been two months ago.
                try await store.past(1, in: try await store.stream("clock"), monthsAgo: 2)
                for statement in [
                    "ALTER TABLE events.events DISABLE TRIGGER USER",
                    "DELETE FROM events.events WHERE key IS NULL",
                    "ALTER TABLE events.events ENABLE TRIGGER USER",
                    "UPDATE events.event_streams SET last_position = 0, last_at = '-infinity' WHERE name = 'animals'",
                    "DELETE FROM events.stream_partitions p USING events.event_streams s WHERE s.id = p.stream_id AND s.name = 'animals'",
                ] { try await store.rows(statement) }
                try await store.past(2, in: stream, monthsAgo: 2)
                try await store.archive(folder)
                let again = try await store.append([.counted(1), .counted(2)], to: stream, key: "k")
                #expect(again.isRepeated && again.positions == first.positions && again.ids.isEmpty)
                await #expect(throws: AppendRefusal.keyReused(stream: stream)) {
                    try await store.append([.counted(3)], to: stream, key: "k")
                }
                #expect(try await store.append([.counted(3)], to: stream).positions == 3...3)
            }
        }
    }

    @Test("A partition stays as long as one of its streams is kept, and so do all behind it")
    func retention() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let directory = Directory(store.database.settings, schema: store.schema, connections: 1)
                let (stream, audit) = (try await store.stream(), try await store.stream("audit"))
                let foreign = try await store.stream("orders", of: store.other)
                let first = try await store.past(5, in: stream, monthsAgo: 6)
                try await store.past(5, in: audit, monthsAgo: 5)
                try await store.past(5, in: stream, monthsAgo: 4)
                try await store.past(5, in: foreign, monthsAgo: 3)
                // Nothing is declared, and no age is given: nothing goes.
                #expect(try await store.plan(olderThan: nil).due.isEmpty)
                #expect(try await store.plan().due.count == 4)
                try await directory.retain(.atLeast(.seconds(86_400)), of: store.organization)
                try await directory.retain(.forever, audit, of: store.organization)
                var plan = try await store.plan(olderThan: nil)
                #expect(plan.due.map(\.name) == [first])
                #expect(plan.partitions[1].holds == [.init(organization: "one", stream: "audit", until: nil)])
                #expect(plan.partitions[3].holds.map(\.organization) == ["other"])
                // Of another organisation it is nobody's business.
                await #expect(throws: (any Error).self) { try await directory.retain(.forever, audit, of: store.other) }
                try await directory.retain(.atLeast(.seconds(3_600 * 86_400)), audit, of: store.organization)
                plan = try await store.plan()
                #expect(plan.due.count == 1 && plan.partitions[1].holds.first?.until != nil)
                #expect(try await store.archive(folder).map(\.partition) == [first])
                #expect(try await store.floor(of: stream) == 5)
                #expect(try await store.floor(of: audit) == 0)
                try await directory.retain(nil, audit, of: store.organization)
                #expect(try await store.plan(olderThan: nil).due.count == 2)
                #expect(
                    try await directory.retentions(of: store.organization)
                        == [StreamRetention(stream: nil, streamName: nil, keep: .atLeast(.seconds(86_400)))])
                // An age on top: nothing younger goes.
                #expect(try await store.plan(olderThan: .seconds(400 * 86_400)).due.isEmpty)
                await directory.close()
            }
        }
    }

    @Test("What a consumer group has not done stays, unless it is to be left behind")
    func behind() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream()
                let group = try await store.reader.createGroup("mailer", on: stream, of: store.organization)
                try await store.past(5, in: stream, monthsAgo: 2)
                #expect(
                    try await store.plan().partitions.first?.behind == [
                        .init(organization: "one", stream: "animals", group: "mailer", position: 0, needed: 5)
                    ])
                await #expect {
                    try await store.archive(folder)
                } throws: {
                    guard let problem = $0 as? EventStoreProblem else { return false }
                    return problem.code == "behind" && problem.message.contains("mailer of animals stands at 0 of 5")
                }
                #expect(try await store.floor(of: stream) == 0)
                #expect(try await store.reader.read(stream, of: store.organization).events.count == 5)
                try await store.reader.seek(group, of: store.organization, to: .end)
                #expect(try await store.archive(folder).map(\.events) == [5])
                #expect(try await store.reader.poll(group, of: store.organization, as: "m").isEmpty)
            }
        }
    }

    private struct Killed: Error {}

    @Test("Stopped after any step, the next call comes to the same end", arguments: 0..<4)
    func stopped(_ step: Int) async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream()
                for months in [3, 2] { try await store.past(30, in: stream, monthsAgo: months) }
                let count = Mutex(0)
                await #expect(throws: Killed.self) {
                    try await store.archive(folder) { _, _ in
                        if count.withLock({ number in (number == step, number += 1).0 }) { throw Killed() }
                    }
                }
                // Detached or not: both or neither.
                let floor = try await store.floor(of: stream)
                let partitions = try await store.partitions().count
                #expect(floor == (partitions == 6 ? 0 : 30))
                let events = try await store.archive(folder).reduce(0) { $0 + $1.events }
                #expect(events == (step == 3 ? 30 : 60))
                #expect(try await store.floor(of: stream) == 60)
                let entries = try await ArchiveFolder(folder.path).entries(verifies: true)
                #expect(entries.map(\.state) == [.intact, .intact] && entries.map(\.manifest.events) == [30, 30])
                let tables = try await store.rows(
                    "SELECT count(*) AS n FROM pg_class WHERE relname LIKE 'archived_events%' AND relkind = 'r'")
                #expect(try tables.only().int("n") == 0)
            }
        }
    }

    @Test(
        "Events that come between the file and the detaching, by a clock that was set back, are in a file before the table goes"
    )
    func late() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let (stream, late) = (try await store.stream(), try await store.stream("late"))
                let partition = try await store.past(10, in: stream, monthsAgo: 2)
                let manifests = try await store.archive(folder) { _, step in
                    if case .exported = step { try await store.past(3, in: late, monthsAgo: 2) }
                }
                #expect(manifests.map(\.events) == [13] && manifests[0].file == "\(partition).2.jsonl")
                #expect(try await store.floor(of: late) == 3)
                #expect(
                    try await ArchiveFolder(folder.path).entries(verifies: true).map(\.state) == [.intact, .intact])
            }
        }
    }

    @Test("A file that the disk has changed is found out before the table goes, and another one is made")
    func damaged() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream()
                let partition = try await store.past(10, in: stream, monthsAgo: 2)
                let file = folder.appending(path: "\(partition).jsonl")
                let manifests = try await store.archive(folder) { _, step in
                    guard case .detached = step else { return }
                    var data = try Data(contentsOf: file)
                    data[100] ^= 1
                    try data.write(to: file)
                }
                // What is there is not written over: nobody knows whether it is all that is left of other events.
                #expect(manifests.map(\.file) == ["\(partition).2.jsonl"] && manifests.map(\.events) == [10])
                #expect(
                    try await ArchiveFolder(folder.path).entries(verifies: true).map(\.state) == [.intact, .differs])
                try FileManager.default.removeItem(at: file)
                #expect(
                    try await ArchiveFolder(folder.path).entries(verifies: true).map(\.state) == [.intact, .missing])
            }
        }
    }

    @Test(
        "Behind a long transaction it waits beside the queue: appends and reads go on; then it goes on, or gives up with everything there"
    )
    func locks() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream()
                try await store.past(10, in: stream, monthsAgo: 2)
                let holder = try await Connection.open(store.database.settings)
                try await holder.execute("BEGIN; SELECT count(*) FROM events.events")
                var options = PartitionArchive.Options()
                options.lockWait = .zero
                options.lockTimeout = .milliseconds(50)
                await #expect {
                    try await store.archive(folder, options)
                } throws: { ($0 as? EventStoreProblem)?.code == "resumable" }
                options.lockWait = .seconds(60)
                let waits = Mutex(0)
                let manifests = try await store.archive(folder, options) { _, step in
                    guard case .waiting = step else { return }
                    try await store.append([.counted(1)], to: stream)
                    if waits.withLock({ number in
                        number += 1
                        return number == 3
                    }) {
                        try await holder.execute("COMMIT")
                    }
                }
                #expect(manifests.count == 1 && waits.withLock { $0 } >= 3)
                #expect(try await store.reader.read(stream, of: store.organization, after: 10).events.count >= 3)
                await holder.close()
            }
        }
    }

    private final class Over: Sendable {
        let value = Mutex(false)
    }

    @Test("Appends and reads go on while partitions go: none fails")
    func beside() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream()
                for months in 2...6 {
                    try await store.past(500, in: try await store.stream("s\(months)"), monthsAgo: months)
                }
                let appended = try await withThrowingTaskGroup(of: Int.self) { group in
                    let over = Over()
                    for number in 0..<4 {
                        group.addTask {
                            var count = 0
                            while !over.value.withLock({ $0 }) {
                                try await store.append([.counted(number)], to: stream)
                                _ = try await store.reader.read(stream, of: store.organization, after: count, limit: 10)
                                count += 1
                            }
                            return count
                        }
                    }
                    group.addTask {
                        defer { over.value.withLock { $0 = true } }
                        let archived = try await store.archive(folder)
                        #expect(archived.count == 5)
                        return 0
                    }
                    return try await group.reduce(0, +)
                }
                let slice = try await store.reader.read(stream, of: store.organization, limit: 10_000)
                #expect(slice.lastPosition == appended && appended > 0)
            }
        }
    }

    @Test("Who reads while partitions go gets the events or EV416, and never those behind them")
    func noJump() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let (stream, one) = (try await store.stream(), store.organization)
                for months in [6, 5, 4, 3, 2] { try await store.past(200, in: stream, monthsAgo: months) }
                var settings = GroupSettings()
                settings.slots = 1
                var groups: [UUID] = []
                for number in 0..<3 {
                    groups.append(try await store.reader.createGroup("g\(number)", on: stream, of: one, settings))
                }
                let over = Over()
                let read: @Sendable (UUID?) async throws -> Int = { group in
                    var (reads, floor) = (0, 0)
                    while !over.value.withLock({ $0 }) {
                        do {
                            let first: Int?
                            if let group {
                                first = try await store.reader.poll(group, of: one, as: "m", limit: 3).events.first?
                                    .event.position
                            } else {
                                first = try await store.reader.read(stream, of: one, after: floor, limit: 3).events
                                    .first?.position
                            }
                            #expect(first == nil || first == floor + 1)
                            reads += 1
                        } catch EventStoreRefusal.outOfRange(let archived) {
                            #expect(archived > floor && archived % 200 == 0)
                            // By now more may be archived.
                            floor = archived
                            if let group { floor = try await store.reader.seek(group, of: one, to: .start) }
                        } catch EventStoreRefusal.leaseLost {}
                    }
                    return reads
                }
                let reads = try await withThrowingTaskGroup(of: Int.self) { tasks in
                    for group in groups { tasks.addTask { try await read(group) } }
                    for _ in 0..<3 { tasks.addTask { try await read(nil) } }
                    tasks.addTask {
                        defer { over.value.withLock { $0 = true } }
                        var options = PartitionArchive.Options()
                        options.leavesBehind = true
                        let archived = try await store.archive(folder, options)
                        #expect(archived.count == 5)
                        return 0
                    }
                    return try await tasks.reduce(0, +)
                }
                #expect(reads > 0)
                #expect(try await store.reader.read(stream, of: one, after: 1_000).events.isEmpty)
            }
        }
    }

    @Test("Folders of other stores are refused, and a second process; a kept table cannot be changed")
    func refused() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream()
                let partition = try await store.past(10, in: stream, monthsAgo: 2)
                var options = PartitionArchive.Options()
                options.keepsTable = true
                try await store.archive(folder, options) { _, step in
                    guard case .exported = step else { return }
                    await #expect(throws: EventStoreProblem.self) { try await store.archive(folder) }
                }
                let kept = "events.archived_\(partition)"
                #expect(try await store.rows("SELECT count(*) AS n FROM \(kept)").only().int("n") == 10)
                for change in ["UPDATE \(kept) SET key = ''", "DELETE FROM \(kept)", "TRUNCATE \(kept)"] {
                    await #expect(throws: PostgresError.self, "\(change)") { try await store.rows(change) }
                }
                #expect(try await store.archive(folder).isEmpty)
                try await store.rows("DROP TABLE \(kept)")
                // The same months of another store.
                try await EventStoreFixture.with { second in
                    try await second.past(10, in: try await second.stream(), monthsAgo: 2)
                    await #expect {
                        try await second.archive(folder)
                    } throws: { ($0 as? EventStoreProblem)?.message.contains("another event store") == true }
                    #expect(try await second.partitions().count == 5)
                    await #expect(throws: EventStoreProblem.self) {
                        try await second.archive(URL(filePath: "/dev/null/archive"))
                    }
                }
            }
        }
    }

    @Test("Dead letters of archived events: those that wait for somebody stay and can be redriven, the others go along")
    func letters() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let (reader, one) = (store.reader, store.organization)
                let stream = try await store.stream()
                try await store.past(3, in: stream, monthsAgo: 2)
                var settings = GroupSettings()
                settings.slots = 1
                let group = try await reader.createGroup("g", on: stream, of: one, settings)
                for position in 1...3 {
                    let lease = try #require(try await reader.poll(group, of: one, as: "m").leases.first)
                    _ = try await reader.fail(position, in: lease, group, of: one, as: "m", reason: "no", isFinal: true)
                }
                let ids = try await store.rows("SELECT id::text AS id FROM events.dead_letter_events ORDER BY position")
                _ = try await reader.discard(group, of: one, [try ids[0].id()])
                try await store.archive(folder)
                #expect(try await store.rows("SELECT position FROM events.dead_letter_events ORDER BY 1").count == 2)
                #expect(try await reader.redrive(group, of: one) == 2)
                let redriven = try await reader.poll(group, of: one, as: "m").redriven
                #expect(redriven.map(\.event.position) == [2, 3] && redriven[0].event.payload.contains("\"n\": 2"))
                for letter in redriven { try await reader.settle(letter, of: one, as: "m", failure: nil) }
                try await store.archive(folder)
                #expect(try await store.rows("SELECT 1 FROM events.dead_letter_events").isEmpty)
            }
        }
    }

    @Test("An archived file is restored into a table, all of it or nothing")
    func restore() async throws {
        try await EventStoreFixture.with { store in
            try await withEventFolder { folder in
                let stream = try await store.stream("a \"b\"\t\\")
                try await store.past(1_200, in: stream, monthsAgo: 2)
                try await store.rows("CREATE TABLE before AS SELECT * FROM events.events")
                let manifest = try await store.archive(folder)[0]
                let path = folder.appending(path: manifest.file).path
                let connection = try await Connection.open(store.database.settings)
                let tally = try await ArchiveRestore(path).restore(into: "public", "it's old", on: connection)
                #expect(tally == manifest.tally)
                let differences = try await connection.query(
                    """
                    SELECT count(*) AS n FROM before b FULL JOIN "it's old" o ON o.stream_id = b.stream_id AND o.position = b.position
                    WHERE (b.id, b.payload, b.metadata, b.created_at, b.org_id, b.type, b.key, 'a "b"' || E'\\t\\\\')
                        IS DISTINCT FROM (o.id, o.payload, o.metadata, o.created_at, o.organization, o.type, o.key, o.stream)
                    """
                ).only().int("n")
                #expect(differences == 0)
                await #expect(throws: PostgresError.self) {
                    try await ArchiveRestore(path).restore(into: "public", "before", on: connection)
                }
                // Lines that are no events, under a manifest that says they are what was written.
                let bad = folder.appending(path: "bad.jsonl").path
                let file = try EventFile(bad)
                try await file.write(Array("{\"position\": 1}\n".utf8))
                try EventManifest(.export, of: bad, try await file.finish()).write(beside: bad)
                await #expect(throws: EventStoreProblem.self) {
                    try await ArchiveRestore(bad).restore(into: "public", "bad", on: connection)
                }
                #expect(try await connection.query("SELECT to_regclass('bad') IS NULL AS gone").only().bool("gone"))
                try Data("x".utf8).write(to: URL(filePath: path))
                for file in [path, folder.appending(path: "none").path] {
                    await #expect(throws: EventStoreProblem.self) {
                        try await ArchiveRestore(file).restore(into: "public", "c", on: connection)
                    }
                }
                await connection.close()
            }
        }
    }
}
