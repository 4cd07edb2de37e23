/// What has to be on the other database before a schema can come there: roles, extensions, and types and functions of
/// other schemas. Pure.
struct SplitNeeds {
    let cut: DatabaseCut
    let schema: String
    let relations: [Relation]
    private var catalog: Catalog { cut.context.catalog }
    private var lookup: CatalogLookup { cut.context.lookup }

    func find() -> [SplitReport.Need] {
        var needs: Set<SplitReport.Need> = []
        for oid in roles() where oid != 0 { needs.insert(.init(.role, cut.context.roleName(oid))) }
        let home = cut.database(ofSchema: schema)
        for object in objects() {
            for needed in lookup.dependencies(of: object).map({ cut.element(of: $0.referenced) })
                + triggerFunctions(of: object)
            {
                if let owner = lookup.owningExtension(of: needed) {
                    needs.insert(.init(.extension, owner.name))
                } else if needed.kind == .type || needed.kind == .function, let database = cut.database(of: needed),
                    database != home, let name = cut.name(of: needed)
                {
                    needs.insert(.init(needed.kind == .type ? .type : .function, name))
                }
            }
        }
        return needs.sorted { ($0.kind.rank, $0.name) < ($1.kind.rank, $1.name) }
    }

    private func triggerFunctions(of object: ObjectReference) -> [ObjectReference] {
        guard object.kind == .relation else { return [] }
        return lookup.triggers(of: object.oid).map { ObjectReference(.function, $0.function) }
    }

    private func functions() -> [Function] {
        catalog.functions.values.filter { cut.schema(of: ObjectReference(.function, $0.oid)) == schema }
    }

    private func types() -> [UserType] {
        catalog.types.values.filter { cut.schema(of: ObjectReference(.type, $0.oid)) == schema }
    }

    /// Owners, and whoever has rights.
    private func roles() -> Set<OID> {
        var roles: Set<OID> = []
        func add(_ owner: OID, _ grants: [Grant]) {
            roles.insert(owner)
            roles.formUnion(grants.map(\.grantee))
        }
        for relation in relations { add(relation.owner, relation.grants + relation.columnGrants.map(\.grant)) }
        for function in functions() { add(function.owner, function.grants) }
        for type in types() { add(type.owner, type.grants) }
        if let known = lookup.schema(named: schema) { add(known.owner, known.grants) }
        return roles
    }

    /// What goes, with its parts that depend on something by themselves.
    private func objects() -> [ObjectReference] {
        var objects = functions().map { ObjectReference(.function, $0.oid) }
        objects += types().map { ObjectReference(.type, $0.oid) }
        for relation in relations {
            objects.append(ObjectReference(.relation, relation.oid))
            objects.append(ObjectReference(.columnDefault, relation.oid))
            objects += lookup.indexes(of: relation.oid).map { ObjectReference(.index, $0.oid) }
            objects += lookup.constraints(of: relation.oid).map { ObjectReference(.constraint, $0.oid) }
            objects += lookup.triggers(of: relation.oid).map { ObjectReference(.trigger, $0.oid) }
            objects += lookup.policies(of: relation.oid).map { ObjectReference(.policy, $0.oid) }
        }
        return objects
    }
}
