internal import SQLSyntax

/// What PostgreSQL would refuse, found before anything is touched: collisions and missing privileges.
struct TargetChecks {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    func diagnostics() -> [Diagnostic] {
        collisions() + missingPrivileges() + shimCollisions()
    }

    // MARK: Collisions

    /// Tables, indexes, sequences, views and composite types share one name space; row types share it with types.
    private func collisions() -> [Diagnostic] {
        var taken: [QualifiedName: String] = [:]
        let targets = Set(context.targetSchemas)
        for relation in catalog.relations.values where targets.contains(lookup.schemaName(relation.schema)) {
            if context.moveByOID[ObjectReference(.relation, relation.oid)] != nil { continue }
            taken[QualifiedName(schema: lookup.schemaName(relation.schema), name: relation.name)] =
                "a \(word(relation.kind))"
        }
        for index in catalog.indexes.values where targets.contains(lookup.schemaName(index.schema)) {
            taken[QualifiedName(schema: lookup.schemaName(index.schema), name: index.name)] = "an index"
        }
        for type in catalog.types.values
        where type.kind != .composite && targets.contains(lookup.schemaName(type.schema)) {
            if context.moveByOID[ObjectReference(.type, type.oid)] != nil { continue }
            taken[QualifiedName(schema: lookup.schemaName(type.schema), name: type.name)] = "a type"
        }
        var found: [Diagnostic] = []
        for move in context.moves {
            for (name, what) in namesTaken(by: move) {
                let target = QualifiedName(schema: move.to, name: name)
                if let holder = taken[target] {
                    found.append(collision(move, name: name, what: what, holder: holder))
                }
                taken[target] = "\(what) of \(move.oldName), which moves there too"
            }
        }
        return found + functionCollisions()
    }

    private func namesTaken(by move: Move) -> [(String, String)] {
        switch move.object {
        case .relation(let kind):
            var names = [(move.name, word(kind))]
            names += lookup.indexes(of: move.oid).map { ($0.name, "index") }
            names += lookup.sequences(ownedBy: move.oid).compactMap {
                catalog.relations[$0].map { ($0.name, "sequence") }
            }
            return names
        case .type: return [(move.name, "type")]
        case .function, .statistics: return []
        }
    }

    private func collision(_ move: Move, name: String, what: String, holder: String) -> Diagnostic {
        Diagnostic(
            .error, "name-collision",
            "\(move.oldName) cannot move to schema \(move.to): its \(what) \(name) would collide with \(holder) there",
            object: move.oldName, place: move.place,
            nextStep: "rename one of the two, or drop what is no longer needed: \(display(move.to, name))")
    }

    private func functionCollisions() -> [Diagnostic] {
        context.moves.compactMap { move in
            guard case .function = move.object, let function = catalog.functions[move.oid] else { return nil }
            let twin = lookup.functions(schema: move.to, name: move.name).first {
                $0.inputTypes == function.inputTypes && $0.oid != function.oid
            }
            guard twin != nil else { return nil }
            return collision(
                move, name: "\(move.name)(\(function.identityArguments))", what: "function",
                holder: "a function of the same arguments")
        }
    }

    /// A shim cannot be left where another object is about to arrive under the same name.
    private func shimCollisions() -> [Diagnostic] {
        guard context.layout.compatibility == .views else { return [] }
        var found: [Diagnostic] = []
        for move in context.moves {
            guard let leaving = context.relationMoves[QualifiedName(schema: move.to, name: move.name)] else { continue }
            found.append(
                Diagnostic(
                    .error, "name-collision",
                    "\(move.oldName) would take the name under which \(leaving.oldName) leaves a compatibility view",
                    object: move.oldName, place: move.place,
                    nextStep:
                        "rename one of the two tables, or set compatibility: none and change the application first"))
        }
        return found
    }

    private func word(_ kind: Relation.Kind) -> String {
        switch kind {
        case .table, .partitionedTable, .foreignTable: "table"
        case .view: "view"
        case .materialisedView: "materialised view"
        case .sequence: "sequence"
        case .compositeType: "type"
        }
    }

    // MARK: Privileges

    private func missingPrivileges() -> [Diagnostic] {
        guard !catalog.server.isSuperuser, !context.moves.isEmpty else { return [] }
        return missingCreateOnDatabase() + missingOnSchemas() + missingOwnership() + missingForOwners()
    }

    private var user: String { SQL.identifier(catalog.server.user) }

    private func missingCreateOnDatabase() -> [Diagnostic] {
        guard !catalog.server.canCreateInDatabase else { return [] }
        return [
            Diagnostic(
                .error, "missing-privilege",
                "role \(catalog.server.user) may not create schemas in database \(catalog.server.database)",
                object: "database \(catalog.server.database)",
                nextStep: "as its owner: GRANT CREATE ON DATABASE \(SQL.identifier(catalog.server.database)) TO \(user)"
            )
        ]
    }

    private func missingOnSchemas() -> [Diagnostic] {
        var needed = Set(context.targetSchemas)
        if context.layout.compatibility == .views { needed.formUnion(context.moves.map(\.from)) }
        return needed.sorted().compactMap { name in
            guard let schema = lookup.schema(named: name), !(schema.userCanCreate && schema.userHasUsage) else {
                return nil
            }
            return Diagnostic(
                .error, "missing-privilege",
                "role \(catalog.server.user) may not create objects in schema \(name)", object: "schema \(name)",
                nextStep: "as its owner: GRANT USAGE, CREATE ON SCHEMA \(SQL.identifier(name)) TO \(user)")
        }
    }

    /// A compatibility object is handed to its object's owner, which PostgreSQL allows only where that role may create.
    private func missingForOwners() -> [Diagnostic] {
        guard context.layout.compatibility == .views else { return [] }
        let privileges = Privileges(catalog: catalog)
        var seen: Set<QualifiedName> = []
        return context.moves.compactMap { move in
            guard let owner = shimOwner(move), owner != catalog.server.userOID,
                let schema = lookup.schema(named: move.from),
                !mayCreate(owner, in: schema, privileges),
                seen.insert(QualifiedName(schema: move.from, name: context.roleName(owner))).inserted
            else { return nil }
            return Diagnostic(
                .error, "missing-privilege",
                "role \(context.roleName(owner)), which is to own the compatibility objects of \(move.oldName) and others, "
                    + "may not create objects in schema \(move.from)",
                object: "schema \(move.from)",
                nextStep:
                    "as its owner: GRANT CREATE ON SCHEMA \(SQL.identifier(move.from)) TO \(context.grantee(owner))")
        }
    }

    private func shimOwner(_ move: Move) -> OID? {
        switch move.object {
        case .relation(.sequence), .relation(.compositeType), .type, .statistics: nil
        case .relation: catalog.relations[move.oid]?.owner
        case .function: catalog.functions[move.oid]?.owner
        }
    }

    private func mayCreate(_ role: OID, in schema: Schema, _ privileges: Privileges) -> Bool {
        if privileges.holds(role, "CREATE", in: schema.grants, owner: schema.owner) { return true }
        // The database's owner is a member of pg_database_owner without being listed.
        guard let owners = catalog.roles.values.first(where: { $0.name == "pg_database_owner" }),
            privileges.isMember(role, of: catalog.server.databaseOwner)
        else { return false }
        return privileges.holds(owners.oid, "CREATE", in: schema.grants, owner: schema.owner)
    }

    private func missingOwnership() -> [Diagnostic] {
        context.moves.compactMap { move in
            let owner: (owns: Bool, role: OID)? =
                switch move.object {
                case .relation: catalog.relations[move.oid].map { ($0.userOwns, $0.owner) }
                case .type: catalog.types[move.oid].map { ($0.userOwns, $0.owner) }
                case .function: catalog.functions[move.oid].map { ($0.userOwns, $0.owner) }
                case .statistics: nil
                }
            guard let owner, !owner.owns else { return nil }
            return Diagnostic(
                .error, "missing-privilege",
                "role \(catalog.server.user) does not own \(move.oldName); its owner is \(context.roleName(owner.role))",
                object: move.oldName, place: move.place,
                nextStep:
                    "as a superuser: GRANT \(context.grantee(owner.role)) TO \(user), or connect as \(context.roleName(owner.role))"
            )
        }
    }
}
