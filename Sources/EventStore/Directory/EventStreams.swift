package import Foundation
import PostgresDriver

package struct EventStream: Sendable, Hashable {
    package var id: UUID
    package var name: String
    package var createdAt: Date
    package var isActive: Bool
    package var lastPosition: Int
    /// Events up to here are archived; 0: none.
    package var floorPosition: Int
    /// 0: any JSON is taken.
    package var schemaVersion: Int
    package var compatibility: String
}

package struct StreamSchema: Sendable, Hashable {
    package var version: Int
    /// A JSON Schema, as text.
    package var schema: String
    package var compatibility: String
    package var createdAt: Date
}

package struct GroupStatus: Sendable, Hashable {
    package var id: UUID
    package var name: String
    package var slots: Int
    package var attempts: Int
    package var createdAt: Date
    /// All events up to here are done.
    package var position: Int
    /// Events between that and the end of the stream: those that are not all done.
    package var lag: Int
    package var members: Int
    /// Dead letters that nobody has looked after.
    package var dead: Int
}

extension Directory {
    // MARK: Streams

    /// - Parameter name: 1 to 200 characters; the only one in its organisation, also when the stream is inactive by then.
    package func createStream(_ name: String, of organization: UUID) async throws -> EventStream {
        guard (1...200).contains(name.unicodeScalars.count) else {
            throw Refusal.invalid("a stream's name has 1 to 200 characters")
        }
        let rows = try await within(
            organization,
            "INSERT INTO \(schema.schema).event_streams (org_id, name) VALUES ($1::uuid, $2::varchar) RETURNING \(Self.streamColumns)",
            [.id(organization), .text(name)])
        return try Self.stream(try rows.only())
    }

    /// In the order of their names.
    ///
    /// - Parameters:
    ///   - after: a name.
    ///   - limit: 1 to 1,000.
    package func streams(of organization: UUID, after: String = "", limit: Int = 100) async throws -> [EventStream] {
        try await within(
            organization,
            "SELECT \(Self.streamColumns) FROM \(schema.schema).event_streams WHERE org_id = $1::uuid AND name > $2 ORDER BY name LIMIT $3",
            [.id(organization), .text(after), .int(min(max(limit, 1), 1_000))]
        ).map { try Self.stream($0) }
    }

    package func stream(_ id: UUID, of organization: UUID) async throws -> EventStream {
        try await stream("id = $2::uuid", .id(id), organization)
    }

    package func stream(named name: String, of organization: UUID) async throws -> EventStream {
        try await stream("name = $2", .text(name), organization)
    }

    private func stream(_ condition: String, _ parameter: Parameter, _ organization: UUID) async throws -> EventStream {
        let rows = try await within(
            organization,
            "SELECT \(Self.streamColumns) FROM \(schema.schema).event_streams WHERE org_id = $1::uuid AND \(condition)",
            [.id(organization), parameter])
        guard let row = rows.first else { throw Refusal.notFound("there is no such stream") }
        return try Self.stream(row)
    }

    /// An inactive stream takes and gives nothing; what is in it stays.
    package func setStream(_ id: UUID, of organization: UUID, isActive: Bool) async throws {
        let rows = try await within(
            organization, "UPDATE \(schema.schema).event_streams SET is_active = $2 WHERE id = $1::uuid RETURNING id",
            [.id(id), .bool(isActive)])
        if rows.isEmpty { throw Refusal.notFound("there is no such stream") }
    }

    // MARK: Schemas

    /// The stream's next schema. Whoever looked at the one before, to compare them, says which that was.
    ///
    /// - Parameters:
    ///   - text: checked by who calls.
    ///   - version: of the schema that it follows; 0 for the first.
    /// - Throws: `Refusal.taken` where there is a later one already.
    package func addSchema(
        _ text: String, to stream: UUID, of organization: UUID, after version: Int, compatibility: String
    ) async throws -> StreamSchema {
        let name = schema.schema
        return try await within(organization) { connection in
            let changed = try await connection.query(
                """
                UPDATE \(name).event_streams SET schema = $3::jsonb, schema_version = schema_version + 1, compatibility = $4
                WHERE id = $1::uuid AND schema_version = $2 RETURNING id
                """, [.id(stream), .int(version), .text(text), .text(compatibility)])
            guard !changed.isEmpty else { throw Refusal.taken("schema_version") }
            let rows = try await connection.query(
                """
                INSERT INTO \(name).stream_schemas (stream_id, version, org_id, schema, compatibility)
                VALUES ($1::uuid, $2, $3::uuid, $4::jsonb, $5) RETURNING \(Self.schemaColumns)
                """, [.id(stream), .int(version + 1), .id(organization), .text(text), .text(compatibility)])
            return try Self.streamSchema(try rows.only())
        }
    }

    /// - Returns: 0 and nil where the stream takes any JSON.
    func currentSchema(of stream: UUID, _ organization: UUID) async throws -> (version: Int, text: String?) {
        let rows = try await within(
            organization,
            "SELECT schema_version, schema::text AS schema FROM \(schema.schema).event_streams WHERE id = $1::uuid AND is_active",
            [.id(stream)])
        guard let row = rows.first else { throw Refusal.notFound("there is no such stream") }
        return (try row.int("schema_version"), try row.optionalString("schema"))
    }

    /// All versions, oldest first.
    package func schemas(of stream: UUID, _ organization: UUID) async throws -> [StreamSchema] {
        try await within(
            organization,
            "SELECT \(Self.schemaColumns) FROM \(schema.schema).stream_schemas WHERE stream_id = $1::uuid ORDER BY version",
            [.id(stream)]
        ).map { try Self.streamSchema($0) }
    }

    // MARK: Groups

    package func groups(on stream: UUID, of organization: UUID) async throws -> [GroupStatus] {
        let s = schema.schema
        return try await within(
            organization,
            """
            SELECT g.id::text AS id, g.name, g.slots, g.max_attempts, \(Milliseconds.of("g.created_at", as: "created_at")),
                w.position, e.last_position - w.position AS lag,
                (SELECT count(*) FROM \(s).group_members m WHERE m.group_id = g.id AND m.seen_until > now()) AS members,
                (SELECT count(*) FROM \(s).dead_letter_events d WHERE d.group_id = g.id AND d.status = 'dead') AS dead
            FROM \(s).consumer_groups g JOIN \(s).event_streams e ON e.id = g.stream_id
            CROSS JOIN LATERAL (SELECT min(position) AS position FROM \(s).group_slots WHERE group_id = g.id) w
            WHERE g.stream_id = $1::uuid ORDER BY g.name
            """, [.id(stream)]
        ).map { row in
            GroupStatus(
                id: try row.id(), name: try row.string("name"), slots: try row.int("slots"),
                attempts: try row.int("max_attempts"), createdAt: try row.date("created_at"),
                position: try row.int("position"), lag: try row.int("lag"), members: try row.int("members"),
                dead: try row.int("dead"))
        }
    }

    // MARK: Rows

    private static let streamColumns = """
        id::text AS id, name, \(Milliseconds.of("created_at")), is_active, last_position, floor_position, schema_version, compatibility
        """

    private static func stream(_ row: Row) throws -> EventStream {
        EventStream(
            id: try row.id(), name: try row.string("name"), createdAt: try row.date("created_at"),
            isActive: try row.bool("is_active"), lastPosition: try row.int("last_position"),
            floorPosition: try row.int("floor_position"), schemaVersion: try row.int("schema_version"),
            compatibility: try row.string("compatibility"))
    }

    private static let schemaColumns =
        "version, schema::text AS schema, compatibility, \(Milliseconds.of("created_at"))"

    private static func streamSchema(_ row: Row) throws -> StreamSchema {
        StreamSchema(
            version: try row.int("version"), schema: try row.string("schema"),
            compatibility: try row.string("compatibility"), createdAt: try row.date("created_at"))
    }
}
