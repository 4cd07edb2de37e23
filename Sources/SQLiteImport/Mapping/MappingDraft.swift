package import Planning

/// The mapping that the evidence, the target and the ORM suggest, with what the user has to know of it.
package struct MappingDraft: Sendable {
    package var mapping: ImportMapping
    /// Errors here must be answered in the mapping before anything is loaded.
    package var diagnostics: [Diagnostic] = []
    /// By table and column of the file.
    package var remarks: [String: [String: [String]]] = [:]

    /// - Parameters:
    ///   - names: where each table goes, in the file's order.
    ///   - existing: tables of the target that the mapping may go to.
    package init(
        _ schema: SourceSchema, _ evidence: [String: TableEvidence], _ names: ImportNames, orm: ORMProfile?,
        existing: [ExistingTable]
    ) {
        mapping = ImportMapping(orm: orm)
        for (table, place) in zip(schema.tables, names.tables) {
            var entry = place
            let target = existing.first { $0.schema == place.schema && $0.name == place.name }
            if BookkeepingTables.contains(table.name) {
                let maker = orm == nil ? ORMProfile(bookkeeping: table.name) : nil
                entry.skipped =
                    "bookkeeping of an ORM's migrations" + (maker.map { "; see --orm \($0.rawValue)" } ?? "")
            }
            for column in table.columns {
                let seen = evidence[table.name]?.columns[column.name] ?? ColumnEvidence()
                var result = self.column(column, seen, table, target)
                if target == nil, let name = names.columns[table.name]?[column.name], name != column.name {
                    result.name = name
                    remarks[table.name, default: [:]][column.name, default: []].append(
                        "is called \(name): PostgreSQL has names of 63 bytes, and some of its own")
                }
                entry.columns.append(result)
            }
            mapping.tables.append(entry)
        }
        complain(schema, existing)
    }

    /// The user's mapping stands; what it decides needs no more asking.
    mutating func answer(_ mapping: ImportMapping, _ schema: SourceSchema, _ existing: [ExistingTable]) {
        self.mapping = mapping
        var answered: Set<String> = []
        for table in mapping.tables {
            for column in table.columns {
                let isDecided = column.unit != nil || !column.type.isTime || column.isSkipped || table.skipped != nil
                if isDecided { answered.insert("column \(table.source).\(column.source)") }
            }
        }
        diagnostics.removeAll { answered.contains($0.object) || Self.targetCodes.contains($0.code) }
        complain(schema, existing)
    }

    private static let targetCodes: Set<String> = ["not-a-table", "no-such-column", "not-null-without-source"]

    private mutating func complain(_ schema: SourceSchema, _ existing: [ExistingTable]) {
        for (table, entry) in zip(schema.tables, mapping.tables) where entry.skipped == nil {
            guard let target = existing.first(where: { $0.schema == entry.schema && $0.name == entry.name }) else {
                continue
            }
            diagnostics += Self.complaints(table, entry, target)
        }
    }

    private mutating func column(
        _ column: SourceColumn, _ evidence: ColumnEvidence, _ table: SourceTable, _ target: ExistingTable?
    ) -> ColumnMapping {
        let choice = TypeChoice(column, evidence, table: table, orm: mapping.orm)
        var result = choice.mapping
        var remarks = choice.remarks
        if let target {
            guard let found = target.column(column.name) else { return result }
            result.name = found.name
            result.isGenerated = found.isGenerated
            let type = TargetType(sql: found.type)
            if type != result.type {
                result.unit = type.isTime ? result.unit ?? TypeChoice.onlyUnit(evidence, mapping.orm) : nil
                result.type = type
            }
            result.unit = mapping.orm?.unit(of: type) ?? result.unit
            result.why = "the target's column"
            remarks = TypeChoice.remarks(type, evidence)
            if result.unit == nil, let hint = TypeChoice.hint(type, evidence) { remarks.append(hint) }
        }
        if let question = choice.question, result.type.isTime, result.unit == nil { diagnostics.append(question) }
        if !remarks.isEmpty { self.remarks[table.name, default: [:]][column.name] = remarks }
        return result
    }

    /// What keeps a table of the target from being loaded.
    private static func complaints(
        _ table: SourceTable, _ mapping: TableMapping, _ target: ExistingTable
    ) -> [Diagnostic] {
        guard target.isTable else {
            return [
                Diagnostic(
                    .error, "not-a-table", "\(target.sql) is there and is no table", object: target.sql,
                    nextStep: "give the table another schema or name in the mapping")
            ]
        }
        var found: [Diagnostic] = []
        let loaded = mapping.columns.filter { !$0.isSkipped }
        for column in loaded where target.column(column.name) == nil {
            found.append(
                Diagnostic(
                    .error, "no-such-column", "\(target.sql) has no column for \(table.name).\(column.source)",
                    object: target.sql,
                    nextStep: "add it to the target's schema, or say skip: true for the column in the mapping"))
        }
        for side in loaded.compactMap(\.side) where target.column(side) == nil {
            found.append(
                Diagnostic(
                    .error, "no-such-column",
                    "\(target.sql) has no column \(side), where invalid: text would put texts",
                    object: target.sql,
                    nextStep: "add it to the target's schema, or choose reject or null in the mapping"))
        }
        for column in target.columns
        where column.isNotNull && !column.hasDefault && !column.isGenerated
            && !loaded.contains(where: { $0.name == column.name })
        {
            found.append(
                Diagnostic(
                    .error, "not-null-without-source",
                    "\(target.sql).\(column.name) may not be NULL, has no default, and \(table.name) has no such column",
                    object: target.sql, nextStep: "give it a default in the target's schema"))
        }
        return found
    }
}

extension ExistingTable {
    /// By name as written, else whatever the case of its letters.
    package func column(_ name: String) -> Column? {
        columns.first { $0.name == name } ?? columns.first { $0.name.asciiLowercased == name.asciiLowercased }
    }
}

extension TargetType {
    /// Whether numbers in it count a unit since 1970.
    package var isTime: Bool {
        switch self {
        case .date, .timestamp, .timestamptz: true
        default: false
        }
    }

    /// PostgreSQL would take a number without a unit for seconds, whatever it counts.
    var isInterval: Bool {
        guard case .other(let name) = self else { return false }
        return name.asciiLowercased.prefix { $0 != " " && $0 != "(" } == "interval" && !name.hasSuffix("]")
    }
}
