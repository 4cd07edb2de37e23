internal import SQLSyntax

/// Objects that no schema of the layout lists: they stay where they are and are reported.
struct UnplacedFinder {
    let layout: Layout
    let catalog: Catalog
    let lookup: CatalogLookup

    func find(placed: [ObjectReference: String]) -> [Placement.Unplaced] {
        var ignored: [String: Set<String>] = [:]
        for schema in layout.schemas { ignored[schema.name] = Set(schema.ignore.map(\.value)) }
        var found: [Placement.Unplaced] = []
        let eventStore = layout.eventStoreHere
        func add(_ reference: ObjectReference, _ kind: String, _ schema: OID, _ name: String) {
            let schemaName = lookup.schemaName(schema)
            guard schemaName != eventStore, placed[reference] == nil, catalog.extensionMembers[reference] == nil,
                !lookup.isShim(reference.kind, reference.oid), !(ignored[schemaName]?.contains(name) ?? false)
            else { return }
            found.append(Placement.Unplaced(kind: kind, schema: schemaName, name: name))
        }
        for relation in catalog.relations.values {
            guard let kind = word(for: relation, placed: placed) else { continue }
            add(ObjectReference(.relation, relation.oid), kind, relation.schema, relation.name)
        }
        for type in catalog.types.values where type.kind != .composite {
            add(ObjectReference(.type, type.oid), "type", type.schema, type.name)
        }
        for function in catalog.functions.values {
            add(ObjectReference(.function, function.oid), "function", function.schema, function.name)
        }
        for object in StayingObjects(catalog: catalog, lookup: lookup).objects {
            let schema = lookup.schemaName(object.schema)
            guard schema != eventStore, !(ignored[schema]?.contains(object.name) ?? false) else { continue }
            found.append(Placement.Unplaced(kind: object.kind, schema: schema, name: object.name))
        }
        return Array(Set(found)).sorted { ($0.schema, $0.kind, $0.name) < ($1.schema, $1.kind, $1.name) }
    }

    private func word(for relation: Relation, placed: [ObjectReference: String]) -> String? {
        switch relation.kind {
        case .table, .partitionedTable, .foreignTable:
            // A partition is reported through its parent.
            relation.isPartition ? nil : "table"
        case .view: "view"
        case .materialisedView: "view"
        case .sequence: catalog.sequences[relation.oid]?.ownerTable == nil ? "sequence" : nil
        case .compositeType: "type"
        }
    }
}
