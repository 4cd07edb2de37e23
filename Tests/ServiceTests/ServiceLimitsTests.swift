import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import JSONSchemas
import NIOCore
import PostgresDriver
import TestSupport
import Testing

@testable import Service

/// What is too much, too large, too often, or not to be had.
@Suite("Service: limits", .timeLimit(.minutes(5)))
struct ServiceLimitsTests {
    @Test("Beyond its rate a key gets 429 with Retry-After; another key does not")
    func rate() async throws {
        var limits = ServiceLimits()
        (limits.requestsPerSecond, limits.requestsAtOnce) = (1, 3)
        try await ServiceFixture.with(limits: limits) { fixture in
            var refused: APIAnswer?
            for _ in 0..<50 where refused == nil {
                let answer = try await fixture.api.get("/v1/streams")
                #expect(answer.headers["ratelimit-limit"] == "1" && answer.headers["ratelimit-remaining"] != nil)
                if answer.status == 429 { refused = answer }
            }
            let answer = try #require(refused)
            #expect(answer.problem == "too-many-requests" && Int(answer.headers["retry-after"] ?? "") ?? 0 >= 1)
            #expect(try await fixture.client(fixture.otherKey).get("/v1/streams").status == 200)
        }
    }

    @Test("Who guesses passwords of one address is slowed down; another address is not")
    func logins() async throws {
        var limits = ServiceLimits()
        (limits.loginsPerMinute, limits.loginsAtOnce) = (0.1, 2)
        try await ServiceFixture.with(limits: limits) { (fixture) async throws in
            func attempt(_ address: String) async throws -> Int {
                try await fixture.client(nil).post(
                    "/v1/login", #"{"email": "\#(address)", "password": "guessed"}"#
                ).status
            }
            for status in [401, 401, 429, 429] { #expect(try await attempt("ann@example.org") == status) }
            #expect(try await attempt("ANN@example.org") == 429)
            #expect(try await attempt("bob@example.org") == 401)
        }
    }

    @Test("Bodies, events and lines that are too large are refused, and nothing is appended")
    func sizes() async throws {
        var limits = ServiceLimits()
        (limits.requestBytes, limits.eventBytes) = (64 << 10, 4 << 10)
        try await ServiceFixture.with(limits: limits) { fixture in
            let api = fixture.api
            try await api.post("/v1/streams", #"{"name": "s"}"#, expect: 201)
            func event(_ bytes: Int) -> String {
                #"{"type": "a", "payload": "\#(String(repeating: "x", count: bytes))"}"#
            }
            let path = "/v1/streams/s/events"
            #expect(try await api.post(path, "[\(event(5_000))]").problem == "too-large")
            let many = Array(repeating: event(3_000), count: 30).joined(separator: ",")
            #expect(try await api.post(path, "[\(many)]").problem == "too-large")
            let long = try await api.send("POST", path, event(9_000), ["Content-Type": "application/x-ndjson"])
            #expect(long.problem == "too-large" && long.int("appended") == 0)
            #expect(
                try await api.post("/v1/streams", "{\"name\": \"\(String(repeating: "x", count: 70_000))\"}").status
                    == 413)
            #expect(try await api.get("/v1/streams/s").int("last_position") == 0)
            // As lines the same events are taken, however many.
            let lines = Array(repeating: event(3_000), count: 30).joined(separator: "\n")
            let taken = try await api.send("POST", path, lines, ["Content-Type": "application/x-ndjson"])
            #expect(taken.int("appended") == 30)
        }
    }

    private static let unreadable: [(String, String, String, Int)] = [
        ("POST", "/v1/streams", "{", 400), ("POST", "/v1/streams", "[]", 422),
        ("POST", "/v1/streams", #"{"name": "x", "colour": 1}"#, 422),
        ("POST", "/v1/streams", #"{"name": ""}"#, 422), ("POST", "/v1/streams", #"{"name": "a\u0000b"}"#, 400),
        ("POST", "/v1/streams", #"{"name": "01a202b1-9cc4-74cc-97e1-0650c377e448"}"#, 422),
        ("POST", "/v1/streams/s/events", "[]", 422), ("POST", "/v1/streams/s/events", #"[{"type": "a"}]"#, 422),
        ("POST", "/v1/streams/s/events", #"[{"type": "a", "payload": 1, "id": 1}]"#, 422),
        ("POST", "/v1/streams/s/events", #"{"events": [{"type": "a", "payload": 1}], "expected_version": -1}"#, 422),
        ("POST", "/v1/streams/nowhere/events", #"[{"type": "a", "payload": 1}]"#, 404),
        ("GET", "/v1/streams/s/events?limit=0", "", 422), ("GET", "/v1/streams/s/events?limit=1&limit=2", "", 422),
        ("GET", "/v1/streams/s/events?lmit=1", "", 422), ("GET", "/v1/streams/%00/events", "", 400),
        ("DELETE", "/v1/streams/s", "", 405), ("GET", "/v1/nothing", "", 404), ("GET", "/", "", 404),
        ("POST", "/v1/streams/s/groups/none/poll", #"{"member": "m"}"#, 404),
    ]

    @Test("The thread of a connection does what is short by its nature and its length; the rest is done elsewhere")
    func short() throws {
        func isShort(_ id: String, _ length: String?) throws -> Bool {
            let endpoint = try #require(EventService.endpoints.first { $0.id == id })
            var head = HTTPRequest(method: endpoint.method, scheme: nil, authority: nil, path: endpoint.path)
            if let length { head.headerFields[.contentLength] = length }
            return EndpointTable.isShort(endpoint, Request(head: head, body: .init(buffer: ByteBuffer())))
        }
        for id in ["append", "appendToSeveral", "commit"] {
            #expect(try isShort(id, "300"), "\(id)")
            #expect(
                try !isShort(id, "\(1 << 20)") && !isShort(id, nil) && !isShort(id, "-1") && !isShort(id, "x"), "\(id)")
        }
        #expect(try !isShort("read", "0") && !isShort("poll", "10"))
    }

    @Test("What cannot be read is told as a problem")
    func unreadable() async throws {
        try await ServiceFixture.with { fixture in
            try await fixture.api.post("/v1/streams", #"{"name": "s"}"#, expect: 201)
            for (method, path, body, status) in Self.unreadable {
                let answer = try await fixture.api.send(method, path, body.isEmpty ? nil : body)
                #expect(answer.status == status, "\(method) \(path) \(body): \(answer)")
                #expect(answer.headers["content-type"] == "application/problem+json")
                #expect(answer.int("status") == status && answer.string("detail")?.isEmpty == false)
                if status == 405 { #expect(answer.headers["allow"] == "GET, PATCH") }
            }
        }
    }

    @Test("Another content type is refused with 415")
    func contentType() async throws {
        try await ServiceFixture.with { fixture in
            let answer = try await fixture.api.send("POST", "/v1/streams", "name=s", ["Content-Type": "text/plain"])
            #expect(answer.status == 415)
        }
    }

    @Test("A member beyond the most of a group gets 503 with Retry-After; those that are there go on")
    func members() async throws {
        try await ServiceFixture.with { fixture in
            try await fixture.api.post("/v1/streams", #"{"name": "s"}"#, expect: 201)
            try await fixture.api.post("/v1/streams/s/groups", #"{"name": "g"}"#, expect: 201)
            let path = "/v1/streams/s/groups/g/poll"
            try await fixture.api.post(path, #"{"member": "first"}"#, expect: 200)
            let connection = try await fixture.database.connect()
            try await connection.execute(
                """
                INSERT INTO events.group_members (group_id, member, org_id, seen_until)
                SELECT group_id, 'm' || n, org_id, now() + interval '1 hour' FROM events.group_members, generate_series(1, 999) n
                """)
            await connection.close()
            let full = try await fixture.api.post(path, #"{"member": "late"}"#)
            #expect(full.problem == "busy" && full.headers["retry-after"] == "30" && full.text.contains("1000 members"))
            try await fixture.api.post(path, #"{"member": "m7"}"#, expect: 200)
        }
    }

    @Test("A database that cannot be reached is 503 with Retry-After; the service is alive, and not ready")
    func unreachable() async throws {
        let nowhere = try ConnectionSettings(
            "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
        try await ServiceFixture.running(nowhere) { base, _ in
            let api = APIClient(base: base, key: "evk_any", contract: try APIContract())
            let answer = try await api.get("/v1/streams")
            #expect(answer.status == 503 && answer.headers["retry-after"] != nil)
            #expect(try await api.get("/health/live").status == 204)
            #expect(try await api.get("/health/ready").status == 503)
        }
    }

    @Test("A store of another version: the service is alive, and not ready, and says what to do")
    func otherVersion() async throws {
        try await ServiceFixture.with { fixture in
            #expect(try await fixture.api.get("/health/ready").status == 204)
            let connection = try await fixture.database.connect()
            for (comment, message) in [
                ("strata: event store, version 99", "use the release that made it"),
                ("strata: event store, version 0", "strata apply"), ("strata: event store", "knew no versions"),
            ] {
                try await connection.execute("COMMENT ON SCHEMA events IS '\(comment)'")
                let answer = try await fixture.api.get("/health/ready")
                #expect(answer.status == 503 && answer.text.contains(message), "\(answer)")
            }
            await connection.close()
        }
    }

    @Test("Figures name no organisation, and count operations by status")
    func metrics() async throws {
        try await ServiceFixture.with { fixture in
            try await fixture.api.post("/v1/streams", #"{"name": "hidden"}"#, expect: 201)
            try await fixture.api.post("/v1/streams/hidden/events", #"[{"type": "a", "payload": 1}]"#, expect: 201)
            let text = try await fixture.client(nil).get("/metrics").text
            #expect(text.contains("strata_events_http_requests_total{operation=\"append\",status=\"201\"} 1\n"))
            #expect(text.contains("strata_events_http_request_seconds_count{operation=\"append\"} 1\n"))
            #expect(text.contains("strata_events_appended_total 1\n"))
            #expect(!text.contains("hidden") && !text.contains(fixture.organization.text))
        }
    }
}
