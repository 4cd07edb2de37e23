package import Planning
package import PostgresDriver
import SQLSyntax

/// What the target has to be before an import, and what must be true of it afterwards.
package enum ImportTarget {
    /// Only UTF-8 holds what a file may hold.
    package static func check(_ connection: Connection) async throws {
        let encoding = try await connection.query("SHOW server_encoding").only().string(0)
        guard encoding == "UTF8" else {
            throw ImportFailure(
                .incompatible,
                Diagnostic(
                    .error, "encoding",
                    "the target database has encoding \(encoding), which cannot hold all texts of SQLite",
                    nextStep: "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and import into that"))
        }
    }

    /// Keys, indexes and sequences that are not what the import made them.
    package static func differences(
        _ tables: [PlannedTable], _ sequences: [String: Int64], _ journal: ImportJournal
    ) async throws -> [String] {
        let connection = journal.connection
        let failed = try await journal.steps().filter { $0.state == "failed" }
        var found = failed.map { _, step, _, error in
            "\(step.object) \(step.stage == .validation ? "does not hold for all rows" : "is not there"): \(error ?? "")"
        }
        for table in tables {
            let name = table.load.target
            let rows = try await connection.query(
                """
                SELECT conname AS key, 'foreign key ' || conname || ' is not validated' AS text FROM pg_constraint
                WHERE conrelid = to_regclass($1) AND contype = 'f' AND NOT convalidated
                UNION ALL
                SELECT '', 'index ' || c.relname || ' is not valid' FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                WHERE i.indrelid = to_regclass($1) AND NOT i.indisvalid
                """, [.text(name)])
            // A key whose validation failed has been named, with the reason.
            for row in rows {
                let validation = "ALTER TABLE \(name) VALIDATE CONSTRAINT \(SQL.identifier(try row.string("key")))"
                guard !failed.contains(where: { $0.step.sql == validation }) else { continue }
                found.append("\(name): \(try row.string("text"))")
            }
            if let text = try await sequence(table, sequences, connection) { found.append(text) }
            found += try await serials(table, connection)
        }
        return found
    }

    /// Other sequences whose next number a row has already.
    private static func serials(_ table: PlannedTable, _ connection: Connection) async throws -> [String] {
        var found: [String] = []
        let counted = table.load.columns.filter { $0.source != table.load.source.rowidAlias }.map(\.name)
        for serial in try await ExistingTable.serials(of: table.load.target, on: connection)
        where counted.contains(serial.column) {
            let row = try await connection.query(
                """
                SELECT m.largest, coalesce(pg_sequence_last_value(q.seqrelid), q.seqstart - 1) AS last
                FROM (SELECT max(\(SQL.identifier(serial.column)))::bigint AS largest FROM \(table.load.target)) AS m,
                    pg_sequence q
                WHERE q.seqrelid = $1::regclass AND m.largest >= q.seqstart
                """, [.text(serial.sequence)]
            ).first
            guard let row, let largest = try row.optionalInt("largest") else { continue }
            let last = try row.optionalInt("last") ?? 0
            if last < largest {
                found.append(
                    "\(serial.sequence) stands at \(last), and \(table.load.target).\(serial.column) has \(largest)")
            }
        }
        return found
    }

    /// A sequence that would give out an id again.
    private static func sequence(
        _ table: PlannedTable, _ sequences: [String: Int64], _ connection: Connection
    ) async throws -> String? {
        let load = table.load
        guard let alias = load.source.rowidAlias, let column = load.columns.first(where: { $0.source == alias }) else {
            return nil
        }
        let last = max(table.evidence.largestRowid ?? 0, sequences[load.source.name] ?? 0)
        let row = try await connection.query(
            """
            SELECT s.name, coalesce(pg_sequence_last_value(s.name::regclass),
                (SELECT seqstart - 1 FROM pg_sequence WHERE seqrelid = s.name::regclass)) AS last
            FROM (SELECT \(SequenceSteps.name("attrelid", "attnum")) AS name FROM pg_attribute
                WHERE attrelid = to_regclass($1) AND attname = $2) AS s WHERE s.name IS NOT NULL
            """, [.text(load.target), .text(column.name)]
        ).first
        guard let row, last > 0 else { return nil }
        let value = try row.optionalInt("last") ?? 0
        return value >= last ? nil : "\(try row.string("name")) stands at \(value), and SQLite has given out \(last)"
    }
}
