import SQLSyntax

/// Which tables are made, and whether they can be.
extension TargetBuilder {
    /// PostgreSQL's limit.
    static let maxColumns = 1_600

    mutating func choose() {
        for table in source.tables {
            guard let chosen = mapping.table(table.name) else {
                problem(
                    table.name, "the mapping does not say where table \(table.name) goes",
                    nextStep: "add it, or skip: true for it")
                continue
            }
            if let reason = chosen.skipped {
                leave(
                    .table, table.name, of: table.name, "skipped: \(reason)", sql: table.sql,
                    nextStep: "skip: false in its entry of the mapping imports it")
                continue
            }
            let pair = TablePair(source: table, mapping: chosen)
            if let there = existing.first(where: { $0.schema == chosen.schema && $0.name == chosen.name }) {
                stay(pair, there)
                continue
            }
            check(pair)
            pairs.append(pair)
        }
        for table in mapping.tables where !source.tables.contains(where: { $0.name == table.source }) {
            problem(table.source, "the file has no table \(table.source)", nextStep: "take it out of the mapping")
        }
    }

    /// By what its rows are known there.
    private mutating func stay(_ pair: TablePair, _ there: ExistingTable) {
        parents.append(pair)
        for index in there.indexes where index.isUnique && !index.isPartial {
            let columns = index.columns.compactMap { name in pair.mapping.columns.first { $0.name == name }?.source }
            guard columns.count == index.columns.count else { continue }
            keys[pair.source.name, default: []].insert(Set(columns.map(\.asciiLowercased)))
        }
    }

    private mutating func check(_ pair: TablePair) {
        let (table, mapping) = (pair.source, pair.mapping)
        let carried = mapping.columns.filter { !$0.isSkipped }
        let columns = carried.map(\.name) + carried.compactMap { $0.invalid == .text ? $0.side : nil }
        if columns.count > Self.maxColumns {
            problem(
                table.name,
                "table \(table.name) has \(columns.count) columns; PostgreSQL's tables have at most \(Self.maxColumns)",
                nextStep: "split the table in SQLite, or skip it in the mapping")
        }
        for name in [mapping.schema, mapping.name] + columns where !SQL.fits(name) {
            problem(
                table.name,
                "\(name.isEmpty ? "an empty name" : name) is no name of PostgreSQL's: it has \(name.utf8.count) bytes",
                nextStep: "give it a name of 1 to \(SQL.maxIdentifierBytes) bytes in the mapping")
        }
        var seen: Set<String> = []
        for name in columns where !seen.insert(name).inserted || TargetNames.systemColumns.contains(name) {
            problem(
                table.name, "table \(table.name) cannot have a column \(name), which is there already",
                nextStep: "give the column another name in the mapping")
        }
        for column in mapping.columns { check(column, of: table) }
        if !names.reserve(pair.schema, mapping.name) {
            problem(
                table.name, "\(pair.name) is there already",
                nextStep: "give \(table.name) another schema or name in the mapping")
        }
    }

    private mutating func check(_ column: ColumnMapping, of table: SourceTable) {
        guard let source = table.columns.first(where: { $0.name == column.source }) else {
            return problem(
                table.name, "table \(table.name) has no column \(column.source)", nextStep: "take it out of the mapping"
            )
        }
        if source.isNotNull, column.invalid == .null || column.invalid == .text {
            problem(
                table.name,
                "column \(table.name).\(source.name) is NOT NULL, and the mapping puts NULL for values that do not fit",
                nextStep: "give it `invalid: reject` or `fail`, or the type text")
        }
        if column.invalid == .text, column.side == nil {
            problem(
                table.name, "column \(table.name).\(source.name) has no side column for values that do not fit",
                nextStep: "name one in the mapping")
        }
    }
}
