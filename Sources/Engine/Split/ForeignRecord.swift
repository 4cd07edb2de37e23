import Planning
package import PostgresDriver
import SQLSyntax

/// A schema of foreign tables, as the main database remembers it.
package struct ForeignRecord: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable { case making, ready, dropping }

    package var id: Int
    package var schema: String
    /// Whose tables it reads, and in which database of the layout.
    package var source: String
    package var database: String
    /// That database's server and number.
    package var target: String
    package var state: State
    /// Statements that take back what was made beside the schema.
    package var made: [String]
    package var error: String?
    var mainOID: UInt32

    /// The foreign server here, and the role there that reads: names of roles are those of a whole server.
    package var serverName: String { "\(Self.namePrefix)\(mainOID)_\(id)" }
    static let namePrefix = "strata_foreign_"
}

/// Reads and writes `strata.foreign_schemas`.
package struct ForeignLedger: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    private static let table = """
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.foreign_schemas (
            id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            schema text NOT NULL UNIQUE,
            source text NOT NULL,
            database text NOT NULL,
            target text NOT NULL,
            state text NOT NULL CHECK (state IN ('making', 'ready', 'dropping')),
            made jsonb NOT NULL DEFAULT '[]',
            error text
        );
        """

    func prepare() async throws {
        try await connection.execute("BEGIN; SET LOCAL client_min_messages = warning;\n\(Self.table)\nCOMMIT")
    }

    package func all() async throws -> [ForeignRecord] {
        guard
            try await connection.query("SELECT to_regclass('strata.foreign_schemas') IS NOT NULL AS present").only()
                .bool("present")
        else { return [] }
        return try await connection.query(
            """
            SELECT id, schema, source, database, target, state, made::text AS made, error,
                   (SELECT oid FROM pg_database WHERE datname = current_database()) AS main
              FROM strata.foreign_schemas ORDER BY schema
            """
        ).map { row in
            ForeignRecord(
                id: try row.int("id"), schema: try row.string("schema"), source: try row.string("source"),
                database: try row.string("database"), target: try row.string("target"),
                state: ForeignRecord.State(rawValue: try row.string("state")) ?? .making,
                made: try JSONRecord.decode([String].self, try row.string("made")),
                error: try row.optionalString("error"), mainOID: try row.uint32("main"))
        }
    }

    func record(of schema: String) async throws -> ForeignRecord? { try await all().first { $0.schema == schema } }

    func begin(_ schema: String, of source: String, database: String, target: String) async throws -> ForeignRecord {
        _ = try await connection.query(
            """
            INSERT INTO strata.foreign_schemas (schema, source, database, target, state)
            VALUES ($1, $2, $3, $4, 'making') ON CONFLICT (schema) DO NOTHING
            """, [.text(schema), .text(source), .text(database), .text(target)])
        guard let record = try await record(of: schema) else {
            throw PostgresError(.protocolViolation, "the record of the foreign tables is not there")
        }
        return record
    }

    func setState(_ state: ForeignRecord.State, of record: ForeignRecord) async throws {
        _ = try await connection.query(
            "UPDATE strata.foreign_schemas SET state = $2, error = NULL WHERE id = $1",
            [.int(record.id), .text(state.rawValue)])
    }

    func note(_ made: [String], of record: ForeignRecord) async throws {
        _ = try await connection.query(
            "UPDATE strata.foreign_schemas SET made = $2::jsonb WHERE id = $1",
            [.int(record.id), .text(try JSONRecord.encode(made))])
    }

    func note(_ error: String, of record: ForeignRecord) async {
        let text = SQL.literal(String(error.prefix(2_000)))
        _ = try? await connection.executeShielded(
            "UPDATE strata.foreign_schemas SET error = \(text) WHERE id = \(record.id)")
    }

    func remove(_ record: ForeignRecord) async throws {
        _ = try await connection.query("DELETE FROM strata.foreign_schemas WHERE id = $1", [.int(record.id)])
        guard try await connection.query("SELECT count(*) AS n FROM strata.foreign_schemas").only().int("n") == 0
        else { return }
        try await connection.execute("DROP TABLE strata.foreign_schemas")
        try await BareSchema.drop(connection)
    }
}
