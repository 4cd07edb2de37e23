import EventStore
import Foundation
import JSONSchemas
import PostgresDriver
import TestSupport
import Testing

@testable import Service

/// Who may ask for what: each operation with the keys of others, with keys that lack its scope, and with none.
@Suite("Service: access", .timeLimit(.minutes(5)))
struct ServiceAccessTests {
    /// Of the first organisation: what the other one tries to get at.
    private struct Things {
        var stream: String
        var group: String
        var letter: String
        var user: String
        var key: String
        var slots: String

        /// A body for each operation that takes one; it would do something if it were the owner's.
        func body(_ id: String) -> String? {
            switch id {
            case "createOrganization", "createStream", "createGroup": #"{"name": "made"}"#
            case "changeOrganization", "changeUser", "changeStream": #"{"is_active": false}"#
            case "createFirstUser", "createUser":
                #"{"email": "eve@example.org", "password": "a long password", "role": "admin"}"#
            case "logIn": #"{"email": "eve@example.org", "password": "a long password"}"#
            case "createKey": #"{"label": "stolen", "scopes": ["read"]}"#
            case "registerSchema": #"{"schema": {"type": "string"}, "compatibility": "none"}"#
            case "append": #"[{"type": "forged", "payload": 1}]"#
            case "appendToSeveral":
                #"{"parts": [{"stream": "\#(stream)", "events": [{"type": "forged", "payload": 1}]}]}"#
            case "poll": #"{"member": "thief", "commit": \#(slots)}"#
            case "commit": #"{"member": "owner", "slots": \#(slots)}"#
            case "fail":
                #"{"member": "owner", "slot": 0, "epoch": 1, "from": 0, "position": 1, "reason": "forged", "final": true}"#
            case "seek": #"{"to": "end"}"#
            case "redrive", "discard": #"{"ids": ["\#(letter)"]}"#
            case "protect": #"{"members": ["/a"]}"#
            case "forgetSubject": #"{"subject": "4711", "reason": "spite"}"#
            case "readmitSubject": #"{"subject": "4712"}"#
            case "settle": #"{"member": "owner", "dead_letter": "\#(letter)", "epoch": 1}"#
            default: nil
            }
        }

        func path(_ endpoint: Endpoint) -> String {
            endpoint.path.replacing("{stream}", with: stream).replacing("{group}", with: group)
                .replacing("{user}", with: user).replacing("{key}", with: key)
                .replacing("{organization}", with: "01a202b1-9cc4-74cc-97e1-0650c377e448")
        }
    }

    /// A stream with an event whose first group has a dead letter, a person, a key.
    private func things(_ fixture: ServiceFixture) async throws -> Things {
        let api = fixture.api
        let stream = try #require(try await api.post("/v1/streams", #"{"name": "secret"}"#, expect: 201).string("id"))
        let events =
            #"[{"type": "a", "payload": "for your eyes only"}, {"type": "a", "payload": "for your eyes only"}]"#
        try await api.post("/v1/streams/\(stream)/events", events, expect: 201)
        let groups = "/v1/streams/\(stream)/groups"
        let group = try #require(
            try await api.post(groups, #"{"name": "mailer", "slots": 1, "max_attempts": 1}"#, expect: 201).string("id"))
        try await api.post("\(groups)/\(group)/poll", #"{"member": "owner"}"#, expect: 200)
        let failure =
            #"{"member": "owner", "slot": 0, "epoch": 1, "from": 0, "position": 1, "reason": "for your eyes only"}"#
        try await api.post("\(groups)/\(group)/fail", failure, expect: 200)
        let letters = try await api.get("\(groups)/\(group)/dead-letters").array("dead_letters")
        guard case .string(let letter) = letters.first?["id"] else { throw APIFailure("no letter: \(letters)") }
        let user = try await fixture.directory.createPerson(
            "ann@example.org", password: "a long password", role: .admin, of: fixture.organization)
        let key = try await fixture.directory.createKey("of one", scopes: [.read], of: fixture.organization).key
        let slots = try await api.post("\(groups)/\(group)/poll", #"{"member": "owner"}"#, expect: 200).array("slots")
        // A subject with a key, and one that is forgotten, of a stream of their own.
        try await api.post("/v1/streams", #"{"name": "secret people"}"#, expect: 201)
        let protection = try await api.send(
            "PUT", "/v1/streams/secret%20people/protection", #"{"members": ["/name"]}"#)
        #expect(protection.status == 200, "\(protection)")
        for subject in ["4711", "4712"] {
            let event = #"[{"type": "a", "key": "\#(subject)", "payload": {"name": "for your eyes only"}}]"#
            try await api.post("/v1/streams/secret%20people/events", event, expect: 201)
        }
        try await api.post("/v1/subjects/forget", #"{"subject": "4712", "reason": "of one"}"#, expect: 200)
        return Things(
            stream: stream, group: group, letter: letter, user: user.id.text, key: key.id.text,
            slots: JSONWriter.text(.array(slots)))
    }

    private func state(_ fixture: ServiceFixture, _ things: Things) async throws -> [String] {
        var found: [String] = []
        let group = "/v1/streams/\(things.stream)/groups"
        for path in [
            "/v1/streams", "/v1/streams/\(things.stream)/events", "/v1/streams/\(things.stream)/schemas", group,
            "\(group)/\(things.group)/dead-letters", "/v1/users", "/v1/keys", "/v1/organization", "/v1/subjects",
            "/v1/streams/\(things.stream)/protection", "/v1/streams/secret%20people/events",
        ] { found.append(try await fixture.api.get(path).text) }
        return found
    }

    @Test("S3.5: no operation with one organisation's key reads or changes what another one has")
    func isolation() async throws {
        try await ServiceFixture.with(subjects: try ServiceFixture.masterKey()) { fixture in
            let things = try await things(fixture)
            let before = try await state(fixture, things)
            let thief = fixture.client(fixture.otherKey)
            for endpoint in EventService.endpoints {
                let answer = try await thief.send(
                    endpoint.verb, things.path(endpoint), things.body(endpoint.id))
                if endpoint.body != nil { #expect(things.body(endpoint.id) != nil, "\(endpoint.id) has no body here") }
                let said = answer.text + answer.headers.values.joined()
                for secret in ["eyes only", "secret", "ann@example.org", "of one", things.letter] {
                    #expect(!said.contains(secret), "\(endpoint.id) tells \(secret): \(answer)")
                }
                // What names something of the other organisation is not there.
                let namesIt =
                    !endpoint.pathParameters.isEmpty
                    || ["appendToSeveral", "forgetSubject", "readmitSubject"].contains(endpoint.id)
                switch endpoint.access {
                case .service: #expect(answer.status == 401, "\(endpoint.id): \(answer)")
                case .scope where namesIt: #expect(answer.status == 404, "\(endpoint.id): \(answer)")
                default: break
                }
                #expect(answer.status != 500, "\(endpoint.id): \(answer)")
            }
            #expect(try await state(fixture, things) == before)
        }
    }

    @Test("Each operation takes its scope, and no other does; without a key nothing is told")
    func scopes() async throws {
        try await ServiceFixture.with(subjects: try ServiceFixture.masterKey()) { fixture in
            let things = try await things(fixture)
            var keys: [Scope: String] = [:]
            for scope in Scope.allCases {
                keys[scope] = try await fixture.directory.createKey(
                    "\(scope)", scopes: [scope], of: fixture.organization
                ).secret
            }
            for endpoint in EventService.endpoints {
                let (method, path, body) = (endpoint.verb, things.path(endpoint), things.body(endpoint.id))
                if endpoint.access != .anybody {
                    let nobody = try await fixture.client(nil).send(method, path, body)
                    #expect(nobody.status == 401, "\(endpoint.id): \(nobody)")
                    let wrong = try await fixture.client("evk_wrong").send(method, path, body)
                    #expect(wrong.status == 401, "\(endpoint.id): \(wrong)")
                }
                guard case .scope(let wanted) = endpoint.access else { continue }
                for scope in Scope.allCases where scope != wanted {
                    let answer = try await fixture.client(keys[scope]).send(method, path, body)
                    #expect(answer.status == 403, "\(endpoint.id) with \(scope): \(answer)")
                }
            }
            // A key makes none that may do more than itself.
            let more = try await fixture.client(keys[.manage]).post(
                "/v1/keys", #"{"label": "x", "scopes": ["append"]}"#)
            #expect(more.status == 403)
        }
    }

    @Test("Keys that are revoked or have expired, and those of an organisation that is out of use, are refused at once")
    func endings() async throws {
        try await ServiceFixture.with { fixture in
            let (directory, id) = (fixture.directory, fixture.organization)
            let (key, secret) = try await directory.createKey("soon revoked", scopes: [.read], of: id)
            #expect(try await fixture.client(secret).get("/v1/streams").status == 200)
            try await directory.revokeKey(key.id, of: id)
            #expect(try await fixture.client(secret).get("/v1/streams").status == 401)
            let old = try await directory.createKey(
                "old", scopes: [.read], expiresAt: Date(timeIntervalSinceNow: -1), of: id
            ).secret
            #expect(try await fixture.client(old).get("/v1/streams").status == 401)
            try await directory.setOrganization(id, isActive: false)
            #expect(try await fixture.api.get("/v1/streams").status == 401)
        }
    }

    @Test("A viewer reads and changes nothing; what is kept of a login is no token")
    func viewers() async throws {
        try await ServiceFixture.with { fixture in
            _ = try await fixture.directory.createPerson(
                "viewer@example.org", password: "a long password", role: .viewer, of: fixture.organization)
            let session = try await fixture.client(nil).post(
                "/v1/login", #"{"email": "viewer@example.org", "password": "a long password"}"#, expect: 201)
            let token = try #require(session.string("token"))
            #expect(try await fixture.client(token).get("/v1/streams").status == 200)
            #expect(try await fixture.client(token).post("/v1/streams", #"{"name": "x"}"#).status == 403)
            let connection = try await fixture.database.connect()
            let kept = try await connection.query("SELECT token_hash FROM events.login_sessions").only()
            let hash = try kept.string("token_hash")
            #expect(!hash.contains(token) && !token.contains(hash))
            await connection.close()
        }
    }
}

struct APIFailure: Error {
    let message: String
    init(_ message: String) { self.message = message }
}
