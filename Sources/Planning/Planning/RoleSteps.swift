internal import SQLSyntax

/// `roles:` of the layout: USAGE of the schema, rights on its tables and sequences, and on those made later.
struct RoleSteps {
    let context: PlanningContext
    let privileges: Privileges
    private var catalog: Catalog { context.catalog }
    private var oldNames: OldNameRights { OldNameRights(context: context) }

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
                    if let note = widening(role: oid, schema: schema.value, wanted: wanted) { draft.add(note) }
                }
            }
        }
        for note in oldNames.notes(privileges) { draft.add(note) }
    }

    /// Relations on which the steps grant rights, with those rights: for a check that the connected role may.
    func granted() -> [(relation: Relation, rights: [String])] {
        context.layout.roles.flatMap { role -> [(Relation, [String])] in
            guard let oid = lookupRole(role.name) else { return [] }
            return [(role.write, Self.writing), (role.read, Self.reading)].flatMap { schemas, wanted in
                schemas.filter { isPlanned($0.value) }.flatMap { schema -> [(Relation, [String])] in
                    let relations = context.relations(afterwardsIn: schema.value)
                    let tables = relations.filter { $0.kind != .sequence }.map {
                        ($0, oldNames.lacking(oid, on: $0, held: $0.grants, in: schema.value, wanted))
                    }
                    return tables.filter { !$0.1.isEmpty }
                        + lackingUsage(oid, relations.filter { $0.kind == .sequence }, wanted).map { ($0, ["USAGE"]) }
                }
            }
        }
    }

    /// Schemas of which the steps grant USAGE.
    func grantedSchemas() -> [Schema] {
        context.layout.roles.flatMap { role -> [Schema] in
            guard let oid = lookupRole(role.name) else { return [] }
            return (role.write + role.read).filter { !usage(oid, $0.value).isEmpty }.compactMap {
                context.lookup.schema(named: $0.value)
            }
        }
    }

    /// Rights on some columns are a limit that somebody drew; rights on the whole table take it away.
    private func widening(role: OID, schema: String, wanted: [String]) -> Diagnostic? {
        let tables = context.relations(afterwardsIn: schema).filter { relation in
            let rights = oldNames.lacking(role, on: relation, held: relation.grants, in: schema, wanted)
            return relation.columnGrants.contains { $0.grant.grantee == role && rights.contains($0.grant.privilege) }
        }
        guard !tables.isEmpty else { return nil }
        let shown = tables.prefix(3).map { table in
            let columns = table.columnGrants.filter { $0.grant.grantee == role }.map(\.column).uniqued().sorted()
            return "\(display(schema, table.name)) (\(columns.joined(separator: ", ")))"
        }
        let others = tables.count > shown.count ? " and \(tables.count - shown.count) more" : ""
        return Diagnostic(
            .note, "widens-column-rights",
            "\(context.roleName(role)) has rights on some columns only of \(shown.joined(separator: ", "))\(others); the "
                + "layout gives it all of their columns",
            object: "role \(context.roleName(role))",
            nextStep: "if it shall not see the others, take \(schema) out of its list under roles: and grant by hand")
    }

    private func lookupRole(_ name: String) -> OID? { catalog.roles.values.first { $0.name == name }?.oid }

    private func isPlanned(_ schema: String) -> Bool {
        context.layoutSchema(schema) != nil || context.lookup.schema(named: schema) != nil
    }

    private func steps(role: OID, schema: String, wanted: [String]) -> [Step] {
        let relations = context.relations(afterwardsIn: schema)
        let tables = relations.filter { $0.kind != .sequence }
        return usage(role, schema) + self.tables(role, schema, tables, wanted)
            + oldNames.steps(role, schema, tables, wanted)
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
        var byRights: [[String]: [Relation]] = [:]
        for relation in relations {
            let lacking = oldNames.lacking(role, on: relation, held: relation.grants, in: schema, wanted)
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
        let lacking = lackingUsage(role, sequences, wanted)
        guard !lacking.isEmpty else { return [] }
        let list = lacking.map { display(schema, $0.name) }.joined(separator: ", ")
        return [grantStep("USAGE", on: "SEQUENCE \(list)", role, schema, count: lacking.count)]
    }

    private func lackingUsage(_ role: OID, _ sequences: [Relation], _ wanted: [String]) -> [Relation] {
        guard wanted == Self.writing else { return [] }
        return sequences.filter { sequence in
            sequence.owner != role && !sequence.grants.contains { $0.grantee == role && $0.privilege == "USAGE" }
        }
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
                privileges.userMayAlterDefaults(of: maker)
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
