internal import SQLSyntax

/// How a role uses a shim: a statement for each right that it holds there. They are to be planned, not run: the server
/// checks the rights on the shim and on what is behind it all the same, however many rows there are.
package struct ShimRoleTrial: Sendable {
    package struct Attempt: Sendable {
        package var operation: String
        /// As GRANT takes it: `SELECT`, `UPDATE (note)`.
        package var privilege: String
        /// EXPLAIN of the statement.
        package var statement: String
    }

    package var shim: Shim
    /// As people call it: the role's name, or PUBLIC.
    package var role: String
    /// As SET ROLE takes it; nil where the connected role may not act as it.
    package var identity: String?
    package var attempts: [Attempt]
    /// What the shim stands for, as GRANT … ON takes it.
    package var target: String
}

/// Finds who holds which rights on the shims.
package struct ShimRoleTrials: Sendable {
    let context: VerificationContext
    private var catalog: Catalog { context.catalog }
    private var lookup: CatalogLookup { context.lookup }
    /// Every server has it, it holds rights on no table, and so it is to a superuser what PUBLIC is to all.
    private static let anybody = "pg_signal_backend"

    package init(_ context: VerificationContext) { self.context = context }

    /// In the order of the shims, and of the roles. The connected role itself and superusers are left out.
    package func all() -> [ShimRoleTrial] {
        lookup.shims.sorted { $0.display < $1.display }.flatMap(trials)
    }

    private func trials(_ shim: Shim) -> [ShimRoleTrial] {
        switch shim.reference.kind {
        case .relation: catalog.relations[shim.reference.oid].map { view(shim, $0) } ?? []
        case .function: catalog.functions[shim.reference.oid].map { function(shim, $0) } ?? []
        default: []
        }
    }

    private func trial(
        _ shim: Shim, _ role: OID, _ attempts: [ShimRoleTrial.Attempt], target: String
    ) -> ShimRoleTrial? {
        guard !attempts.isEmpty, role != catalog.server.userOID, catalog.roles[role]?.isSuperuser != true,
            let schema = lookup.schema(named: shim.schema),
            // Who may not even look into the schema could not use the old name before either.
            context.privileges.holds(role, "USAGE", in: schema.grants, owner: schema.owner)
        else { return nil }
        if role == 0 {
            // Whatever else it is, the connected role is one of PUBLIC: its own trial has shown it.
            guard catalog.server.isSuperuser else { return nil }
            return ShimRoleTrial(shim: shim, role: "PUBLIC", identity: Self.anybody, attempts: attempts, target: target)
        }
        let may = catalog.server.isSuperuser || catalog.roles[role]?.userIsMember == true
        return ShimRoleTrial(
            shim: shim, role: context.roleName(role), identity: may ? context.grantee(role) : nil, attempts: attempts,
            target: target)
    }

    // MARK: Views

    private func view(_ shim: Shim, _ view: Relation) -> [ShimRoleTrial] {
        // What is on another server asks for a user mapping of its own.
        guard let target = ShimTrials(context).target(of: shim), target.kind != .foreignTable,
            let first = catalog.columns[view.oid]?.first?.name
        else { return [] }
        let writable = target.kind.isTable ? (context.isAppendOnly(target) ? ["INSERT"] : Self.writes) : []
        let shown = Set((catalog.columns[view.oid] ?? []).map(\.name))
        let changeable = (catalog.columns[target.oid] ?? []).filter {
            shown.contains($0.name) && !$0.isGenerated && $0.identity != .always
        }.map(\.name)
        let holders = Set(view.grants.map(\.grantee) + view.columnGrants.map(\.grant.grantee))
        return holders.sorted().compactMap { role in
            let whole = Set(view.grants.filter { $0.grantee == role }.map(\.privilege))
            let attempts = (["SELECT"] + writable).compactMap { privilege -> ShimRoleTrial.Attempt? in
                let columns = view.columnGrants.filter {
                    $0.grant.grantee == role && $0.grant.privilege == privilege
                }.map(\.column)
                if whole.contains(privilege) {
                    let column = privilege == "UPDATE" ? changeable.first : first
                    return column.map { attempt(privilege, as: privilege, shim, columns: [$0]) }
                }
                let possible = privilege == "UPDATE" ? columns.filter(changeable.contains) : columns
                let names = possible.map(SQL.identifier).joined(separator: ", ")
                return possible.isEmpty
                    ? nil : attempt(privilege, as: "\(privilege) (\(names))", shim, columns: possible)
            }
            return trial(shim, role, attempts, target: shim.target)
        }
    }

    private static let writes = ["INSERT", "UPDATE", "DELETE"]

    /// None needs another right than its own: DEFAULT reads no column.
    private func attempt(
        _ operation: String, as privilege: String, _ shim: Shim, columns: [String]
    ) -> ShimRoleTrial.Attempt {
        let names = columns.map(SQL.identifier)
        let statement =
            switch operation {
            case "INSERT":
                "INSERT INTO \(shim.display) (\(names.joined(separator: ", "))) VALUES "
                    + "(\(names.map { _ in "DEFAULT" }.joined(separator: ", ")))"
            case "UPDATE":
                "UPDATE \(shim.display) SET \(names.map { "\($0) = DEFAULT" }.joined(separator: ", ")) WHERE false"
            case "DELETE": "DELETE FROM \(shim.display) WHERE false"
            default: "SELECT \(names.joined(separator: ", ")) FROM \(shim.display)"
            }
        return ShimRoleTrial.Attempt(
            operation: operation, privilege: privilege, statement: "EXPLAIN (COSTS OFF) \(statement)")
    }

    // MARK: Functions

    private func function(_ shim: Shim, _ function: Function) -> [ShimRoleTrial] {
        // EXPLAIN knows no CALL; nothing has a type such as anyelement; and with nothing that varies, planning alone
        // would call it.
        guard function.kind == .function, !function.isPolymorphic,
            !(function.volatility == .immutable && function.inputTypes.isEmpty)
        else { return [] }
        let types = function.inputTypes
        let arguments = types.indices.map { position in
            (function.isVariadic && position == types.count - 1 ? "VARIADIC " : "") + "given.a\(position)"
        }.joined(separator: ", ")
        // OFFSET keeps the planner from putting the constants into the call, and from calling it then.
        let given = types.enumerated().map { "CAST(NULL AS \($1)) AS a\($0)" }.joined(separator: ", ")
        let source = types.isEmpty ? "" : " FROM (SELECT \(given) OFFSET 0) AS given"
        let call = "EXPLAIN (COSTS OFF) SELECT \(shim.display)(\(arguments))\(source)"
        let attempt = ShimRoleTrial.Attempt(operation: "a call", privilege: "EXECUTE", statement: call)
        let target = "FUNCTION \(shim.target)(\(function.identityArguments))"
        return Set(function.grants.filter { $0.privilege == "EXECUTE" }.map(\.grantee)).sorted().compactMap {
            trial(shim, $0, [attempt], target: target)
        }
    }
}
