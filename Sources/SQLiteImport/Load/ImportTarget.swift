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
                WHERE conrelid = to_regclass($1) AND contype = 'f' AND conparentid = 0 AND NOT convalidated
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
            found += try await self.sequences(table, sequences, connection)
        }
        return found
    }

    /// Sequences that would give out a number again: one that SQLite has given out, or that a row has.
    private static func sequences(
        _ table: PlannedTable, _ sequences: [String: Int64], _ connection: Connection
    ) async throws -> [String] {
        let load = table.load
        let rows = try await connection.query(
            """
            SELECT attname, name FROM (SELECT attname, \(SequenceSteps.name) AS name FROM pg_attribute
                WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped) AS a
            WHERE name IS NOT NULL ORDER BY attname
            """, [.text(load.target)])
        var found: [String] = []
        // One that is not there has been named by its step.
        let mapped = load.columns.filter { $0.sequence != nil }
        let own = try await connection.query(
            "SELECT * FROM unnest($1::text[], $2::text[]) AS own (attname, name) WHERE to_regclass(name) IS NOT NULL",
            [.textArray(mapped.map(\.name)), .textArray(mapped.compactMap(\.sequence))])
        for row in Array(rows) + Array(own) {
            let (name, sequence) = (try row.string("attname"), try row.string("name"))
            guard let column = load.columns.first(where: { $0.name == name }) else { continue }
            let isAlias = column.source == load.source.rowidAlias
            let given = SequenceSteps.given(table, sequences)
            let state = try await connection.query(
                """
                SELECT \(isAlias ? String(given) : "max(\(SQL.identifier(name)))::bigint") AS largest,
                    coalesce(pg_sequence_last_value($1::regclass),
                        (SELECT seqstart - 1 FROM pg_sequence WHERE seqrelid = $1::regclass)) AS last
                FROM \(isAlias ? "(VALUES (1)) AS one" : load.target)
                """, [.text(sequence)]
            ).only()
            guard let largest = try state.optionalInt("largest") else { continue }
            let last = try state.int("last")
            guard last < largest else { continue }
            found.append(
                "\(sequence) stands at \(last), and \(isAlias ? "SQLite has given out" : "\(load.target).\(name) has") \(largest)"
            )
        }
        return found
    }
}
