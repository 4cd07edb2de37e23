import SQLSyntax

/// Steps for tables that are there already: what would order or change the loading is put aside and comes back.
enum ExistingSteps {
    static func before(_ table: ExistingTable) -> [ImportStep] {
        var steps = table.foreignKeys.map { key in
            ImportStep(
                .prepare, "foreign key \(table.sql).\(key.name)",
                "ALTER TABLE \(table.sql) DROP CONSTRAINT \(SQL.identifier(key.name))",
                undo: "ALTER TABLE \(table.sql) ADD CONSTRAINT \(SQL.identifier(key.name)) \(key.definition)")
        }
        steps += table.triggers.map { trigger in
            ImportStep(
                .prepare, "trigger \(table.sql).\(trigger.name)", disable(trigger, of: table),
                undo: enable(trigger, of: table))
        }
        return steps
    }

    static func empty(_ table: ExistingTable) -> ImportStep {
        ImportStep(.prepare, "rows of \(table.sql)", "DELETE FROM \(table.sql)")
    }

    /// NOT VALID first, so that rows without a parent leave a key that is there for all others.
    static func after(_ table: ExistingTable) -> [ImportStep] {
        var steps: [ImportStep] = []
        for key in table.foreignKeys {
            let name = SQL.identifier(key.name)
            let isValid = !key.definition.hasSuffix(" NOT VALID")
            steps.append(
                ImportStep(
                    .restore, "foreign key \(table.sql).\(key.name)",
                    "ALTER TABLE \(table.sql) ADD CONSTRAINT \(name) \(key.definition)\(isValid ? " NOT VALID" : "")",
                    undo: "ALTER TABLE \(table.sql) DROP CONSTRAINT \(name)"))
            guard isValid else { continue }
            steps.append(
                ImportStep(
                    .validation, "foreign key \(table.sql).\(key.name)",
                    "ALTER TABLE \(table.sql) VALIDATE CONSTRAINT \(name)"))
        }
        return steps
            + table.triggers.map { trigger in
                ImportStep(
                    .restore, "trigger \(table.sql).\(trigger.name)", enable(trigger, of: table),
                    undo: disable(trigger, of: table))
            }
    }

    private static func disable(_ trigger: ExistingTable.Trigger, of table: ExistingTable) -> String {
        "ALTER TABLE \(table.sql) DISABLE TRIGGER \(SQL.identifier(trigger.name))"
    }

    private static func enable(_ trigger: ExistingTable.Trigger, of table: ExistingTable) -> String {
        "ALTER TABLE \(table.sql) ENABLE\(trigger.isAlways ? " ALWAYS" : "") TRIGGER \(SQL.identifier(trigger.name))"
    }
}

/// Where a sequence goes on: after every id that was ever given out, also those of rows that are gone (`sqlite_sequence`).
enum SequenceSteps {
    static func step(_ table: PlannedTable, _ sequences: [String: Int64]) -> ImportStep? {
        let load = table.load
        guard let alias = load.source.rowidAlias, let column = load.columns.first(where: { $0.source == alias }) else {
            return nil
        }
        let last = max(table.evidence.largestRowid ?? 0, sequences[load.source.name] ?? 0)
        guard last > 0 else { return nil }
        let sequence = "pg_get_serial_sequence(\(SQL.literal(load.target)), \(SQL.literal(column.name)))"
        return ImportStep(
            .sequences, "sequence of \(load.target).\(column.name)",
            // Without a sequence there is nothing to set; one that stands further on stays there.
            """
            SELECT setval(s.name::regclass, greatest(\(last), coalesce(pg_sequence_last_value(s.name::regclass), 0)))
            FROM (SELECT \(sequence) AS name) AS s WHERE s.name IS NOT NULL
            """)
    }

    /// Of a table that is there: all its sequences, also those that nothing in the file counts for, such as an invoice's
    /// number. One that stands at its start, or further on than the rows, stays there.
    static func steps(_ table: ExistingTable, columns: [ColumnMapping]) -> [ImportStep] {
        table.serials.filter { serial in columns.contains { $0.name == serial.column } }.map { serial in
            ImportStep(
                .sequences, "sequence of \(table.sql).\(serial.column)",
                """
                SELECT setval(q.seqrelid, m.largest)
                FROM (SELECT max(\(SQL.identifier(serial.column)))::bigint AS largest FROM \(table.sql)) AS m, pg_sequence q
                WHERE q.seqrelid = \(SQL.literal(serial.sequence))::regclass
                    AND m.largest >= coalesce(pg_sequence_last_value(q.seqrelid), q.seqstart)
                """)
        }
    }
}
