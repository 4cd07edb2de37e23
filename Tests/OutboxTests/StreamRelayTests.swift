import Foundation
import TestSupport
import Testing

@testable import EventStore
@testable import Outbox

/// What Redis gets, and what is refused.
@Suite("Outbox: relay")
struct StreamRelayTests {
    @Test("S0.23 Each event is one entry, in order, with all that the event has")
    func entries() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...100)
            let part = AppendPart(
                place.stream.id,
                [
                    NewEvent(type: "ended", payload: "null"),
                    NewEvent(type: "ended", key: "", payload: "\"\\r\\n $5 ü\""),
                ])
            _ = try await place.writer.append(AppendRequest(place.organization, [part]))
            let progress = try await place.relayAll()
            #expect(progress.events == 102 && progress.position == 102 && progress.lag == 0)
            try await place.checkAll(102)
            let events = try await place.reader.read(place.stream.id, of: place.organization).events
            let entries = try await place.entries()
            #expect(
                entries[0].fields == [
                    "id": events[0].id.uuidString.lowercased(), "stream": "animals", "position": "1", "type": "counted",
                    "key": "k1", "at": EventTime.text(events[0].at), "payload": #"{"n": 1}"#,
                    "metadata": #"{"by": "Ann"}"#, "organization": place.organization.uuidString.lowercased(),
                ])
            #expect(entries[100].fields["key"] == nil && entries[100].fields["payload"] == "null")
            #expect(entries[101].fields["key"] == "" && entries[101].fields["payload"] == events[101].payload)
            // Redis takes the first half of an id for a time.
            #expect(entries.map(\.id) == events.map { RelayMark($0).description })
        }
    }

    @Test("It goes on where it ended; the group is done with what Redis has")
    func resumes() async throws {
        try await OutboxFixture.with { place in
            #expect(try await place.relayAll().events == 0)
            for end in [30, 90, 100] {
                try await place.append((end == 30 ? 1 : end == 90 ? 31 : 91)...end)
                try await place.relayAll()
                try await place.checkAll(end)
                let group = try await place.directory.groups(on: place.stream.id, of: place.organization)[0]
                #expect(group.position == end && group.lag == 0 && group.slots == 1)
            }
            #expect(try await place.relayAll().events == 0)
        }
    }

    @Test("A group that stands behind Redis, as after kill -9 before the commit, brings nothing twice")
    func groupBehind() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...100)
            try await place.relayAll()
            let group = try await place.directory.groups(on: place.stream.id, of: place.organization)[0].id
            for target in [EventReader.SeekTarget.after(70), .start] {
                try await place.reader.seek(group, of: place.organization, to: target)
                #expect(try await place.relayAll().events == 0)
                try await place.checkAll(100)
            }
            // Forward, past events that Redis does not have: they come all the same.
            try await place.append(101...150)
            try await place.reader.seek(group, of: place.organization, to: .end)
            #expect(try await place.relayAll().sentAgain == 50)
            try await place.checkAll(150)
        }
    }

    @Test("A stream that is gone from Redis is brought there anew, after --after")
    func deleted() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...100)
            try await place.relayAll()
            try await place.ask("DEL", OutboxFixture.key)
            let reports = OutboxFixture.Reports()
            let relay = try await place.relay(reports: reports)
            try await relay.runOnce()
            await relay.close()
            try await place.checkAll(100)
            #expect(reports.list.contains(.sendsAgain(after: 0, upTo: 100)) && reports.progress?.sentAgain == 100)
            try await place.ask("DEL", OutboxFixture.key)
            try await place.relayAll { $0.after = 90 }
            #expect(try await place.entries().map(\.position) == Array(91...100))
            // All entries deleted, the stream there: nothing is missing.
            try await place.ask("XTRIM", OutboxFixture.key, "MAXLEN", "0")
            #expect(try await place.relayAll().events == 0)
        }
    }

    @Test("A stream is trimmed to about its length")
    func trimmed() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...1_000)
            try await place.relayAll { $0.longest = 150 }
            let positions = try await place.entries().map(\.position)
            // Redis drops whole nodes, of 100 entries.
            #expect(150...250 ~= positions.count && positions == Array((1_001 - positions.count)...1_000))
        }
    }

    @Test("Archived events that Redis lacks are named; --after goes on behind them")
    func archived() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...50)
            try await place.relayAll()
            try await place.append(51...100)
            try await place.rows("UPDATE events.event_streams SET floor_position = 50")
            // What Redis has may be archived.
            try await place.relayAll()
            try await place.ask("DEL", OutboxFixture.key)
            await #expect(throws: RelayStop.archived(position: 0, floor: 50)) { try await place.relayAll() }
            try await place.relayAll { $0.after = 50 }
            #expect(try await place.entries().map(\.position) == Array(51...100))
        }
    }

    @Test("What is no stream of this relay is left alone")
    func others() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...10)
            try await place.ask("SET", OutboxFixture.key, "text")
            await #expect(throws: RelayStop.notAStream(key: OutboxFixture.key)) { try await place.relayAll() }
            let relay = try await place.relay()
            await #expect(throws: RelayStop.notAStream(key: OutboxFixture.key)) { try await relay.check() }
            await relay.close()
            #expect(try await place.ask("GET", OutboxFixture.key) == .text("text"))
            for entry in ["*", "5-3", "0-1"] {
                try await place.ask("DEL", OutboxFixture.key)
                let id = try await place.ask("XADD", OutboxFixture.key, entry, "a", "b").text ?? ""
                await #expect(throws: RelayStop.foreign(entry: id, key: OutboxFixture.key)) {
                    try await place.relayAll()
                }
            }
            // Somebody else's entry after ours, too.
            try await place.ask("DEL", OutboxFixture.key)
            try await place.relayAll()
            let id = try await place.ask("XADD", OutboxFixture.key, "*", "a", "b").text ?? ""
            try await place.append(11...12)
            await #expect(throws: RelayStop.foreign(entry: id, key: OutboxFixture.key)) { try await place.relayAll() }
        }
    }

    @Test("A group with several slots would divide the order of the stream")
    func divided() async throws {
        try await OutboxFixture.with { place in
            _ = try await place.reader.createGroup("many", on: place.stream.id, of: place.organization)
            await #expect(throws: RelayStop.divided(group: "many", slots: 16)) {
                _ = try await place.relay(of: "many")
            }
        }
    }

    @Test("A wrong password is told without showing it, and not tried again")
    func passwords() async throws {
        try await OutboxFixture.with { place in
            try await place.append(1...1)
            for (word, text) in [(":wrong@", "WRONGPASS"), ("ann:wrong@", "WRONGPASS"), ("", "password")] {
                let url = try RedisURL("redis://\(word)127.0.0.1:\(place.redis.port)")
                let id = try await RelayGroup.make(
                    "g", on: place.stream.id, of: place.organization, after: 0, reader: place.reader,
                    directory: place.directory)
                let member = GroupMember(
                    "r", of: id, on: place.stream.id, place.organization, reader: place.reader,
                    watch: StreamWatch(place.database.settings, schema: place.schema))
                let relay = StreamRelay(
                    url, RelaySettings(key: OutboxFixture.key), of: place.stream, as: member, reader: place.reader)
                await #expect {
                    try await relay.check()
                } throws: {
                    says($0, text)
                }
                await #expect {
                    try await relay.runOnce()
                } throws: {
                    says($0, text)
                }
                await relay.close()
            }
        }
    }

    private func says(_ error: any Error, _ text: String) -> Bool {
        guard case RelayStop.refused(let message) = error else { return false }
        return message.contains(text) && !message.contains("wrong@")
    }
}
