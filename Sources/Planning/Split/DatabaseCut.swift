internal import SQLSyntax

/// On which database of the layout each object will be, once the plan is carried out and every schema is where the layout
/// says. Pure.
struct DatabaseCut {
    let context: PlanningContext
    private let databases: [String: String]
    /// The element types of array types.
    private let elements: [OID: OID]
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    init(_ context: PlanningContext) {
        self.context = context
        databases = Dictionary(
            context.layout.schemas.compactMap { schema in schema.database.map { (schema.name, $0) } },
            uniquingKeysWith: { first, _ in first })
        elements = Dictionary(
            context.catalog.types.values.filter { $0.arrayType != 0 }.map { ($0.arrayType, $0.oid) },
            uniquingKeysWith: { first, _ in first })
    }

    /// An array type stands for that of its elements; everything else for itself.
    func element(of object: ObjectReference) -> ObjectReference {
        guard object.kind == .type, let element = elements[object.oid] else { return object }
        return ObjectReference(.type, element)
    }

    /// Schemas that leave the main database, in the layout's order.
    var leaving: [(schema: String, database: String)] {
        context.layout.schemas.compactMap { schema in
            guard let database = schema.database, database != context.layout.mainDatabase else { return nil }
            return (schema.name, database)
        }
    }

    /// Every schema that the layout does not place lives in the main database.
    func database(ofSchema schema: String) -> String { databases[schema] ?? context.layout.mainDatabase }

    /// The schema in which it will be; nil for what is on every database (pg_catalog, members of extensions).
    func schema(of object: ObjectReference) -> String? {
        guard lookup.owningExtension(of: object) == nil else { return nil }
        let anchor = self.anchor(of: object)
        if let move = context.moveByOID[anchor] { return move.to }
        let schema: OID? =
            switch anchor.kind {
            case .relation: catalog.relations[anchor.oid]?.schema
            case .type: catalog.types[anchor.oid]?.schema
            case .function: catalog.functions[anchor.oid]?.schema
            default: nil
            }
        return schema.flatMap { catalog.schemas[$0]?.name }
    }

    func database(of object: ObjectReference) -> String? { schema(of: object).map { database(ofSchema: $0) } }
    func database(ofRelation oid: OID) -> String? { database(of: ObjectReference(.relation, oid)) }

    /// `schema.name`, as it will be called.
    func name(ofRelation oid: OID) -> String {
        guard let relation = catalog.relations[oid] else { return "relation \(oid)" }
        return display(schema(of: ObjectReference(.relation, oid)) ?? lookup.schemaName(relation.schema), relation.name)
    }

    func name(ofFunction function: Function) -> String {
        let schema = schema(of: ObjectReference(.function, function.oid)) ?? lookup.schemaName(function.schema)
        return "\(display(schema, function.name))(\(function.identityArguments))"
    }

    func name(of object: ObjectReference) -> String? {
        switch object.kind {
        case .relation: return catalog.relations[object.oid].map { name(ofRelation: $0.oid) }
        case .function: return catalog.functions[object.oid].map { name(ofFunction: $0) }
        case .type:
            guard let type = catalog.types[object.oid] else { return nil }
            return display(schema(of: object) ?? lookup.schemaName(type.schema), type.name)
        default: return nil
        }
    }

    /// What an old name stands for; nothing for all else. Those of overloaded functions stand for all of that name.
    func targets(ofShim object: ObjectReference) -> [ObjectReference] {
        guard let target = lookup.shimTargets[object].flatMap(QualifiedName.parse), let schema = target.schema else {
            return []
        }
        switch object.kind {
        case .relation:
            return lookup.relation(schema: schema, name: target.name).map { [ObjectReference(.relation, $0.oid)] } ?? []
        case .function:
            return lookup.functions(schema: schema, name: target.name).map { ObjectReference(.function, $0.oid) }
        default: return []
        }
    }

    /// An owned sequence is where its table is.
    private func anchor(of object: ObjectReference) -> ObjectReference {
        guard object.kind == .relation, let owner = catalog.sequences[object.oid]?.ownerTable else { return object }
        return ObjectReference(.relation, owner)
    }
}
