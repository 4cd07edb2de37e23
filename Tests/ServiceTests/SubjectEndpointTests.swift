import EventStore
import JSONSchemas
import TestSupport
import Testing

@testable import Service

/// Declarations that cannot be, and a service without the master key. What can be is in `ServiceWalkTests`.
@Suite("Service: subjects", .timeLimit(.minutes(5)))
struct SubjectEndpointTests {
    private static let path = "/v1/streams/people/protection"

    @Test(
        "What cannot be declared is refused, and nothing is changed",
        arguments: [
            #"{"members": []}"#, #"{"members": ["name"]}"#, #"{"members": ["/a~2"]}"#, #"{"members": ["/a", "/a/b"]}"#,
            #"{"members": ["/a"], "subject": "name"}"#, #"{"members": ["/a"], "subject": "/payload/a/id"}"#,
            #"{"members": ["/a"], "secret": true}"#, #"{}"#,
            #"{"members": ["/a"], "tombstone": "\#(String(repeating: "x", count: 4_100))"}"#,
        ])
    func refused(_ body: String) async throws {
        try await ServiceFixture.with(subjects: try ServiceFixture.masterKey()) { fixture in
            try await fixture.api.post("/v1/streams", #"{"name": "people"}"#, expect: 201)
            let answer = try await fixture.api.send("PUT", Self.path, body)
            #expect(answer.status == 422, "\(answer)")
            #expect(try await fixture.api.get(Self.path).array("members").isEmpty)
            #expect(try await fixture.api.get("/v1/streams/people").int("schema_version") == 0)
        }
    }

    @Test("Without the master key nothing is declared, and forgetting goes on")
    func without() async throws {
        try await ServiceFixture.with(subjects: try ServiceFixture.masterKey()) { fixture in
            try await fixture.api.post("/v1/streams", #"{"name": "people"}"#, expect: 201)
            #expect(try await fixture.api.send("PUT", Self.path, #"{"members": ["/name"]}"#).status == 200)
            let event = #"[{"type": "a", "key": "4711", "payload": {"name": "Ann"}}]"#
            try await fixture.api.post("/v1/streams/people/events", event, expect: 201)
            try await ServiceFixture.running(fixture.database.settings, subjects: .of([:])) { (base, _) async throws in
                let api = APIClient(base: base, key: fixture.key, contract: fixture.contract)
                #expect(try await api.send("PUT", Self.path, #"{"members": ["/street"]}"#).status == 503)
                #expect(try await api.get(Self.path).array("members") == ["/name"])
                try await api.post("/v1/subjects/forget", #"{"subject": "4711", "reason": "r"}"#, expect: 200)
                // What is forgotten reads as its tombstone, key or no key.
                #expect(
                    try await api.get("/v1/streams/people/events").array("events").first?["payload"]?["name"] == .null)
            }
        }
    }
}
