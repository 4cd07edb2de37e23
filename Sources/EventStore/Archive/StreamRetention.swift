package import Foundation
import PostgresDriver

/// How long events are kept at least. A partition goes when all its streams are past theirs.
package struct StreamRetention: Sendable, Hashable {
    package enum Keep: Sendable, Hashable {
        case forever
        case atLeast(Duration)
    }

    /// nil: of the organisation, for streams without their own.
    package var stream: UUID?
    package var streamName: String?
    package var keep: Keep
}

extension Directory {
    /// What is declared: of the organisation first, then of its streams by name.
    package func retentions(of organization: UUID) async throws -> [StreamRetention] {
        try await within(
            organization,
            """
            SELECT r.stream_id::text AS id, e.name, (extract(epoch FROM r.keep) * 1000)::bigint AS keep
            FROM \(schema.schema).retention r LEFT JOIN \(schema.schema).event_streams e ON e.id = r.stream_id
            WHERE r.org_id = $1::uuid ORDER BY e.name NULLS FIRST
            """, [.id(organization)]
        ).map { row in
            StreamRetention(
                stream: try row.optionalString("id").flatMap { UUID(uuidString: $0) },
                streamName: try row.optionalString("name"),
                keep: try row.optionalInt("keep").map { .atLeast(.milliseconds($0)) } ?? .forever)
        }
    }

    /// - Throws: `Refusal.notFound`: there is no such stream.
    ///
    /// - Parameters:
    ///   - keep: nil: what is declared is taken back.
    ///   - stream: nil: for all streams of the organisation without their own.
    package func retain(_ keep: StreamRetention.Keep?, _ stream: UUID? = nil, of organization: UUID) async throws {
        let place: [Parameter] = [.id(organization), stream.map { .id($0) } ?? .null]
        let table = "\(schema.schema).retention"
        guard let keep else {
            _ = try await within(
                organization,
                "DELETE FROM \(table) WHERE org_id = $1::uuid AND stream_id IS NOT DISTINCT FROM $2::uuid", place)
            return
        }
        var milliseconds: Parameter = .null
        if case .atLeast(let duration) = keep { milliseconds = .int(duration.milliseconds) }
        // From the organisation's own rows: a key of another one's stream would be taken.
        let rows = try await within(
            organization,
            """
            INSERT INTO \(table) (org_id, stream_id, keep)
            SELECT o.id, e.id, $3::bigint * interval '1 millisecond' FROM \(schema.schema).organizations o
            LEFT JOIN \(schema.schema).event_streams e ON e.id = $2::uuid AND e.org_id = o.id
            WHERE o.id = $1::uuid AND ($2::uuid IS NULL OR e.id IS NOT NULL)
            ON CONFLICT (org_id, coalesce(stream_id, org_id)) DO UPDATE SET keep = excluded.keep, updated_at = excluded.updated_at
            RETURNING 1
            """, place + [milliseconds])
        if rows.isEmpty { throw Refusal.notFound("there is no such stream") }
    }
}
