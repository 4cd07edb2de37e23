internal import SQLSyntax

/// What PostgreSQL would refuse, found before anything is touched: collisions and missing privileges.
struct TargetChecks {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }

    func diagnostics() -> [Diagnostic] {
        collisions() + missingPrivileges() + FormerShims(context: context).diagnostics()
    }

    // MARK: Collisions

    /// What has a name that a move wants.
    private struct Holder {
        var text: String
        /// What Strata's compatibility object of that name stands for.
        var shimTarget: String?
    }

    private func collisions() -> [Diagnostic] {
        var holders = self.holders(of: Set(context.names.arriving.keys))
        var found: [Diagnostic] = []
        for move in context.moves {
            var told: Set<String> = []
            for held in context.names.names(of: move, in: move.to) {
                if let holder = holders[held.name], told.insert(held.written).inserted {
                    found.append(collision(move, held, holder))
                }
                let arrival = held.isObject ? move.oldName : "\(held.what) \(held.written) of \(move.oldName)"
                holders[held.name] = Holder(text: "\(arrival), which moves there too")
            }
        }
        return found
    }

    /// What stands in a target under a name that is wanted, and stays there.
    private func holders(of wanted: Set<MoveNames.Name>) -> [MoveNames.Name: Holder] {
        var holders: [MoveNames.Name: Holder] = [:]
        let makingWay = shimsMakingWay()
        func add(_ space: MoveNames.Space, _ schema: OID, _ name: String, _ text: String, _ object: ObjectReference) {
            let key = MoveNames.Name(space: space, schema: lookup.schemaName(schema), name: name)
            guard wanted.contains(key), context.names.leaving[key] == nil, !makingWay.contains(object) else { return }
            holders[key] = Holder(text: text, shimTarget: lookup.shimTargets[object])
        }
        for relation in catalog.relations.values {
            let (word, object) = (MoveNames.word(relation.kind), ObjectReference(.relation, relation.oid))
            add(.relation, relation.schema, relation.name, "a \(word)", object)
            if context.names.hasRowType(relation.kind) {
                add(.type, relation.schema, relation.name, "a \(word)", object)
            }
        }
        for index in catalog.indexes.values {
            add(.relation, index.schema, index.name, "an index", ObjectReference(.index, index.oid))
        }
        for type in catalog.types.values where type.kind != .composite {
            add(.type, type.schema, type.name, "a type", ObjectReference(.type, type.oid))
        }
        for function in catalog.functions.values {
            add(
                .routine(function.inputTypes), function.schema, function.name, "a function of the same arguments",
                ObjectReference(.function, function.oid))
        }
        for statistics in catalog.extendedStatistics {
            add(
                .statistics, statistics.schema, statistics.name, "a statistics object",
                ObjectReference(.statistics, statistics.oid))
        }
        return holders
    }

    private func shimsMakingWay() -> Set<ObjectReference> {
        Set(
            context.moves.flatMap { move in
                (move.reference.flatMap { context.formerShims[$0] } ?? []).filter {
                    FormerShims.isInTheWay($0, of: move)
                }.map(\.reference)
            })
    }

    private func collision(_ move: Move, _ held: MoveNames.Held, _ holder: Holder) -> Diagnostic {
        let arguments = held.written.dropFirst(held.name.name.count)
        let place = display(move.to, held.name.name) + arguments
        return Diagnostic(
            .error, "name-collision",
            "\(move.oldName) cannot move to schema \(move.to): its \(held.what) \(held.written) would collide with "
                + (holder.shimTarget.map { "the compatibility object that was left for \($0)" } ?? holder.text)
                + (holder.text.hasSuffix("too") ? "" : " there"),
            object: move.oldName, place: move.place,
            nextStep: holder.shimTarget == nil
                ? "rename one of the two, or drop what is no longer needed: \(place)"
                : "once nothing uses the old name \(place) any more, strata contract drops it; or rename one of the two"
        )
    }

    // MARK: Privileges

    private func missingPrivileges() -> [Diagnostic] {
        guard !catalog.server.isSuperuser, !context.moves.isEmpty else { return [] }
        return missingCreateOnDatabase() + missingOnSchemas() + missingForOwners()
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
        privileges.holds(role, "CREATE", in: schema.grants, owner: schema.owner)
    }
}
