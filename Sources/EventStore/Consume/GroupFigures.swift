package import Foundation
import PostgresDriver

/// How far the groups of all organisations are, for who runs the service.
package struct GroupFigures: Sendable, Hashable {
    package struct Group: Sendable, Hashable {
        package var organization: UUID
        package var organizationName: String
        package var stream: String
        package var name: String
        /// Events between the first that is not done and the end of the stream.
        package var lag: Int
        /// How long ago the first of them was appended; zero without one.
        package var oldest: Duration
        /// Slots that a member has now.
        package var leases: Int
        package var letters: [DeadLetter.Status: Int] = [:]
    }

    /// Those that are furthest behind, in that order.
    package var groups: [Group]
    /// How many groups there are besides, and the lag of all of them.
    package var leftOut: Int
    package var leftOutLag: Int

    package init(groups: [Group], leftOut: Int = 0, leftOutLag: Int = 0) {
        (self.groups, self.leftOut, self.leftOutLag) = (groups, leftOut, leftOutLag)
    }
}

extension Directory {
    /// Groups of streams and organisations that are in use, asked with the owner's rights.
    ///
    /// - Parameters:
    ///   - most: which are looked at closely; the rest is summed by their low watermarks, which are a moment older.
    ///   - limit: of each of the two statements.
    package func groupFigures(most: Int, limit: Duration) async throws -> GroupFigures {
        try await pool.withConnection { connection in
            try await connection.transaction { connection in
                try await connection.execute("SET LOCAL statement_timeout = \(max(limit.milliseconds, 1))")
                let rows = try await connection.query(Self.furthestBehind(schema.schema), [.int(most)])
                var letters = try await letters(of: try rows.map { try $0.id() }, on: connection)
                return GroupFigures(
                    groups: try rows.map { try Self.figures($0, letters.removeValue(forKey: try $0.id()) ?? [:]) },
                    leftOut: try rows.first?.int("left_out") ?? 0, leftOutLag: try rows.first?.int("left_out_lag") ?? 0)
            }
        }
    }

    private static func furthestBehind(_ s: String) -> String {
        """
        WITH ranked AS (
            SELECT g.id, g.org_id, o.name AS organization_name, e.id AS stream_id, e.name AS stream, g.name, e.last_position,
                e.last_position - f.position AS behind, row_number() OVER (ORDER BY e.last_position - f.position DESC, g.id) AS rank
            FROM \(s).consumer_groups g JOIN \(s).event_streams e ON e.id = g.stream_id AND e.is_active
            JOIN \(s).organizations o ON o.id = g.org_id AND o.is_active JOIN \(s).consumer_offsets f ON f.consumer_group_id = g.id)
        SELECT r.id::text AS id, r.org_id::text AS organization, r.organization_name, r.stream, r.name, r.last_position - w.position AS lag,
            w.leases, (SELECT (extract(epoch FROM \(s).now() - v.created_at) * 1000)::bigint FROM \(s).events v
                        WHERE v.stream_id = r.stream_id AND v.position > w.position AND v.created_at >= \(s).partition_of(r.stream_id, w.position + 1)
                        ORDER BY v.position LIMIT 1) AS oldest,
            (SELECT count(*) FROM ranked WHERE rank > $1) AS left_out,
            (SELECT coalesce(sum(behind), 0)::bigint FROM ranked WHERE rank > $1) AS left_out_lag
        FROM ranked r CROSS JOIN LATERAL (SELECT min(position) AS position, count(*) FILTER (WHERE lease_until > clock_timestamp()) AS leases
            FROM \(s).group_slots WHERE group_id = r.id) w
        WHERE r.rank <= $1 ORDER BY r.rank
        """
    }

    private func letters(
        of groups: [UUID], on connection: Connection
    ) async throws -> [UUID: [DeadLetter.Status: Int]] {
        let rows = try await connection.query(
            "SELECT group_id::text AS id, status, count(*) AS n FROM \(schema.schema).dead_letter_events WHERE group_id = ANY ($1::uuid[]) GROUP BY 1, 2",
            [.text("{" + groups.map(\.uuidString).joined(separator: ",") + "}")])
        var found: [UUID: [DeadLetter.Status: Int]] = [:]
        for row in rows {
            guard let status = DeadLetter.Status(rawValue: try row.string("status")) else { continue }
            found[try row.id(), default: [:]][status] = try row.int("n")
        }
        return found
    }

    private static func figures(_ row: Row, _ letters: [DeadLetter.Status: Int]) throws -> GroupFigures.Group {
        GroupFigures.Group(
            organization: try row.id("organization"), organizationName: try row.string("organization_name"),
            stream: try row.string("stream"), name: try row.string("name"), lag: try row.int("lag"),
            oldest: .milliseconds(max(0, try row.optionalInt("oldest") ?? 0)), leases: try row.int("leases"),
            letters: letters)
    }
}
