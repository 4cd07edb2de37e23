package import PostgresDriver

/// Makes the event store's schema, or brings it up to date.
extension EventSchema {
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
