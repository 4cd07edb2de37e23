import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Appending: versions, idempotency, several streams, all or nothing.
@Suite("Events: append")
struct AppendTests {
    @Test("The plans of an append are kept, also after the schema was brought up to date")
    func keptPlans() async throws {
        try await EventStoreFixture.with { store in
            for _ in 0..<2 {
                let settings = try await store.rows(
                    "SELECT array_to_string(proconfig, ' ') AS text FROM pg_proc WHERE oid = 'events.append'::regproc"
                ).only().string("text")
                #expect(settings.contains("plan_cache_mode=force_generic_plan"), "\(settings)")
                #expect(settings.contains("search_path=pg_catalog, pg_temp"), "\(settings)")
                let connection = try await Connection.open(store.database.settings)
                try await store.schema.install(on: connection)
                await connection.close()
            }
        }
    }

    @Test("S0.5 S3.18 Positions are gapless and in the order of the batch; reading gives them back as they were")
    func order() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            let first = try await store.append((1...100).map { .counted($0, key: "k\($0 % 7)") }, to: stream)
            let second = try await store.append(
                [
                    NewEvent(
                        type: "a \"type\" \\ \u{1} ü", key: "k\n\"", payload: "[1.50, \"\\u00e9\", {\"a\": null}]",
                        metadata: "{\"by\": \"me\"}")
                ], to: stream)
            #expect(first.positions == 1...100 && second.positions == 101...101)
            #expect(Set(first.ids + second.ids).count == 101)
            let slice = try await store.reader.read(stream, of: store.organization)
            #expect(slice.events.map(\.position) == Array(1...101) && slice.lastPosition == 101)
            #expect(slice.events.map(\.id) == first.ids + second.ids)
            #expect(slice.events[41].payload == "{\"n\": 42}" && slice.events[41].key == "k0")
            let last = try #require(slice.events.last)
            #expect(last.type == "a \"type\" \\ \u{1} ü" && last.key == "k\n\"")
            #expect(last.payload == "[1.50, \"é\", {\"a\": null}]" && last.metadata == "{\"by\": \"me\"}")
            #expect(last.at == second.at && first.at <= second.at)
            let middle = try await store.reader.read(stream, of: store.organization, after: 10, upTo: 20, limit: 5)
            #expect(middle.events.map(\.position) == Array(11...15))
            let small = try await store.reader.read(stream, of: store.organization, after: 10, bytes: 30)
            #expect(small.events.map(\.position) == [11, 12, 13])
        }
    }

    @Test("S0.52 An expected version that is not the stream's is refused, with the version that it has")
    func versions() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            try await store.append([.counted(1)], to: stream, expected: .none)
            await #expect(throws: AppendRefusal.conflict(stream: stream, version: 1)) {
                try await store.append([.counted(2)], to: stream, expected: .none)
            }
            try await store.append([.counted(2), .counted(3)], to: stream, expected: .exact(1))
            await #expect(throws: AppendRefusal.conflict(stream: stream, version: 3)) {
                try await store.append([.counted(4)], to: stream, expected: .exact(2))
            }
            #expect(try await store.reader.read(stream, of: store.organization).events.count == 3)
        }
    }

    @Test("S0.52 Of many who expect the same version one is successful, each time")
    func races() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            for version in 0..<20 {
                let successes = await withTaskGroup(of: Bool.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            (try? await store.append([.counted(number)], to: stream, expected: .exact(version))) != nil
                        }
                    }
                    return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(successes == 1)
            }
        }
    }

    @Test("The same under the same idempotency key gets the first answer; something else under it is refused")
    func idempotency() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            let events: [NewEvent] = [.counted(1), .counted(2)]
            let first = try await store.append(events, to: stream, expected: .none, key: "order-1")
            try await store.append([.counted(9)], to: stream)
            var again = try await store.append(events, to: stream, expected: .none, key: "order-1")
            #expect(again.isRepeated)
            again.isRepeated = false
            #expect(again == first)
            // White space is not content.
            let spaced = events.map { NewEvent(type: $0.type, payload: $0.payload.replacing(" ", with: "  ")) }
            #expect(try await store.append(spaced, to: stream, key: "order-1").isRepeated)
            await #expect(throws: AppendRefusal.keyReused(stream: stream)) {
                try await store.append([.counted(3)], to: stream, key: "order-1")
            }
            #expect(try await store.reader.read(stream, of: store.organization).lastPosition == 3)
            // Of another stream it is another key.
            let other = try await store.stream("orders")
            #expect(try await store.append([.counted(1)], to: other, key: "order-1").isRepeated == false)
        }
    }

    @Test("Requests with the same key at the same time: appended once, and all get the same answer")
    func idempotencyAtOnce() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            let answers = try await withThrowingTaskGroup(of: AppendedPart.self) { group in
                for _ in 0..<16 { group.addTask { try await store.append([.counted(1)], to: stream, key: "k") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.flatMap(\.ids)).count == 1)
            #expect(answers.count { !$0.isRepeated } == 1)
            #expect(try await store.reader.read(stream, of: store.organization).lastPosition == 1)
        }
    }

    @Test("Several streams in one request: all or nothing")
    func severalStreams() async throws {
        try await EventStoreFixture.with { store in
            let streams = [try await store.stream("a"), try await store.stream("b")]
            func request(_ expected: [ExpectedVersion], key: String? = nil) -> AppendRequest {
                AppendRequest(
                    store.organization,
                    zip(streams, expected).map { AppendPart($0, [.counted(1), .counted(2)], expected: $1) },
                    idempotencyKey: key)
            }
            let parts = try await store.writer.append(request([.none, .any], key: "both"))
            #expect(parts.map(\.positions) == [1...2, 1...2])
            await #expect(throws: AppendRefusal.conflict(stream: streams[1], version: 2)) {
                try await store.writer.append(request([.any, .exact(7)]))
            }
            await #expect(throws: AppendRefusal.noStream(store.other)) {
                try await store.writer.append(
                    AppendRequest(
                        store.organization,
                        [AppendPart(streams[0], [.counted(1)]), AppendPart(store.other, [.counted(1)])]))
            }
            #expect(try await store.writer.append(request([.none, .none], key: "both")).allSatisfy(\.isRepeated))
            for stream in streams {
                #expect(try await store.reader.read(stream, of: store.organization).lastPosition == 2)
            }
        }
    }

    @Test("A payload that the server cannot take is refused alone: who shared its call is answered")
    func badPayload() async throws {
        try await EventStoreFixture.with(lanes: 1) { store in
            let stream = try await store.stream()
            let results = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let payload = number == 7 ? "{\"n\": \"\\u0000\"}" : "{}"
                        return (try? await store.append([NewEvent(type: "t", payload: payload)], to: stream)) != nil
                    }
                }
                return await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(results.count { $0 } == 19)
            #expect(try await store.reader.read(stream, of: store.organization).lastPosition == 19)
        }
    }

    @Test("Inactive and unknown streams, empty and too large requests are refused")
    func invalid() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            await #expect(throws: AppendRefusal.self) { try await store.append([], to: stream) }
            await #expect(throws: AppendRefusal.self) {
                try await store.append(Array(repeating: .counted(1), count: 10_001), to: stream)
            }
            await #expect(throws: AppendRefusal.self) {
                try await store.writer.append(
                    AppendRequest(
                        store.organization, [AppendPart(stream, [.counted(1)]), AppendPart(stream, [.counted(1)])]))
            }
            for (event, expected, key) in [
                (NewEvent(type: "", payload: "1"), ExpectedVersion.any, nil), (.counted(1), .exact(-1), nil),
                (.counted(1), .any, ""),
                (.counted(1), .any, "a\0b"), (.counted(1, key: String(repeating: "k", count: 1_001)), .any, nil),
                // Text that would shift the events of others.
                (NewEvent(type: "t", payload: "1,{}],[\"x\",null,2"), .any, nil),
            ] as [(NewEvent, ExpectedVersion, String?)] {
                await #expect(throws: (any Error).self, "\(event)") {
                    try await store.append([event], to: stream, expected: expected, key: key)
                }
            }
            #expect(try await store.reader.read(stream, of: store.organization, after: Int.max).lastPosition == 0)
            try await store.rows("UPDATE events.event_streams SET is_active = false")
            await #expect(throws: AppendRefusal.noStream(stream)) { try await store.append([.counted(1)], to: stream) }
        }
    }

    @Test("A clock that was set back: a stream's times never go back")
    func clock() async throws {
        try await EventStoreFixture.with { store in
            let stream = try await store.stream()
            let future = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 + 3_600).rounded())
            try await store.append([.counted(1)], to: stream)
            try await store.rows(
                "UPDATE events.event_streams SET last_at = to_timestamp($1) AT TIME ZONE 'UTC'",
                [.double(future.timeIntervalSince1970)])
            let second = try await store.append([.counted(2)], to: stream)
            #expect(second.at == future)
            let read = try await store.reader.read(stream, of: store.organization, after: 1)
            #expect(read.events.map(\.at) == [future])
        }
    }
}
