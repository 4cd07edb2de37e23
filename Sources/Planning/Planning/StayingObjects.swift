internal import SQLSyntax

/// Collations and text search objects: the layout has no key for them, so they stay in the schema that tables leave.
///
/// Moved tables keep using them, bound by OID. A function body or a string constant in one finds them by name, which stays
/// as it is, unless the function's path is changed: `FunctionBindings` does not put a schema in front that has another
/// object of that kind and name.
struct StayingObjects {
    let catalog: Catalog
    let lookup: CatalogLookup

    static let textSearch = ["text search configuration", "text search dictionary"]
    private static let kinds = Set(["collation", "text search parser", "text search template"] + textSearch)

    var objects: [OtherObject] {
        catalog.otherObjects.filter { Self.kinds.contains($0.kind) && !$0.isExtensionMember }
    }

    func has(_ kinds: [String], _ name: String, in schema: String) -> Bool {
        guard let oid = lookup.schema(named: schema)?.oid else { return false }
        return catalog.otherObjects.contains { $0.schema == oid && $0.name == name && kinds.contains($0.kind) }
    }

    /// Those that something which moves depends on.
    func note(_ context: PlanningContext) -> Diagnostic? {
        let left = Set(context.moves.compactMap { lookup.schema(named: $0.from)?.oid })
        let used = objects.filter { object in
            guard left.contains(object.schema), let reference = object.reference else { return false }
            return lookup.dependents(on: reference).contains {
                table(of: $0.dependent).map { moves($0, context) } ?? false
            }
        }
        guard !used.isEmpty else { return nil }
        let shown = used.prefix(5).map { "\($0.kind) \(display(lookup.schemaName($0.schema), $0.name))" }
        let others = used.count > shown.count ? " and \(used.count - shown.count) more" : ""
        return Diagnostic(
            .note, "stay-behind",
            "tables that move use \(shown.joined(separator: ", "))\(others): a layout has no key for such objects, so they "
                + "stay; tables and indexes are bound to them by OID and go on using them",
            nextStep:
                "if they shall move too, do it by hand (ALTER … SET SCHEMA), and look for their names in functions first"
        )
    }

    private func moves(_ table: OID, _ context: PlanningContext) -> Bool {
        context.moveByOID[ObjectReference(.relation, table)] != nil
    }

    private func table(of object: ObjectReference) -> OID? {
        switch object.kind {
        case .relation, .columnDefault: object.oid
        case .index: catalog.indexes[object.oid]?.table
        case .constraint: catalog.constraints.first { $0.oid == object.oid }?.relation
        default: nil
        }
    }
}
