internal import SQLSyntax

/// USAGE on the new schemas: for owners, whose rights PostgreSQL uses for referential checks, and for every role that
/// could reach the tables where they were. And the default privileges of the old schema, for later tables.
struct UsageSteps {
    let context: PlanningContext
    let privileges: Privileges
    private var catalog: Catalog { context.catalog }

    func add(to draft: inout PlanDraft, extraUsage: [String: Set<OID>]) {
        var steps: [Step] = []
        for target in context.targetSchemas {
            let roles = mayGrant(on: target) ? missingUsage(of: target, extra: extraUsage[target] ?? []) : []
            for role in roles.sorted(by: { context.roleName($0) < context.roleName($1) }) {
                let grantee = context.grantee(role)
                let schema = SQL.identifier(target)
                steps.append(
                    Step(
                        kind: .grant, object: "USAGE of schema \(schema) to \(grantee)",
                        statements: ["GRANT USAGE ON SCHEMA \(schema) TO \(grantee)"],
                        undo: ["REVOKE USAGE ON SCHEMA \(schema) FROM \(grantee)"],
                        reason: owners(in: target).contains(role)
                            ? "\(grantee) owns tables there: referential checks run with its rights"
                            : "\(grantee) uses objects that move there"))
            }
        }
        draft.add(steps)
        addDefaultPrivileges(to: &draft)
        addUngrantable(to: &draft)
    }

    /// Roles to which these steps grant USAGE of the schema by name.
    func granted(in target: String) -> Set<OID> {
        context.targetSchemas.contains(target) ? missingUsage(of: target, extra: []) : []
    }

    private func owners(in target: String) -> Set<OID> {
        Set((context.movesByTarget[target] ?? []).filter(\.isTable).compactMap { catalog.relations[$0.oid]?.owner })
    }

    /// Roles that need USAGE of the schema and would not have it.
    private func missingUsage(of target: String, extra: Set<OID>) -> Set<OID> {
        var needed = owners(in: target).union(extra)
        for move in context.movesByTarget[target] ?? [] {
            guard let from = context.lookup.schema(named: move.from) else { continue }
            for grantee in grantees(of: move)
            where privileges.holds(grantee, "USAGE", in: from.grants, owner: from.owner) {
                needed.insert(grantee)
            }
        }
        let schema = context.lookup.schema(named: target)
        let owner = schema?.owner ?? SchemaSteps(context: context).owner(of: target) ?? catalog.server.userOID
        let grants = schema?.grants ?? []
        let lacking = needed.filter { !privileges.holds($0, "USAGE", in: grants, owner: owner) }
        // Where PUBLIC gets it, nobody else needs it by name.
        return lacking.contains(0) ? [0] : lacking
    }

    private func grantees(of move: Move) -> Set<OID> {
        switch move.object {
        case .relation:
            guard let relation = catalog.relations[move.oid] else { return [] }
            return Set(relation.grants.map(\.grantee) + relation.columnGrants.map(\.grant.grantee))
        case .function:
            guard let function = catalog.functions[move.oid] else { return [] }
            let named = Set(function.grants.map(\.grantee))
            // EXECUTE is PUBLIC's by default and says nothing about who calls it, as long as callers need no USAGE.
            guard named.contains(0), context.layout.compatibility == .views,
                FunctionShim(context: context).isLookedUpByCallers(function)
            else { return named.subtracting([0]) }
            return named.union(context.lookup.schema(named: move.from)?.grants.map(\.grantee) ?? [])
        case .type:
            return Set((catalog.types[move.oid]?.grants ?? []).map(\.grantee).filter { $0 != 0 })
        case .statistics: return []
        }
    }

    /// Granting on a schema that belongs to somebody else is silently ineffective.
    private func mayGrant(on target: String) -> Bool {
        guard !catalog.server.isSuperuser, let schema = context.lookup.schema(named: target) else { return true }
        return privileges.userActs(as: schema.owner)
    }

    private func addUngrantable(to draft: inout PlanDraft) {
        for target in context.targetSchemas where !mayGrant(on: target) {
            guard let schema = context.lookup.schema(named: target) else { continue }
            let lacking = missingUsage(of: target, extra: [])
            for role in lacking.subtracting(owners(in: target)).sorted() {
                draft.add(
                    Diagnostic(
                        .warning, "usage-not-granted",
                        "\(context.roleName(role)) uses objects that move to \(target), and this role may not grant USAGE there: "
                            + "it goes on with the old names only",
                        object: "schema \(SQL.identifier(target))",
                        nextStep:
                            "as \(context.roleName(schema.owner)): GRANT USAGE ON SCHEMA \(SQL.identifier(target)) "
                            + "TO \(context.grantee(role))"))
            }
            for role in lacking.intersection(owners(in: target)).sorted() {
                draft.add(
                    Hazard(
                        .breaksReferentialCheck, object: "schema \(SQL.identifier(target))",
                        message: "\(context.roleName(role)) owns tables that move there but has no USAGE: inserts into "
                            + "tables that reference them would fail with \"permission denied for schema \(target)\"",
                        remedy: "as \(context.roleName(schema.owner)): GRANT USAGE ON SCHEMA \(SQL.identifier(target)) "
                            + "TO \(context.grantee(role))"))
            }
        }
    }

    // MARK: Default privileges

    private func addDefaultPrivileges(to draft: inout PlanDraft) {
        var steps: [Step] = []
        var seen: Set<String> = []
        for move in context.moves {
            guard seen.insert("\(move.from)\u{0}\(move.to)").inserted,
                let from = context.lookup.schema(named: move.from)
            else { continue }
            for entry in catalog.defaultPrivileges where entry.schema == from.oid {
                steps += copies(of: entry, to: move.to)
            }
        }
        draft.add(steps)
    }

    private func copies(of entry: DefaultPrivilege, to target: String) -> [Step] {
        let present =
            context.lookup.schema(named: target).map { schema in
                catalog.defaultPrivileges.filter {
                    $0.schema == schema.oid && $0.role == entry.role && $0.objectType == entry.objectType
                }.flatMap(\.grants)
            } ?? []
        // Only a role itself, its members and superusers may change what it makes.
        guard let objects = Self.objectWords[entry.objectType], privileges.userMayAlterDefaults(of: entry.role) else {
            return []
        }
        let missing = entry.grants.filter { grant in
            !present.contains { $0.grantee == grant.grantee && $0.privilege == grant.privilege }
        }
        return Dictionary(grouping: missing, by: { Receiver(role: $0.grantee, grantable: $0.grantable) })
            .sorted { ($0.key.role, $0.key.grantable ? 1 : 0) < ($1.key.role, $1.key.grantable ? 1 : 0) }.map {
                receiver, grants in
                Self.step(
                    context: context, role: entry.role, schema: target, objects: objects,
                    privileges: grants.map(\.privilege),
                    grantee: receiver.role, grantable: receiver.grantable,
                    reason: "as in the schema that its tables come from")
            }
    }

    private struct Receiver: Hashable {
        var role: OID
        var grantable: Bool
    }

    static let objectWords = ["r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES"]

    static func step(
        context: PlanningContext, role: OID, schema: String, objects: String, privileges: [String], grantee: OID,
        grantable: Bool = false, reason: String
    ) -> Step {
        let privilege = privileges.joined(separator: ", ")
        let prefix = "ALTER DEFAULT PRIVILEGES FOR ROLE \(context.grantee(role)) IN SCHEMA \(SQL.identifier(schema))"
        let option = grantable ? " WITH GRANT OPTION" : ""
        return Step(
            kind: .defaultPrivileges,
            object: "\(context.grantee(grantee)) on \(objects.lowercased()) in schema \(SQL.identifier(schema))",
            statements: ["\(prefix) GRANT \(privilege) ON \(objects) TO \(context.grantee(grantee))\(option)"],
            undo: ["\(prefix) REVOKE \(privilege) ON \(objects) FROM \(context.grantee(grantee))"],
            reason: "\(reason); for what \(context.roleName(role)) makes")
    }
}
