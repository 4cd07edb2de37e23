import Planning
package import PostgresDriver
import SQLSyntax

/// One schema's way to another database, as the database that it leaves remembers it.
package struct SplitRecord: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable {
        /// The target gets roles, definitions and guards.
        case preparing
        case copying
        /// Indexes, streams and foreign keys are made.
        case building
        /// Everything is there, and replication keeps it so.
        case following
        /// A switch is being tried: the schema is still where it was.
        case switching
        /// The other database has it, and replication keeps the first one up to date.
        case switched
        /// The way back is being tried: the other database still has it.
        case reversing
        /// What is left on the first database is being put aside.
        case completing
        case completed
        case cancelling
        case cancelled
    }

    /// What was made on the target beside the schema, to be taken back by `cancel`.
    package struct Made: Sendable, Equatable, Codable {
        package var roles: [String] = []
        package var extensions: [String] = []
        package var schemas: [String] = []
        /// As SQL names them.
        package var types: [String] = []
        package var functions: [String] = []
        /// The statements that take settings back.
        package var settings: [String] = []
    }

    package struct Table: Sendable, Equatable, Codable {
        package var relation: UInt32
        /// As SQL names it, with its schema.
        package var name: String
        package var generation: Int?
        package var isCopied: Bool
        package var rows: Int?
        package var bytes: Int?
    }

    package var id: Int
    package var schema: String
    package var database: String
    package var state: State
    /// The target's server and database, so that nothing is done to another one by mistake.
    package var target: String
    package var made: Made
    package var startedAt: String
    package var error: String?
    /// The source's own number, which names of slots carry: they are of a whole server.
    package var sourceOID: UInt32
    /// Of streams that lead to the target.
    package var generations: [Int]
    /// Of streams that lead from there back to the source.
    package var backGenerations: [Int]
    package var tables: [Table]
    /// DDL is to go along with the rows.
    package var carries = false

    /// Publication, slot and subscription of one copy have one name.
    package func streamName(_ generation: Int) -> String { "strata_\(sourceOID)_\(id)_\(generation)" }

    /// The schema lives on the target.
    package var isSwitched: Bool {
        switch state {
        case .switched, .reversing, .completing, .completed: true
        default: false
        }
    }

    func generations(_ direction: Direction) -> [Int] { direction == .out ? generations : backGenerations }

    /// Which way rows flow.
    package enum Direction: String, Sendable, Codable {
        /// From the source to the target.
        case out
        case back

        package var other: Direction { self == .out ? .back : .out }
    }
}

/// Reads and writes `strata.splits` and what belongs to it.
package struct SplitLedger: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    package func exists() async throws -> Bool {
        try await connection.query("SELECT to_regclass('strata.split_tables') IS NOT NULL AS present").only()
            .bool("present")
    }

    /// Whether splits bring schemas to this database, and this role may see which.
    static func hasIncoming(_ connection: Connection) async throws -> Bool {
        try await connection.query(
            """
            SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                            WHERE n.nspname = 'strata' AND c.relname = 'incoming'
                              AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')) AS present
            """
        ).only().bool("present")
    }

    func prepare() async throws {
        try await connection.execute(
            "BEGIN; SET LOCAL client_min_messages = warning; SELECT pg_advisory_xact_lock(\(CrossingStore.lock));\n\(SplitRecordSchema.source)\nCOMMIT"
        )
    }

    /// All that have not been cancelled, oldest first.
    package func open() async throws -> [SplitRecord] {
        guard try await exists() else { return [] }
        return try await read("state NOT IN ('cancelled', 'completed')", [])
    }

    package func open(_ schema: String) async throws -> SplitRecord? {
        guard try await exists() else { return nil }
        return try await read("state NOT IN ('cancelled', 'completed') AND schema = $1", [.text(schema)]).first
    }

    /// A schema that lives on another database.
    struct Left {
        var schema: String
        var database: String
        var isCompleted: Bool
    }

    func left() async throws -> [Left] {
        guard try await exists() else { return [] }
        return try await connection.query(
            """
            SELECT DISTINCT ON (schema) schema, database, state FROM strata.splits
             WHERE state IN ('switched', 'reversing', 'completing', 'completed')
               AND (state <> 'completed' OR to_regnamespace(quote_ident(schema)) IS NULL) ORDER BY schema, id DESC
            """
        ).map {
            Left(
                schema: try $0.string("schema"), database: try $0.string("database"),
                isCompleted: try $0.string("state") == "completed")
        }
    }

    private func read(_ condition: String, _ parameters: [Parameter]) async throws -> [SplitRecord] {
        var records: [SplitRecord] = []
        for row in try await connection.query(
            """
            SELECT id, schema, database, state, target, made::text AS made, started_at::text AS started, error, carries,
                   (SELECT oid FROM pg_database WHERE datname = current_database()) AS source,
                   ARRAY(SELECT generation::text FROM strata.split_streams WHERE split = s.id AND direction = 'out' ORDER BY generation) AS generations,
                   ARRAY(SELECT generation::text FROM strata.split_streams WHERE split = s.id AND direction = 'back' ORDER BY generation) AS back
              FROM strata.splits s WHERE \(condition) ORDER BY id
            """, parameters)
        {
            let id = try row.int("id")
            records.append(
                SplitRecord(
                    id: id, schema: try row.string("schema"), database: try row.string("database"),
                    state: SplitRecord.State(rawValue: try row.string("state")) ?? .preparing,
                    target: try row.string("target"),
                    made: try JSONRecord.decode(SplitRecord.Made.self, Self.made(row)),
                    startedAt: try row.string("started"), error: try row.optionalString("error"),
                    sourceOID: try row.uint32("source"),
                    generations: try row.textArray("generations").compactMap { Int($0) },
                    backGenerations: try row.textArray("back").compactMap { Int($0) },
                    tables: try await tables(of: id), carries: try row.bool("carries")))
        }
        return records
    }

    private static func made(_ row: Row) throws -> String {
        let text = try row.string("made")
        return text == "{}"
            ? #"{"roles":[],"extensions":[],"schemas":[],"types":[],"functions":[],"settings":[]}"# : text
    }

    private func tables(of split: Int) async throws -> [SplitRecord.Table] {
        try await connection.query(
            """
            SELECT relation, name, generation, copied, rows, bytes FROM strata.split_tables WHERE split = $1 ORDER BY name
            """, [.int(split)]
        ).map { row in
            SplitRecord.Table(
                relation: try row.uint32("relation"), name: try row.string("name"),
                generation: try row.optionalInt("generation"), isCopied: try row.bool("copied"),
                rows: try row.optionalInt("rows"), bytes: try row.optionalInt("bytes"))
        }
    }

    // MARK: Writing

    func create(
        _ schema: String, database: String, target: String, identity: ActorIdentity
    ) async throws -> SplitRecord {
        _ = try await connection.query(
            """
            INSERT INTO strata.splits (schema, database, state, target, actor, host, strata_version)
            VALUES ($1, $2, 'preparing', $3, $4, $5, $6)
            """,
            [
                .text(schema), .text(database), .text(target), .text(identity.actor), .text(identity.host),
                .text(StrataVersion.current),
            ])
        guard let record = try await open(schema) else {
            throw PostgresError(.protocolViolation, "the record of the split that was just made is not there")
        }
        return record
    }

    func setCarries(_ carries: Bool, of split: Int) async throws {
        _ = try await connection.query(
            "UPDATE strata.splits SET carries = $2 WHERE id = $1", [.int(split), .bool(carries)])
    }

    func setState(_ state: SplitRecord.State, of split: Int, error: String? = nil) async throws {
        _ = try await connection.query(
            "UPDATE strata.splits SET state = $2, error = $3, changed_at = clock_timestamp() WHERE id = $1",
            [.int(split), .text(state.rawValue), error.map { .text($0) } ?? .null])
    }

    /// What went wrong, for `status`; the state stays.
    func note(_ error: String, of split: Int) async {
        let text = SQL.literal(String(error.prefix(2_000)))
        _ = try? await connection.executeShielded(
            "UPDATE strata.splits SET error = \(text), changed_at = clock_timestamp() WHERE id = \(split)")
    }

    /// Before it is made: what is noted and was not made does no harm to whoever takes it back.
    func note(_ made: SplitRecord.Made, of split: Int) async throws {
        let text = try JSONRecord.encode(made)
        _ = try await connection.query(
            "UPDATE strata.splits SET made = $2::jsonb, changed_at = clock_timestamp() WHERE id = $1",
            [.int(split), .text(text)])
    }

    func add(_ tables: [SourceTable], to split: Int) async throws {
        for table in tables {
            _ = try await connection.query(
                """
                INSERT INTO strata.split_tables (split, relation, name) VALUES ($1, $2, $3)
                ON CONFLICT (split, relation) DO UPDATE SET name = excluded.name
                """, [.int(split), .oid(table.oid), .text(table.name)])
        }
    }

    /// - Returns: the number of a new stream, noted before anything of it is made.
    func addStream(to split: Int, _ direction: SplitRecord.Direction = .out) async throws -> Int {
        // Its number is not used again after its row has gone: it is part of names on both servers.
        try await connection.query(
            """
            WITH next AS (
                UPDATE strata.splits SET last_stream = last_stream + 1 WHERE id = $1 RETURNING last_stream
            )
            INSERT INTO strata.split_streams (split, generation, direction)
            SELECT $1, last_stream, $2 FROM next RETURNING generation
            """, [.int(split), .text(direction.rawValue)]
        ).only().int("generation")
    }

    func removeStream(_ generation: Int, of split: Int) async throws {
        _ = try await connection.query(
            "DELETE FROM strata.split_streams WHERE split = $1 AND generation = $2", [.int(split), .int(generation)])
    }

    func begun(_ tables: [UInt32], generation: Int, lsn: String, of split: Int) async throws {
        _ = try await connection.query(
            "UPDATE strata.split_streams SET lsn = $3::pg_lsn WHERE split = $1 AND generation = $2",
            [.int(split), .int(generation), .text(lsn)])
        _ = try await connection.query(
            "UPDATE strata.split_tables SET generation = $2 WHERE split = $1 AND relation = ANY ($3::oid[])",
            [.int(split), .int(generation), .textArray(tables.map { String($0) })])
    }

    func copied(_ table: UInt32, rows: Int, bytes: Int, of split: Int) async throws {
        _ = try await connection.query(
            "UPDATE strata.split_tables SET copied = true, rows = $3, bytes = $4 WHERE split = $1 AND relation = $2",
            [.int(split), .oid(table), .int(rows), .int(bytes)])
    }
}
