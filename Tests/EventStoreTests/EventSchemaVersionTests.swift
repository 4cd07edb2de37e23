import PostgresDriver
import TestSupport
import Testing

@testable import EventStore

/// The version of the schema, the fingerprints of its parts, and what follows from both.
@Suite("Events: version of the schema")
struct EventSchemaVersionTests {
    /// Of version 1, with the names that there are unless one says otherwise.
    private static let known = [
        "append": "0907cbf689fb", "dead-letters": "f9f574a6dd79", "export": "c16096c81967", "groups": "763ab0bcebf4",
        "ids": "1b388930ad04", "immutability": "d5fed5ce6997", "partitions": "ea6e300feaff",
        "projections": "f7b12b435f77", "reading": "629478deeb00", "retention": "fbdd5de412f7", "rights": "20ea9c271984",
        "role": "17fad5070bae", "schema": "009f0e01618f", "subjects": "fff6fedddff1",
        "tables": "dedcd53647a9",
    ]

    @Test(
        "Parts do not change unnoticed: whoever changes one decides whether the version goes up, and writes both down here"
    )
    func fingerprints() {
        let found = Dictionary(uniqueKeysWithValues: EventSchema().parts.map { ($0.key, $0.fingerprint) })
        #expect(EventSchema.version == 1)
        #expect(found == Self.known, "\(found.sorted { $0.key < $1.key })")
    }

    @Test("Names of parts and functions are unique, and every part but two makes something or changes rights")
    func names() {
        let schema = EventSchema(name: "a \"b\"")
        let objects = schema.parts.map { EventSchemaObjects(of: $0, schema) }
        let functions = objects.flatMap(\.functions)
        #expect(Set(functions).count == functions.count && functions.contains("append"), "\(functions)")
        #expect(objects.flatMap(\.tables).contains("events") && objects.flatMap(\.tables).count == 20)
        #expect(Set(schema.parts.map(\.key)).count == schema.parts.count)
        #expect(schema.parts.allSatisfy { $0.key.allSatisfy { $0.isLetter || $0 == "-" } })
    }

    // MARK: The record

    @Test("A record is written and read; earlier stores have none, and other comments are none")
    func record() throws {
        var record = EventStoreRecord()
        #expect(record.text == "strata: event store" && EventStoreRecord(record.text) == record)
        record.parts = ["append": "1f", "dead-letters": "2e"]
        #expect(record.text == "strata: event store; parts append=1f dead-letters=2e")
        #expect(EventStoreRecord(record.text) == record)
        record.version = 12
        #expect(record.text == "strata: event store, version 12; parts append=1f dead-letters=2e")
        #expect(EventStoreRecord(record.text) == record)
        let later = try #require(
            EventStoreRecord("strata: event store, version 3, for programs from 2; parts append=1f; more x=y"))
        #expect(later.version == 3 && later.parts == ["append": "1f"])
        for other in [nil, "", "our events", "strata: event store of others", "strata:shim x"] as [String?] {
            #expect(EventStoreRecord(other) == nil, "\(other ?? "nil")")
        }
    }

    @Test(
        "What programs find, and what they say of it",
        arguments: [
            (nil, false, .missing), ("strata: event store; parts role=1", false, .unfinished),
            ("strata: event store; parts role=1", true, .unfinished), ("strata: event store", true, .unversioned),
            (nil, true, .unversioned), ("strata: event store, version 0; parts a=1", true, .older(0)),
            ("strata: event store, version 1; parts a=1", true, .current),
            ("strata: event store, version 2; parts a=1", true, .newer(2)),
        ] as [(String?, Bool, EventStoreStanding)])
    func standing(comment: String?, hasStreams: Bool, expected: EventStoreStanding) {
        let standing = EventStoreStanding(comment: comment, hasStreams: hasStreams)
        #expect(standing == expected)
        let problem = standing.problem(schema: "events")
        #expect((problem == nil) == (expected == .current))
        guard let problem else { return }
        #expect(problem.message.contains("schema events") && problem.nextStep?.isEmpty == false, "\(problem)")
    }

    // MARK: What is to be done

    private static func finished(_ schema: EventSchema = EventSchema()) -> EventSchemaState {
        var (state, record) = (EventSchemaState(), EventStoreRecord())
        record.version = EventSchema.version
        for part in schema.parts {
            record.parts[part.key] = part.fingerprint
            let objects = EventSchemaObjects(of: part, schema)
            state.tables.formUnion(objects.tables)
            for function in objects.functions { state.functions[function] = "CREATE OR REPLACE … \(function)" }
        }
        (state.hasRole, state.hasSchema, state.comment) = (true, true, record.text)
        state.partitions = ["events_2026_11"]
        return state
    }

    @Test("From nothing: every part, partitions, the version; each can be undone, and the store is closed first")
    func fresh() throws {
        let schema = EventSchema()
        let change = schema.change(from: EventSchemaState(), ahead: 5)
        #expect(change.isNew && change.from == nil)
        #expect(
            change.steps.map(\.object) == schema.parts.map(\.object) + ["partitions of today and 5 more", "version 1"])
        #expect(change.steps.allSatisfy { $0.isNew })
        let made = schema.parts.map { EventSchemaObjects(of: $0, schema) }
        let undone = change.steps.flatMap(\.undo).joined(separator: "\n")
        for function in made.flatMap(\.functions) {
            #expect(undone.contains("DROP FUNCTION IF EXISTS events.\(function)"))
        }
        for table in made.flatMap(\.tables) { #expect(undone.contains("events.\(table)"), "\(table)") }
        #expect(change.steps.last?.undo == [schema.uncommented(recordText(schema, version: nil))] + schema.closing)
        #expect(change.steps.last?.statements.last == schema.commented(recordText(schema, version: 1)))
    }

    private func recordText(_ schema: EventSchema, version: Int?) -> String {
        var record = EventStoreRecord()
        record.version = version
        for part in schema.parts { record.parts[part.key] = part.fingerprint }
        return record.text
    }

    @Test("As it is to be: nothing; all of it where that is asked for, or where the role is gone")
    func current() {
        let schema = EventSchema()
        var state = Self.finished()
        #expect(schema.change(from: state, ahead: 3).steps.isEmpty)
        let again = schema.change(from: state, ahead: 3, all: true)
        #expect(again.steps.count == schema.parts.count + 1 && again.steps.allSatisfy { !$0.isNew })
        // The record stays: there is nothing to write.
        #expect(again.steps.allSatisfy { !$0.statements.contains { $0.hasPrefix("COMMENT ON SCHEMA") } })
        state.hasRole = false
        #expect(schema.change(from: state, ahead: 3).steps.count == again.steps.count)
    }

    @Test("Without a version: everything again, in place, and back to what was there")
    func unversioned() throws {
        let schema = EventSchema()
        var state = Self.finished()
        state.comment = EventStoreRecord.mark
        state.functions["leave_group"] = nil
        let change = schema.change(from: state, ahead: 3)
        #expect(!change.isNew && change.from == nil && change.steps.count == schema.parts.count + 1)
        #expect(change.steps.allSatisfy { !$0.isNew })
        let undo = change.steps.flatMap(\.undo).joined(separator: "\n")
        #expect(!undo.contains("DROP TABLE") && !undo.contains("DROP SCHEMA") && !undo.contains("ST004"))
        #expect(undo.contains("CREATE OR REPLACE … append"))
        #expect(change.steps.first?.undo == [schema.uncommented(EventStoreRecord.mark)])
        let tables = change.steps.first { $0.object == "tables" }?.lock
        #expect(tables?.mode == "SHARE UPDATE EXCLUSIVE" && tables?.table == "event_streams")
        #expect(change.steps.first { $0.object == "append" }?.lock == nil)
        // All is new there: nobody waits.
        #expect(schema.change(from: EventSchemaState(), ahead: 3).steps.allSatisfy { $0.lock == nil })
    }

    @Test("A part that changed, one that a release added, one that lacks something, an older version: those alone")
    func upgrades() throws {
        let schema = EventSchema()
        func steps(_ edit: (inout EventSchemaState, inout EventStoreRecord) -> Void) throws -> [EventSchemaChange.Step]
        {
            var state = Self.finished()
            var record = try #require(state.record)
            edit(&state, &record)
            state.comment = record.text
            return schema.change(from: state, ahead: 3).steps
        }
        let changed = try steps { $1.parts["append"] = "000000000000" }
        #expect(changed.map(\.object) == ["append"] && changed[0].reason == "other statements than before")
        #expect(changed[0].undo.contains("CREATE OR REPLACE … append") && !changed[0].isNew)
        let lacking = try steps { state, _ in state.functions["append"] = nil }
        #expect(lacking.map(\.object) == ["append"] && lacking[0].reason == "missing: function append")
        #expect(lacking[0].undo == ["DROP FUNCTION IF EXISTS events.append"])
        let subjects = try #require(schema.parts.first { $0.key == "subjects" })
        let added = try steps { state, record in
            record.parts["subjects"] = nil
            let objects = EventSchemaObjects(of: subjects, schema)
            state.tables.subtract(objects.tables)
            for function in objects.functions { state.functions[function] = nil }
        }
        #expect(added.map(\.object) == ["subjects"] && added[0].isNew && added[0].reason == subjects.reason)
        #expect(
            added[0].undo.contains { $0.contains("ST004") } && added[0].undo.contains { $0.hasPrefix("DROP TABLE") })
        #expect(added[0].lock?.mode == "SHARE ROW EXCLUSIVE" && added[0].lock?.table == "event_streams")
        let older = try steps { $1.version = 0 }
        #expect(older.map(\.object) == ["version 1"] && !older[0].undo.contains { $0.contains("ST004") })
        let empty = try steps { state, _ in state.partitions = [] }
        #expect(empty.map(\.object) == ["partitions of today and 3 more"])
    }

    @Test("Made to a part, and stopped: the rest")
    func unfinished() {
        let schema = EventSchema()
        let steps = schema.change(from: EventSchemaState(), ahead: 3).steps
        var (state, record) = (EventSchemaState(), EventStoreRecord())
        for part in schema.parts.prefix(2) { record.parts[part.key] = part.fingerprint }
        (state.hasRole, state.hasSchema, state.comment) = (true, true, record.text)
        let rest = schema.change(from: state, ahead: 3)
        #expect(rest.isNew && rest.steps.map(\.object) == steps.dropFirst(2).map(\.object))
        #expect(rest.steps.map(\.statements) == steps.dropFirst(2).map(\.statements))
    }

    @Test("What cannot be made or brought up to date there")
    func refusals() {
        func code(_ schema: EventSchema, _ edit: (inout EventSchemaState) -> Void = { _ in }) -> String? {
            var state = Self.finished(schema)
            edit(&state)
            return schema.refusal(of: state)?.code
        }
        #expect(code(EventSchema()) == nil && code(EventSchema()) { $0 = EventSchemaState() } == nil)
        #expect(code(EventSchema()) { $0.comment = EventStoreRecord.mark } == nil)
        #expect(code(EventSchema()) { $0.comment = nil } == "schema-taken")
        #expect(code(EventSchema()) { $0.comment = "strata: event store, version 2" } == "newer-store")
        #expect(code(EventSchema(every: .day)) == "partitions")
        #expect(code(EventSchema(every: .day)) { $0.partitions = ["events_2026_11_22"] } == nil)
        for name in ["public", "pg_x", "information_schema", "a$b"] {
            #expect(code(EventSchema(name: name)) == "schema-taken")
        }
    }

    // MARK: On a server

    @Test("Made again it is repaired; a newer one is left alone")
    func installed() async throws {
        try await EventStoreFixture.with { store in
            let connection = try await Connection.open(store.database.settings)
            try await store.schema.require(on: connection)
            #expect(try await store.schema.change(from: store.schema.state(on: connection), ahead: 3).steps.isEmpty)
            try await connection.execute(
                "DROP FUNCTION events.append; COMMENT ON SCHEMA events IS 'strata: event store'")
            await #expect(throws: EventStoreProblem.self) { try await store.schema.require(on: connection) }
            try await store.schema.install(on: connection)
            try await store.schema.require(on: connection)
            try await store.append([.counted(1)], to: try await store.stream())

            try await connection.execute(
                "COMMENT ON SCHEMA events IS 'strata: event store, version 99; parts append=1'")
            for act in [store.schema.require, { try await store.schema.install(on: $0) }] {
                do {
                    try await act(connection)
                    Issue.record("a newer store was taken")
                } catch let problem as EventStoreProblem {
                    #expect(problem.code == "newer-store" && problem.message.contains("version 99"))
                }
            }
            let kept = try await connection.query("SELECT obj_description('events'::regnamespace) AS text").only()
            #expect(try kept.string("text").contains("version 99"))
            await connection.close()
        }
    }

    @Test("Requests may make nothing in the schema once it is there")
    func rights() async throws {
        try await EventStoreFixture.with { store in
            let may = try await store.rows("SELECT has_schema_privilege('strata_events', 'events', 'CREATE') AS may")
            #expect(try may.only().bool("may") == false)
        }
    }
}
