/// `retention`, `thresholds` and `backup`.
extension LayoutReader {
    private static let day = Duration.seconds(86_400)

    mutating func retention(_ node: LayoutNode, _ layout: Layout) -> [Retention] {
        var rules: [Retention] = []
        var seen: [TableReference: SourcePlace] = [:]
        for item in list(node, "`retention`", "a list of rules") {
            guard let fields = fields(of: item, as: .retention) else { continue }
            guard let tableNode = fields["table"] else {
                missing("table", in: .retention, item.place, "table: schema.table")
                continue
            }
            guard let table = tableReference(tableNode, "table") else { continue }
            if let first = seen.updateValue(item.place, forKey: table) {
                duplicateEntry("table \(table.text)", "retention", item.place, first: first)
            }
            checkAppendOnly(table, layout, tableNode.place)
            guard let ageNode = fields["older_than"] else {
                missing("older_than", in: .retention, item.place, "older_than: 30 days")
                continue
            }
            let bounds = Duration.seconds(3600)...LayoutReader.day * 36_525
            guard let age = duration(ageNode, "older_than", in: bounds) else { continue }
            var rule = Retention(schema: table.schema, table: table.table, olderThan: age, place: item.place)
            if let node = fields["per_subject"] { rule.perSubject = perSubject(node, of: table) }
            if let node = fields["record_in"] { rule.recordIn = recordTable(node, of: table) }
            rules.append(rule)
        }
        return rules
    }

    private mutating func checkAppendOnly(_ table: TableReference, _ layout: Layout, _ place: SourcePlace) {
        let schema = layout.schemas.first { $0.name == table.schema }
        guard let listed = schema?.appendOnly.first(where: { $0.value == table.table }) else { return }
        let message = "\(table.text) is append-only (line \(listed.place.line)): its rows can never be deleted"
        let step = "remove it from append_only, or drop old rows as whole partitions and remove this rule"
        error("append-only-with-retention", message, place, step)
    }

    /// The join that finds each subject's period runs inside one database.
    private mutating func perSubject(_ node: LayoutNode, of table: TableReference) -> String? {
        guard let (subject, column) = columnReference(node, "per_subject") else { return nil }
        if let here = table.schema.flatMap({ listed.databases[$0] }),
            let there = subject.schema.flatMap({ listed.databases[$0] }), here != there
        {
            let message =
                "\(table.text) is in database \(here), the periods in \(subject.text) are in database \(there)"
            let step = "keep both schemas in one database: a join cannot reach into another one"
            error("retention-across-databases", message, node.place, step)
        }
        return "\(subject.text).\(column)"
    }

    private mutating func recordTable(_ node: LayoutNode, of table: TableReference) -> String? {
        guard let record = tableReference(node, "record_in") else { return nil }
        if record == table {
            let step = "name a table of its own, for example audit.data_deletions"
            error("record-in-itself", "erasures would be recorded in the table that is erased", node.place, step)
        }
        return record.text
    }

    mutating func thresholds(_ node: LayoutNode) -> [Layout.Placed<Thresholds>] {
        var all: [Layout.Placed<Thresholds>] = []
        for entry in entries(of: node, "`thresholds`", "schemas by name") ?? [] {
            guard let schema = listedSchema(entry, "thresholds"), let fields = fields(of: entry.value, as: .threshold)
            else { continue }
            var thresholds = Thresholds(schema: schema)
            let rows = 1...1_000_000_000_000
            if let node = fields["rows_per_day"] { thresholds.rowsPerDay = integer(node, "rows_per_day", in: rows) }
            if let node = fields["rows"] { thresholds.rows = integer(node, "rows", in: rows) }
            if let node = fields["latency"] {
                thresholds.latency = duration(node, "latency", in: .milliseconds(1)...Duration.seconds(3600))
            }
            if let node = fields["cpu_percent"] { thresholds.cpuPercent = integer(node, "cpu_percent", in: 1...100) }
            all.append(Layout.Placed(thresholds, entry.keyPlace))
        }
        return all
    }

    mutating func backup(_ node: LayoutNode) -> [Layout.Placed<Backup>] {
        var all: [Layout.Placed<Backup>] = []
        for entry in entries(of: node, "`backup`", "schemas by name") ?? [] {
            guard let schema = listedSchema(entry, "backup"), let fields = fields(of: entry.value, as: .backup)
            else { continue }
            var backup = Backup(schema: schema)
            if let node = fields["continuous"] {
                backup.continuous = flag(node, "continuous") ?? false
                if backup.continuous { continuousBackups[schema] = node.place }
            }
            if let node = fields["rpo"] {
                backup.rpo = duration(node, "rpo", in: .seconds(1)...LayoutReader.day * 7)
                if !backup.continuous {
                    let step = "add continuous: true: dumps alone lose what came after the last one"
                    error("rpo-without-continuous", "`rpo` needs a continuous backup", node.place, step)
                }
            }
            if let node = fields["keep"] {
                backup.keep = duration(node, "keep", in: .seconds(3600)...LayoutReader.day * 3653)
                if let keep = backup.keep, let rpo = backup.rpo, keep < rpo {
                    error("keep-shorter-than-rpo", "backups are kept for less than `rpo`", node.place, "raise keep")
                }
            }
            all.append(Layout.Placed(backup, entry.keyPlace))
        }
        return all
    }

    /// What no section can see alone.
    mutating func checkContradictions(_ layout: Layout) {
        for backup in layout.backup where backup.value.continuous {
            let name = backup.value.schema
            let schema = layout.schemas.first { $0.name == name }
            let place = continuousBackups[name] ?? backup.place
            let home = schema?.database ?? layout.mainDatabase
            if layout.databases.first(where: { $0.name == home })?.walLevel == "minimal" {
                let message =
                    "schema \(name) has a continuous backup and database \(home) `wal_level: minimal`,"
                    + " which forbids archiving, streaming (replicas, pg_basebackup) and recovery to a point in time"
                let step =
                    "set wal_level: replica (or logical) for \(home), here and in postgresql.conf; it takes a restart"
                error("minimal-with-continuous-backup", message, place, step)
            }
            if schema?.rebuildable == true {
                let message = "schema \(name) is rebuildable and has a continuous backup all the same"
                warning("rebuildable-with-backup", message, place, "remove one: a rebuild needs no backup")
            }
        }
    }
}
