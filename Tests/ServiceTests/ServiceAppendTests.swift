import EventStore
import Foundation
import JSONSchemas
import PostgresDriver
import Synchronization
import TestSupport
import Testing

@testable import Service

/// Appending, waiting and ending over HTTP.
@Suite("Service: appends and waits", .timeLimit(.minutes(5)))
struct ServiceAppendTests {
    private static let path = "/v1/streams/s/events"
    private static let lines = ["Content-Type": "application/x-ndjson"]

    private func with(_ body: (ServiceFixture, APIClient) async throws -> Void) async throws {
        try await ServiceFixture.with { fixture in
            try await fixture.api.post("/v1/streams", #"{"name": "s"}"#, expect: 201)
            try await body(fixture, fixture.api)
        }
    }

    @Test("S0.52: a stale version is refused with the present one, by If-Match and by expected_version")
    func versions() async throws {
        try await with { _, api in
            let event = #"[{"type": "a", "payload": 1}]"#
            try await api.post(Self.path, event, ["If-Match": "\"0\""], expect: 201)
            let stale = try await api.post(Self.path, event, ["If-Match": "\"0\""])
            #expect(stale.status == 412 && stale.int("version") == 1)
            let conflict = try await api.post(Self.path, #"{"expected_version": "none", "events": \#(event)}"#)
            #expect(conflict.status == 409 && conflict.int("version") == 1)
            let etag = try #require(try await api.get("/v1/streams/s").headers["etag"])
            try await api.post(Self.path, event, ["If-Match": etag], expect: 201)
        }
    }

    @Test("A request that is sent again under its key gets the first answer; other events under it are refused")
    func idempotency() async throws {
        try await with { _, api in
            let key = ["Idempotency-Key": "order-1"]
            let first = try await api.post(
                Self.path, #"[{"type": "a", "payload": {"n": 1, "m": 2}}]"#, key, expect: 201)
            let again = try await api.post(Self.path, #"[{"payload": {"m": 2, "n":1}, "type": "a"}]"#, key, expect: 201)
            #expect(again["ids"] == first["ids"] && again["repeated"] == true && first["repeated"] == false)
            #expect(
                try await api.post(Self.path, #"[{"type": "b", "payload": 1}]"#, key).problem
                    == "idempotency-key-reused")
            #expect(try await api.get("/v1/streams/s").int("last_position") == 1)
        }
    }

    @Test("Lines before a bad one stay, and the answer says how many; the same lines under a key are appended once")
    func ndjson() async throws {
        try await with { _, api in
            let good = (1...2_500).map { #"{"type": "a", "key": "k\#($0 % 7)", "payload": {"n": \#($0)}}"# }
            let bad = try await api.send(
                "POST", Self.path, (good + [#"{"type": 5}"#]).joined(separator: "\n"), Self.lines)
            #expect(bad.status == 422 && bad.int("appended") == 2_000 && bad.int("line") == 2_501)
            var headers = Self.lines
            headers["Idempotency-Key"] = "import-1"
            for _ in 0..<2 {
                let answer = try await api.send("POST", Self.path, good.joined(separator: "\r\n") + "\r\n\r\n", headers)
                #expect(answer.status == 201 && answer.int("appended") == 2_500)
                #expect(answer.int("first_position") == 2_001 && answer.int("last_position") == 4_500)
            }
            #expect(try await api.get("/v1/streams/s").int("last_position") == 4_500)
            let empty = try await api.send("POST", Self.path, "\n\n", Self.lines)
            #expect(empty.status == 201 && empty.int("appended") == 0)
        }
    }

    @Test("A poll and a read that wait are answered when an event comes")
    func waiting() async throws {
        try await with { fixture, api in
            try await api.post("/v1/streams/s/groups", #"{"name": "g"}"#, expect: 201)
            async let polled = api.post("/v1/streams/s/groups/g/poll", #"{"member": "m", "wait_ms": 30000}"#)
            async let read = api.get("\(Self.path)?wait_ms=30000")
            while try await waiters(fixture) < 2 { try await Task.sleep(for: .milliseconds(5)) }
            try await api.post(Self.path, #"[{"type": "a", "payload": 1}]"#, expect: 201)
            #expect(try await polled.array("events").count == 1)
            #expect(try await read.array("events").count == 1)
        }
    }

    private func waiters(_ fixture: ServiceFixture) async throws -> Int {
        let text = try await fixture.client(nil).get("/metrics").text
        let line = text.split(separator: "\n").first { $0.hasPrefix("strata_events_readers_waiting ") }
        return Int(line?.split(separator: " ").last ?? "") ?? -1
    }

    @Test("What a poll without events gives can be sent back as any other")
    func emptyDeliveries() async throws {
        try await ServiceFixture.with { fixture in
            let api = fixture.api
            try await api.post("/v1/streams", #"{"name": "s"}"#, expect: 201)
            try await api.post("/v1/streams/s/groups", #"{"name": "g", "slots": 2}"#, expect: 201)
            func poll(_ member: String) async throws -> APIAnswer {
                try await api.post("/v1/streams/s/groups/g/poll", #"{"member": "\#(member)"}"#, expect: 200)
            }
            let members = ["a", "b"]
            try await eventually("each has a slot") {
                var held: [Int] = []
                for member in members { held.append(try await poll(member).array("slots").count) }
                return held == [1, 1]
            }
            try await api.post("/v1/streams/s/events", #"[{"type": "t", "key": "k", "payload": 1}]"#, expect: 201)
            var delivered = 0
            for member in members {
                let answer = try await poll(member)
                delivered += answer.array("events").count
                let slots = JSONWriter.text(.array(answer.array("slots")))
                try await api.post(
                    "/v1/streams/s/groups/g/commit", #"{"member": "\#(member)", "slots": \#(slots)}"#, expect: 204)
            }
            #expect(delivered == 1)
            #expect(try await api.get("/v1/streams/s/groups").array("groups").first?["lag"] == 0)
        }
    }

    @Test("Told to end, it answers what it has accepted: polls that wait, and appends, none of which is lost")
    func ending() async throws {
        try await with { fixture, api in
            try await api.post("/v1/streams/s/groups", #"{"name": "g"}"#, expect: 201)
            async let polled = api.post("/v1/streams/s/groups/g/poll", #"{"member": "m", "wait_ms": 30000}"#)
            while try await waiters(fixture) < 1 { try await Task.sleep(for: .milliseconds(5)) }
            let acknowledged = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<8 {
                    group.addTask {
                        // Until it takes no more.
                        for number in 0..<10_000 {
                            let event = #"[{"type": "a", "payload": "\#(client) \#(number)"}]"#
                            guard let answer = try? await api.post("/v1/append", Self.several(event)) else { return }
                            guard answer.status == 201 else { return #expect(answer.status == 503, "\(answer)") }
                            acknowledged.add()
                        }
                    }
                }
                while acknowledged.count < 20 { try await Task.sleep(for: .milliseconds(2)) }
                await fixture.end()
                try await group.waitForAll()
            }
            #expect(try await polled.status == 200)
            let connection = try await fixture.database.connect()
            let row = try await connection.query(
                "SELECT count(*) AS n, (SELECT last_position FROM events.event_streams) AS p FROM events.events"
            ).only()
            await connection.close()
            // One that was committed and whose answer found no way is not among the acknowledged.
            #expect(try row.int("n") >= acknowledged.count && row.int("n") == row.int("p"))
        }
    }

    private static func several(_ events: String) -> String {
        #"{"parts": [{"stream": "s", "events": \#(events)}]}"#
    }

    @Test("What is encrypted for a subject is read in clear, and as its tombstone once the subject is forgotten")
    func subjects() async throws {
        try await ServiceFixture.with(subjects: try ServiceFixture.masterKey()) { fixture in
            let api = fixture.api
            let stream = try #require(
                UUID(uuidString: try await api.post("/v1/streams", #"{"name": "s"}"#, expect: 201).string("id") ?? ""))
            try await fixture.directory.protect(
                stream, of: fixture.organization, try StreamProtection([JSONPointer(tokens: ["name"])], subject: .key))
            let event = #"[{"type": "registered", "key": "4711", "payload": {"name": "Ann", "n": 1}}]"#
            try await api.post(Self.path, event, expect: 201)
            #expect(try await api.get(Self.path).array("events").first?["payload"]?["name"] == "Ann")
            try await ServiceFixture.running(fixture.database.settings, subjects: .of([:])) { (base, _) async throws in
                let without = APIClient(base: base, key: fixture.key, contract: fixture.contract)
                #expect(try await without.get(Self.path).status == 503)
                #expect(try await without.post(Self.path, event).status == 503)
            }
            _ = try await fixture.directory.forget("4711", of: fixture.organization, by: "test", reason: "request")
            let after = try await api.get(Self.path)
            #expect(!after.text.contains("Ann") && after.array("events").first?["payload"]?["name"] == .null)
            #expect(try await api.post(Self.path, event).problem == "subject-forgotten")
        }
    }

    @Test("Writers of 16 clients to one stream: every answer has positions of its own, and no gap is between them")
    func race() async throws {
        try await with { _, api in
            let positions = try await withThrowingTaskGroup(of: [Int].self) { group in
                for client in 0..<16 {
                    group.addTask {
                        var positions: [Int] = []
                        for number in 0..<20 {
                            let answer = try await api.post(
                                Self.path, #"[{"type": "a", "key": "\#(client)", "payload": \#(number)}]"#, expect: 201)
                            positions.append(answer.int("first_position") ?? 0)
                        }
                        return positions
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(positions.sorted() == Array(1...320))
            var next: [String: Int] = [:]
            for event in try await api.get("\(Self.path)?limit=1000").array("events") {
                guard case .string(let key) = event["key"], case .number(let number) = event["payload"] else {
                    continue
                }
                #expect(number.int == next[key, default: 0])
                next[key, default: 0] += 1
            }
        }
    }
}

private final class Tally: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}
