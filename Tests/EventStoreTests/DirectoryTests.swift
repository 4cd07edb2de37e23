import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Organisations, people, keys, streams and their schemas.
@Suite("Events: directory")
struct DirectoryTests {
    private func with(_ body: (EventStoreFixture, Directory, Callers) async throws -> Void) async throws {
        try await EventStoreFixture.with { store in
            let directory = Directory(store.database.settings, schema: store.schema)
            let callers = Callers(store.database.settings, schema: store.schema)
            do {
                try await body(store, directory, callers)
            } catch {
                await directory.close()
                await callers.close()
                throw error
            }
            await directory.close()
            await callers.close()
        }
    }

    @Test(
        "S3.7 A key is shown once and kept as a hash; revoked, expired or of an inactive organisation it is nobody's at once"
    )
    func keys() async throws {
        try await with { store, directory, callers in
            let made = try await directory.createKey("ingest", scopes: [.append, .read], of: store.organization)
            #expect(made.secret.hasPrefix(made.key.prefix + "_") && made.secret.count == 77)
            let kept = try await store.rows("SELECT k::text AS text FROM events.api_keys k").only().string("text")
            #expect(!kept.contains(made.secret) && !kept.contains(made.secret.suffix(64)))
            let caller = try #require(try await callers.caller(made.secret))
            #expect(
                caller == Caller(kind: .key(made.key.id), organization: store.organization, scopes: [.append, .read]))
            for wrong in [
                "", "evk_", made.secret + "0", String(made.secret.dropLast()), String(repeating: "x", count: 10_000),
            ] {
                #expect(try await callers.caller(wrong) == nil)
            }
            try await directory.setOrganization(store.organization, isActive: false)
            #expect(try await callers.caller(made.secret) == nil)
            try await directory.setOrganization(store.organization, isActive: true)
            await #expect(throws: Directory.Refusal.self) {
                try await directory.revokeKey(made.key.id, of: store.other)
            }
            #expect(try await callers.caller(made.secret) != nil)
            try await directory.revokeKey(made.key.id, of: store.organization)
            #expect(try await callers.caller(made.secret) == nil)
            let expired = try await directory.createKey(
                "old", scopes: [.read], expiresAt: Date(timeIntervalSinceNow: -1), of: store.organization)
            #expect(try await callers.caller(expired.secret) == nil)
            #expect(try await directory.keys(of: store.organization).map(\.label) == ["ingest", "old"])
            #expect(try await directory.keys(of: store.other).isEmpty)
        }
    }

    @Test("Many who ask at once share questions, and each gets its own answer")
    func manyCallers() async throws {
        try await with { store, directory, callers in
            let keys = [
                try await directory.createKey("a", scopes: [.read], of: store.organization),
                try await directory.createKey("b", scopes: [.append], of: store.other),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        let caller = try await callers.caller(number % 3 == 2 ? "evk_x" : keys[number % 3].secret)
                        let wanted: [UUID?] = [store.organization, store.other, nil]
                        #expect(caller?.organization == wanted[number % 3])
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("S3.6 People: one address in all organisations, a slow hash, sessions that end with them")
    func people() async throws {
        try await with { store, directory, callers in
            let password = "correct horse battery"
            let person = try await directory.createPerson(
                "Ann@Example.com", password: password, role: .admin, of: store.organization)
            #expect(person.email == "ann@example.com")
            await #expect(throws: Directory.Refusal.taken("users_email_key")) {
                _ = try await directory.createPerson(
                    "ann@EXAMPLE.com", password: password, role: .viewer, of: store.other)
            }
            for (email, secret) in [("no", password), ("a@b@c", password), ("a b@c", password), ("b@c.de", "short")] {
                await #expect(throws: Directory.Refusal.self) {
                    _ = try await directory.createPerson(email, password: secret, role: .viewer, of: store.organization)
                }
            }
            let hash = try await store.rows("SELECT password_hash FROM events.users").only().string("password_hash")
            #expect(hash.hasPrefix("$scrypt$ln=15,r=8,p=3$") && !hash.contains(password))
            #expect(try await directory.logIn("ann@example.com", password: "wrong") == nil)
            #expect(try await directory.logIn("nobody@example.com", password: password) == nil)
            let session = try #require(try await directory.logIn("ANN@example.com", password: password))
            #expect(try await callers.caller(session.token)?.scopes == Set(Scope.allCases))
            try await directory.setPerson(person.id, of: store.organization, isActive: false)
            #expect(try await callers.caller(session.token) == nil)
            try await directory.setPerson(person.id, of: store.organization, isActive: true)
            #expect(try await callers.caller(session.token) != nil)
            try await directory.logOut(session.token, of: store.organization)
            #expect(try await callers.caller(session.token) == nil)
        }
    }

    @Test("A hash tells its cost, and nothing else matches")
    func passwordHash() throws {
        let cheap = PasswordHash(logN: 10, r: 1, p: 1)
        let text = try cheap.text(of: "päss wörd")
        #expect(try PasswordHash.matches("päss wörd", text))
        #expect(try PasswordHash.matches("pa\u{308}ss wo\u{308}rd", text), "the same letters, written otherwise")
        #expect(try cheap.text(of: "päss wörd") != text)
        for wrong in ["", "pass word", "päss wörd "] { #expect(try !PasswordHash.matches(wrong, text)) }
        for broken in ["", "$scrypt$", "$scrypt$ln=99,r=8,p=1$AA==$AA==", "$bcrypt$ln=10,r=1,p=1$AA==$AA=="] {
            #expect(try !PasswordHash.matches("", broken))
        }
    }

    @Test("S3.8 Streams: a name is one stream's, also when that is inactive; each organisation has its own")
    func streams() async throws {
        try await with { store, directory, _ in
            let stream = try await directory.createStream("animals", of: store.organization)
            #expect(stream.lastPosition == 0 && stream.schemaVersion == 0)
            try await directory.setStream(stream.id, of: store.organization, isActive: false)
            await #expect(throws: Directory.Refusal.self) {
                _ = try await directory.createStream("animals", of: store.organization)
            }
            let other = try await directory.createStream("animals", of: store.other)
            #expect(other.id != stream.id)
            await #expect(throws: Directory.Refusal.self) {
                _ = try await directory.stream(other.id, of: store.organization)
            }
            for name in ["b", "c", "d"] { _ = try await directory.createStream(name, of: store.organization) }
            #expect(
                try await directory.streams(of: store.organization, after: "animals", limit: 2).map(\.name) == [
                    "b", "c",
                ])
            #expect(try await directory.stream(named: "animals", of: store.organization).isActive == false)
        }
    }

    @Test(
        "Schemas have versions; of two who add the next at once one is refused; payloads checked against an older one are, too"
    )
    func schemas() async throws {
        try await with { store, directory, _ in
            let stream = try await directory.createStream("animals", of: store.organization)
            let first = try await directory.addSchema(
                #"{"type": "object"}"#, to: stream.id, of: store.organization, after: 0, compatibility: "full")
            #expect(first.version == 1 && first.compatibility == "full")
            await #expect(throws: Directory.Refusal.taken("schema_version")) {
                _ = try await directory.addSchema(
                    "{}", to: stream.id, of: store.organization, after: 0, compatibility: "none")
            }
            await #expect(throws: AppendRefusal.schemaChanged(stream: stream.id)) {
                try await store.append([.counted(1)], to: stream.id)
            }
            _ = try await store.writer.append(
                AppendRequest(store.organization, [AppendPart(stream.id, [.counted(1)], schemaVersion: 1)]))
            let event = try #require(try await store.reader.read(stream.id, of: store.organization).events.first)
            #expect(event.metadata == #"{"schema_version": 1}"#)
            #expect(try await directory.schemas(of: stream.id, store.organization).map(\.version) == [1])
        }
    }

    @Test("Groups are listed with how far they are, who is there and what is dead")
    func groups() async throws {
        try await with { store, directory, _ in
            let stream = try await directory.createStream("animals", of: store.organization)
            try await store.append((1...10).map { .counted($0) }, to: stream.id)
            let group = try await store.reader.createGroup("g", on: stream.id, of: store.organization)
            let delivery = try await store.reader.poll(group, of: store.organization, as: "m", limit: 4)
            try await store.reader.commit(delivery, group, of: store.organization, as: "m")
            let status = try #require(try await directory.groups(on: stream.id, of: store.organization).first)
            #expect(
                status.id == group && status.position == 4 && status.lag == 6 && status.members == 1 && status.dead == 0
            )
            #expect(try await directory.groups(on: stream.id, of: store.other).isEmpty)
        }
    }
}
