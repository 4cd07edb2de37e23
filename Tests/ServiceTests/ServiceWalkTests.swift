import EventStore
import Foundation
import JSONSchemas
import Testing

@testable import Service

/// The API as a whole: each operation of the document works, and answers as the document says.
@Suite("Service: a walk through all operations", .timeLimit(.minutes(5)))
struct ServiceWalkTests {
    @Test("S3.1, S3.2, S3.4, S3.5, S3.6: organisation, people, keys, streams, events, groups, dead letters")
    func walk() async throws {
        try await ServiceFixture.with(subjects: try ServiceFixture.masterKey()) { fixture in
            let key = try await directory(fixture)
            let api = fixture.client(key)
            try await streams(api)
            try await events(api)
            try await groups(api)
            try await subjects(api)
            let revoked = try await api.send("DELETE", "/v1/keys/\(try await keyID(api))")
            #expect(revoked.status == 204)
            let after = try await api.get("/v1/streams")
            #expect(after.status == 401 && after.headers["www-authenticate"] == "Bearer")
            let all = Set(EventService.endpoints.map(\.id))
            #expect(fixture.contract.succeeded == all, "not asked: \(all.subtracting(fixture.contract.succeeded))")
        }
    }

    private func keyID(_ api: APIClient) async throws -> String {
        let keys = try await api.get("/v1/keys").array("keys")
        return try #require(
            keys.compactMap { key -> String? in
                guard case .string("walk") = key["label"], case .string(let id) = key["id"] else { return nil }
                return id
            }.first)
    }

    /// - Returns: a key with all scopes, of a new organisation.
    private func directory(_ fixture: ServiceFixture) async throws -> String {
        let root = fixture.client(ServiceFixture.operatorToken)
        let made = try await root.post("/v1/organizations", #"{"name": "Shelter"}"#, expect: 201)
        let id = try #require(made.string("id"))
        #expect(try await root.get("/v1/organizations").array("organizations").count == 3)
        let person = #"{"email": "Ann@shelter.example", "password": "correct horse battery", "role": "admin"}"#
        try await root.post("/v1/organizations/\(id)/users", person, expect: 201)
        #expect(try await root.post("/v1/organizations/\(id)/users", person).problem == "taken")
        let login = #"{"email": "ann@shelter.example", "password": "correct horse battery"}"#
        let session = try await fixture.client(nil).post("/v1/login", login, expect: 201)
        let ann = fixture.client(try #require(session.string("token")))
        #expect(try await ann.get("/v1/organization").string("name") == "Shelter")
        let bob = try await ann.post(
            "/v1/users", #"{"email": "bob@shelter.example", "password": "correct horse battery", "role": "viewer"}"#,
            expect: 201)
        #expect(try await ann.get("/v1/users").array("users").count == 2)
        let off = try await ann.send("PATCH", "/v1/users/\(bob.string("id") ?? "")", #"{"is_active": false}"#)
        #expect(off.status == 204)
        let refused = try await fixture.client(nil).post(
            "/v1/login", #"{"email": "bob@shelter.example", "password": "correct horse battery"}"#)
        #expect(refused.status == 401)
        let key = try await ann.post(
            "/v1/keys",
            #"{"label": "walk", "scopes": ["append", "read", "consume", "manage"], "expires_at": "2099-12-31T23:59:59.5Z"}"#,
            expect: 201)
        #expect(key.string("expires_at") == "2099-12-31T23:59:59.500Z")
        #expect(try await ann.send("POST", "/v1/logout").status == 204)
        #expect(try await ann.get("/v1/organization").status == 401)
        let secret = try #require(key.string("key"))
        try await organizationOff(fixture, root, id, secret)
        return secret
    }

    private func organizationOff(
        _ fixture: ServiceFixture, _ root: APIClient, _ id: String, _ key: String
    ) async throws {
        #expect(try await root.send("PATCH", "/v1/organizations/\(id)", #"{"is_active": false}"#).status == 204)
        #expect(try await fixture.client(key).get("/v1/streams").status == 401)
        #expect(try await root.send("PATCH", "/v1/organizations/\(id)", #"{"is_active": true}"#).status == 204)
        #expect(try await fixture.client(key).get("/v1/streams").status == 200)
    }

    private func streams(_ api: APIClient) async throws {
        let name = "animals/of 100%25?"
        let made = try await api.post("/v1/streams", #"{"name": "\#(name)"}"#, expect: 201)
        let location = try #require(made.headers["location"])
        #expect(try await api.get(location).string("name") == name)
        let path = try #require(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        #expect(try await api.get("/v1/streams/\(path)").string("id") == made.string("id"))
        #expect(try await api.post("/v1/streams", #"{"name": "\#(name)"}"#).problem == "taken")
        try await api.post("/v1/streams", #"{"name": "zoo"}"#, expect: 201)
        let first = try await api.get("/v1/streams?limit=1")
        #expect(first.array("streams").count == 1 && first.string("next") == name)
        #expect(try await api.get("/v1/streams?limit=1&after=\(path)").array("streams").count == 1)
        #expect(try await api.send("PATCH", "/v1/streams/zoo", #"{"is_active": false}"#).status == 204)
        #expect(try await api.post("/v1/streams/zoo/events", #"[{"type": "a", "payload": 1}]"#).status == 404)
        #expect(try await api.send("PATCH", "/v1/streams/zoo", #"{"is_active": true}"#).status == 204)
        let schema =
            #"{"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}, "compatibility": "full"}"#
        #expect(try await api.post("/v1/streams/zoo/schemas", schema, expect: 201).int("version") == 1)
        #expect(try await api.post("/v1/streams/zoo/schemas", #"{"schema": {"type": 5}}"#).problem == "invalid-schema")
        #expect(try await api.post("/v1/streams/zoo/schemas", #"{"schema": false}"#).problem == "incompatible-schema")
        #expect(try await api.get("/v1/streams/zoo/schemas").array("versions").count == 1)
        let bad = try await api.post("/v1/streams/zoo/events", #"[{"type": "a", "payload": {"n": "one"}}]"#)
        #expect(bad.status == 422 && bad.problem == "schema-violation")
        #expect(bad.array("errors").first?["pointer"] == "/n")
    }

    private func events(_ api: APIClient) async throws {
        let one = try await api.post(
            "/v1/streams/zoo/events",
            #"{"expected_version": "none", "events": [{"type": "a", "key": "k", "payload": {"n": 1.0e0}, "metadata": {"by": "Ann"}}]}"#,
            expect: 201)
        #expect(one.headers["etag"] == "\"1\"" && one.int("first_position") == 1)
        let several = try await api.post(
            "/v1/append",
            #"{"parts": [{"stream": "zoo", "expected_version": 1, "events": [{"type": "a", "payload": {}}]}]}"#,
            expect: 201)
        #expect(several.array("parts").first?["last_position"] == 2)
        let read = try await api.get("/v1/streams/zoo/events?after=1")
        #expect(read.array("events").count == 1 && read.int("next_after") == 2)
        let lines = try await api.send("GET", "/v1/streams/zoo/events", nil, ["Accept": "application/x-ndjson"])
        #expect(lines.text.split(separator: "\n").count == 2)
        #expect(try await api.get("/v1/streams/zoo").headers["etag"] == "\"2\"")
    }

    private func groups(_ api: APIClient) async throws {
        let groups = "/v1/streams/zoo/groups"
        let made = try await api.post(groups, #"{"name": "mailer", "slots": 1, "max_attempts": 1}"#, expect: 201)
        #expect(try await api.post(groups, #"{"name": "mailer"}"#).problem == "taken")
        let path = "\(groups)/\(made.string("id") ?? "")"
        let first = try await api.post("\(path)/poll", #"{"member": "m", "limit": 1}"#, expect: 200)
        #expect(first.array("events").count == 1)
        let slots = JSONWriter.text(.array(first.array("slots")))
        let second = try await api.post(
            "\(path)/poll", #"{"member": "m", "limit": 1, "commit": \#(slots)}"#, expect: 200)
        let slot = try #require(second.array("slots").first)
        guard case .number(let epoch) = slot["epoch"] else { return #expect(Bool(false), "\(slot)") }
        let failed = try await api.post(
            "\(groups)/mailer/fail",
            #"{"member": "m", "slot": 0, "epoch": \#(epoch.text), "from": 1, "position": 2, "reason": "no address", "kind": "mail"}"#,
            expect: 200)
        #expect(failed.string("outcome") == "dead")
        let letters = try await api.get("\(path)/dead-letters?status=dead")
        #expect(letters.array("dead_letters").first?["reason"] == "no address")
        #expect(try await api.post("\(path)/dead-letters/redrive", #"{"all": true}"#, expect: 200).int("changed") == 1)
        let redriven = try await api.post("\(path)/poll", #"{"member": "m"}"#, expect: 200).array("redriven")
        guard case .string(let letter) = redriven.first?["dead_letter"],
            case .number(let again) = redriven.first?["epoch"]
        else { return #expect(Bool(false), "\(redriven)") }
        let settled =
            #"{"member": "m", "dead_letter": "\#(letter)", "epoch": \#(again.text), "failure": {"reason": "again"}}"#
        try await api.post("\(path)/dead-letters/settle", settled, expect: 204)
        #expect(
            try await api.post("\(path)/dead-letters/discard", #"{"ids": ["\#(letter)"]}"#, expect: 200).int("changed")
                == 1)
        #expect(try await api.post("\(path)/seek", #"{"to": "start"}"#, expect: 200).int("position") == 0)
        #expect(try await api.post("\(path)/seek", #"{"after": 1}"#, expect: 200).int("position") == 1)
        #expect(
            try await api.post("\(path)/seek", #"{"time": "2001-02-03T04:05:06Z"}"#, expect: 200).int("position") == 0)
        #expect(try await api.post("\(path)/seek", #"{"after": 9}"#).problem == "no-such-position")
        let lost = try await api.post("\(path)/commit", #"{"member": "m", "slots": \#(slots)}"#)
        #expect(lost.problem == "lease-lost")
        let fresh = try await api.post("\(path)/poll", #"{"member": "m"}"#, expect: 200)
        let done = JSONWriter.text(.array(fresh.array("slots")))
        try await api.post("\(path)/commit", #"{"member": "m", "slots": \#(done)}"#, expect: 204)
        let listed = try await api.get(groups).array("groups")
        #expect(listed.first?["lag"] == 0 && listed.first?["members"] == 1)
    }

    private func subjects(_ api: APIClient) async throws {
        try await api.post("/v1/streams", #"{"name": "people"}"#, expect: 201)
        let path = "/v1/streams/people/protection"
        #expect(try await api.get(path).text == #"{"members":[],"subject":null,"tombstone":null}"#)
        let declared = try await api.send("PUT", path, #"{"members": ["/name"], "tombstone": "(forgotten)"}"#)
        #expect(declared.text == #"{"members":["/name"],"subject":"key","tombstone":"(forgotten)"}"#)
        #expect(try await api.get(path).text == declared.text)
        try await api.post("/v1/streams/people/groups", #"{"name": "projection:names"}"#, expect: 201)
        try await api.post("/v1/streams/people/groups", #"{"name": "mailer"}"#, expect: 201)
        for subject in ["4711", "4712"] {
            let event = #"[{"type": "a", "key": "\#(subject)", "payload": {"name": "Ann"}}]"#
            try await api.post("/v1/streams/people/events", event, expect: 201)
        }
        let first = try await api.get("/v1/subjects?limit=1")
        #expect(first.array("subjects").count == 1 && first.string("next") == "4711")
        #expect(try await api.get("/v1/subjects?after=4711").array("subjects").first?["subject"] == "4712")
        let forgotten = try await api.post(
            "/v1/subjects/forget", #"{"subject": "4711", "reason": "on request"}"#, expect: 200)
        #expect(forgotten["had_key"] == true && forgotten.array("projections") == ["names"])
        #expect(forgotten.array("groups").map { $0["group"] } == ["mailer"])
        let again = try await api.post(
            "/v1/subjects/forget", #"{"subject": "4711", "reason": "once more"}"#, expect: 200)
        #expect(again["had_key"] == false && again["forgotten_at"] == forgotten["forgotten_at"])
        let record = try #require(try await api.get("/v1/subjects?subject=4711").array("subjects").first)
        #expect(record["reason"] == "on request" && record["key_made_at"] == .null)
        guard case .string(let actor) = record["forgotten_by"] else { throw APIFailure("\(record)") }
        #expect(actor.hasPrefix("key "))
        let events = try await api.get("/v1/streams/people/events").array("events")
        #expect(events.map { $0["payload"]?["name"] } == ["(forgotten)", "Ann"])
        let refused = try await api.post(
            "/v1/streams/people/events", #"[{"type": "a", "key": "4711", "payload": {"name": "Ann"}}]"#)
        #expect(refused.problem == "subject-forgotten")
        try await api.post("/v1/subjects/readmit", #"{"subject": "4711"}"#, expect: 204)
        #expect(try await api.post("/v1/subjects/readmit", #"{"subject": "4711"}"#).status == 404)
        #expect(
            try await api.post("/v1/subjects/forget", #"{"subject": "nobody", "reason": "r"}"#).problem == "not-found")
        #expect(try await api.send("DELETE", path).status == 204)
        #expect(try await api.get(path).array("members").isEmpty)
    }
}
