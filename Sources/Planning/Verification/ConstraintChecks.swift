internal import SQLSyntax

/// Whether constraints and indexes of the tables, and the foreign keys that point to them, are valid. What was not
/// valid before the run either is a warning.
struct ConstraintChecks {
    let context: VerificationContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    func add(to verification: inout Verification) {
        count(into: &verification.figures)
        let tables = self.tables()
        let found = tables.flatMap { constraints(of: $0) + indexes(of: $0) }
        for check in found { verification.add(check) }
        guard !found.contains(where: { $0.outcome == .difference }) else { return }
        let figures = verification.figures
        verification.add(
            .init(
                .passed, .constraints, "valid", SQL.identifier(catalog.server.database),
                "\(counted(figures.foreignKeys, "foreign key")) and \(counted(figures.indexes, "index", "indexes")) are valid"
            ))
    }

    private func count(into figures: inout Verification.Figures) {
        figures.tables = context.tables.count
        for table in context.tables {
            let facts = RelationFacts(table, catalog: catalog, lookup: lookup)
            figures.constraints += facts.constraints
            figures.indexes += facts.indexes
            figures.triggers += facts.triggers
            figures.policies += facts.policies
            figures.comments += facts.comments
            figures.grants += table.grants.count + table.columnGrants.count
            figures.sequences += lookup.sequences(ownedBy: table.oid).count
            figures.foreignKeys += lookup.constraints(of: table.oid).count { $0.kind == .foreignKey }
        }
    }

    /// The tables of the layout, and those that refer to them.
    private func tables() -> [Relation] {
        let own = Set(context.tables.map(\.oid))
        let referring = Set(own.flatMap { lookup.incomingForeignKeys(of: $0).map(\.relation) }).subtracting(own)
        return context.tables + referring.sorted().compactMap { catalog.relations[$0] }
    }

    private func constraints(of table: Relation) -> [Verification.Check] {
        let waiting = lookup.constraints(of: table.oid).filter { !$0.isValidated }
        guard !waiting.isEmpty else { return [] }
        let name = context.name(of: table)
        let before = context.knownByReference[ObjectReference(.relation, table.oid)]?.entry.unvalidatedConstraints
        return waiting.map { constraint in
            let isKey = constraint.kind == .foreignKey
            // Other constraints that lost their validity are found by comparing figures with the baseline.
            let isKnown = !isKey || before.map { waiting.count <= $0 } == true
            return .init(
                isKnown ? .warning : .difference, .constraints, "not-validated", name,
                "\(isKey ? "foreign key" : "constraint") \(SQL.identifier(constraint.name)) is not validated"
                    + (before.map { waiting.count <= $0 } == true ? "; it was not before the run either" : ""),
                nextStep: "ALTER TABLE \(name) VALIDATE CONSTRAINT \(SQL.identifier(constraint.name))")
        }
    }

    private func indexes(of table: Relation) -> [Verification.Check] {
        let invalid = lookup.indexes(of: table.oid).filter { !$0.isValid }
        guard !invalid.isEmpty else { return [] }
        let before = context.knownByReference[ObjectReference(.relation, table.oid)]?.entry.invalidIndexes ?? 0
        let isKnown = invalid.count <= before
        return invalid.map { index in
            let name = display(lookup.schemaName(index.schema), index.name)
            return .init(
                isKnown ? .warning : .difference, .constraints, "index-invalid", name,
                "index of \(context.name(of: table)) is invalid: writes pay for it, no query uses it"
                    + (isKnown ? "; it was before the run too" : ""),
                nextStep: table.kind == .partitionedTable
                    ? "attach an index of each partition: ALTER INDEX \(name) ATTACH PARTITION …"
                    : "unless it is being built right now: REINDEX INDEX CONCURRENTLY \(name)")
        }
    }
}
