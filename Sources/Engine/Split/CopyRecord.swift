import Planning
package import PostgresDriver
import SQLSyntax

/// A table's copy in another database, as the database that has the table remembers it.
package struct CopyRecord: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable { case making, ready, dropping }

    /// Something beside the table that was made for it, and the statement that takes it back.
    package typealias Undo = String

    package var id: Int
    package var schema: String
    package var table: String
    /// As the layout names the database that has the copy.
    package var database: String
    /// Its server and database.
    package var target: String
    package var state: State
    package var made: [Undo]
    package var error: String?
    /// The number of the database that has the table: names of slots are those of a whole server.
    package var sourceOID: UInt32

    /// Publication, slot and subscription have one name.
    package var streamName: String { "strata_\(sourceOID)_copy_\(id)" }
    /// As SQL names it.
    package var name: String { SQL.qualified(schema, table) }
}

/// Reads and writes `strata.copies`.
package struct CopyLedger: Sendable {
    let connection: Connection

    package init(_ connection: Connection) { self.connection = connection }

    func prepare() async throws {
        try await connection.execute("BEGIN; SET LOCAL client_min_messages = warning;\n\(CopySchema.source)\nCOMMIT")
    }

    package func all() async throws -> [CopyRecord] {
        guard
            try await connection.query("SELECT to_regclass('strata.copies') IS NOT NULL AS present").only()
                .bool("present")
        else { return [] }
        return try await connection.query(
            """
            SELECT id, schema, name, database, target, state, made::text AS made, error,
                   (SELECT oid FROM pg_database WHERE datname = current_database()) AS source
              FROM strata.copies ORDER BY schema, name, database, id
            """
        ).map { row in
            CopyRecord(
                id: try row.int("id"), schema: try row.string("schema"), table: try row.string("name"),
                database: try row.string("database"), target: try row.string("target"),
                state: CopyRecord.State(rawValue: try row.string("state")) ?? .making,
                made: try JSONRecord.decode([CopyRecord.Undo].self, try row.string("made")),
                error: try row.optionalString("error"), sourceOID: try row.uint32("source"))
        }
    }

    func record(of schema: String, _ table: String, target: String) async throws -> CopyRecord? {
        try await all().first { $0.schema == schema && $0.table == table && $0.target == target }
    }

    /// - Returns: the one that is there, or a new one.
    func begin(_ schema: String, _ table: String, database: String, target: String) async throws -> CopyRecord {
        _ = try await connection.query(
            """
            INSERT INTO strata.copies (schema, name, database, target, state) VALUES ($1, $2, $3, $4, 'making')
            ON CONFLICT (schema, name, target) DO UPDATE SET database = excluded.database
            """, [.text(schema), .text(table), .text(database), .text(target)])
        guard let record = try await record(of: schema, table, target: target) else {
            throw PostgresError(.protocolViolation, "the record of the copy that was just made is not there")
        }
        return record
    }

    func setState(_ state: CopyRecord.State, of record: CopyRecord) async throws {
        _ = try await connection.query(
            "UPDATE strata.copies SET state = $2, error = NULL WHERE id = $1", [.int(record.id), .text(state.rawValue)])
    }

    func note(_ made: [CopyRecord.Undo], of record: CopyRecord) async throws {
        _ = try await connection.query(
            "UPDATE strata.copies SET made = $2::jsonb WHERE id = $1",
            [.int(record.id), .text(try JSONRecord.encode(made))])
    }

    /// What went wrong, for those who look; the state stays.
    func note(_ error: String, of record: CopyRecord) async {
        let text = SQL.literal(String(error.prefix(2_000)))
        _ = try? await connection.executeShielded("UPDATE strata.copies SET error = \(text) WHERE id = \(record.id)")
    }

    func remove(_ record: CopyRecord) async throws {
        _ = try await connection.query("DELETE FROM strata.copies WHERE id = $1", [.int(record.id)])
        guard try await connection.query("SELECT count(*) AS n FROM strata.copies").only().int("n") == 0 else { return }
        try await connection.execute("DROP TABLE strata.copies")
        try await BareSchema.drop(connection)
    }
}
