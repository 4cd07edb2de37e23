internal import SQLSyntax

/// What `roles:` of the layout says about the old names: who may read or write a table may do so through its shim.
struct OldNameRights {
    let context: PlanningContext

    /// Rights on a relation that a role should have and does not hold by its own name. What it has through others may go
    /// away with them.
    func lacking(_ role: OID, on relation: Relation, held: [Grant], in schema: String, _ wanted: [String]) -> [String] {
        guard relation.owner != role, !context.layoutRoles.ignores(relation.name, in: schema) else { return [] }
        let isAppendOnly = context.appendOnly.contains(relation.oid)
        // Writing through a view is its base tables' business.
        let possible = relation.kind.isTable ? wanted : RoleSteps.reading
        return possible.filter { privilege in
            !(isAppendOnly && ["UPDATE", "DELETE"].contains(privilege))
                && !held.contains { $0.grantee == role && $0.privilege == privilege }
        }
    }

    // MARK: Shims of this plan

    /// For the view that the relation leaves under its old name, beside copies of the grants it has already.
    func grants(on old: String, for relation: Relation, in schema: String) -> [String] {
        (context.layoutRoles.bySchema[schema] ?? []).compactMap { given in
            let rights = lacking(given.role, on: relation, held: relation.grants, in: schema, given.rights)
            guard !rights.isEmpty else { return nil }
            return "GRANT \(rights.joined(separator: ", ")) ON \(old) TO \(context.grantee(given.role))"
        }
    }

    // MARK: Shims of earlier plans

    func steps(_ role: OID, _ schema: String, _ relations: [Relation], _ wanted: [String]) -> [Step] {
        var byRights: [[String]: [String]] = [:]
        for (relation, shim) in standing(for: relations, in: schema) {
            let rights = lacking(role, on: relation, held: shim.grants, in: schema, wanted)
            if !rights.isEmpty { byRights[rights, default: []].append(name(of: shim)) }
        }
        return byRights.sorted { $0.key.joined() < $1.key.joined() }.map { rights, names in
            let list = rights.joined(separator: ", ")
            let grantee = context.grantee(role)
            return Step(
                kind: .grant,
                object:
                    "\(list) on \(counted(names.count, "compatibility view")) of \(SQL.identifier(schema)) to \(grantee)",
                statements: ["GRANT \(list) ON \(names.joined(separator: ", ")) TO \(grantee)"],
                // One that contract took away, or somebody else, has no rights left to revoke.
                undo: names.map { name in
                    let revoke = "REVOKE \(list) ON \(name) FROM \(grantee)"
                    let body = "BEGIN IF to_regclass(\(SQL.literal(name))) IS NOT NULL THEN \(revoke); END IF; END"
                    return "DO \(SQL.dollarQuoted(body))"
                },
                reason: "the layout gives \(context.roleName(role)) rights in \(schema), under the old names too")
        }
    }

    /// Views that earlier plans left for relations of the schema that stay there.
    private func standing(for relations: [Relation], in schema: String) -> [(Relation, Relation)] {
        let shims = Dictionary(grouping: context.lookup.shims.filter { $0.reference.kind == .relation }, by: \.target)
        return relations.flatMap { relation -> [(Relation, Relation)] in
            guard context.moveByOID[ObjectReference(.relation, relation.oid)] == nil else { return [] }
            return (shims[display(schema, relation.name)] ?? []).sorted { $0.display < $1.display }.compactMap {
                context.catalog.relations[$0.reference.oid].map { (relation, $0) }
            }
        }
    }

    private func name(of shim: Relation) -> String { display(context.lookup.schemaName(shim.schema), shim.name) }

    // MARK: Notes

    /// Old schemas whose USAGE a role lacks: it reaches the new names only, as it could not reach the old ones before.
    func notes(_ privileges: Privileges) -> [Diagnostic] {
        guard context.layout.compatibility == .views else { return [] }
        var notes: [Diagnostic] = []
        for role in context.layout.roles {
            guard let oid = context.catalog.roles.values.first(where: { $0.name == role.name })?.oid else { continue }
            let given = Set((role.read + role.write).map(\.value))
            let left = Set(given.flatMap { context.movesByTarget[$0] ?? [] }.filter(\.isTable).map(\.from))
            for from in left.subtracting(given).sorted() {
                guard let schema = context.lookup.schema(named: from),
                    !privileges.holds(oid, "USAGE", in: schema.grants, owner: schema.owner)
                else { continue }
                notes.append(
                    Diagnostic(
                        .note, "old-names-out-of-reach",
                        "role \(role.name) has no USAGE of schema \(from): it can use the new names only",
                        object: "role \(role.name)",
                        nextStep: "if it is to use the old names as well: GRANT USAGE ON SCHEMA "
                            + "\(SQL.identifier(from)) TO \(SQL.identifier(role.name))"))
            }
        }
        return notes
    }
}
