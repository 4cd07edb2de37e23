import Foundation
package import PostgresDriver
import SQLSyntax

extension ArchivePlan {
    /// Reads what there is. Needs the rights of the tables' owner.
    ///
    /// - Parameter age: what streams without a retention of their own, or of their organisation, are kept for after the end of a
    ///   partition; no partition is younger than it. nil: only declared retentions count.
    package init(_ schema: EventSchema, olderThan age: Duration?, on connection: Connection) async throws {
        unfinished = try await connection.query(
            """
            SELECT name, partition, \(Milliseconds.of("starts_at", as: "begin")), \(Milliseconds.of("ends_at", as: "finish"))
            FROM \(schema.schema).archived_partitions WHERE state = 'detached' ORDER BY starts_at, name
            """
        ).map {
            Unfinished(
                table: try $0.string("name"), partition: try $0.string("partition"), from: try $0.date("begin"),
                until: try $0.date("finish"))
        }
        let seconds: Parameter = age.map { .double($0 / .seconds(1)) } ?? .null
        partitions = []
        for row in try await connection.query(Self.ended(schema), [.text(schema.name), seconds]) {
            var partition = Partition(
                name: try row.string("name"), from: try row.date("begin"), until: try row.date("finish"),
                events: try row.int("events"), bytes: try row.int("bytes"), streams: try row.int("streams"), holds: [],
                behind: [], isOldEnough: try row.bool("old_enough"))
            let start: Parameter = .int(try row.int("begin"))
            partition.holds = try await connection.query(
                Self.holds(schema), [start, .int(try row.int("finish")), seconds]
            ).map {
                Hold(
                    organization: try $0.string("organization"), stream: try $0.string("stream"),
                    until: try $0.optionalDate("until"))
            }
            partition.behind = try await connection.query(Self.behind(schema), [start]).map {
                Behind(
                    organization: try $0.string("organization"), stream: try $0.string("stream"),
                    group: try $0.string("name"), position: try $0.int("position"), needed: try $0.int("needed"))
            }
            partitions.append(partition)
        }
    }

    /// Partitions whose time is over, by a clock that may be an hour ahead.
    private static func ended(_ schema: EventSchema) -> String {
        """
        WITH p AS (
            SELECT c.oid, c.relname, c.reltuples, regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') AS bounds
            FROM pg_class e JOIN pg_namespace n ON n.oid = e.relnamespace
            JOIN pg_inherits i ON i.inhparent = e.oid JOIN pg_class c ON c.oid = i.inhrelid
            WHERE n.nspname = $1 AND e.relname = 'events')
        SELECT relname AS name, (extract(epoch FROM bounds[1]::timestamp) * 1000)::bigint AS begin, (extract(epoch FROM bounds[2]::timestamp) * 1000)::bigint AS finish,
            greatest(reltuples, 0)::bigint AS events, pg_total_relation_size(oid) AS bytes,
            (SELECT count(*) FROM \(schema.schema).stream_partitions s WHERE s.starts_at = bounds[1]::timestamp) AS streams,
            bounds[2]::timestamp + coalesce($2::double precision, 0) * interval '1 second' <= \(schema.schema).now() AS old_enough
        FROM p WHERE bounds[2]::timestamp <= \(schema.schema).now() - interval '1 hour' ORDER BY bounds[1]::timestamp
        """
    }

    /// Streams of a partition that are to be kept longer.
    private static func holds(_ schema: EventSchema) -> String {
        let s = schema.schema
        return """
            SELECT o.name AS organization, e.name AS stream, (extract(epoch FROM k.until) * 1000)::bigint AS until
            FROM \(s).stream_partitions p JOIN \(s).event_streams e ON e.id = p.stream_id JOIN \(s).organizations o ON o.id = e.org_id
            LEFT JOIN \(s).retention r ON r.org_id = e.org_id AND r.stream_id = e.id
            LEFT JOIN \(s).retention d ON d.org_id = e.org_id AND d.stream_id IS NULL
            CROSS JOIN LATERAL (SELECT timestamp '1970-01-01' + $2 * interval '1 millisecond' + CASE WHEN r.org_id IS NOT NULL THEN r.keep
                WHEN d.org_id IS NOT NULL THEN d.keep ELSE $3::double precision * interval '1 second' END AS until) k
            WHERE p.starts_at = timestamp '1970-01-01' + $1 * interval '1 millisecond' AND (k.until IS NULL OR k.until > \(s).now())
            ORDER BY k.until DESC NULLS FIRST, 1, 2 LIMIT 10
            """
    }

    private static func behind(_ schema: EventSchema) -> String {
        let s = schema.schema
        return """
            SELECT o.name AS organization, e.name AS stream, g.name, w.position, f.floor AS needed
            FROM \(s).stream_partitions p JOIN \(s).event_streams e ON e.id = p.stream_id AND e.is_active JOIN \(s).organizations o ON o.id = e.org_id
            JOIN \(s).consumer_groups g ON g.stream_id = e.id
            CROSS JOIN LATERAL (SELECT coalesce(min(q.first_position) - 1, e.last_position) AS floor FROM \(s).stream_partitions q
                WHERE q.stream_id = e.id AND q.starts_at > p.starts_at) f
            CROSS JOIN LATERAL (SELECT min(x.position) AS position FROM \(s).group_slots x WHERE x.group_id = g.id) w
            WHERE p.starts_at = timestamp '1970-01-01' + $1 * interval '1 millisecond' AND w.position < f.floor ORDER BY 1, 2, 3 LIMIT 10
            """
    }
}
