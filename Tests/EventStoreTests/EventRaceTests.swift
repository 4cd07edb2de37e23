import Foundation
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import EventStore

/// Many writers and consumers at once, some of which roll back, stop in the middle, or lose their lease. What comes out is held
/// against what was acknowledged: nothing lost, nothing twice in the read model, keys in order, positions without gaps.
@Suite("Events: races", .serialized)
struct EventRaceTests {
    /// What was acknowledged: events by key and number.
    private final class Journal: Sendable {
        struct Entry: Hashable { var key: String, number: Int, position: Int }
        private let state = Mutex<(entries: [Entry], isDone: Bool)>(([], false))

        func acknowledged(_ key: String, _ number: Int, at position: Int) {
            state.withLock { $0.entries.append(Entry(key: key, number: number, position: position)) }
        }
        func finish() { state.withLock { $0.isDone = true } }
        var isDone: Bool { state.withLock { $0.isDone } }
        var entries: [Entry] { state.withLock { $0.entries } }
    }

    @Test(
        "S3.1 S3.22 S0.23 Nothing is lost, nothing comes twice, keys stay in order, positions have no gap",
        arguments: [8, 64])
    func race(_ writers: Int) async throws {
        let seed = SeededRandom.seed(for: "event race, \(writers)", usual: 5)
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.rows(
                """
                CREATE TABLE read_model (event_id uuid NOT NULL, position bigint NOT NULL, key text NOT NULL, number int NOT NULL,
                    done bigint GENERATED ALWAYS AS IDENTITY)
                """.replacing("\n", with: " "))
            var settings = GroupSettings()
            settings.slots = 8
            settings.firstRetry = .milliseconds(1)
            settings.longestRetry = .milliseconds(20)
            settings.attempts = 1_000
            let group = try await store.reader.createGroup("g", on: stream, of: store.organization, settings)
            let journal = Journal()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for consumer in 0..<4 {
                    tasks.addTask {
                        try await consume(store, group, "c\(consumer)", seed &+ UInt64(100 + consumer), journal)
                    }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for writer in 0..<writers {
                        group.addTask {
                            try await write(
                                store, stream, writer, 480 / writers, seed &+ UInt64(1_000 + writer), journal)
                        }
                    }
                    try await group.waitForAll()
                }
                journal.finish()
                try await tasks.waitForAll()
            }
            try await check(store, stream, journal)
        }
    }

    /// Appends of its own key, one after the other: alone, in batches, and by hand in transactions that take their time and of
    /// which one in twenty is rolled back.
    private func write(
        _ store: EventStoreFixture, _ stream: UUID, _ writer: Int, _ count: Int, _ seed: UInt64, _ journal: Journal
    ) async throws {
        var chance = SeededRandom(seed)
        let connection = try await Connection.open(store.database.settings)
        let key = "w\(writer)"
        var number = 0
        while number < count {
            if chance.once(in: 3) {
                let isLost = chance.once(in: 20)
                let rows = try await connection.queryAll([
                    "BEGIN",
                    """
                    SELECT first_position FROM events.append('\(store.organization)', '{0}', '{\(stream)}', '{-1}', '{1}', '{NULL}', '{0}', '{1}',
                        '[["counted", "\(key)", {"n": \(number)}, {}]]')
                    """,
                    "SELECT pg_sleep(\(Double(chance.next() % 10) / 1_000))", isLost ? "ROLLBACK" : "COMMIT",
                ])
                if isLost { continue }
                journal.acknowledged(key, number, at: try rows[1].only().int("first_position"))
                number += 1
            } else {
                let size = min(count - number, 1 + Int(chance.next() % 4))
                let part = try await store.append((number..<(number + size)).map { .counted($0, key: key) }, to: stream)
                for offset in 0..<size {
                    journal.acknowledged(key, number + offset, at: part.positions.lowerBound + offset)
                }
                number += size
            }
        }
        await connection.close()
    }

    /// Works under one name after the other; now and then it forgets what it has got, sleeps through its lease, or says that it
    /// failed.
    private func consume(
        _ store: EventStoreFixture, _ group: UUID, _ name: String, _ seed: UInt64, _ journal: Journal
    ) async throws {
        var chance = SeededRandom(seed)
        let connection = try await Connection.open(store.database.settings)
        var life = 0
        while true {
            let member = "\(name).\(life)"
            let delivery = try await poll(store, group, member, limit: 1 + Int(chance.next() % 40))
            if delivery.isEmpty {
                try? await store.reader.commit(delivery, group, of: store.organization, as: member)
                if journal.isDone, try await isDone(store, group) { break }
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            switch chance.next() % 10 {
            // Killed: what it holds is free when its lease is over.
            case 0: life += 1
            // Its lease runs out while it works.
            case 1:
                try await giveWay(store, group, of: member)
                await apply(delivery, group, member, store, connection)
            case 2:
                let event = delivery.events[0]
                if let lease = delivery.leases.first(where: { $0.slot == event.slot }) {
                    _ = try? await store.reader.fail(
                        event.event.position, in: lease, group, of: store.organization, as: member, reason: "chance")
                }
            default: await apply(delivery, group, member, store, connection)
            }
        }
        await connection.close()
    }

    private func isDone(_ store: EventStoreFixture, _ group: UUID) async throws -> Bool {
        try await store.rows(
            """
            SELECT min(s.position) = max(e.last_position) AS done FROM events.group_slots s JOIN events.consumer_groups g ON g.id = s.group_id
            JOIN events.event_streams e ON e.id = g.stream_id WHERE g.id = '\(group)'
            """
        ).only().bool("done")
    }

    private func poll(_ store: EventStoreFixture, _ group: UUID, _ member: String, limit: Int) async throws -> Delivery
    {
        try await store.reader.poll(group, of: store.organization, as: member, limit: limit, lease: .seconds(1))
    }

    /// Time passes for a member's leases.
    private func giveWay(_ store: EventStoreFixture, _ group: UUID, of member: String) async throws {
        try await store.rows(
            "UPDATE events.group_slots SET lease_until = '-infinity' WHERE group_id = '\(group)' AND lease_owner = '\(member)'"
        )
    }

    /// The read model's rows and the offsets in one transaction, or neither.
    private func apply(
        _ delivery: Delivery, _ group: UUID, _ member: String, _ store: EventStoreFixture, _ connection: Connection
    ) async {
        let done = delivery.leases.compactMap { lease in
            lease.through.flatMap { $0 > lease.position ? (lease: lease, through: $0) : nil }
        }
        let values = delivery.events.map { delivered in
            "('\(delivered.event.id)', \(delivered.event.position), '\(delivered.event.key ?? "")', ('\(delivered.event.payload)'::jsonb ->> 'n')::int)"
        }
        let (statement, parameters) = store.reader.commitment(done, group, of: store.organization, as: member)
        _ = try? await connection.transaction { connection in
            try await connection.execute("INSERT INTO read_model VALUES " + values.joined(separator: ","))
            _ = try await connection.query(statement, parameters)
        }
    }

    private func check(_ store: EventStoreFixture, _ stream: UUID, _ journal: Journal) async throws {
        let entries = journal.entries
        let events = try await store.reader.read(stream, of: store.organization, limit: 10_000)
        #expect(events.events.map(\.position) == Array(1...entries.count), "gaps, or more than was acknowledged")
        for (earlier, later) in zip(events.events, events.events.dropFirst()) { #expect(earlier.at <= later.at) }
        for entry in entries {
            let event = events.events[entry.position - 1]
            #expect(event.key == entry.key && event.payload == "{\"n\": \(entry.number)}", "not what was acknowledged")
        }
        let rows = try await store.rows("SELECT position, key, number FROM read_model ORDER BY done")
        #expect(rows.count == entries.count, "lost or twice in the read model")
        let positions = try rows.map { try $0.int("position") }
        #expect(Set(positions) == Set(1...entries.count))
        var last: [String: Int] = [:]
        for row in rows {
            let (key, number) = (try row.string("key"), try row.int("number"))
            #expect(number == (last[key] ?? -1) + 1, "\(key) is out of order")
            last[key] = number
        }
    }
}
