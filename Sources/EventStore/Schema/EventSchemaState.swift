package import PostgresDriver

/// What is in the schema of an event store, or of what is to become one.
package struct EventSchemaState: Sendable, Hashable {
    package var hasRole = false
    package var hasSchema = false
    /// Of the schema.
    package var comment: String?
    /// Without the partitions of `events`.
    package var tables: Set<String> = []
    /// The statement that makes each function as it is, by name; empty where that is not known.
    package var functions: [String: String] = [:]
    /// Of the table of events.
    package var partitions: [String] = []

    package init() {}

    /// nil: what is there is not an event store's.
    package var record: EventStoreRecord? { EventStoreRecord(comment) }
}

extension EventSchema {
    /// Without the functions' statements.
    func state(on connection: Connection) async throws -> EventSchemaState {
        var state = EventSchemaState()
        let place = try await connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS role, n.oid IS NOT NULL AS schema,
                obj_description(n.oid, 'pg_namespace') AS comment
            FROM (SELECT) x LEFT JOIN pg_namespace n ON n.nspname = $1
            """, [.text(name), .text(role)]
        ).only()
        (state.hasRole, state.hasSchema) = (try place.bool("role"), try place.bool("schema"))
        state.comment = try place.optionalString("comment")
        let objects = try await connection.query(
            """
            SELECT 'function' AS kind, p.proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE n.nspname = $1
            UNION ALL
            SELECT CASE WHEN e.relname = 'events' THEN 'partition' ELSE 'table' END, c.relname
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
              LEFT JOIN pg_class e ON e.oid = i.inhparent AND e.relnamespace = n.oid
             WHERE n.nspname = $1 AND c.relkind NOT IN ('i', 'I', 't') ORDER BY 1, 2
            """, [.text(name)])
        for row in objects {
            let name = try row.string("name")
            switch try row.string("kind") {
            case "function": state.functions[name] = ""
            case "partition": state.partitions.append(name)
            default: state.tables.insert(name)
            }
        }
        return state
    }

    /// Why a store cannot be made there, or brought up to date; nil: it can.
    package func refusal(of state: EventSchemaState) -> EventStoreProblem? {
        guard name != "public", name != "information_schema", !name.hasPrefix("pg_"), !name.contains("$") else {
            return EventStoreProblem(
                "schema-taken", "schema \(name) is not the event store's to take", next: "choose another name for it")
        }
        guard let record = state.record else {
            guard !state.tables.isEmpty else { return nil }
            // A dump without comments has lost the mark.
            let isLikely = state.tables.isSuperset(of: ["events", "event_streams", "append_keys"])
            return EventStoreProblem(
                "schema-taken", "schema \(name) has tables that are not an event store's",
                next: isLikely
                    ? "if it is one that has lost its comment: COMMENT ON SCHEMA \(schema) IS '\(EventStoreRecord.mark)'"
                    : "choose another name for it")
        }
        if let version = record.version, version > Self.version {
            return EventStoreStanding.newer(version).problem(schema: name)
        }
        guard let partition = state.partitions.first else { return nil }
        let width: Every = partition.count { $0 == "_" } == 3 ? .day : .month
        guard width != every else { return nil }
        return EventStoreProblem(
            "partitions",
            "the event store in schema \(name) has partitions by \(width.rawValue), not by \(every.rawValue)",
            next:
                "say so: --every \(width.rawValue), or every: \(width.rawValue) in the layout; the width cannot be changed"
        )
    }
}
