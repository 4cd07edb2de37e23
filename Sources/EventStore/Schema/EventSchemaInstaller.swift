package import PostgresDriver

/// Makes the event store's schema, or brings it up to date.
extension EventSchema {
    /// A function of the schema, as a statement names it.
    package func call(_ function: String) -> String { "\(schema).\(function)" }

    /// How wide the partitions are that are there, if that is another width.
    package func otherWidth(on connection: Connection) async throws -> Every? {
        let rows = try await connection.query(
            """
            SELECT c.relname AS name FROM pg_class p JOIN pg_namespace n ON n.oid = p.relnamespace
            JOIN pg_inherits i ON i.inhparent = p.oid JOIN pg_class c ON c.oid = i.inhrelid
            WHERE n.nspname = $1 AND p.relname = 'events' LIMIT 1
            """, [.text(name)])
        guard let partition = try rows.first?.string("name") else { return nil }
        let found: Every = partition.count { $0 == "_" } == 3 ? .day : .month
        return found == every ? nil : found
    }

    /// Each part in a transaction of its own; safe to run again, and beside others who do the same.
    package func install(on connection: Connection, onPart: (Part) -> Void = { _ in }) async throws {
        try await connection.execute("SELECT pg_advisory_lock(hashtext('strata.events'))")
        do {
            for part in parts {
                onPart(part)
                try await connection.execute(
                    "BEGIN; SET LOCAL client_min_messages = warning;\n"
                        + part.statements.joined(separator: ";\n") + ";\nCOMMIT")
            }
        } catch {
            _ = try? await connection.executeShielded("ROLLBACK")
            _ = try? await connection.executeShielded("SELECT pg_advisory_unlock(hashtext('strata.events'))")
            throw error
        }
        try await connection.execute("SELECT pg_advisory_unlock(hashtext('strata.events'))")
    }
}
