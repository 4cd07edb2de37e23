import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Who waits for a stream, without a server and with one.
@Suite("Events: waking readers")
struct StreamWatchTests {
    @Test func whoeverWaitsBeforeTheEndIsWoken() {
        var waiters = StreamWaiters<Int>()
        let (a, b) = (UUID(), UUID())
        #expect(waiters.wait(for: a, beyond: 5, 1) != nil)
        #expect(waiters.wait(for: a, beyond: 7, 2) != nil)
        #expect(waiters.wait(for: b, beyond: 0, 3) != nil)
        #expect(waiters.grown(a, to: 5).isEmpty)
        #expect(waiters.grown(a, to: 6) == [1])
        #expect(waiters.wait(for: a, beyond: 5, 4) == nil, "it has grown already")
        #expect(waiters.grown(a, to: 8) == [2] && waiters.count == 1)
        #expect(waiters.all() == [3] && waiters.count == 0)
    }

    @Test func whoeverGivesUpIsForgotten() throws {
        var waiters = StreamWaiters<Int>()
        let stream = UUID()
        let waits = waiters.wait(for: stream, beyond: 0, 1)
        let number = try #require(waits)
        #expect(waiters.giveUp(number, on: stream) == 1)
        #expect(waiters.giveUp(number, on: stream) == nil)
        #expect(waiters.grown(stream, to: 1).isEmpty && waiters.count == 0)
    }

    @Test func messagesNameWhatHasGrownUnlessItIsTooMuch() throws {
        let ends = [UUID(): 5, UUID(): 1 << 50]
        let message = try #require(GrowthMessage(GrowthMessage(schema: "my: events", ends: ends).text))
        #expect(message.schema == "my: events" && message.ends == ends)
        let many = Dictionary(uniqueKeysWithValues: (0..<1_000).map { (UUID(), $0) })
        let text = GrowthMessage(schema: "events", ends: many).text
        let short = try #require(GrowthMessage(text))
        #expect(text.utf8.count < 8_000 && short.ends == nil && short.schema == "events")
        for bad in ["", "events", "events:x", "events:\(UUID())", "events:\(UUID())@x"] {
            #expect(GrowthMessage(bad) == nil)
        }
    }

    /// Nobody looks by itself before twenty minutes are over: without a word it would wait beyond the limit.
    @Test("A member that waits gets what is appended, by this process and by another", .timeLimit(.minutes(2)))
    func wakes() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            let group = try await store.reader.createGroup("g", on: stream, of: store.organization)
            // Two processes, as far as the server can tell.
            let watches = [0, 1].map { _ in StreamWatch(store.database.settings, schema: store.schema) }
            let writers = watches.map { watch in
                EventWriter(store.database.settings, schema: store.schema) { parts in Task { await watch.grown(parts) }
                }
            }
            let running = watches.map { watch in Task { await watch.run() } }
            let member = GroupMember(
                "m", of: group, on: stream, store.organization, lease: .seconds(3_600), reader: store.reader,
                watch: watches[0])
            for number in 1...6 {
                async let next = member.next(waiting: .seconds(3_600))
                try await eventually("it waits") { await watches[0].waiting == 1 }
                if number % 2 == 0 {
                    // Whether it listens yet cannot be seen from outside but by the server.
                    try await eventually("both listen") {
                        try await store.rows(
                            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                        ).only().int("n") == 2
                    }
                }
                _ = try await writers[number % 2 == 0 ? 1 : 0].append(
                    AppendRequest(store.organization, [AppendPart(stream, [.counted(number)])]))
                let delivery = try await next
                #expect(delivery.events.map(\.event.position) == [number])
                try await store.reader.commit(delivery, group, of: store.organization, as: "m")
            }
            for task in running { task.cancel() }
            for task in running { await task.value }
            for writer in writers { await writer.close() }
        }
    }

    @Test("A group whose slots have nothing to do is not behind")
    func idleSlots() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            let directory = Directory(store.database.settings, schema: store.schema)
            let group = try await store.reader.createGroup("g", on: stream, of: store.organization)
            let watch = StreamWatch(store.database.settings, schema: store.schema)
            let member = GroupMember("m", of: group, on: stream, store.organization, reader: store.reader, watch: watch)
            let seen = try await member.next(waiting: .zero)
            #expect(seen.leases.count == 16)
            try await store.append([.counted(1, key: "k")], to: stream)
            let delivery = try await member.next(waiting: .zero)
            let own = delivery.leases.filter { $0.slot == delivery.events.first?.slot }
            try await store.reader.commit(own.map { ($0, 1) }, group, of: store.organization, as: "m")
            _ = try await member.next(waiting: .zero)
            #expect(try await directory.groups(on: stream, of: store.organization).map(\.lag) == [0])
            await directory.close()
        }
    }

    @Test("Waiting ends with the time, and with its task")
    func ends() async throws {
        try await EventStoreFixture.with { store in
            let watch = StreamWatch(store.database.settings, schema: store.schema)
            await watch.wait(for: UUID(), beyond: 0, atMost: .milliseconds(10))
            let task = Task { await watch.wait(for: UUID(), beyond: 0, atMost: .seconds(3_600)) }
            try await eventually("it waits") { await watch.waiting == 1 }
            task.cancel()
            await task.value
            #expect(await watch.waiting == 0)
        }
    }
}
