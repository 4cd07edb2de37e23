package import Planning
package import PostgresDriver

/// Each copied table as it stands: what the layout wants, what was made, and how far behind it is.
package struct CopyStatus: Sendable, Codable {
    package var schema: String
    package var table: String
    package var database: String
    /// `declared` where nothing was made yet; else the record's.
    package var state: String
    /// WAL that the copy has not confirmed, in bytes; nil where there is no slot.
    package var lagBytes: Int?
    package var error: String?
    package var warnings: [String] = []

    /// WAL that one slot keeps before it is worth a warning.
    private static let keptLimit = 1 << 30

    /// - Parameters:
    ///   - home: of the tables; idle.
    ///   - targets: connections to those databases that can be reached.
    package static func read(
        _ layout: Layout, home: Connection, targets: [String: Connection]
    ) async throws -> [CopyStatus] {
        let records = try await CopyLedger(home).all()
        var found: [CopyStatus] = []
        for record in records {
            let isDeclared = layout.copies.contains {
                $0.schema == record.schema && $0.table == record.table && $0.databases.contains(record.database)
            }
            found.append(try await status(of: record, isDeclared, home, targets[record.database]))
        }
        for copy in layout.copies {
            for database in copy.databases
            where !records.contains(where: {
                $0.schema == copy.schema && $0.table == copy.table && $0.database == database
            }) {
                var status = CopyStatus(
                    schema: copy.schema, table: copy.table, database: database, state: "declared")
                status.warnings.append("the layout declares it, and it is not made: strata split copies make")
                found.append(status)
            }
        }
        return found.sorted { ($0.schema, $0.table, $0.database) < ($1.schema, $1.table, $1.database) }
    }

    private static func status(
        of record: CopyRecord, _ isDeclared: Bool, _ home: Connection, _ target: Connection?
    ) async throws -> CopyStatus {
        var status = CopyStatus(
            schema: record.schema, table: record.table, database: record.database, state: record.state.rawValue,
            error: record.error)
        if !isDeclared {
            status.warnings.append(
                "the layout does not declare it (any more): strata split copies drop \(record.schema).\(record.table)")
        }
        try await addSlot(record, home, to: &status)
        guard let target else {
            status.warnings.append("database \(record.database) cannot be looked at")
            return status
        }
        guard try await TargetSite.identity(of: target) == record.target else {
            status.warnings.append(
                "it is in another database than the one that the layout's \(record.database) leads to now")
            return status
        }
        try await addTarget(record, home, target, to: &status)
        return status
    }

    private static func addSlot(_ record: CopyRecord, _ home: Connection, to status: inout CopyStatus) async throws {
        guard
            let row = try await home.query(
                """
                SELECT active, coalesce(wal_status, 'lost') AS wal_status,
                       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::bigint AS behind,
                       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint AS kept
                  FROM pg_replication_slots WHERE slot_name = $1
                """, [.text(record.streamName)]
            ).first
        else {
            if record.state == .ready {
                status.warnings.append(
                    "its replication slot is gone, and it gets no more changes: drop it and make it again")
            }
            return
        }
        status.lagBytes = try row.int("behind")
        let kept = try row.int("kept")
        if try !["reserved", "extended"].contains(row.string("wal_status")) {
            status.warnings.append(
                "WAL that it needs is gone or about to go (slot \(record.streamName)): drop it and make it again, with a larger max_slot_wal_keep_size"
            )
        } else if try record.state == .ready && !row.bool("active") {
            status.warnings.append(
                "nobody reads slot \(record.streamName), which keeps \(sized(Int64(kept))) of WAL: see whether the server of database \(record.database) runs and reaches the source, or drop the copy"
            )
        } else if kept > keptLimit {
            status.warnings.append(
                "slot \(record.streamName) keeps \(sized(Int64(kept))) of WAL: the copy is far behind")
        }
    }

    private static func addTarget(
        _ record: CopyRecord, _ home: Connection, _ target: Connection, to status: inout CopyStatus
    ) async throws {
        guard record.state == .ready else { return }
        if try await CopyStream.state(record, target) != "r" {
            status.warnings.append("its rows are not all there: drop it and make it again")
        }
        let troubles = try await CopyStream.troubles(record, target)
        if troubles > 0 {
            status.warnings.append(
                "database \(record.database) has failed \(troubles) times to take a change of it: its server's log says why"
            )
        }
        let (there, here) = (try await columns(of: record, target), try await columns(of: record, home))
        if there != here {
            status.warnings.append("its columns are not those of the table any more: drop it and make it again")
        }
    }

    private static func columns(of record: CopyRecord, _ connection: Connection) async throws -> [String] {
        try await connection.query(
            """
            SELECT a.attname || ' ' || t.typname || ' ' || a.atttypmod AS name
              FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attname
            """, [.text(record.name)]
        ).map { try $0.string("name") }
    }
}
