import EventStore
import Planning

/// The event store of a layout as plans see it: a component with parts.
enum EventComponent {
    /// That of the main database, which plans are for.
    static func here(_ layout: Layout, _ catalog: Catalog) -> [Component] {
        guard layout.eventStoreHere != nil, let events = layout.events else { return [] }
        return [component(events, catalog)]
    }

    /// A plan for the event store alone, in whatever database it lives.
    static func plan(_ events: EventsLayout, _ layout: Layout, _ catalog: Catalog) throws -> Plan {
        var plan = try Pipeline.plan(Layout(file: layout.file), catalog, components: [component(events, catalog)])
        plan.layoutFingerprint = layout.fingerprint
        plan.unplaced = []
        return plan
    }

    static func component(_ events: EventsLayout, _ catalog: Catalog) -> Component {
        let schema = EventSchema(events)
        let state = EventSchemaState(catalog, schema: schema)
        let change = schema.change(from: state, ahead: events.ahead)
        var component = Component(
            "event store", schema: events.schema, installed: change.from, version: EventSchema.version)
        component.passing = ["events_2", "archived_events_2"]
        if let refusal = schema.refusal(of: state) {
            component.diagnostics = [
                Diagnostic(
                    .error, refusal.code, refusal.message, object: "schema \(events.schema)", place: events.place,
                    nextStep: refusal.nextStep)
            ]
            return component
        }
        component.parts = change.steps.map { step in
            var part = Component.Part(
                step.object, statements: step.statements, undo: step.undo, reason: step.reason, isNew: step.isNew)
            part.locks = step.lock.map { [lock($0, events.schema, catalog)] } ?? []
            return part
        }
        component.diagnostics = notes(change, events, state) + missingRights(state, catalog)
        return component
    }

    /// Waited for beside the queue where appends would wait behind it.
    private static func lock(_ lock: EventSchemaLock, _ schema: String, _ catalog: Catalog) -> Lock {
        let place = catalog.schemas.values.first { $0.name == schema }?.oid
        let table = catalog.relations.values.first { $0.schema == place && $0.name == lock.table }?.oid
        return Lock(lock.mode, "\(schema).\(lock.table)", oid: lock.stopsWriters ? table ?? 0 : 0)
    }

    /// The event store of a database, and what else is there. Of several, which a layout cannot say, the first by name.
    static func found(in catalog: Catalog) -> (rest: Catalog, events: EventsLayout?) {
        for schema in catalog.schemas.values.sorted(by: { $0.name < $1.name }) {
            var events = EventsLayout(place: SourcePlace(file: "", line: 0, column: 0))
            events.schema = schema.name
            let state = EventSchemaState(catalog, schema: EventSchema(events))
            guard state.record != nil, state.tables.contains("events") else { continue }
            // Refused as months, it has days.
            if EventSchema(events).refusal(of: state)?.code == "partitions" { events.every = .day }
            return (catalog.without(schema: schema.oid), events)
        }
        return (catalog, nil)
    }

    private static func notes(
        _ change: EventSchemaChange, _ events: EventsLayout, _ state: EventSchemaState
    ) -> [Diagnostic] {
        guard !change.steps.isEmpty else { return [] }
        let store = "the event store in schema \(events.schema)"
        let version = EventSchema.version
        let parts = change.steps.map(\.object).filter { $0 != "version \(version)" }.joined(separator: ", ")
        let message =
            switch change.from {
            case _ where change.isNew: "\(store) is made, of version \(version)"
            case nil where state.record?.parts.isEmpty == false: "\(store) is finished, as version \(version): \(parts)"
            case nil:
                "\(store) was made by a release that knew no versions, and becomes version \(version): every part is made again, in place"
            case let from? where from == version: "\(store) stays at version \(version), and gets: \(parts)"
            case let from?: "\(store) goes from version \(from) to \(version): \(parts)"
            }
        let next =
            change.isNew
            ? "strata rollback takes it away again as long as it has no organisation; the role \(EventSchema().role) stays"
            : nil
        return [Diagnostic(.note, "event-store", message, nextStep: next)]
    }

    /// Said before anything is done; what a role lacks otherwise, the server says at its step.
    private static func missingRights(_ state: EventSchemaState, _ catalog: Catalog) -> [Diagnostic] {
        let server = catalog.server
        guard !state.hasSchema, !server.isSuperuser, !server.canCreateInDatabase else { return [] }
        return [
            Diagnostic(
                .error, "missing-privilege",
                "role \(server.user) may not create schemas in database \(server.database)",
                object: "database \(server.database)",
                nextStep: "as its owner: GRANT CREATE ON DATABASE … TO …, for the event store's schema")
        ]
    }
}

extension EventSchema {
    init(_ events: EventsLayout) {
        self.init(name: events.schema, every: events.every == .day ? .day : .month)
    }
}

extension EventSchemaState {
    init(_ catalog: Catalog, schema: EventSchema) {
        self.init()
        hasRole = catalog.roles.values.contains { $0.name == schema.role }
        guard let place = catalog.schemas.values.first(where: { $0.name == schema.name }) else { return }
        hasSchema = true
        comment = catalog.comments.first { $0.object == ObjectReference(.schema, place.oid) && $0.subobject == 0 }?.text
        let here = catalog.relations.values.filter { $0.schema == place.oid }
        let events = here.first { $0.name == "events" }?.oid
        for relation in here {
            if let events, relation.parents.contains(events) {
                partitions.append(relation.name)
            } else {
                tables.insert(relation.name)
            }
        }
        partitions.sort()
        for function in catalog.functions.values where function.schema == place.oid {
            functions[function.name] = function.definition.trimmingSuffix { $0.isNewline }
        }
    }
}

extension String {
    fileprivate func trimmingSuffix(while matches: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, matches(last) { text.removeLast() }
        return String(text)
    }
}
