package import Planning
package import PostgresDriver
import SQLSyntax

/// Reads a database and plans for it: the catalog and the use of statements as they are now, and, for the objects that
/// the plan moves, where their sequences stand.
package enum LivePlanner {
    /// - Parameter components: what Strata keeps in schemas of its own, and what of it is still to be done there.
    package static func plan(
        _ layout: Layout, on connection: Connection, components: (Layout, Catalog) -> [Component] = { _, _ in [] }
    ) async throws -> (plan: Plan, catalog: Catalog) {
        let catalog = try await CatalogReader.read(connection)
        let use = try await StatementUseReader.read(connection)
        let left = try await SplitLedger(connection).left()
        var here = layout
        here.schemas.removeAll { schema in left.contains { $0.schema == schema.name } }
        var plan = try Pipeline.plan(here, catalog, use: use, components: components(here, catalog))
        for split in left {
            plan.unplaced.removeAll { $0.contains(" \(SQL.identifier(split.schema)).") }
            plan.notes.append(
                Diagnostic(
                    .note, "lives-elsewhere", "schema \(split.schema) lives on database \(split.database)",
                    nextStep: split.isCompleted
                        ? nil
                        : "strata reverse \(split.schema) brings it back; strata complete \(split.schema) ends its split"
                ))
        }
        // What is planned now is not what apply does next.
        if let open = try await Ledger(connection).openRun() { plan.notes.insert(open.warning, at: 0) }
        try await fillSequenceValues(&plan, catalog: catalog, connection: connection)
        return (plan, catalog)
    }

    /// Only those that the plan touches: reading a sequence holds a lock until the end of the transaction.
    private static func fillSequenceValues(_ plan: inout Plan, catalog: Catalog, connection: Connection) async throws {
        let lookup = CatalogLookup(catalog)
        var sequences: [[OID]] = []
        for entry in plan.baseline {
            guard entry.catalog == .relation else {
                sequences.append([])
                continue
            }
            sequences.append(catalog.sequences[entry.oid] != nil ? [entry.oid] : lookup.sequences(ownedBy: entry.oid))
        }
        let wanted = sequences.flatMap(\.self)
        guard !wanted.isEmpty else { return }
        let values = try await SequenceValueReader.read(connection, sequences: wanted)
        for (position, owned) in sequences.enumerated() {
            for oid in owned {
                guard let name = catalog.relations[oid]?.name, let value = values[oid] else { continue }
                plan.baseline[position].sequenceValues[name] = value
            }
        }
    }
}
