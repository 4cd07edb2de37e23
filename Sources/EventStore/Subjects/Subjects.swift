package import Foundation
import JSONSchemas
import PostgresDriver
import SQLSyntax

/// A person, or whatever events are about, as far as it can be forgotten.
package struct Subject: Sendable, Hashable {
    package var id: String
    /// nil: it has no key any more.
    package var keyMadeAt: Date?
    package var forgottenAt: Date?
    package var forgottenBy: String?
    package var reason: String?
    package var readmittedAt: Date?
}

/// What has copies of a subject's data in clear, and has to be looked after once it is forgotten.
package struct SubjectCopies: Sendable, Hashable {
    package var stream: String
    /// By name, as `strata project rebuild` takes it.
    package var projections: [String]
    package var groups: [String]
}

extension Directory {
    // MARK: Protection

    /// nil: nothing of it is encrypted.
    package func protection(of stream: UUID, _ organization: UUID) async throws -> StreamProtection? {
        let rows = try await within(
            organization,
            "SELECT members, subject, tombstone::text AS tombstone FROM \(schema.schema).stream_protections WHERE stream_id = $1::uuid AND members <> '{}'",
            [.id(stream)])
        guard let row = rows.first else { return nil }
        guard let source = StreamProtection.Source(try row.string("subject")) else {
            throw Refusal.invalid("the stream's protection names no subject")
        }
        return try StreamProtection(
            try row.textArray("members").compactMap { JSONPointer($0) }, subject: source,
            tombstone: try JSONParser.parse(try row.string("tombstone"), limits: SubjectVault.limits))
    }

    /// From the next append on. The stream's schema gets another version (of the same content): whoever still appends by the
    /// earlier one is refused, and looks again.
    ///
    /// - Parameter protection: nil: nothing is encrypted any more; what was stays so.
    package func protect(_ stream: UUID, of organization: UUID, _ protection: StreamProtection?) async throws {
        let name = schema.schema
        try await within(organization) { connection in
            let rows = try await connection.query(
                "UPDATE \(name).event_streams SET schema_version = schema_version + 1 WHERE id = $1::uuid AND org_id = $2::uuid RETURNING schema_version, compatibility",
                [.id(stream), .id(organization)])
            guard let row = rows.first else { throw Refusal.notFound("there is no such stream") }
            // Where it has a schema, that is the new version's, too.
            _ = try await connection.query(
                """
                INSERT INTO \(name).stream_schemas (stream_id, version, org_id, schema, compatibility)
                SELECT id, $2::integer, org_id, schema, $3 FROM \(name).event_streams WHERE id = $1::uuid AND schema IS NOT NULL
                """, [.id(stream), .int(try row.int("schema_version")), .text(try row.string("compatibility"))])
            guard let protection else {
                // The row stays: events that are encrypted do, too, and who consumes them is named by it.
                _ = try await connection.query(
                    "UPDATE \(name).stream_protections SET members = '{}' WHERE stream_id = $1::uuid", [.id(stream)])
                return
            }
            _ = try await connection.query(
                """
                INSERT INTO \(name).stream_protections (stream_id, org_id, members, subject, tombstone)
                VALUES ($1::uuid, $2::uuid, $3, $4, $5::jsonb) ON CONFLICT (stream_id) DO UPDATE SET members = excluded.members,
                    subject = excluded.subject, tombstone = excluded.tombstone, updated_at = excluded.updated_at
                """,
                [
                    .id(stream), .id(organization), .textArray(protection.members.map(\.description)),
                    .text(protection.subject.description), .text(JSONWriter.text(protection.tombstone)),
                ])
        }
    }

    // MARK: Subjects

    /// With a key, or forgotten, in the order of their ids.
    ///
    /// - Parameters:
    ///   - id: this one alone.
    ///   - limit: 1 to 1,000.
    package func subjects(
        of organization: UUID, id: String? = nil, after: String = "", limit: Int = 100
    ) async throws -> [Subject] {
        let s = schema.schema
        return try await within(
            organization,
            """
            SELECT coalesce(k.subject, e.subject) AS id, \(Milliseconds.of("k.created_at", as: "made")),
                \(Milliseconds.of("e.forgotten_at", as: "forgotten")), e.forgotten_by, e.reason, \(Milliseconds.of("e.readmitted_at", as: "readmitted"))
            FROM (SELECT * FROM \(s).subject_keys WHERE org_id = $1::uuid AND ($2::varchar IS NULL OR subject = $2)) k FULL JOIN
                (SELECT DISTINCT ON (subject) * FROM \(s).subject_erasures WHERE org_id = $1::uuid AND ($2::varchar IS NULL OR subject = $2)
                 ORDER BY subject, forgotten_at DESC) e ON e.subject = k.subject
            WHERE coalesce(k.subject, e.subject) > $3 ORDER BY 1 LIMIT $4
            """,
            [.id(organization), id.map { .text($0) } ?? .null, .text(after), .int(min(max(limit, 1), 1_000))]
        ).map { row in
            Subject(
                id: try row.string("id"), keyMadeAt: try row.optionalDate("made"),
                forgottenAt: try row.optionalDate("forgotten"), forgottenBy: try row.optionalString("forgotten_by"),
                reason: try row.optionalString("reason"), readmittedAt: try row.optionalDate("readmitted"))
        }
    }

    /// Deletes the subject's key for good, and puts that on record. Again, it changes nothing.
    ///
    /// - Parameter actor: who does it, for the record.
    /// - Returns: whether there was a key, and since when it is forgotten.
    package func forget(
        _ subject: String, of organization: UUID, by actor: String, reason: String
    ) async throws -> (hadKey: Bool, at: Date) {
        guard (1...200).contains(subject.utf8.count), !subject.utf8.contains(0) else {
            throw Refusal.invalid("a subject has 1 to 200 bytes")
        }
        let rows = try await pool.withConnection {
            try await $0.query(
                "SELECT was_known, \(Milliseconds.of("at")) FROM \(schema.schema).forget_subject($1::uuid, $2::varchar, $3::varchar, $4)",
                [.id(organization), .text(subject), .text(actor), .text(reason)])
        }
        let row = try rows.only()
        return (try row.bool("was_known"), try row.date("at"))
    }

    /// Pages of the table may still have the key's bytes; vacuum gives them away to be written over. Where the role may not, a
    /// later autovacuum does it.
    package func vacuumKeys() async {
        _ = try? await pool.withConnection { try await $0.execute("VACUUM \(schema.schema).subject_keys") }
    }

    /// Events about it may be appended again, under a new key; what was forgotten stays so.
    package func readmit(_ subject: String, of organization: UUID) async throws {
        let rows = try await within(
            organization,
            "UPDATE \(schema.schema).subject_erasures SET readmitted_at = \(schema.schema).now() WHERE org_id = $1::uuid AND subject = $2 AND readmitted_at IS NULL RETURNING 1",
            [.id(organization), .text(subject)])
        if rows.isEmpty { throw Refusal.notFound("subject \(subject) is not forgotten") }
    }

    /// Who consumes streams that have, or had, encrypted members, and so may have them in clear.
    package func copies(of organization: UUID) async throws -> [SubjectCopies] {
        let s = schema.schema
        return try await within(
            organization,
            """
            SELECT e.name, coalesce(array_agg(g.name ORDER BY g.name) FILTER (WHERE g.name IS NOT NULL), '{}') AS groups
            FROM \(s).stream_protections p JOIN \(s).event_streams e ON e.id = p.stream_id LEFT JOIN \(s).consumer_groups g ON g.stream_id = e.id
            GROUP BY e.id, e.name ORDER BY e.name
            """
        ).map { row in
            let groups = try row.textArray("groups")
            let prefix = "projection:"
            return SubjectCopies(
                stream: try row.string("name"),
                projections: groups.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) },
                groups: groups.filter { !$0.hasPrefix(prefix) })
        }
    }

    /// Wraps all keys of an organisation by the current master key.
    ///
    /// - Throws: `EventStoreProblem` where one is wrapped by a key that is not here; those before it are done.
    package func rewrapKeys(of organization: UUID, _ access: SubjectAccess = .environment) async throws -> Int {
        try await SubjectVault(schema, pool, access).rewrap(of: organization) { statement, parameters in
            try await within(organization, statement, parameters)
        }
    }
}
