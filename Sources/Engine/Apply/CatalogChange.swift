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
        let pin = ObjectPin(entry.catalog, oid: entry.oid, schema: entry.schema, name: entry.name)
        return change(pin, kind: entry.kind, catalog: catalog)
    }

    /// What became of the object; nil where it is in its place.
    static func change(_ pin: ObjectPin, kind: String? = nil, catalog: Catalog) -> String? {
        let found: (schema: OID, name: String)? =
            switch pin.catalog {
            case .relation: catalog.relations[pin.oid].map { ($0.schema, $0.name) }
            case .type: catalog.types[pin.oid].map { ($0.schema, $0.name) }
            case .function: catalog.functions[pin.oid].map { ($0.schema, $0.name) }
            case .statistics: catalog.extendedStatistics.first { $0.oid == pin.oid }.map { ($0.schema, $0.name) }
            }
        let kind = kind ?? pin.catalog.rawValue
        let before = "\(pin.schema).\(pin.name)"
        guard let found else { return "\(kind) \(before) is gone" }
        let now = "\(catalog.schemas[found.schema]?.name ?? "?").\(found.name)"
        return now == before ? nil : "\(kind) \(before) is now \(now)"
    }
}
