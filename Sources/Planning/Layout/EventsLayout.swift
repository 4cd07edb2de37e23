/// `events:`: the event store, which Strata makes in a schema of its own.
package struct EventsLayout: Sendable {
    /// How wide a partition is; decided once.
    package enum Every: String, Sendable, CaseIterable { case day, month }

    /// Nothing else is in it.
    package var schema = "events"
    /// Where it lives (default: the main database).
    package var database: String?
    package var every = Every.month
    /// How many partitions are made beyond the current one, when it is made; 1 to 400.
    package var ahead = 3
    package var place: SourcePlace

    package init(place: SourcePlace) { self.place = place }
}

extension Layout {
    /// The event store's schema, where that is in the main database: nothing in it is for others to move, or to report.
    package var eventStoreHere: String? {
        events.flatMap { ($0.database ?? mainDatabase) == mainDatabase ? $0.schema : nil }
    }
}
