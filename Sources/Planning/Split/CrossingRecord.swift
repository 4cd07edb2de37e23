/// What the proxies have written down of what would cross a split, as it is read back.
package struct CrossingRecord: Sendable {
    /// A proxy that looks, or has looked.
    package struct Observer: Sendable, Equatable {
        package var id: String
        /// Its host and address.
        package var name: String
        /// Schemas whose leaving it observes.
        package var schemas: [String]
        /// Seconds since 1970: when it began, and when it was heard of last.
        package var since: Int
        package var last: Int
        /// What it could not keep.
        package var dropped: Int

        package init(id: String, name: String, schemas: [String], since: Int, last: Int, dropped: Int) {
            self.id = id
            self.name = name
            self.schemas = schemas
            self.since = since
            self.last = last
            self.dropped = dropped
        }
    }

    /// An exemption that somebody has accepted.
    package struct Accepted: Sendable, Equatable {
        package var fingerprint: String
        package var until: CalendarDate
        package var by: String
        package var at: Int

        package init(fingerprint: String, until: CalendarDate, by: String, at: Int) {
            self.fingerprint = fingerprint
            self.until = until
            self.by = by
            self.at = at
        }
    }

    package var crossings: [Crossing] = []
    package var observers: [Observer] = []
    /// When what was counted of a schema was forgotten last.
    package var resets: [String: Int] = [:]
    package var accepted: [Accepted] = []
    /// The server's clock and calendar.
    package var now = 0
    package var today: CalendarDate?

    package init() {}
}
