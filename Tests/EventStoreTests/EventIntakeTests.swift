import Foundation
import JSONSchemas
import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// Payloads against the schemas of their streams.
@Suite("Events: schemas of streams")
struct EventIntakeTests {
    private struct Place {
        let store: EventStoreFixture
        let directory: Directory
        let intake: EventIntake
        let stream: UUID

        func append(_ payloads: String...) async throws -> AppendedPart {
            let part = AppendPart(stream, payloads.map { NewEvent(type: "t", payload: $0) })
            return try await intake.append(
                AppendRequest(store.organization, [part]), payloads: [try payloads.map { try JSONParser.parse($0) }])[0]
        }

        func schema(_ text: String, rule: SchemaCompatibility.Rule? = nil) async throws -> Int {
            try await directory.setSchema(text, of: stream, store.organization, rule: rule).version.version
        }
    }

    private func with(_ body: (Place) async throws -> Void) async throws {
        try await EventStoreFixture.with { store in
            let directory = Directory(store.database.settings, schema: store.schema)
            let place = Place(
                store: store, directory: directory, intake: EventIntake(store.writer, SchemaCache(directory)),
                stream: try await store.stream())
            do {
                try await body(place)
            } catch {
                await directory.close()
                throw error
            }
            await directory.close()
        }
    }

    private static let first =
        #"{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}}}"#

    @Test("A payload that the schema does not allow is refused with each place that is wrong, and nothing is appended")
    func violations() async throws {
        try await with { place in
            _ = try await place.append("17")
            #expect(try await place.schema(Self.first) == 1)
            _ = try await place.append(#"{"name": "Rex", "age": 3}"#)
            do {
                _ = try await place.append(#"{"name": "Rex"}"#, #"{"age": -1, "name": 5}"#, "[]")
                Issue.record("it was appended")
            } catch let error as EventIntake.Violations {
                #expect(
                    error.found.map { "\($0.event) \($0.violation.instance)" }.sorted() == ["1 /age", "1 /name", "2 "])
            }
            #expect(try await place.store.reader.read(place.stream, of: place.store.organization).lastPosition == 2)
        }
    }

    @Test("A schema that was changed meanwhile is the one that counts")
    func changes() async throws {
        try await with { place in
            _ = try await place.schema(Self.first)
            _ = try await place.append(#"{"name": "Rex"}"#)
            // By another process: this one's cache does not know.
            _ = try await place.schema(
                #"{"type": "object", "required": ["name", "age"]}"#, rule: SchemaCompatibility.Rule.none)
            await #expect(throws: EventIntake.Violations.self) { _ = try await place.append(#"{"name": "Rex"}"#) }
            _ = try await place.append(#"{"name": "Rex", "age": 1}"#)
            let events = try await place.store.reader.read(place.stream, of: place.store.organization).events
            #expect(events.map(\.metadata) == [#"{"schema_version": 1}"#, #"{"schema_version": 2}"#])
        }
    }

    @Test("What was appended under a key is found again although the schema would refuse it now")
    func repeated() async throws {
        try await with { place in
            let event = NewEvent(type: "t", payload: #"{"name": "Rex"}"#)
            let request = AppendRequest(
                place.store.organization, [AppendPart(place.stream, [event])], idempotencyKey: "k")
            let payloads = [[try JSONParser.parse(event.payload)]]
            let first = try await place.intake.append(request, payloads: payloads)
            _ = try await place.schema(#"{"required": ["age"]}"#)
            let again = try await place.intake.append(request, payloads: payloads)
            #expect(again[0].isRepeated && again[0].positions == first[0].positions)
            var other = request
            other.idempotencyKey = "l"
            await #expect(throws: EventIntake.Violations.self) {
                _ = try await place.intake.append(other, payloads: payloads)
            }
            await #expect(throws: AppendRefusal.self) { _ = try await place.intake.append(request, payloads: [[]]) }
        }
    }

    @Test("A version has to follow the one before by its rule, which stays until another is given")
    func compatibility() async throws {
        try await with { (place) async throws in
            #expect(try await place.schema(Self.first, rule: .backward) == 1)
            await #expect(throws: SchemaText.Refusal.self) {
                _ = try await place.schema(
                    #"{"type": "object", "required": ["name", "age"], "properties": {"name": {"type": "string"}}}"#)
            }
            // Wider than the one before.
            #expect(
                try await place.schema(
                    #"{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}"#) == 2)
            #expect(
                try await place.directory.stream(place.stream, of: place.store.organization).compatibility == "backward"
            )
            #expect(
                try await place.directory.schemas(of: place.stream, place.store.organization).map(\.version) == [1, 2])
        }
    }

    @Test(
        "What is no schema is refused: no JSON, mistakes, references that lead nowhere",
        arguments: [
            "{", #"{"type": "objekt"}"#, #"{"$ref": "https://example.com/other"}"#, #"{"minimum": "1"}"#,
        ])
    func mistakes(_ text: String) async throws {
        try await with { (place) async throws in
            await #expect(throws: SchemaText.Refusal.self) { _ = try await place.schema(text) }
            #expect(try await place.directory.stream(place.stream, of: place.store.organization).schemaVersion == 0)
        }
    }
}
