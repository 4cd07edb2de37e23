import Planning
package import PostgresDriver

/// A split as it stands: its record, and what the slots say of its streams, on the server where rows come from.
package struct SplitStanding: Sendable, Codable {
    package var record: SplitRecord
    /// What the target has not confirmed yet, in bytes of WAL; nil before there is a stream.
    package var lagBytes: Int?
    package var warnings: [String] = []

    /// The way back is not meant to be open for longer: its slot keeps WAL, and definitions cannot change.
    static let patience = 7

    /// - Parameter target: of a database that schemas were switched to, as the layout names it; its connection is closed here.
    package static func all(
        _ connection: Connection, target: (String) async throws -> Connection
    ) async throws -> [SplitStanding] {
        var found: [SplitStanding] = []
        for record in try await SplitLedger(connection).open() {
            let seconds = try await connection.query(
                "SELECT extract(epoch FROM clock_timestamp() - changed_at)::bigint AS seconds FROM strata.splits WHERE id = $1",
                [.int(record.id)]
            ).only().int("seconds")
            guard record.isSwitched else {
                found.append(try await standing(of: record, connection, seconds))
                continue
            }
            found.append(await switched(record, seconds, target))
        }
        return found
    }

    private static func switched(
        _ record: SplitRecord, _ seconds: Int, _ target: (String) async throws -> Connection
    ) async -> SplitStanding {
        var found = SplitStanding(record: record)
        do {
            let connection = try await target(record.database)
            do {
                found = try await standing(of: record, connection, seconds)
                await connection.close()
            } catch {
                await connection.close()
                throw error
            }
        } catch {
            found.warnings.append(
                "database \(record.database) cannot be asked for its slots: \(SplitMove.summary(error))")
        }
        let days = seconds / 86_400
        if days >= patience {
            found.warnings.append(
                "the way back of schema \(record.schema) has been open for \(counted(days, "day")): strata complete \(record.schema), or strata reverse \(record.schema)"
            )
        }
        return found
    }

    /// - Parameter seconds: since its state has changed: a stream that has just been made takes some to begin.
    private static func standing(
        of record: SplitRecord, _ connection: Connection, _ seconds: Int
    ) async throws -> SplitStanding {
        var standing = SplitStanding(record: record)
        let generations = record.generations(record.isSwitched ? .back : .out)
        let isFollowed = [.following, .switched].contains(record.state)
        let slots = try await connection.query(
            """
            SELECT slot_name, active, coalesce(wal_status, 'lost') AS wal_status,
                   coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint AS behind,
                   coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS kept
              FROM pg_replication_slots WHERE slot_name = ANY ($1) ORDER BY 1
            """, [.textArray(generations.map { record.streamName($0) })])
        for row in slots {
            let (name, behind) = (try row.string("slot_name"), try row.int("behind"))
            standing.lagBytes = max(standing.lagBytes ?? 0, behind)
            switch try row.string("wal_status") {
            case "reserved", "extended": break
            case let status:
                standing.warnings.append(
                    "slot \(name) is \(status): WAL that the copy needs is gone or about to go; cancel the split and begin it again, with a larger max_slot_wal_keep_size"
                )
            }
            if isFollowed, seconds > 30, try !row.bool("active") {
                standing.warnings.append(
                    "nobody reads slot \(name), which keeps \(try row.int("kept") >> 20) MB of WAL: see whether the server that follows runs and reaches this one"
                )
            }
        }
        if isFollowed, slots.count < generations.count {
            standing.warnings.append("a replication slot of it is gone: cancel the split and begin it again")
        }
        return standing
    }
}
