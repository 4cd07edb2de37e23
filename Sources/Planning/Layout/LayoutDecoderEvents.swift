/// `events`, after `schemas`, which may not list its schema.
extension LayoutReader {
    mutating func events(_ node: LayoutNode, _ layout: Layout) -> EventsLayout? {
        guard let fields = fields(of: node, as: .events) else { return nil }
        var events = EventsLayout(place: node.place)
        if let node = fields["schema"] {
            guard let name = name(node, .schema, "schema"), isFreeForEvents(name, node.place) else { return nil }
            events.schema = name
        }
        if let node = fields["database"], let name = declaredDatabase(node) { events.database = name }
        if let node = fields["every"] { events.every = choice(node, of: EventsLayout.Every.self, "every") ?? .month }
        if let node = fields["ahead"] { events.ahead = integer(node, "ahead", in: 1...400) ?? 3 }
        refuseListed(events.schema, fields["schema"]?.place ?? node.place, layout)
        return events
    }

    private mutating func isFreeForEvents(_ name: String, _ place: SourcePlace) -> Bool {
        guard name == "public" || name.contains("$") else { return true }
        let message = "the event store cannot be in the schema \(LayoutReader.shown(name))"
        error("reserved-name", message, place, "give it a schema of its own, such as events; no $ in its name")
        return false
    }

    /// What is in the schema is made by Strata alone.
    private mutating func refuseListed(_ schema: String, _ place: SourcePlace, _ layout: Layout) {
        guard let first = layout.schemas.first(where: { $0.name == schema })?.place else { return }
        let message =
            "the schema \(schema) is the event store's, and `schemas` lists it as well (line \(first.line), column \(first.column))"
        let step = "remove it from `schemas`, or give the event store another: events: { schema: event_store }"
        error("event-store-listed", message, place, step)
    }
}
