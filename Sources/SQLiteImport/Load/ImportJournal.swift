import Engine
package import PostgresDriver
import SQLSyntax

/// What an import has done, in schema `strata` of the target: the rows of a chunk and its line here commit together.
package struct ImportJournal: Sendable {
    package let id: Int
    let connection: Connection

    /// Safe to run again. `imports.settled` is a transaction that began after all rows were there. `import_tables.made` is
    /// what `--restart` may drop; of tables that were there before, it takes back the rows. `import_chunks.first` and `last`
    /// are rowids; in a table without rowids `first` is the chunk's number, `last` is NULL, and `key` that of its last row,
    /// NULL where the table ended. A column is added only where it is missing: ALTER would wait for the chunks of other
    /// imports, and all readers for it.
    static let statements = """
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.imports (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            source text NOT NULL,
            fingerprint text NOT NULL,
            mapping text NOT NULL,
            state text NOT NULL DEFAULT 'loading' CHECK (state IN ('loading', 'finishing', 'done', 'undone')),
            actor text NOT NULL,
            host text NOT NULL,
            strata_version text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            finished_at timestamptz,
            settled xid
        );
        CREATE TABLE IF NOT EXISTS strata.import_tables (
            import_id bigint NOT NULL REFERENCES strata.imports,
            source text NOT NULL,
            schema text NOT NULL,
            name text NOT NULL,
            made boolean NOT NULL,
            rows bigint NOT NULL,
            PRIMARY KEY (import_id, source)
        );
        CREATE TABLE IF NOT EXISTS strata.import_chunks (
            import_id bigint NOT NULL REFERENCES strata.imports,
            source text NOT NULL,
            first bigint,
            last bigint,
            read bigint NOT NULL,
            loaded bigint NOT NULL,
            rejected bigint NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            key text
        );
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'strata.import_chunks'::regclass AND attname = 'key') THEN
                ALTER TABLE strata.import_chunks ADD COLUMN key text;
            END IF;
            IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'strata.imports'::regclass AND attname = 'settled') THEN
                ALTER TABLE strata.imports ADD COLUMN settled xid;
            END IF;
        END $$;
        CREATE UNIQUE INDEX IF NOT EXISTS import_chunks_once
            ON strata.import_chunks (import_id, source, coalesce(first, 0));
        CREATE TABLE IF NOT EXISTS strata.import_rejects (
            import_id bigint NOT NULL REFERENCES strata.imports,
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            source text NOT NULL,
            reject text NOT NULL
        );
        CREATE INDEX IF NOT EXISTS import_rejects_import ON strata.import_rejects (import_id, number);
        CREATE TABLE IF NOT EXISTS strata.import_steps (
            import_id bigint NOT NULL REFERENCES strata.imports,
            number integer NOT NULL,
            stage text NOT NULL,
            object text NOT NULL,
            sql text NOT NULL,
            undo text,
            state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'done', 'failed')),
            error text,
            PRIMARY KEY (import_id, number)
        )
        """

    package static func prepare(_ connection: Connection) async throws {
        try await connection.execute(statements)
    }

    /// The last import of a file that has not been taken back.
    package struct Earlier: Sendable, Hashable {
        package var id: Int
        package var fingerprint: String
        package var mapping: String
        package var state: String
    }

    package static func last(_ source: String, on connection: Connection) async throws -> Earlier? {
        let isThere = try await connection.query("SELECT to_regclass('strata.imports') IS NOT NULL AS there").only()
        guard try isThere.bool("there") else { return nil }
        return try await connection.query(
            """
            SELECT id, fingerprint, mapping, state FROM strata.imports
            WHERE source = $1 AND state <> 'undone' ORDER BY id DESC LIMIT 1
            """, [.text(source)]
        ).first.map {
            Earlier(
                id: try $0.int("id"), fingerprint: try $0.string("fingerprint"), mapping: try $0.string("mapping"),
                state: try $0.string("state"))
        }
    }

    package init(_ id: Int, on connection: Connection) { (self.id, self.connection) = (id, connection) }

    /// A new import, with its tables and steps, in one transaction.
    static func begin(
        _ file: SourceFile, mapping: String, tables: [PlannedTable], steps: [ImportStep], on connection: Connection
    ) async throws -> ImportJournal {
        try await connection.transaction { connection in
            let actor = ActorIdentity.current
            let id = try await connection.query(
                """
                INSERT INTO strata.imports (source, fingerprint, mapping, actor, host, strata_version)
                VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
                """,
                [
                    .text(file.path), .text(file.fingerprint), .text(mapping), .text(actor.actor), .text(actor.host),
                    .text(StrataVersion.current),
                ]
            ).only().int("id")
            for table in tables {
                _ = try await connection.query(
                    "INSERT INTO strata.import_tables VALUES ($1, $2, $3, $4, $5, $6)",
                    [
                        .int(id), .text(table.load.source.name), .text(table.load.mapping.schema),
                        .text(table.load.mapping.name), .bool(!table.exists), .int(table.evidence.rows),
                    ])
            }
            for (number, step) in steps.enumerated() {
                _ = try await connection.query(
                    "INSERT INTO strata.import_steps VALUES ($1, $2, $3, $4, $5, $6)",
                    [
                        .int(id), .int(number), .text(step.stage.rawValue), .text(step.object), .text(step.sql),
                        step.undo.map { .text($0) } ?? .null,
                    ])
            }
            return ImportJournal(id, on: connection)
        }
    }

    /// Tables that this import has made, or those that were there before; qualified and quoted.
    package func tables(made: Bool) async throws -> Set<String> {
        Set(
            try await connection.query(
                "SELECT schema, name FROM strata.import_tables WHERE import_id = $1 AND made = $2",
                [.int(id), .bool(made)]
            ).map { SQL.qualified(try $0.string("schema"), try $0.string("name")) })
    }

    // MARK: Rejects

    /// Rejects in the order in which they were found, in parts.
    package func rejects(after number: Int, limit: Int = 1000) async throws -> [(number: Int, line: String)] {
        try await connection.query(
            "SELECT number, reject FROM strata.import_rejects WHERE import_id = $1 AND number > $2 ORDER BY number LIMIT $3",
            [.int(id), .int(number), .int(limit)]
        ).map { (try $0.int("number"), try $0.string("reject")) }
    }

    /// Rows that the server refused, by table: what a comparison leaves out.
    package func refused() async throws -> [String: [Reject]] {
        let rows = try await connection.query(
            """
            SELECT source, (reject::json ->> 'rowid')::bigint AS rowid, (reject::json ->> 'key') AS key
            FROM strata.import_rejects WHERE import_id = $1 AND reject::json ->> 'reason' = $2
            """, [.int(id), .text(RejectReason.server.rawValue)])
        var refused: [String: [Reject]] = [:]
        for row in rows {
            let table = try row.string("source")
            var reject = Reject(table: table, reason: .server, action: .row)
            reject.rowid = try row.optionalInt("rowid").map { Int64($0) }
            reject.key = try RejectLine.key(row.optionalString("key"))
            refused[table, default: []].append(reject)
        }
        return refused
    }

    // MARK: Steps and state

    func steps() async throws -> [(number: Int, step: ImportStep, state: String, error: String?)] {
        try await connection.query(
            "SELECT number, stage, object, sql, undo, state, error FROM strata.import_steps WHERE import_id = $1 ORDER BY number",
            [.int(id)]
        ).map { row in
            let stage = ImportStep.Stage(rawValue: try row.string("stage")) ?? .tables
            let step = ImportStep(
                stage, try row.string("object"), try row.string("sql"), undo: try row.optionalString("undo"))
            return (try row.int("number"), step, try row.string("state"), try row.optionalString("error"))
        }
    }

    /// With the step itself, in its transaction.
    func mark(_ number: Int, _ state: String, error: String? = nil, on connection: Connection) async throws {
        _ = try await connection.query(
            "UPDATE strata.import_steps SET state = $3, error = $4 WHERE import_id = $1 AND number = $2",
            [.int(id), .int(number), .text(state), error.map { .text($0) } ?? .null])
    }

    package func set(state: String) async throws {
        _ = try await connection.query(
            """
            UPDATE strata.imports SET state = $2, settled = coalesce(settled, pg_current_xact_id()::xid),
                finished_at = CASE WHEN $2 IN ('done', 'undone') THEN clock_timestamp() END
            WHERE id = $1
            """, [.int(id), .text(state)])
    }
}
