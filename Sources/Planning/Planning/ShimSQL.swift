internal import SQLSyntax

/// Statements that leave an old name working after its object has moved, and that take it away again.
struct ShimSQL {
    let context: PlanningContext

    /// Comments that begin so mark an object as Strata's; the new name follows.
    static let commentPrefix = CatalogLookup.shimPrefix

    /// nil where an object of this kind cannot have one.
    func step(for move: Move) -> Step? {
        switch move.object {
        case .relation(.sequence), .relation(.compositeType), .statistics: nil
        case .relation: viewStep(for: move)
        case .type(let kind): kind == .enumeration || kind == .domain || kind == .range ? domainStep(for: move) : nil
        case .function(let kind): kind == .function ? functionStep(for: move) : nil
        }
    }

    // MARK: Views

    private func viewStep(for move: Move) -> Step? {
        guard let relation = context.catalog.relations[move.oid] else { return nil }
        let old = move.oldName
        let invoker = context.version >= 150_000 ? " WITH (security_invoker = true)" : ""
        var statements = ["CREATE VIEW \(old)\(invoker) AS SELECT * FROM \(move.newName)"]
        if relation.owner != context.catalog.server.userOID {
            statements.append("ALTER VIEW \(old) OWNER TO \(context.grantee(relation.owner))")
        }
        statements.append("COMMENT ON VIEW \(old) IS \(SQL.literal(Self.commentPrefix + move.newName))")
        statements += tableGrants(relation, old: old, appendOnly: isAppendOnly(move))
        statements += columnGrants(relation, old: old)
        return Step(
            kind: .createShim, object: old, statements: statements, undo: ["DROP VIEW \(old)"],
            reason: "statements that use the old name go on working")
    }

    private func isAppendOnly(_ move: Move) -> Bool {
        context.layoutSchema(move.to)?.appendOnly.contains { $0.value == move.name } ?? false
    }

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

    private func columnGrants(_ relation: Relation, old: String) -> [String] {
        struct Key: Hashable {
            var grantee: OID
            var privilege: String
        }
        var columns: [Key: [String]] = [:]
        for entry in relation.columnGrants where ["SELECT", "INSERT", "UPDATE"].contains(entry.grant.privilege) {
            columns[Key(grantee: entry.grant.grantee, privilege: entry.grant.privilege), default: []].append(
                entry.column)
        }
        return columns.sorted { ($0.key.grantee, $0.key.privilege) < ($1.key.grantee, $1.key.privilege) }.map {
            key, names in
            let list = names.map(SQL.identifier).joined(separator: ", ")
            return "GRANT \(key.privilege) (\(list)) ON \(old) TO \(context.grantee(key.grantee))"
        }
    }

    // MARK: Types and functions

    /// A domain over the moved type carries casts and parameters; arrays of it do not convert by themselves.
    private func domainStep(for move: Move) -> Step {
        Step(
            kind: .createShim, object: move.oldName,
            statements: [
                "CREATE DOMAIN \(move.oldName) AS \(move.newName)",
                "COMMENT ON DOMAIN \(move.oldName) IS \(SQL.literal(Self.commentPrefix + move.newName))",
            ],
            undo: ["DROP DOMAIN \(move.oldName)"],
            reason: "casts to the old type name go on working")
    }

    /// A function of the same signature that calls the moved one. From 14 on its body is bound by OID, so that callers
    /// need no USAGE of the new schema.
    private func functionStep(for move: Move) -> Step? {
        guard let function = context.catalog.functions[move.oid], !function.returnsTrigger, !function.hasOutArguments,
            !function.isPolymorphic, let result = function.result
        else { return nil }
        let count = function.inputTypes.count
        let arguments = (1...max(count, 1)).prefix(count).map { position in
            function.isVariadic && position == count ? "VARIADIC $\(position)" : "$\(position)"
        }.joined(separator: ", ")
        let call = "\(move.newName)(\(arguments))"
        let query = function.returnsSet ? "SELECT * FROM \(call)" : "SELECT \(call)"
        let body =
            context.version >= 140_000 ? "BEGIN ATOMIC \(query); END" : "AS \(SQL.dollarQuoted(query))"
        let volatility =
            switch function.volatility {
            case .immutable: "IMMUTABLE"
            case .stable: "STABLE"
            case .volatile: "VOLATILE"
            }
        let parallel = function.parallel == "s" ? "SAFE" : function.parallel == "r" ? "RESTRICTED" : "UNSAFE"
        let signature = "\(move.oldName)(\(function.identityArguments))"
        var statements = [
            "CREATE FUNCTION \(move.oldName)(\(function.arguments)) RETURNS \(result) LANGUAGE sql "
                + "\(volatility) PARALLEL \(parallel) \(body)"
        ]
        if function.owner != context.catalog.server.userOID {
            statements.append("ALTER FUNCTION \(signature) OWNER TO \(context.grantee(function.owner))")
        }
        statements.append("COMMENT ON FUNCTION \(signature) IS \(SQL.literal(Self.commentPrefix + move.newName))")
        statements += executeGrants(function, signature: signature)
        return Step(
            kind: .createShim, object: move.oldName, statements: statements, undo: ["DROP FUNCTION \(signature)"],
            reason: "calls by the old name go on working")
    }

    private func executeGrants(_ function: Function, signature: String) -> [String] {
        let grantees = function.grants.filter { $0.privilege == "EXECUTE" && $0.grantee != function.owner }.map(
            \.grantee)
        if grantees.contains(0) { return [] }
        return ["REVOKE ALL ON FUNCTION \(signature) FROM PUBLIC"]
            + grantees.sorted().map { "GRANT EXECUTE ON FUNCTION \(signature) TO \(context.grantee($0))" }
    }
}
