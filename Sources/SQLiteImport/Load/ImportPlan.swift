package import Planning

/// What an import will do, once nothing more is to be decided: tables and steps.
package struct ImportPlan: Sendable {
    package var tables: [PlannedTable]
    package var steps: [ImportStep]

    /// - Parameters:
    ///   - definition: statements that make what is not there: tables, then keys, indexes and foreign keys.
    ///   - generated: columns that these tables make themselves.
    package init(
        _ schema: SourceSchema, _ evidence: [String: TableEvidence], _ mapping: ImportMapping,
        existing: [ExistingTable],
        definition: [ImportStep], generated: [String: Set<String>]
    ) {
        func target(_ table: TableMapping) -> ExistingTable? {
            existing.first { $0.schema == table.schema && $0.name == table.name }
        }
        tables = schema.tables.compactMap { table in
            guard let entry = mapping.table(table.name), entry.skipped == nil else { return nil }
            let own = Set(entry.columns.filter(\.isGenerated).map(\.source))
            let made = target(entry) == nil ? generated[table.name] ?? [] : own
            return PlannedTable(
                LoadTable(table, entry, generated: made), evidence[table.name] ?? TableEvidence(),
                exists: target(entry) != nil)
        }
        let there = tables.compactMap { target($0.load.mapping) }
        func made(_ stages: ImportStep.Stage...) -> [ImportStep] { definition.filter { stages.contains($0.stage) } }
        steps = there.flatMap(ExistingSteps.before)
        // No key stands in their way any more, in whatever order they come.
        steps += there.filter { Self.isRefilled($0, mapping.orm) && !$0.isEmpty }.map(ExistingSteps.empty)
        steps += made(.tables, .keys, .indexes, .foreignKeys)
        let after = there.flatMap(ExistingSteps.after)
        steps += after.filter { $0.stage == .restore }
        steps += made(.validation) + after.filter { $0.stage == .validation }
        steps += tables.flatMap { SequenceSteps.steps($0, target($0.load.mapping), schema.sequences) }
        steps += tables.map { ImportStep(.statistics, "statistics of \($0.load.target)", "ANALYZE \($0.load.target)") }
    }

    /// Django's migrate fills these by itself, with ids of its own; the file's rows take their place.
    static func isRefilled(_ table: ExistingTable, _ orm: ORMProfile?) -> Bool {
        orm == .django && ["django_content_type", "auth_permission"].contains(table.name)
    }

    /// What stands in the way, before anything is changed.
    package static func complaints(_ mapping: ImportMapping, existing: [ExistingTable]) -> [Diagnostic] {
        var found: [Diagnostic] = []
        if !mapping.tables.contains(where: { $0.skipped == nil }) {
            found.append(
                Diagnostic(
                    .error, "no-tables", "there is no table to import",
                    nextStep: mapping.tables.isEmpty
                        ? "check that this is the file that the application uses"
                        : "the mapping or the layout leaves all of them out"))
        }
        var taken: [String: String] = [:]
        for table in mapping.tables where table.skipped == nil {
            let target = "\(table.schema).\(table.name)"
            if let other = taken[target] {
                found.append(
                    Diagnostic(
                        .error, "same-target", "\(other) and \(table.source) both go to \(target)", object: target,
                        nextStep: "give one of them another name in the mapping"))
            }
            taken[target] = table.source
            guard let there = existing.first(where: { $0.schema == table.schema && $0.name == table.name }) else {
                continue
            }
            if there.isTable, !there.isEmpty, !isRefilled(there, mapping.orm) {
                found.append(
                    Diagnostic(
                        .error, "not-empty", "\(there.sql) has rows already", object: there.sql,
                        nextStep:
                            "name another schema in the mapping, empty the table, or, if an import of this file made it, add --restart"
                    ))
            }
        }
        return found
    }
}
