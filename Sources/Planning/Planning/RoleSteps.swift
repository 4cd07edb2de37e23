internal import SQLSyntax

/// `roles:` of the layout: USAGE of the schema, rights on its tables and sequences, and on those made later.
struct RoleSteps {
    let context: PlanningContext
    let privileges: Privileges
    private var catalog: Catalog { context.catalog }

    static let reading = ["SELECT"]
    static let writing = ["SELECT", "INSERT", "UPDATE", "DELETE"]

    func diagnostics() -> [Diagnostic] {
        context.layout.roles.compactMap { role in
            guard lookupRole(role.name) == nil else { return nil }
            let near = nearestName(to: role.name, among: catalog.roles.values.map(\.name))
            let next = "CREATE ROLE \(SQL.identifier(role.name))" + (near.map { ", or did you mean \($0)?" } ?? "")
            return Diagnostic(
                .error, "no-such-role", "there is no role \(role.name) on this server", object: "role \(role.name)",
                place: role.place, nextStep: next)
        }
    }

    func add(to draft: inout PlanDraft) {
        for role in context.layout.roles {
            guard let oid = lookupRole(role.name) else { continue }
            for (schemas, wanted) in [(role.write, Self.writing), (role.read, Self.reading)] {
                for schema in schemas where isPlanned(schema.value) {
                    draft.add(steps(role: oid, schema: schema.value, wanted: wanted))
                }
            }
        }
    }

    private func lookupRole(_ name: String) -> OID? { catalog.roles.values.first { $0.name == name }?.oid }

    private func isPlanned(_ schema: String) -> Bool {
        context.layoutSchema(schema) != nil || context.lookup.schema(named: schema) != nil
    }

    private func steps(role: OID, schema: String, wanted: [String]) -> [Step] {
        let relations = context.relations(afterwardsIn: schema)
        return usage(role, schema) + tables(role, schema, relations.filter { $0.kind != .sequence }, wanted)
            + sequences(role, schema, relations.filter { $0.kind == .sequence }, wanted)
            + later(role, schema, owners: Set(relations.filter(\.kind.isTable).map(\.owner)), wanted)
    }

    private func usage(_ role: OID, _ schema: String) -> [Step] {
        let present = context.lookup.schema(named: schema)
        let owner = present?.owner ?? SchemaSteps(context: context).owner(of: schema) ?? catalog.server.userOID
        // Only what the role holds by its own name counts: what it has through others may go away with them.
        if role == owner || present?.grants.contains(where: { $0.grantee == role && $0.privilege == "USAGE" }) == true {
            return []
        }
        if gainsUsageByMove(role, schema) { return [] }
        let name = SQL.identifier(schema)
        return [
            Step(
                kind: .grant, object: "USAGE of schema \(name) to \(context.grantee(role))",
                statements: ["GRANT USAGE ON SCHEMA \(name) TO \(context.grantee(role))"],
                undo: ["REVOKE USAGE ON SCHEMA \(name) FROM \(context.grantee(role))"],
                reason: "the layout gives \(context.roleName(role)) rights in it")
        ]
    }

    private func gainsUsageByMove(_ role: OID, _ schema: String) -> Bool {
        UsageSteps(context: context, privileges: privileges).granted(in: schema).contains(role)
    }

    /// One GRANT for the tables that lack the same rights.
    private func tables(_ role: OID, _ schema: String, _ relations: [Relation], _ wanted: [String]) -> [Step] {
        let layout = context.layoutSchema(schema)
        let appendOnly = Set((layout?.appendOnly ?? []).map(\.value))
        let ignored = Set((layout?.ignore ?? []).map(\.value))
        var byRights: [[String]: [Relation]] = [:]
        for relation in relations where relation.owner != role && !ignored.contains(relation.name) {
            // Writing through a view is its base tables' business.
            let possible = relation.kind.isTable ? wanted : Self.reading
            let lacking = possible.filter { privilege in
                !(appendOnly.contains(relation.name) && ["UPDATE", "DELETE"].contains(privilege))
                    && !relation.grants.contains { $0.grantee == role && $0.privilege == privilege }
            }
            if !lacking.isEmpty { byRights[lacking, default: []].append(relation) }
        }
        return byRights.sorted { $0.key.joined() < $1.key.joined() }.map { rights, relations in
            let list = relations.map { display(schema, $0.name) }.joined(separator: ", ")
            var step = grantStep(
                rights.joined(separator: ", "), on: "TABLE \(list)", role, schema, count: relations.count)
            // Revoking a right on a table takes the same right on its columns away as well.
            for relation in relations {
                for entry in relation.columnGrants
                where entry.grant.grantee == role && rights.contains(entry.grant.privilege) {
                    let option = entry.grant.grantable ? " WITH GRANT OPTION" : ""
                    step.undo.append(
                        "GRANT \(entry.grant.privilege) (\(SQL.identifier(entry.column))) ON "
                            + "\(display(schema, relation.name)) TO \(context.grantee(role))\(option)")
                }
            }
            return step
        }
    }

    private func sequences(_ role: OID, _ schema: String, _ sequences: [Relation], _ wanted: [String]) -> [Step] {
        guard wanted == Self.writing else { return [] }
        let lacking = sequences.filter { sequence in
            sequence.owner != role && !sequence.grants.contains { $0.grantee == role && $0.privilege == "USAGE" }
        }
        guard !lacking.isEmpty else { return [] }
        let list = lacking.map { display(schema, $0.name) }.joined(separator: ", ")
        return [grantStep("USAGE", on: "SEQUENCE \(list)", role, schema, count: lacking.count)]
    }

    private func grantStep(_ privilege: String, on objects: String, _ role: OID, _ schema: String, count: Int) -> Step {
        let noun = objects.hasPrefix("SEQUENCE") ? "sequence" : "table"
        return Step(
            kind: .grant,
            object:
                "\(privilege) on \(count) \(noun)\(count == 1 ? "" : "s") in \(SQL.identifier(schema)) to \(context.grantee(role))",
            statements: ["GRANT \(privilege) ON \(objects) TO \(context.grantee(role))"],
            undo: ["REVOKE \(privilege) ON \(objects) FROM \(context.grantee(role))"],
            reason: "the layout gives \(context.roleName(role)) rights in \(schema)")
    }

    /// Default privileges, for every role that owns tables there: new tables are readable too (S1.30).
    private func later(_ role: OID, _ schema: String, owners: Set<OID>, _ wanted: [String]) -> [Step] {
        let present = context.lookup.schema(named: schema)
        let makers = owners.union([
            present?.owner ?? SchemaSteps(context: context).owner(of: schema) ?? catalog.server.userOID
        ]).union([catalog.server.userOID])
        var steps: [Step] = []
        for maker in makers.sorted() where maker != role {
            // pg_database_owner and the like make nothing themselves.
            guard let name = catalog.roles[maker]?.name, !name.hasPrefix("pg_"),
                catalog.server.isSuperuser || catalog.roles[maker]?.userIsMember == true
            else { continue }
            for (letter, rights) in [("r", wanted), ("S", wanted == Self.writing ? ["USAGE"] : [])] {
                let held = catalog.defaultPrivileges.filter {
                    $0.role == maker && $0.schema == (present?.oid ?? .max) && $0.objectType == letter
                }.flatMap(\.grants).filter { $0.grantee == role }.map(\.privilege)
                guard let objects = UsageSteps.objectWords[letter] else { continue }
                let missing = rights.filter { !held.contains($0) && !copied(maker, schema, letter, role, $0) }
                guard !missing.isEmpty else { continue }
                steps.append(
                    UsageSteps.step(
                        context: context, role: maker, schema: schema, objects: objects, privileges: missing,
                        grantee: role, reason: "the layout gives \(context.roleName(role)) rights in \(schema)"))
            }
        }
        return steps
    }

    /// Whether the copy of the old schema's default privileges already brings it.
    private func copied(_ maker: OID, _ schema: String, _ letter: String, _ role: OID, _ privilege: String) -> Bool {
        (context.movesByTarget[schema] ?? []).contains { move in
            guard let from = context.lookup.schema(named: move.from) else { return false }
            return catalog.defaultPrivileges.contains { entry in
                entry.schema == from.oid && entry.role == maker && entry.objectType == letter
                    && entry.grants.contains { $0.grantee == role && $0.privilege == privilege }
            }
        }
    }
}
