package import Planning
package import PostgresDriver

/// Reads and writes `strata.loose_keys` and `strata.loose_key_queue` of one database.
package struct LooseKeyStore: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    package func exists() async throws -> Bool {
        try await connection.query("SELECT to_regclass('strata.loose_key_queue') IS NOT NULL AS present").only()
            .bool("present")
    }

    /// Makes what is not there, the ledger included: its functions are used.
    package func prepare() async throws {
        try await Ledger(connection).prepare()
        do {
            try await connection.execute(
                "BEGIN; SET LOCAL client_min_messages = warning;\n\(LooseKeySchema.statements)\nCOMMIT")
        } catch {
            _ = try? await connection.executeShielded("ROLLBACK")
            throw error
        }
    }

    // MARK: Keys

    package func keys() async throws -> [LooseKeyRecord] {
        guard try await exists() else { return [] }
        return try await connection.query("SELECT \(LooseKeyRecord.columns) FROM strata.loose_keys ORDER BY name")
            .map { try LooseKeyRecord($0) }
    }

    package func record(_ name: String) async throws -> LooseKeyRecord? {
        try await connection.query(
            "SELECT \(LooseKeyRecord.columns) FROM strata.loose_keys WHERE name = $1", [.text(name)]
        ).first.map { try LooseKeyRecord($0) }
    }

    /// A key that is known already takes over what is declared now.
    func save(_ key: LooseKey, definition: String?) async throws {
        let nothing = Parameter.typed(nil, type: 25)
        _ = try await connection.query(
            """
            INSERT INTO strata.loose_keys (name, parent_schema, parent_table, parent_columns, types, child_schema, child_table,
                child_columns, child_database, on_delete, on_update, constraint_name, constraint_definition)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT (name) DO UPDATE SET child_database = excluded.child_database, types = excluded.types,
                on_delete = excluded.on_delete, on_update = excluded.on_update,
                constraint_name = coalesce(excluded.constraint_name, loose_keys.constraint_name),
                constraint_definition = coalesce(excluded.constraint_definition, loose_keys.constraint_definition),
                -- A real key that came back says nothing of what was there without it.
                scanned_at = CASE WHEN excluded.constraint_name IS NULL OR loose_keys.state = 'recording' THEN loose_keys.scanned_at END,
                state = CASE WHEN excluded.constraint_name IS NOT NULL THEN 'recording' ELSE loose_keys.state END
            """,
            [
                .text(key.name), .text(key.parent.schema), .text(key.parent.name), .textArray(key.parentColumns),
                .textArray(key.types), .text(key.child.schema), .text(key.child.name), .textArray(key.childColumns),
                .text(key.childDatabase), .text(key.onDelete.rawValue), .text(key.onUpdate.rawValue),
                key.constraint.map { .typed($0, type: 25) } ?? nothing,
                definition.map { .typed($0, type: 25) } ?? nothing,
            ])
    }

    /// As another database has it: for the new home of a parent that was moved.
    func adopt(_ record: LooseKeyRecord) async throws {
        try await save(record.key, definition: record.definition)
        try await setState(record.state, of: record.key.name)
        guard let scannedAt = record.scannedAt else { return }
        _ = try await connection.query(
            "UPDATE strata.loose_keys SET scan_rows = $2, orphans = $3, scanned_at = $4::timestamptz WHERE name = $1",
            [.text(record.key.name), .int(record.scannedRows), .int(record.orphans), .text(scannedAt)])
    }

    func setState(_ state: LooseKeyRecord.State, of name: String) async throws {
        _ = try await connection.query(
            "UPDATE strata.loose_keys SET state = $2, loose_at = CASE WHEN $2 = 'loose' THEN clock_timestamp() ELSE loose_at END WHERE name = $1",
            [.text(name), .text(state.rawValue)])
    }

    func beginScan(of name: String) async throws {
        _ = try await connection.query(
            "UPDATE strata.loose_keys SET scan_position = NULL, scan_rows = 0, orphans = 0, scanned_at = NULL WHERE name = $1",
            [.text(name)])
    }

    func noteScan(of name: String, position: [String]?, rows: Int, orphans: Int, isDone: Bool) async throws {
        _ = try await connection.query(
            """
            UPDATE strata.loose_keys SET scan_position = $2, scan_rows = $3, orphans = $4,
                scanned_at = CASE WHEN $5 THEN clock_timestamp() END WHERE name = $1
            """,
            [
                .text(name), position.map { .textArray($0) } ?? .typed(nil, type: 1009), .int(rows), .int(orphans),
                .bool(isDone),
            ])
    }

    /// With what is left of its queue.
    func forget(_ name: String) async throws {
        guard try await exists() else { return }
        _ = try await connection.query(
            "WITH gone AS (DELETE FROM strata.loose_key_queue WHERE key = $1) DELETE FROM strata.loose_keys WHERE name = $1",
            [.text(name)])
    }

    // MARK: Queue

    /// One thing that happened to a parent's key.
    struct Entry: Sendable, Equatable {
        enum Action: String, Sendable { case delete, update }
        var position: Int
        var action: Action
        var old: [String]
        /// A key may have been set to NULL.
        var new: [String?]
        var attempts: Int
        /// Seconds since it was written down.
        var age: Double
    }

    /// Keys that have something to do now.
    func due() async throws -> [String] {
        guard try await exists() else { return [] }
        return try await connection.query(
            """
            SELECT name FROM strata.loose_keys AS k
             WHERE EXISTS (SELECT FROM strata.loose_key_queue AS q WHERE q.key = k.name AND q.not_before <= clock_timestamp())
             ORDER BY name
            """
        ).map { try $0.string("name") }
    }

    /// Takes a batch, which is this transaction's until its end; what another worker has is left out. Where the order counts,
    /// the key itself is taken, and nothing behind a change that could not be made yet.
    func take(_ key: LooseKey, limit: Int) async throws -> [Entry] {
        if key.isOrdered {
            let own = try await connection.query(
                "SELECT FROM strata.loose_keys WHERE name = $1 FOR UPDATE SKIP LOCKED", [.text(key.name)])
            guard !own.isEmpty else { return [] }
        }
        // The index has them in order; a queue that nobody has analysed looks small, and would be sorted for each batch.
        try await connection.execute(
            "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off")
        let inOrder =
            key.isOrdered
            ? """
             AND q.position < coalesce((SELECT min(b.position) FROM strata.loose_key_queue AS b
                WHERE b.key = $1 AND b.attempts > 0 AND b.action = 'update' AND b.not_before > clock_timestamp()), 9223372036854775807)
            """ : ""
        return try await connection.query(
            """
            SELECT q.position, q.action, q.old_values, q.new_values, q.attempts,
                   extract(epoch FROM clock_timestamp() - q.enqueued_at)::float8 AS age FROM strata.loose_key_queue AS q
             WHERE q.key = $1 AND q.not_before <= clock_timestamp()\(inOrder)
             ORDER BY q.position LIMIT $2 FOR UPDATE SKIP LOCKED
            """, [.text(key.name), .int(limit)]
        ).map { row in
            Entry(
                position: try row.int("position"), action: Entry.Action(rawValue: try row.string("action")) ?? .delete,
                old: try row.textArray("old_values"),
                new: try row.isNull("new_values") ? [] : try row.nullableTextArray("new_values"),
                attempts: try row.int("attempts"), age: try row.double("age"))
        }
    }

    func remove(_ positions: [Int]) async throws {
        guard !positions.isEmpty else { return }
        _ = try await connection.query(
            "DELETE FROM strata.loose_key_queue WHERE position = ANY ($1)", [.intArray(positions)])
    }

    /// To be tried again after a pause.
    func postpone(_ position: Int, error: String, pause: Duration) async throws {
        _ = try await connection.query(
            """
            UPDATE strata.loose_key_queue SET attempts = attempts + 1, error = $2,
                not_before = clock_timestamp() + $3 * interval '1 millisecond' WHERE position = $1
            """, [.int(position), .text(String(error.prefix(2_000))), .int(Int(pause.milliseconds))])
    }

    func isEmpty(_ name: String) async throws -> Bool {
        try await connection.query(
            "SELECT NOT EXISTS (SELECT FROM strata.loose_key_queue WHERE key = $1) AS empty", [.text(name)]
        ).only().bool("empty")
    }

    /// What waits, as far as it has to be known: counting stops at `limit`.
    struct Waiting: Sendable, Equatable {
        var count = 0
        /// Seconds since the oldest entry came.
        var lag: Double?
        var failing = 0
        var error: String?
    }

    func waiting(_ name: String, limit: Int = 1_000_000) async throws -> Waiting {
        let row = try await connection.query(
            """
            SELECT (SELECT count(*) FROM (SELECT FROM strata.loose_key_queue WHERE key = $1 LIMIT $2) AS q) AS entries,
                   (SELECT extract(epoch FROM clock_timestamp() - enqueued_at)::float8 FROM strata.loose_key_queue
                     WHERE key = $1 ORDER BY position LIMIT 1) AS lag,
                   (SELECT count(*) FROM (SELECT FROM strata.loose_key_queue WHERE key = $1 AND attempts > 0 LIMIT $2) AS f) AS failing,
                   (SELECT error FROM strata.loose_key_queue WHERE key = $1 AND attempts > 0 ORDER BY position LIMIT 1) AS error
            """, [.text(name), .int(limit)]
        ).only()
        return Waiting(
            count: try row.int("entries"), lag: try row.optionalDouble("lag"), failing: try row.int("failing"),
            error: try row.optionalString("error"))
    }
}
