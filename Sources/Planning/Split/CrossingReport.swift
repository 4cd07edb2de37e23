/// What of live traffic would cross the cut of each schema that is to leave the main database, and what covers it. Pure.
package struct CrossingReport: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var crossing: Crossing
        /// Databases that it would need, as the layout names them.
        package var databases: [String]
        /// What covers it; nil: nothing.
        package var exemption: Exemption?
    }

    package struct Schema: Sendable, Equatable {
        package var schema: String
        package var database: String
        /// Seconds since 1970; nil: nobody has looked.
        package var observedSince: Int?
        /// When a proxy was heard of last, and how many are looking now.
        package var heardLast: Int?
        package var observers: Int
        package var entries: [Entry]

        package var uncovered: Int { entries.count { $0.exemption == nil } }
    }

    package var schemas: [Schema]
    package var exemptions: ExemptionReview
    /// What proxies could not keep.
    package var dropped: Int
    package var now: Int

    package var uncovered: Int {
        Set(schemas.flatMap(\.entries).filter { $0.exemption == nil }.map(\.crossing.key)).count
    }
    package var unobserved: [Schema] { schemas.filter { $0.observedSince == nil } }

    /// A proxy that was not heard of for so long is not looking.
    private static let silence = 60

    /// - Parameter only: this schema alone.
    package init(_ layout: Layout, record: CrossingRecord, exemptions: ExemptionReview, only: String? = nil) {
        let databases = Dictionary(
            layout.schemas.compactMap { schema in schema.database.map { (schema.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        let main = layout.mainDatabase
        // What crossed an earlier layout's cut may not cross this one's.
        let entries = record.crossings.compactMap { crossing -> Entry? in
            var needed: [String] = []
            for schema in crossing.schemas {
                let database = databases[schema] ?? main
                if !needed.contains(database) { needed.append(database) }
            }
            guard needed.count > 1 else { return nil }
            return Entry(
                crossing: crossing, databases: needed.sorted { ($0 != main ? 1 : 0, $0) < ($1 != main ? 1 : 0, $1) },
                exemption: exemptions.valid[crossing.fingerprint])
        }
        schemas = Self.leaving(layout).filter { only == nil || $0.schema == only }.map { schema, database in
            let observers = record.observers.filter { $0.schemas.contains(schema) }
            let since = observers.map(\.since).min().map { max($0, record.resets[schema] ?? 0) }
            return Schema(
                schema: schema, database: database, observedSince: since, heardLast: observers.map(\.last).max(),
                observers: observers.count { $0.last >= record.now - Self.silence },
                entries: entries.filter { $0.crossing.schemas.contains(schema) })
        }
        self.exemptions = exemptions
        dropped = record.observers.reduce(0) { $0 + $1.dropped }
        now = record.now
    }

    /// Schemas that the layout places on another database than the main one, in its order.
    package static func leaving(_ layout: Layout) -> [(schema: String, database: String)] {
        layout.schemas.compactMap { schema in
            guard let database = schema.database, database != layout.mainDatabase else { return nil }
            return (schema.name, database)
        }
    }
}

extension Crossing.Kind {
    /// For people.
    package var title: String {
        switch self {
        case .join: "statement that reads on both sides"
        case .locking: "lock on rows across both sides"
        case .write: "statement that writes one side and reads the other"
        case .transaction: "transaction that uses both sides"
        case .twoSchemaWrite: "write on both sides"
        }
    }

    /// The way out.
    package var remedy: String {
        switch self {
        case .join:
            "keep a copy of the few rows it needs beside it (`copies:` in the layout), read the other side through a "
                + "foreign table, or ask each side in a statement of its own"
        case .locking:
            "lock rows of one side only, and re-read the other: a lock does not reach into another database"
        case .write:
            "read first and write with the values, or keep a copy of what it reads beside it (`copies:` in the layout)"
        case .transaction:
            "a transaction for each database: what follows on the other side follows from an event of the first (an "
                + "outbox); for reads alone, accept that they see two moments"
        case .twoSchemaWrite:
            "write one side, and let the other follow from an event of the same transaction (an outbox); for rows that "
                + "go along with others, a loose key"
        }
    }
}
