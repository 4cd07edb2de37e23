import Foundation
import JSONSchemas
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Members of payloads that are encrypted for their subject, and subjects that are forgotten.
@Suite("Events: subjects")
struct SubjectTests {
    private static func master(_ byte: UInt8) throws -> MasterKey {
        try MasterKey(Data(repeating: byte, count: 32).base64EncodedString(), from: "test")
    }

    /// A store with a stream `people` whose `/name` and `/address` are encrypted for the subject in `key`.
    private struct Place {
        let store: EventStoreFixture
        let directory: Directory
        let stream: UUID
        let reader: EventReader
        let intake: EventIntake

        @discardableResult
        func append(
            _ key: String?, _ payload: String, metadata: String = "{}", idempotencyKey: String? = nil,
            by intake: EventIntake? = nil
        ) async throws -> AppendedPart {
            let event = NewEvent(type: "registered", key: key, payload: payload, metadata: metadata)
            return try await (intake ?? self.intake).append(
                AppendRequest(
                    store.organization, [AppendPart(stream, [event])], idempotencyKey: idempotencyKey),
                payloads: [[try JSONParser.parse(payload)]])[0]
        }

        func payloads(_ reader: EventReader? = nil) async throws -> [String] {
            try await (reader ?? self.reader).read(stream, of: store.organization).events.map(\.payload)
        }

        func reader(_ access: SubjectAccess) -> EventReader {
            EventReader(store.database.settings, schema: store.schema, connections: 1, subjects: access)
        }

        func intake(_ access: SubjectAccess) -> EventIntake {
            EventIntake(store.writer, SchemaCache(directory), subjects: access)
        }

        /// Everything that the database has, as text.
        func everything() async throws -> String {
            var text = ""
            for table in ["events", "dead_letter_events", "append_keys", "subject_keys", "subject_erasures"] {
                text +=
                    try await store.rows("SELECT string_agg(t::text, ' ') AS text FROM events.\(table) t").only()
                    .optionalString("text") ?? ""
            }
            return text
        }
    }

    private static let members = [JSONPointer(tokens: ["name"]), JSONPointer(tokens: ["address"])]

    private static func with(
        _ protection: StreamProtection? = nil, _ body: (Place) async throws -> Void
    ) async throws {
        try await EventStoreFixture.with { store in
            let directory = Directory(store.database.settings, schema: store.schema, connections: 4)
            let access = SubjectAccess.keys(MasterKeys(try master(1)))
            let stream = try await store.stream("people")
            let reader = EventReader(
                store.database.settings, schema: store.schema, connections: 2, subjects: access)
            let place = Place(
                store: store, directory: directory, stream: stream, reader: reader,
                intake: EventIntake(store.writer, SchemaCache(directory), subjects: access))
            do {
                try await directory.protect(
                    stream, of: store.organization,
                    try protection ?? StreamProtection(members, subject: .key, tombstone: "(forgotten)"))
                try await body(place)
            } catch {
                await reader.close()
                await directory.close()
                throw error
            }
            await reader.close()
            await directory.close()
        }
    }

    private static let ann = #"{"name":"Ann Example","address":{"city":"Turku","no":[1,2.50]},"dogs":2}"#
    private static let forgotten = #"{"name":"(forgotten)","address":"(forgotten)","dogs":2}"#

    private func same(_ left: String, _ right: String) throws -> Bool {
        try JSONParser.parse(left) == JSONParser.parse(right)
    }

    @Test("What is encrypted is nowhere in the database, and comes back to who reads, consumes and projects")
    func encrypted() async throws {
        try await Self.with { place in
            let one = place.store.organization
            try await place.append("ann", Self.ann)
            try await place.append("bob", #"{"dogs": 1}"#)
            #expect(try await !place.everything().contains("Turku"))
            let read = try await place.payloads()
            #expect(try same(read[0], Self.ann) && same(read[1], #"{"dogs": 1}"#))
            let raw = place.reader(.asStored)
            let stored = try await raw.read(place.stream, of: one).events
            await raw.close()
            #expect(stored[0].payload.contains("strata:encrypted") && stored[0].metadata.contains(#""id": "ann""#))
            #expect(!stored[1].metadata.contains("strata:subject"))
            var settings = GroupSettings()
            settings.slots = 1
            let group = try await place.reader.createGroup("g", on: place.stream, of: one, settings)
            let delivery = try await place.reader.poll(group, of: one, as: "m")
            #expect(try same(delivery.events[0].event.payload, Self.ann))
            // A dead letter has a copy: of what is stored.
            _ = try await place.reader.fail(
                1, in: delivery.leases[0], group, of: one, as: "m", reason: "no", isFinal: true)
            #expect(try await !place.everything().contains("Turku"))
            #expect(try await place.reader.redrive(group, of: one) == 1)
            let redriven = try #require(try await place.reader.poll(group, of: one, as: "m").redriven.first)
            #expect(try same(redriven.event.payload, Self.ann))
            try await place.store.rows("CREATE TABLE animals (id text, name text)")
            let projection = Projection(
                "people", of: place.stream, one,
                statements: [
                    "registered": try ProjectionStatement.parse("INSERT INTO animals VALUES (:key, :payload.name)")
                ])
            let runner = ProjectionRunner(projection, reader: place.reader, target: place.store.database.settings)
            try await runner.catchUp()
            await runner.close()
            let names = try await place.store.rows("SELECT name FROM animals ORDER BY id")
            #expect(try names.map { try $0.optionalString("name") } == ["Ann Example", nil])
            // Forgotten, and the read model made anew.
            _ = try await place.directory.forget("ann", of: one, by: "me", reason: "r")
            for statement in ["TRUNCATE animals", "UPDATE strata.projections SET position = 0"] {
                try await place.store.rows(statement)
            }
            try await runner.catchUp()
            await runner.close()
            let rebuilt = try await place.store.rows("SELECT name FROM animals ORDER BY id")
            #expect(try rebuilt.map { try $0.optionalString("name") } == ["(forgotten)", nil])
        }
    }

    @Test(
        "Forgotten, members read as the tombstone at once and everywhere; others and another organisation's stay; it is on record"
    )
    func forget() async throws {
        try await Self.with { place in
            let one = place.store.organization
            try await place.append("ann", Self.ann)
            try await place.append("bob", #"{"name": "Bob"}"#)
            let foreign = try await place.store.stream("people", of: place.store.other)
            try await place.directory.protect(
                foreign, of: place.store.other, try StreamProtection(Self.members, subject: .key))
            _ = try await place.intake.append(
                AppendRequest(
                    place.store.other, [AppendPart(foreign, [NewEvent(type: "t", key: "ann", payload: Self.ann)])]),
                payloads: [[try JSONParser.parse(Self.ann)]])
            var settings = GroupSettings()
            settings.slots = 1
            let group = try await place.reader.createGroup("g", on: place.stream, of: one, settings)
            _ = try await place.reader.createGroup("projection:people", on: place.stream, of: one)
            let lease = try await place.reader.poll(group, of: one, as: "m").leases[0]
            _ = try await place.reader.fail(1, in: lease, group, of: one, as: "m", reason: "no", isFinal: true)
            let done = try await place.directory.forget("ann", of: one, by: "eve@desk", reason: "on request")
            #expect(done.hadKey)
            let read = try await place.payloads()
            #expect(try same(read[0], Self.forgotten) && same(read[1], #"{"name": "Bob"}"#))
            _ = try await place.reader.redrive(group, of: one)
            let redriven = try #require(try await place.reader.poll(group, of: one, as: "m").redriven.first)
            #expect(try same(redriven.event.payload, Self.forgotten))
            let theirs = try await place.reader.read(foreign, of: place.store.other).events
            #expect(try same(theirs[0].payload, Self.ann))
            let again = try await place.directory.forget("ann", of: one, by: "mallory", reason: "again")
            #expect(!again.hadKey && again.at == done.at)
            let record = try #require(try await place.directory.subjects(of: one, id: "ann").first)
            #expect(record.forgottenBy == "eve@desk" && record.reason == "on request" && record.keyMadeAt == nil)
            #expect(try await place.directory.subjects(of: one).map(\.id) == ["ann", "bob"])
            #expect(
                try await place.directory.copies(of: one)
                    == [SubjectCopies(stream: "people", projections: ["people"], groups: ["g"])])
            // Without a master key what is forgotten can still be told from what is not.
            let none = place.reader(.of([:]))
            #expect(try await none.read(place.stream, of: one, upTo: 1).events[0].payload.contains("(forgotten)"))
            await none.close()
            await place.directory.vacuumKeys()
        }
    }

    @Test(
        "Nothing more is appended for who is forgotten, until it is admitted again: with a new key, and the old stays gone"
    )
    func readmit() async throws {
        try await Self.with { place in
            let one = place.store.organization
            try await place.append("ann", Self.ann, idempotencyKey: "k")
            _ = try await place.directory.forget("ann", of: one, by: "me", reason: "r")
            for key in [nil, "k"] {
                await #expect {
                    try await place.append("ann", Self.ann, idempotencyKey: key)
                } throws: { ($0 as? EventStoreProblem)?.code == "forgotten" }
            }
            // Nothing of it is encrypted.
            try await place.append("ann", #"{"dogs": 3}"#)
            try await place.directory.readmit("ann", of: one)
            await #expect(throws: Directory.Refusal.self) { try await place.directory.readmit("ann", of: one) }
            try await place.append("ann", #"{"name": "Ann II"}"#)
            let read = try await place.payloads()
            #expect(try same(read[0], Self.forgotten) && same(read[2], #"{"name": "Ann II"}"#))
            _ = try await place.directory.forget("ann", of: one, by: "me", reason: "r")
            #expect(try await same(place.payloads()[2], #"{"name": "(forgotten)"}"#))
        }
    }

    @Test("An idempotency key knows its content without keeping anything to guess it by")
    func idempotency() async throws {
        try await Self.with { place in
            let first = try await place.append("ann", Self.ann, idempotencyKey: "k")
            // White space and the order of members are no content.
            let spaced = #"{"dogs": 2, "address": {"no": [1, 2.50], "city": "Turku"}, "name": "Ann Example"}"#
            let again = try await place.append("ann", spaced, idempotencyKey: "k")
            #expect(again.isRepeated && again.ids == first.ids)
            await #expect(throws: AppendRefusal.keyReused(stream: place.stream)) {
                try await place.append("ann", Self.ann.replacing("Turku", with: "Oulu"), idempotencyKey: "k")
            }
            // The hash is that of the ciphertext: a guess at the plaintext does not lead to it.
            let hashes = try await place.store.rows(
                """
                SELECT a.request_hash = encode(sha256(convert_to(jsonb_build_array(e.type, e.key, e.payload, e.metadata - 'schema_version')::text, 'UTF8')), 'hex') AS same
                FROM events.append_keys a, events.events e
                """)
            #expect(try hashes.map { try $0.bool("same") } == [true])
            // Without a key equal texts do not look equal; under different keys neither.
            for key in [nil, nil, "k2"] { try await place.append("ann", Self.ann, idempotencyKey: key) }
            let distinct = try await place.store.rows(
                "SELECT count(DISTINCT payload -> 'name') AS n FROM events.events")
            #expect(try distinct.only().int("n") == 4)
        }
    }

    @Test(
        "Payloads are checked by their schema as they came; who still goes by an earlier declaration is refused and looks again"
    )
    func schemas() async throws {
        try await Self.with { place in
            let one = place.store.organization
            try await place.directory.protect(place.stream, of: one, nil)
            let early = place.intake(.keys(MasterKeys(try Self.master(1))))
            try await place.append("ann", #"{"name": "plain"}"#, by: early)
            _ = try await place.directory.setSchema(
                #"{"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}}}"#, of: place.stream,
                one)
            try await place.append("ann", #"{"name": "plain"}"#, by: early)
            try await place.directory.protect(
                place.stream, of: one, try StreamProtection(Self.members, subject: .key))
            try await place.append("ann", #"{"name": "secret"}"#, by: early)
            #expect(try await !place.everything().contains("secret"))
            #expect(try await place.payloads().count == 3)
            for key in [nil, "k"] {
                await #expect(throws: EventIntake.Violations.self) {
                    try await place.append("ann", #"{"name": 7}"#, idempotencyKey: key)
                }
            }
            // Past the intake it is refused as well: nothing goes in unencrypted by mistake.
            await #expect(throws: AppendRefusal.schemaChanged(stream: place.stream)) {
                try await place.store.append([NewEvent(type: "t", key: "ann", payload: Self.ann)], to: place.stream)
            }
            #expect(try await place.directory.schemas(of: place.stream, one).map(\.version) == [3, 4])
            _ = try await place.directory.setSchema(#"{"type": "object"}"#, of: place.stream, one)
            try await place.append("ann", Self.ann, by: early)
            #expect(try await !place.everything().contains("Turku"))
        }
    }

    @Test(
        "Without the master key, or with another, an error says so; the one before is known while keys are wrapped anew"
    )
    func masters() async throws {
        try await Self.with { place in
            let one = place.store.organization
            for number in 1...3 { try await place.append("s\(number)", Self.ann) }
            let (old, new) = (try Self.master(1), try Self.master(2))
            for access in [SubjectAccess.of([:]), .keys(MasterKeys(new)), .of(["STRATA_MASTER_KEY": "short"])] {
                let reader = place.reader(access)
                await #expect(throws: EventStoreProblem.self) { try await place.payloads(reader) }
                await #expect(throws: EventStoreProblem.self) {
                    try await place.append("s1", Self.ann, by: place.intake(access))
                }
                await #expect(throws: EventStoreProblem.self) { try await place.directory.rewrapKeys(of: one, access) }
                await reader.close()
            }
            let both = SubjectAccess.keys(MasterKeys(new, previous: [old]))
            let reader = place.reader(both)
            #expect(try await place.payloads(reader).count == 3)
            #expect(try await place.directory.rewrapKeys(of: one, both) == 3)
            #expect(try await place.directory.rewrapKeys(of: one, both) == 0)
            await reader.close()
            let only = place.reader(.keys(MasterKeys(new)))
            #expect(try same(try await place.payloads(only)[2], Self.ann))
            // A row that was changed by hand, or is another subject's.
            try await place.store.rows(
                "UPDATE events.subject_keys SET wrapped = set_byte(wrapped, 20, 0) WHERE subject = 's1'")
            await #expect(throws: EventStoreProblem.self) { try await place.payloads(only) }
            await only.close()
        }
    }

    @Test("A master key: what is none, where it comes from, and that nothing shows it")
    func masterKeys() async throws {
        try await withEventFolder { folder in
            let text = Data(repeating: 7, count: 32).base64EncodedString()
            let file = folder.appending(path: "key").path
            try Data((text + "\n").utf8).write(to: URL(filePath: file))
            let named = try #require(try MasterKeys(environment: ["STRATA_MASTER_KEY_FILE": file]))
            let direct = try #require(
                try MasterKeys(environment: ["STRATA_MASTER_KEY": String(repeating: "07", count: 32)]))
            #expect(named == direct && named.current.id.count == 16)
            #expect(try MasterKeys(environment: ["STRATA_MASTER_KEY": ""]) == nil)
            for environment in [
                ["STRATA_MASTER_KEY": "x"], ["STRATA_MASTER_KEY": String(repeating: "+7", count: 32)],
                ["STRATA_MASTER_KEY": Data(repeating: 7, count: 31).base64EncodedString()],
                ["STRATA_MASTER_KEY_FILE": folder.path + "/none"], ["STRATA_MASTER_KEY_FILE": folder.path],
                ["STRATA_MASTER_KEY": text, "STRATA_MASTER_KEY_FILE": file],
                ["STRATA_MASTER_KEY": text, "STRATA_MASTER_KEY_PREVIOUS": "x"],
            ] { #expect(throws: EventStoreProblem.self, "\(environment)") { try MasterKeys(environment: environment) } }
            var dumped = "\(named) \(SubjectAccess.keys(named)) \(String(reflecting: named.current))"
            #expect(!dumped.contains("7, 7") && !dumped.contains(text))
            dump(named, to: &dumped)
            #expect(!dumped.contains("- 7\n"))
        }
    }

    @Test("Marks that others have written do no harm: their events are given as they are")
    func forged() async throws {
        try await Self.with { place in
            let one = place.store.organization
            try await place.append("ann", Self.ann)
            let stored = try await place.store.rows("SELECT payload::text AS p, metadata::text AS m FROM events.events")
                .only()
            await #expect(throws: AppendRefusal.self) {
                try await place.append("ann", Self.ann, metadata: try stored.string("m"))
            }
            let other = try await place.store.stream("other")
            let mark = try #require(SubjectMark(try stored.string("m")))
            let unknown = SubjectMark("nobody", mark.key, Self.members, tombstone: .null)
            for (payload, metadata) in [
                // The right key, at another place; a text that is no ciphertext; a mark of no use.
                (
                    #"{"address": \#(try JSONWriter.text(JSONParser.parse(stored.string("p"))["name"]!)), "name": {"strata:encrypted": "AAAA"}}"#,
                    try stored.string("m")
                ),
                (Self.ann, JSONWriter.text(["strata:subject": unknown.value])),
                (Self.ann, #"{"strata:subject": {"id": 7}}"#), (Self.ann, #"{"by": "strata:subject"}"#),
                ("7", try stored.string("m")),
            ] {
                try await place.store.append([NewEvent(type: "t", payload: payload, metadata: metadata)], to: other)
                let read = try #require(try await place.reader.read(other, of: one).events.last)
                #expect(try same(read.payload, payload))
            }
        }
    }

    @Test(
        "An event with something to encrypt and nobody to encrypt it for is refused; places within arrays, and whole payloads"
    )
    func places() async throws {
        let source = try #require(StreamProtection.Source("/payload/owners/0/id"))
        let members = ["/owners/0/name", "/a~1b/m~0n"].compactMap { JSONPointer($0) }
        try await Self.with(StreamProtection(members, subject: source)) { place in
            let one = place.store.organization
            let payload = #"{"owners":[{"id":7,"name":"Ann"},{"name":"Bob"}],"a/b":{"m~n":[null,true]}}"#
            try await place.append(nil, payload)
            #expect(try await same(place.payloads()[0], payload))
            #expect(try await !place.everything().contains("Ann"))
            #expect(try await place.everything().contains("Bob"))
            for bad in [#"{"owners":[{"name":"x"}]}"#, #"{"owners":[{"name":"x","id":""}]}"#, #"{"a/b":{"m~n":1}}"#] {
                await #expect(throws: AppendRefusal.self) { try await place.append("k", bad) }
            }
            try await place.append(nil, "[1]")
            let metadata = try #require(StreamProtection.Source("/metadata/who"))
            try await place.directory.protect(
                place.stream, of: one, try StreamProtection([JSONPointer()], subject: metadata))
            try await place.append(nil, "\"all of it\"", metadata: #"{"who": "ann"}"#)
            #expect(try await place.payloads()[2] == "\"all of it\"")
            #expect(try await !place.everything().contains("all of it"))
            _ = try await place.directory.forget("ann", of: one, by: "me", reason: "r")
            #expect(try await place.payloads()[2] == "null")
        }
        for (members, subject) in [
            ([], "key"), (["/a", "/a/b"], "key"), (["/a", "/a"], "key"), ([""], "/payload/id"),
            (["/a"], "/payload/a/id"),
        ] as [([String], String)] {
            let source = try #require(StreamProtection.Source(subject))
            #expect(throws: Directory.Refusal.self, "\(members)") {
                try StreamProtection(members.compactMap { JSONPointer($0) }, subject: source)
            }
        }
        for text in ["", "/payload", "payload/a", "/other/a", "/key"] { #expect(StreamProtection.Source(text) == nil) }
    }

    @Test("Forgotten while others append for it: afterwards there is no key, and nothing can be read")
    func race() async throws {
        try await Self.with { place in
            let one = place.store.organization
            let refused = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<60 {
                    group.addTask {
                        do {
                            if number == 30 {
                                _ = try await place.directory.forget("ann", of: one, by: "me", reason: "r")
                            } else {
                                try await place.append("ann", Self.ann)
                            }
                            return false
                        } catch { return (error as? EventStoreProblem)?.code == "forgotten" }
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            let read = try await place.payloads()
            #expect(read.count == 59 - refused)
            for payload in read { #expect(try same(payload, Self.forgotten)) }
            #expect(try await place.store.rows("SELECT 1 FROM events.subject_keys").isEmpty)
        }
    }

    @Test("AES-256-GCM gives the known answer; whatever is changed, nothing is opened")
    func cipher() throws {
        let key = [UInt8](repeating: 0, count: 32)
        let sealed = try SubjectCipher.seal(
            [UInt8](repeating: 0, count: 16), key, nonce: [UInt8](repeating: 0, count: 12), place: [])
        #expect(
            Secrets.hex(Array(sealed.dropFirst(12)))
                == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
        let text = Array("text".utf8)
        let own = try SubjectCipher.seal(text, key, place: ["a", "b"])
        #expect(try SubjectCipher.open(own, key, place: ["a", "b"]) == text)
        #expect(try SubjectCipher.open(own, key, place: ["ab", ""]) == nil)
        #expect(try SubjectCipher.open(own, [UInt8](repeating: 1, count: 32), place: ["a", "b"]) == nil)
        for index in own.indices {
            var changed = own
            changed[index] ^= 1
            #expect(try SubjectCipher.open(changed, key, place: ["a", "b"]) == nil)
        }
        for length in 0..<28 { #expect(try SubjectCipher.open(Array(own.prefix(length)), key, place: []) == nil) }
        let empty = try SubjectCipher.seal([], key, place: [])
        #expect(try SubjectCipher.open(empty, key, place: []) == [])
    }
}
