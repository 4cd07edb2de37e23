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
    /// An expression for the sequence, qualified and quoted, that a column takes whole numbers from; NULL without one. Where
    /// `pg_attribute` is in scope. Also one that nobody owns, which pg_get_serial_sequence does not tell; not one that counts
    /// down, and not one of which a default makes something else, as in 'INV-' || nextval('invoices').
    static let name = """
        (SELECT format('%I.%I', n.nspname, s.relname) FROM pg_depend p
            JOIN pg_class s ON s.oid IN (p.objid, p.refobjid) AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace
            JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0
            LEFT JOIN pg_attrdef d ON p.classid = 'pg_attrdef'::regclass AND d.oid = p.objid
            WHERE (d.adrelid = pg_attribute.attrelid AND d.adnum = pg_attribute.attnum
                    AND pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%::regclass)'
                OR p.classid = 'pg_class'::regclass AND p.refobjid = pg_attribute.attrelid
                    AND p.refobjsubid = pg_attribute.attnum AND p.deptype = 'i')
                AND EXISTS (SELECT FROM pg_type y WHERE y.oid = pg_attribute.atttypid
                    AND coalesce(nullif(y.typbasetype, 0), y.oid)::regtype IN ('int2', 'int4', 'int8'))
            LIMIT 1)
        """

    /// The largest number that SQLite has given out as a rowid, also where its row is gone (`sqlite_sequence`).
    static func given(_ table: PlannedTable, _ sequences: [String: Int64]) -> Int64 {
        max(table.evidence.largestRowid ?? 0, sequences[table.load.source.name] ?? 0)
    }

    /// Of the rowid, whose largest SQLite may have kept although its row is gone; and in a table that was there, of every
    /// other column that has a sequence; and those that the mapping names, which have to be there.
    static func steps(
        _ table: PlannedTable, _ existing: ExistingTable?, _ sequences: [String: Int64]
    ) -> [ImportStep] {
        let load = table.load
        return load.columns.flatMap { column in
            let isAlias = column.source == load.source.rowidAlias
            let isKnown = isAlias || existing?.columns.first(where: { $0.name == column.name })?.sequence != nil
            let kept = isAlias ? given(table, sequences) : 0
            var steps: [ImportStep] = []
            if isKnown {
                let sql = sql(load, column.name, kept, of: name)
                steps.append(ImportStep(.sequences, "sequence of \(load.target).\(column.name)", sql))
            }
            if let own = column.sequence {
                let sql = sql(load, column.name, kept, of: "\(SQL.literal(own))::regclass::text")
                steps.append(ImportStep(.sequences, "sequence \(own)", sql))
            }
            return steps
        }
    }

    /// Without a sequence there is nothing to set; one that stands or starts further on stays there.
    private static func sql(_ load: LoadTable, _ column: String, _ kept: Int64, of name: String) -> String {
        """
        SELECT setval(s.name::regclass, r.last)
        FROM (SELECT greatest(\(kept), max(\(SQL.identifier(column)))) AS last FROM \(load.target)) AS r,
            (SELECT \(name) AS name FROM pg_attribute
                WHERE attrelid = \(SQL.literal(load.target))::regclass AND attname = \(SQL.literal(column))) AS s
        WHERE s.name IS NOT NULL AND r.last >= coalesce(pg_sequence_last_value(s.name::regclass),
            (SELECT seqstart FROM pg_sequence WHERE seqrelid = s.name::regclass))
        """
    }
}
