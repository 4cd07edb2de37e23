internal import SQLSyntax

/// Statements that leave an old name working after its object has moved, and that take it away again.
struct ShimSQL {
    let context: PlanningContext

    /// Comments that begin so mark an object as Strata's; the new name follows.
    static let commentPrefix = CatalogLookup.shimPrefix

    /// nil where an object of this kind cannot have one, or something else takes the name.
    func step(for move: Move) -> Step? {
        guard context.names.successor(of: move) == nil else { return nil }
        return switch move.object {
        case .relation(.sequence), .relation(.compositeType), .statistics: nil
        case .relation: viewStep(for: move)
        case .type(let kind): kind == .enumeration || kind == .domain || kind == .range ? domainStep(for: move) : nil
        case .function: FunctionShim(context: context).step(for: move)
        }
    }

    /// Undo leaves alone what took the shim's place, and does not mind that somebody dropped it already. The function is
    /// the ledger's.
    static func drop(
        _ kind: String, _ name: String, lookup: String, catalog: String, found: String? = nil
    ) -> [String] {
        [
            "SELECT \(Catalog.ledgerSchema).expect_shim(\(lookup)(\(SQL.literal(found ?? name)))::oid, '\(catalog)', \(SQL.literal(name)))",
            "DROP \(kind) IF EXISTS \(name)",
        ]
    }

    /// What the connected role's default privileges would give away on a new object. Its new owner keeps its own rights,
    /// also where they stand in those defaults; other roles' defaults are for what they make themselves.
    func withdrawDefaults(_ objectType: String, from name: String, kind: String, owner: OID) -> [String] {
        let creator = context.catalog.server.userOID
        let old = context.catalog.defaultPrivileges.filter { $0.role == creator && $0.objectType == objectType }
        let grantees = Set(old.flatMap(\.grants).map(\.grantee)).subtracting([creator, owner])
        return grantees.sorted().map { "REVOKE ALL ON \(kind)\(name) FROM \(context.grantee($0))" }
    }

    // MARK: Views

    private func viewStep(for move: Move) -> Step? {
        guard let relation = context.catalog.relations[move.oid] else { return nil }
        let old = move.oldName
        // With the caller's rights a view needs SELECT on every column; who has only some goes by the view's own grants.
        let byOwner = Self.hasColumnOnlyGrantees(relation) && !relation.rowSecurity
        let invoker = context.version >= 150_000 && !byOwner ? " WITH (security_invoker = true)" : ""
        var statements = ["CREATE VIEW \(old)\(invoker) AS SELECT * FROM \(move.newName)"]
        if relation.owner != context.catalog.server.userOID {
            statements.append("ALTER VIEW \(old) OWNER TO \(context.grantee(relation.owner))")
        }
        statements.append("COMMENT ON VIEW \(old) IS \(SQL.literal(Self.commentPrefix + move.newName))")
        statements += withdrawDefaults("r", from: old, kind: "", owner: relation.owner)
        statements += tableGrants(relation, old: old, appendOnly: isAppendOnly(move))
        statements += columnGrants(relation, old: old, appendOnly: isAppendOnly(move))
        statements += OldNameRights(context: context).grants(on: old, for: relation, in: move.to)
        return Step(
            kind: .createShim, object: old, statements: statements,
            undo: Self.drop("VIEW", old, lookup: "to_regclass", catalog: "pg_class"),
            reason: "statements that use the old name go on working")
    }

    /// Whether a role has rights on columns of the table and not the same right on all of it.
    static func hasColumnOnlyGrantees(_ relation: Relation) -> Bool {
        relation.columnGrants.contains { entry in
            !relation.grants.contains { $0.grantee == entry.grant.grantee && $0.privilege == "SELECT" }
        }
    }

    private func isAppendOnly(_ move: Move) -> Bool { context.appendOnly.contains(move.oid) }

    private func tableGrants(_ relation: Relation, old: String, appendOnly: Bool) -> [String] {
        let wanted = appendOnly ? ["SELECT", "INSERT"] : ["SELECT", "INSERT", "UPDATE", "DELETE"]
        var byGrantee: [OID: (plain: [String], grantable: [String])] = [:]
        for grant in relation.grants where grant.grantee != relation.owner && wanted.contains(grant.privilege) {
            if grant.grantable {
                byGrantee[grant.grantee, default: ([], [])].grantable.append(grant.privilege)
            } else {
                byGrantee[grant.grantee, default: ([], [])].plain.append(grant.privilege)
            }
        }
        var statements: [String] = []
        for (grantee, privileges) in byGrantee.sorted(by: { $0.key < $1.key }) {
            for (list, option) in [(privileges.plain, ""), (privileges.grantable, " WITH GRANT OPTION")]
            where !list.isEmpty {
                let ordered = wanted.filter(Set(list).contains).joined(separator: ", ")
                statements.append("GRANT \(ordered) ON \(old) TO \(context.grantee(grantee))\(option)")
            }
        }
        return statements
    }

    private func columnGrants(_ relation: Relation, old: String, appendOnly: Bool) -> [String] {
        let wanted = appendOnly ? ["SELECT", "INSERT"] : ["SELECT", "INSERT", "UPDATE"]
        struct Key: Hashable {
            var grantee: OID
            var privilege: String
            var grantable: Bool
        }
        var columns: [Key: [String]] = [:]
        for entry in relation.columnGrants where wanted.contains(entry.grant.privilege) {
            let grant = entry.grant
            columns[
                Key(grantee: grant.grantee, privilege: grant.privilege, grantable: grant.grantable), default: []
            ].append(entry.column)
        }
        return columns.sorted { ($0.key.grantee, $0.key.privilege) < ($1.key.grantee, $1.key.privilege) }.map {
            key, names in
            let list = names.uniqued().map(SQL.identifier).joined(separator: ", ")
            let option = key.grantable ? " WITH GRANT OPTION" : ""
            return "GRANT \(key.privilege) (\(list)) ON \(old) TO \(context.grantee(key.grantee))\(option)"
        }
    }

    // MARK: Types

    /// A domain over the moved type carries casts and parameters; arrays of it do not convert by themselves.
    private func domainStep(for move: Move) -> Step {
        var statements = ["CREATE DOMAIN \(move.oldName) AS \(move.newName)"]
        if let owner = context.catalog.types[move.oid]?.owner, owner != context.catalog.server.userOID {
            statements.append("ALTER DOMAIN \(move.oldName) OWNER TO \(context.grantee(owner))")
        }
        statements.append("COMMENT ON DOMAIN \(move.oldName) IS \(SQL.literal(Self.commentPrefix + move.newName))")
        return Step(
            kind: .createShim, object: move.oldName, statements: statements,
            undo: Self.drop("DOMAIN", move.oldName, lookup: "to_regtype", catalog: "pg_type"),
            reason: "casts to the old type name go on working")
    }
}
