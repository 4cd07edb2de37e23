package import PostgresDriver

/// What a program finds where it looks for an event store.
package enum EventStoreStanding: Sendable, Hashable {
    case missing
    /// Somebody began to make it, and was interrupted; or undid it to a part.
    case unfinished
    /// Made before there were versions.
    case unversioned
    case older(Int)
    case current
    case newer(Int)

    /// - Parameters:
    ///   - comment: of the schema.
    ///   - hasStreams: whether it has the table `event_streams`.
    package init(comment: String?, hasStreams: Bool) {
        let record = EventStoreRecord(comment)
        switch (record?.version, hasStreams) {
        case (_, false): self = record?.parts.isEmpty == false ? .unfinished : .missing
        case (nil, true): self = record?.parts.isEmpty == false ? .unfinished : .unversioned
        case (let version?, true) where version < EventSchema.version: self = .older(version)
        case (let version?, true) where version > EventSchema.version: self = .newer(version)
        default: self = .current
        }
    }

    /// Why a program of this release cannot work with it, and what to do; nil: it can.
    package func problem(schema: String) -> EventStoreProblem? {
        let known = EventSchema.version
        let upgrade = "strata apply brings it up to date where the layout has `events:`, else strata events init"
        let store = "the event store in schema \(schema)"
        return switch self {
        case .current: nil
        case .missing:
            EventStoreProblem(
                "no-event-store", "there is no event store in schema \(schema)", next: "strata events init makes one")
        case .unfinished: EventStoreProblem("unfinished-store", "\(store) is not finished", next: upgrade)
        case .unversioned:
            EventStoreProblem(
                "old-store", "\(store) was made by a release that knew no versions, this one needs version \(known)",
                next: upgrade)
        case .older(let version):
            EventStoreProblem(
                "old-store", "\(store) is of version \(version), this release needs version \(known)", next: upgrade)
        case .newer(let version):
            EventStoreProblem(
                "newer-store", "\(store) is of version \(version), this release knows \(known) and none later",
                next: "use the release that made it, or a later one")
        }
    }
}

extension EventSchema {
    package func standing(on connection: Connection) async throws -> EventStoreStanding {
        let row = try await connection.query(
            """
            SELECT (SELECT obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE n.nspname = $1) AS comment,
                EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname = $1 AND c.relname = 'event_streams' AND c.relkind = 'r') AS streams
            """, [.text(name)]
        ).only()
        return EventStoreStanding(comment: try row.optionalString("comment"), hasStreams: try row.bool("streams"))
    }

    /// - Throws: `EventStoreProblem` where this release cannot work with what is there.
    package func require(on connection: Connection) async throws {
        if let problem = try await standing(on: connection).problem(schema: name) { throw problem }
    }
}
