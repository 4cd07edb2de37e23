import SQLSyntax

/// What is to be done to make a store, or to bring one up to date: pure, of what is there.
package struct EventSchemaChange: Sendable, Hashable {
    /// One transaction.
    package struct Step: Sendable, Hashable {
        package var object: String
        package var reason: String
        package var statements: [String]
        /// In the order in which they run; nothing happens where the store was dropped by hand.
        package var undo: [String]
        /// On a table of a store that may be in use; catalog changes only, so for milliseconds.
        package var lock: EventSchemaLock?
        /// It was never there; else it is made again, in place.
        package var isNew: Bool
    }

    /// What the store's version was; nil: none.
    package var from: Int?
    /// There was no store.
    package var isNew: Bool
    /// Empty: it is as this release makes it.
    package var steps: [Step] = []
}

extension EventSchema {
    /// Raised when programs of an earlier release cannot work with the schema any more, or those of this release not with an
    /// earlier one. `EventSchemaVersionTests` has the fingerprints of its parts.
    package static let version = 1

    /// - Parameters:
    ///   - ahead: how many partitions there are to be beyond today's where there is none.
    ///   - all: also the parts that are there already, which repairs what somebody has changed; and the partitions.
    package func change(from state: EventSchemaState, ahead: Int, all: Bool = false) -> EventSchemaChange {
        var draft = EventSchemaDraft(schema: self, state: state)
        // Without the role nothing has the rights that it had.
        let all = all || !state.hasRole
        for part in parts { draft.add(part, all: all) }
        if all || state.partitions.isEmpty { draft.add(partitions(ahead: ahead)) }
        draft.finish()
        return draft.change
    }
}

/// A change in the making. Each step leaves the record that says what is done, and expects that of the step before it.
private struct EventSchemaDraft {
    let schema: EventSchema
    let state: EventSchemaState
    var change: EventSchemaChange
    private var record: EventStoreRecord
    private var comment: String?
    /// A comment needs a schema.
    private var hasSchema: Bool

    init(schema: EventSchema, state: EventSchemaState) {
        (self.schema, self.state) = (schema, state)
        record = state.record ?? EventStoreRecord()
        (comment, hasSchema) = (state.comment, state.hasSchema)
        change = EventSchemaChange(from: record.version, isNew: !state.tables.contains("events"))
    }

    /// A part of the schema, if it is not as this release makes it.
    mutating func add(_ part: EventSchema.Part, all: Bool) {
        let known = record.parts[part.key]
        let missing = EventSchemaObjects(of: part, schema).missing(in: state)
        guard all || known != part.fingerprint || !missing.isEmpty else { return }
        // What a release has added to a store that knows its parts.
        let isAdded = known == nil && record.version != nil && missing == EventSchemaObjects(of: part, schema)
        record.parts[part.key] = part.fingerprint
        let lock = EventSchemaLock(of: part, missing, in: state, schema)
        add(
            part, undo: schema.undo(part, missing, state), lock: lock, isNew: change.isNew || isAdded,
            reason: change.isNew || isAdded ? part.reason : reason(part, known, missing))
    }

    private func reason(_ part: EventSchema.Part, _ known: String?, _ missing: EventSchemaObjects) -> String {
        if !missing.isEmpty { return "missing: \(missing.text)" }
        guard let known else { return "made again: not known of which release it is" }
        return known == part.fingerprint ? part.reason : "other statements than before"
    }

    /// What is no part of the schema, and so not in the record.
    mutating func add(_ part: EventSchema.Part) {
        add(part, undo: [], isNew: change.isNew, reason: part.reason)
    }

    /// The version, once everything is there: programs look at it.
    mutating func finish() {
        guard record.version != EventSchema.version else { return }
        record.version = EventSchema.version
        let part = EventSchema.Part(
            key: "version", object: "version \(EventSchema.version)", statements: [],
            reason: "everything is there: programs of this release use it from here on")
        add(part, undo: change.isNew ? schema.closing : [], isNew: change.isNew, reason: part.reason)
    }

    private mutating func add(
        _ part: EventSchema.Part, undo: [String], lock: EventSchemaLock? = nil, isNew: Bool, reason: String
    ) {
        let before = comment
        if part.key == EventSchema.Part.place { hasSchema = true }
        if hasSchema { comment = record.text }
        var step = EventSchemaChange.Step(
            object: part.object, reason: reason, statements: [schema.pin(before)] + part.statements, undo: undo,
            lock: lock, isNew: isNew)
        if comment != before {
            step.statements.append(schema.commented(comment))
            step.undo.insert(schema.uncommented(before), at: 0)
        }
        change.steps.append(step)
    }
}
