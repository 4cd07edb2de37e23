internal import SQLSyntax

/// What only the owner of an object may do to it, where the connected role has no owner's rights: moves, rights for
/// `roles:`, triggers of append_only, indexes. One complaint for each owner.
struct OwnershipChecks {
    let context: PlanningContext
    let privileges: Privileges
    private var catalog: Catalog { context.catalog }

    private struct Foreign {
        var name: String
        var owner: OID
        var deed: String
        var place: SourcePlace?
    }

    /// `draft` has all steps by now.
    func diagnostics(_ draft: PlanDraft, _ roles: RoleSteps) -> [Diagnostic] {
        guard !catalog.server.isSuperuser else { return [] }
        let found = moves() + grants(roles) + changes(draft.groups.flatMap { $0 })
        return Dictionary(grouping: found, by: \.owner).sorted { $0.key < $1.key }.map { complaint($0.value) }
    }

    // MARK: What is done to objects of others

    private func moves() -> [Foreign] {
        context.moves.compactMap { move in
            let owner: (owns: Bool, role: OID)? =
                switch move.object {
                case .relation: catalog.relations[move.oid].map { ($0.userOwns, $0.owner) }
                case .type: catalog.types[move.oid].map { ($0.userOwns, $0.owner) }
                case .function: catalog.functions[move.oid].map { ($0.userOwns, $0.owner) }
                case .statistics: nil
                }
            guard let owner, !owner.owns else { return nil }
            return Foreign(name: move.oldName, owner: owner.role, deed: "move them", place: move.place)
        }
    }

    /// Who holds a right with grant option may pass it on without owning the object.
    private func grants(_ roles: RoleSteps) -> [Foreign] {
        let user = catalog.server.userOID
        let schemas = roles.grantedSchemas().filter { schema in
            !privileges.userActs(as: schema.owner)
                && !schema.grants.contains {
                    $0.privilege == "USAGE" && $0.grantable && privileges.inherits(user, from: $0.grantee)
                }
        }
        return tables(roles, user)
            + schemas.map {
                Foreign(name: "schema \(SQL.identifier($0.name))", owner: $0.owner, deed: "grant rights on them")
            }
    }

    private func tables(_ roles: RoleSteps, _ user: OID) -> [Foreign] {
        roles.granted().filter { relation, rights in
            !relation.userOwns
                && !rights.allSatisfy { right in
                    relation.grants.contains {
                        $0.privilege == right && $0.grantable && privileges.inherits(user, from: $0.grantee)
                    }
                }
        }.map { relation, _ in
            Foreign(name: now(relation), owner: relation.owner, deed: "grant rights on them")
        }
    }

    private func changes(_ steps: [Step]) -> [Foreign] {
        var byName: [String: Relation] = [:]
        if steps.contains(where: { $0.kind == .appendOnly }) {
            for relation in catalog.relations.values where relation.kind.isTable {
                byName[display(context.finalSchema(of: relation), relation.name)] = relation
            }
        }
        return steps.compactMap { step in
            switch step.kind {
            case .appendOnly:
                foreign(byName[step.object], deed: "make them append-only")
            case .buildIndex, .attachIndex:
                foreign(step.locks.first.flatMap { catalog.relations[$0.oid] }, deed: "build indexes on them")
            default: nil
            }
        }
    }

    private func foreign(_ relation: Relation?, deed: String) -> Foreign? {
        guard let relation, !relation.userOwns else { return nil }
        return Foreign(name: now(relation), owner: relation.owner, deed: deed)
    }

    private func now(_ relation: Relation) -> String {
        display(context.lookup.schemaName(relation.schema), relation.name)
    }

    // MARK: The complaint

    private func complaint(_ objects: [Foreign]) -> Diagnostic {
        let names = objects.map(\.name).uniqued()
        let shown = 5
        let list =
            names.count > shown
            ? "\(names.prefix(shown).joined(separator: ", ")) and \(names.count - shown) more"
            : names.joined(separator: ", ")
        let owner = objects[0].owner
        let user = catalog.server.user
        let deeds = objects.map(\.deed).uniqued()
        let message =
            names.count == 1
            ? "role \(user) does not own \(list) and cannot \(singular(deeds)); its owner is \(context.roleName(owner))"
            : "role \(user) does not own \(names.count) objects of the plan and cannot \(deeds.joined(separator: ", ")): "
                + "\(list); their owner is \(context.roleName(owner))"
        return Diagnostic(
            .error, "missing-privilege", message, object: names[0], place: objects.compactMap(\.place).first,
            nextStep: remedy(owner))
    }

    private func singular(_ deeds: [String]) -> String {
        deeds.joined(separator: ", ").replacing("indexes", with: "an index").replacing("them", with: "it")
    }

    /// A membership alone does not help a role that does not inherit.
    private func remedy(_ owner: OID) -> String {
        let user = SQL.identifier(catalog.server.user)
        let connect = "or connect as \(context.roleName(owner))"
        let isMember = privileges.isMember(catalog.server.userOID, of: owner)
        if isMember, catalog.server.major < 16 {
            return "as a superuser: ALTER ROLE \(user) INHERIT (it is a member without the rights), \(connect)"
        }
        let option = isMember ? " WITH INHERIT TRUE" : ""
        return "as a superuser: GRANT \(context.grantee(owner)) TO \(user)\(option), \(connect)"
    }
}
