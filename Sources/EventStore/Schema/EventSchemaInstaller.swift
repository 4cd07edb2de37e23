package import PostgresDriver
import SQLSyntax

/// Makes the event store's schema, or brings it up to date.
extension EventSchema {
    /// A function of the schema, as a statement names it.
    package func call(_ function: String) -> String { "\(schema).\(function)" }

    /// Today's partition and so many more.
    package func partitions(ahead: Int) -> Part {
        Part(
            object: "partitions", statements: ["SELECT \(call("make_partitions"))(\(ahead))"],
            reason: "today's and \(ahead) more")
    }

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

    /// What says that a schema is an event store's.
    static let mark = "strata: event store"

    /// Each part in a transaction of its own; safe to run again, and beside others who do the same.
    ///
    /// - Throws: `EventStoreRefusal.invalid` where the schema is the system's, or has something else in it; `PostgresError`.
    ///
    /// - Parameter ahead: how many partitions there are to be beyond today's.
    package func install(
        on connection: Connection, ahead: Int = 3, onPart: (Part) -> Void = { _ in }
    ) async throws {
        try await connection.execute("SELECT pg_advisory_lock(hashtext('strata.events'))")
        do {
            try await refuseTaken(connection)
            for part in parts + [partitions(ahead: ahead)] {
                onPart(part)
                try await make(part.statements, connection)
            }
        } catch {
            _ = try? await connection.executeShielded("ROLLBACK")
            _ = try? await connection.executeShielded("SELECT pg_advisory_unlock(hashtext('strata.events'))")
            throw error
        }
        try await connection.execute("SELECT pg_advisory_unlock(hashtext('strata.events'))")
    }

    /// Nobody queues behind it for long: where a lock does not come it steps back and tries again.
    private func make(_ statements: [String], _ connection: Connection) async throws {
        let text =
            "BEGIN; SET LOCAL client_min_messages = warning; SET LOCAL lock_timeout = '2s';\n"
            + statements.joined(separator: ";\n") + ";\nCOMMIT"
        var attempts = 0
        while true {
            attempts += 1
            do {
                try await connection.execute(text)
                return
            } catch let error as PostgresError where (error.isLockTimeout || error.isRetryable) && attempts < 20 {
                try await connection.executeShielded("ROLLBACK")
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private func refuseTaken(_ connection: Connection) async throws {
        guard name != "public", name != "information_schema", !name.hasPrefix("pg_"), !name.contains("$") else {
            throw EventStoreRefusal.invalid("schema \(name) is not the event store's to take: choose another name")
        }
        let isTaken = try await connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = $1
                AND obj_description(n.oid, 'pg_namespace') IS DISTINCT FROM $2
                AND EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid)) AS taken
            """, [.text(name), .text(Self.mark)]
        ).only().bool("taken")
        if isTaken {
            throw EventStoreRefusal.invalid(
                "schema \(name) has tables that are not an event store's: choose another name")
        }
    }
}
