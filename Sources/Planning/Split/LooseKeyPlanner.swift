internal import SQLSyntax

/// Which foreign keys a split needs loose ones for. Pure.
package enum LooseKeyPlanner {
    /// - Parameters:
    ///   - schema: one that leaves the main database; nil for all of them.
    ///   - known: loose keys that there are, by name: what a declaration leaves out, they do already.
    /// - Returns: the keys to replace, and those that are only declared, in order of their names.
    /// - Throws: what has to be said in the layout, or applied, first.
    package static func keys(
        _ layout: Layout, _ catalog: Catalog, of schema: String?, known: [String: LooseKey] = [:]
    ) throws(DiagnosticsError) -> [LooseKey] {
        let lookup = CatalogLookup(catalog)
        let placement = PlacementResolver.resolve(layout: layout, catalog: catalog, lookup: lookup)
        let context = PlanningContext(
            layout: layout, catalog: catalog, lookup: lookup, use: .unknown, placement: placement)
        let cut = DatabaseCut(context)
        let leaving = cut.leaving.map(\.schema)
        if let schema, !leaving.contains(schema) {
            throw DiagnosticsError(notLeaving(schema, leaving))
        }
        let loose = LooseKeys(cut: cut)
        var complaints = placement.diagnostics.filter { $0.severity == .error } + loose.diagnostics()
        let constraints = loose.crossing(of: schema)
        var keys: [LooseKey] = []
        for constraint in constraints {
            let ends = [constraint.relation, constraint.referenced].map { ObjectReference(.relation, $0) }
            if let move = ends.compactMap({ context.moveByOID[$0] }).first {
                complaints.append(notMoved(move))
            } else if let key = loose.key(for: constraint) {
                keys.append(key)
            } else {
                complaints.append(undeclared(constraint, loose))
            }
        }
        let declared = layout.looseKeys.filter { entry in
            let ends = [entry.table.schema, entry.references.schema]
            return ends.contains { schema.map { [$0] }?.contains($0) ?? leaving.contains($0) }
        }
        let names = Set(keys.map(\.name))
        keys += declared.compactMap { loose.key(for: $0, known: known) }.filter { !names.contains($0.name) }
        guard complaints.isEmpty else { throw DiagnosticsError(complaints.uniqued()) }
        return keys.sorted { $0.name < $1.name }
    }

    private static func notLeaving(_ schema: String, _ leaving: [String]) -> Diagnostic {
        let list = leaving.isEmpty ? "none does" : "those that do: \(leaving.joined(separator: ", "))"
        return Diagnostic(
            .error, "schema-stays", "the layout does not place schema \(schema) on another database; \(list)",
            nextStep: "place it there: schemas.\(schema).database")
    }

    private static func notMoved(_ move: Move) -> Diagnostic {
        Diagnostic(
            .error, "not-applied", "\(move.oldName) is not yet where the layout wants it (schema \(move.to))",
            nextStep: "strata apply first")
    }

    private static func undeclared(_ key: Constraint, _ loose: LooseKeys) -> Diagnostic {
        let child = loose.table(key.relation)?.description ?? ""
        let action = loose.onDelete(key) == nil ? "on_delete" : "on_update"
        let choices = action == "on_delete" ? "delete, set_null or ignore" : "update or ignore"
        return Diagnostic(
            .error, "undeclared-key",
            "constraint \(key.name) of \(child): it is not said what its loose key does (\(action))",
            object: "constraint \(key.name)",
            nextStep: "add it to loose_keys, with one of \(choices): " + loose.example(key))
    }
}

extension LooseKeys {
    /// The entry of `loose_keys` that a foreign key lacks.
    func example(_ key: Constraint) -> String {
        guard let child = table(key.relation), let parent = table(key.referenced) else { return "" }
        let columns = key.columns.compactMap { number in
            cut.context.catalog.columns[key.relation]?.first { $0.number == number }?.name
        }
        let action = onDelete(key) == nil ? "on_delete" : "on_update"
        return
            "{ table: \(child), columns: [\(columns.joined(separator: ", "))], references: \(parent), \(action): … }"
    }
}
