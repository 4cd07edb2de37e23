package import PostgresDriver

/// A split as it stands: its record, and what the source's slots say of its streams.
package struct SplitStanding: Sendable, Codable {
    package var record: SplitRecord
    /// What the target has not confirmed yet, in bytes of WAL; nil before there is a stream.
    package var lagBytes: Int?
    package var warnings: [String] = []

    package static func all(_ connection: Connection) async throws -> [SplitStanding] {
        var found: [SplitStanding] = []
        for record in try await SplitLedger(connection).open() {
            found.append(try await standing(of: record, connection))
        }
        return found
    }

    private static func standing(of record: SplitRecord, _ connection: Connection) async throws -> SplitStanding {
        var standing = SplitStanding(record: record)
        let slots = try await connection.query(
            """
            SELECT slot_name, active, coalesce(wal_status, 'lost') AS wal_status,
                   coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint AS behind,
                   coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS kept
              FROM pg_replication_slots WHERE slot_name = ANY ($1) ORDER BY 1
            """, [.textArray(record.generations.map { record.streamName($0) })])
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
            if record.state == .following, try !row.bool("active") {
                standing.warnings.append(
                    "nobody reads slot \(name), which keeps \(try row.int("kept") >> 20) MB of WAL at the source: see whether the target's server runs and reaches the source"
                )
            }
        }
        if record.state == .following, slots.count < record.generations.count {
            standing.warnings.append("a replication slot of it is gone: cancel the split and begin it again")
        }
        return standing
    }
}
