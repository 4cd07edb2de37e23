import EventStore
import Foundation
import PostgresDriver
import StrataEvents
import Synchronization
import TestSupport
import Testing

private struct Registered: EventPayload, Equatable {
    static let eventType = "animal_registered"
    var name: String
    var born: Date
}

private struct Adopted: EventPayload, Equatable {
    static let eventType = "animal_adopted"
    var by: String
}

/// The library as a service uses it.
@Suite("Library: StrataEvents", .timeLimit(.minutes(5)))
struct EventClientTests {
    private func with(_ body: (EventClient, EventStreamHandle, TestDatabase) async throws -> Void) async throws {
        try await withTestDatabase("events_library") { database in
            let connection = try await database.connect()
            try await EventSchema().install(on: connection)
            try await connection.execute("INSERT INTO events.organizations (name) VALUES ('Shelter'), ('other')")
            await connection.close()
            let client = try await EventClient(
                url: database.settings.keywordText(withPassword: true), organization: "Shelter")
            do {
                try await body(client, try await client.makeStream("animals"), database)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    @Test("A store of another version is refused, with what to do")
    func otherVersion() async throws {
        try await with { _, _, database in
            let connection = try await database.connect()
            for (comment, message) in [
                ("strata: event store, version 99", "use the release that made it"),
                ("strata: event store", "strata events init"),
            ] {
                try await connection.execute("COMMENT ON SCHEMA events IS '\(comment)'")
                do {
                    let client = try await EventClient(
                        url: database.settings.keywordText(withPassword: true), organization: "Shelter")
                    await client.close()
                    Issue.record("a store of another version was taken")
                } catch let error as EventError {
                    #expect("\(error)".contains(message), "\(error)")
                }
            }
            await connection.close()
        }
    }

    @Test("Typed events are appended, read and decoded; a stale version is refused with the present one")
    func typed() async throws {
        try await with { client, animals, _ in
            let rex = Registered(name: "Rex", born: Date(timeIntervalSince1970: 1_700_000_000))
            let first = try await animals.append(rex, key: "rex", metadata: ["by": "Ann"], expecting: .empty)
            #expect(first.positions == 1...1 && first.ids.count == 1 && !first.isRepeated)
            await #expect(throws: EventError.conflict(version: 1)) {
                try await animals.append(Adopted(by: "Bob"), key: "rex", expecting: .empty)
            }
            try await animals.append(Adopted(by: "Bob"), key: "rex", expecting: .at(1), idempotencyKey: "a")
            let again = try await animals.append(Adopted(by: "Bob"), key: "rex", expecting: .at(1), idempotencyKey: "a")
            #expect(again.isRepeated && again.positions == 2...2)
            await #expect(throws: EventError.keyReused) {
                try await animals.append(Adopted(by: "Eve"), key: "rex", idempotencyKey: "a")
            }
            var found: [RecordedEvent] = []
            for try await event in animals.events() { found.append(event) }
            #expect(try found[0].decode(Registered.self) == rex && found[0].metadataJSON == #"{"by": "Ann"}"#)
            #expect(try found[0].decode(Adopted.self) == nil)
            #expect(try found[1].decode() == Adopted(by: "Bob") && found[1].key == "rex")
            #expect(try await animals.read(after: 1).events.map(\.position) == [2])
            let zoo = try await client.makeStream("zoo")
            #expect(try await client.makeStream("zoo").id == zoo.id)
            let event = try OutgoingEvent(Adopted(by: "Carl"))
            let both = try await client.append([(animals, [event], .at(2)), (zoo, [event, event], .empty)])
            #expect(both.map(\.positions) == [3...3, 1...2])
        }
    }

    @Test("What is not there, or is no JSON for PostgreSQL, is said so")
    func refusals() async throws {
        try await with { client, _, database in
            await #expect(throws: EventError.self) { _ = try await client.stream("nowhere") }
            #expect(throws: EventError.self) { _ = try OutgoingEvent(type: "a", json: "{") }
            #expect(throws: EventError.self) { _ = try OutgoingEvent(type: "a", json: #""\u0000""#) }
            await #expect(throws: EventError.notFound("there is no active organisation nobody")) {
                _ = try await EventClient(
                    url: database.settings.keywordText(withPassword: true), organization: "nobody")
            }
        }
    }

    @Test("Who follows a stream gets what comes, in order, and ends when it is cancelled")
    func follows() async throws {
        try await with { _, animals, _ in
            let seen = Seen()
            let following = Task {
                for try await event in animals.events(follows: true) { seen.add(event) }
            }
            for number in 1...50 { try await animals.append(Adopted(by: "\(number)")) }
            while seen.count < 50 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(seen.positions == Array(1...50))
            following.cancel()
            _ = await following.result
        }
    }

    @Test(
        "S3.2: members of a group share the keys; each key in order, what throws is tried again and then dead, and redriven"
    )
    func subscribes() async throws {
        try await with { client, animals, database in
            let seen = Seen()
            var options = SubscriptionOptions()
            (options.attempts, options.batch) = (1, 10)
            let chosen = options
            let members = (0..<2).map { number in
                Task {
                    try await animals.subscribe(group: "mailer", member: "m\(number)", options: chosen) { event in
                        if try event.decode(Adopted.self)?.by == "Eve", seen.isFirst(event) {
                            throw UselessEvent("no address")
                        }
                        seen.add(event)
                    }
                }
            }
            for number in 0..<100 {
                try await animals.append(Adopted(by: number == 40 ? "Eve" : "\(number)"), key: "k\(number % 7)")
            }
            while seen.count < 99 { try await Task.sleep(for: .milliseconds(5)) }
            let directory = Directory(database.settings, schema: EventSchema())
            let organization = try #require(try await directory.organizations().first { $0.name == "Shelter" }).id
            let group = try #require(try await directory.groups(on: animals.id, of: organization).first).id
            var letters = try await directory.deadLetters(of: group, organization).letters
            #expect(letters.map(\.reason) == ["no address"] && letters.map(\.event.position) == [41])
            let reader = EventReader(database.settings, schema: EventSchema())
            #expect(try await reader.redrive(group, of: organization) == 1)
            while seen.count < 100 { try await Task.sleep(for: .milliseconds(5)) }
            while !letters.isEmpty {
                letters = try await directory.deadLetters(of: group, organization, status: .redriving).letters
                try await Task.sleep(for: .milliseconds(5))
            }
            for key in 0..<7 {
                let positions = seen.positions(of: "k\(key)").filter { $0 != 41 }
                #expect(positions == positions.sorted() && Set(positions).count == positions.count)
            }
            for member in members { member.cancel() }
            for member in members { _ = await member.result }
            await reader.close()
            await directory.close()
        }
    }
}

private final class Seen: Sendable {
    private let events = Mutex<[RecordedEvent]>([])
    private let refused = Mutex<Set<Int>>([])

    func add(_ event: RecordedEvent) { events.withLock { $0.append(event) } }
    /// Whether it was not asked for before.
    func isFirst(_ event: RecordedEvent) -> Bool { refused.withLock { $0.insert(event.position).inserted } }

    var count: Int { events.withLock { $0.count } }
    var positions: [Int] { events.withLock { $0.map(\.position) } }
    func positions(of key: String) -> [Int] { events.withLock { $0.filter { $0.key == key }.map(\.position) } }
}
