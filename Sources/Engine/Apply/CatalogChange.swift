import Planning

/// Says what became of the objects that a saved plan touches.
enum CatalogChange {
    static func diagnostic(plan: Plan, catalog: Catalog) -> Diagnostic {
        let changes = plan.baseline.compactMap { change($0, catalog: catalog) }
        var message = "the database is not as it was when the plan was made"
        if changes.isEmpty {
            message +=
                "; none of the objects that the plan moves is gone, but something else was created, dropped or changed"
        } else {
            message += ": " + changes.prefix(3).joined(separator: "; ")
            if changes.count > 3 { message += "; and \(changes.count - 3) more" }
        }
        return Diagnostic(.error, "catalog-changed", message, nextStep: "plan again: strata plan")
    }

    private static func change(_ entry: BaselineEntry, catalog: Catalog) -> String? {
        let found: (schema: OID, name: String)? =
            switch entry.catalog {
            case .relation: catalog.relations[entry.oid].map { ($0.schema, $0.name) }
            case .type: catalog.types[entry.oid].map { ($0.schema, $0.name) }
            case .function: catalog.functions[entry.oid].map { ($0.schema, $0.name) }
            case .statistics: catalog.extendedStatistics.first { $0.oid == entry.oid }.map { ($0.schema, $0.name) }
            }
        let before = "\(entry.schema).\(entry.name)"
        guard let found else { return "\(entry.kind) \(before) is gone" }
        let now = "\(catalog.schemas[found.schema]?.name ?? "?").\(found.name)"
        return now == before ? nil : "\(entry.kind) \(before) is now \(now)"
    }
}
