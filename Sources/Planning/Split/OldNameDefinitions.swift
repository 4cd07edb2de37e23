internal import SQLSyntax

/// What stands under old names for the objects of a schema, as statements that make the same on another database. Pure.
///
/// Rights are those that it has here, for the roles that are there as well; what the other database's default privileges
/// would give away is taken back.
package struct OldNameDefinitions: Sendable {
    package struct Item: Sendable, Equatable {
        package enum Kind: String, Sendable, CaseIterable {
            case domain, function, procedure, view

            /// As in DROP.
            package var keyword: String { rawValue.uppercased() }
            var rights: FreshRights.Kind {
                switch self {
                case .domain: .domain
                case .function: .function
                case .procedure: .procedure
                case .view: .table
                }
            }
            /// What finds it by its name.
            package var lookup: String {
                switch self {
                case .domain: "to_regtype"
                case .function, .procedure: "to_regprocedure"
                case .view: "to_regclass"
                }
            }
        }

        package var kind: Kind
        /// As SQL names it, with its schema; of functions with the types of their inputs.
        package var name: String
        package var schema: String
        package var owner: String
        /// It has no old name itself: a trigger of a view calls it. One that is there already will do.
        package var isSupport: Bool
        /// In the order in which they are to run, in one transaction.
        package var statements: [String]
    }

    /// What makes a schema that holds old names, where it is missing.
    package struct Home: Sendable, Equatable {
        package var name: String
        package var owner: String
        package var statements: [String]
    }

    package let items: [Item]
    package let homes: [String: Home]

    /// - Parameters:
    ///   - catalog: of the database that the schema leaves.
    ///   - roles: of the other one.
    package init(of schema: String, _ catalog: Catalog, roles: Set<String>) {
        let maker = OldNameMaker(catalog, roles: roles)
        items = maker.items(of: schema)
        homes = Dictionary(
            Set(items.map(\.schema)).compactMap { maker.home($0).map { ($0.name, $0) } },
            uniquingKeysWith: { first, _ in first })
    }
}

private struct OldNameMaker {
    let catalog: Catalog
    let lookup: CatalogLookup
    let restore: ShimRestore

    init(_ catalog: Catalog, roles: Set<String>) {
        var catalog = catalog
        let known = Set(catalog.roles.values.filter { roles.contains($0.name) }.map(\.oid)).union([0])
        func isPossible(_ grant: Grant) -> Bool { known.contains(grant.grantee) && known.contains(grant.grantor) }
        for shim in CatalogLookup(catalog).shims {
            let oid = shim.reference.oid
            switch shim.reference.kind {
            case .relation:
                catalog.relations[oid]?.grants.removeAll { !isPossible($0) }
                catalog.relations[oid]?.columnGrants.removeAll { !isPossible($0.grant) }
            case .type: catalog.types[oid]?.grants.removeAll { !isPossible($0) }
            default: break
            }
        }
        for oid in catalog.functions.keys { catalog.functions[oid]?.grants.removeAll { !isPossible($0) } }
        for oid in catalog.schemas.keys { catalog.schemas[oid]?.grants.removeAll { !isPossible($0) } }
        // They are this database's: the other one's are taken back when an object has been made.
        catalog.defaultPrivileges = []
        self.catalog = catalog
        lookup = CatalogLookup(catalog)
        restore = ShimRestore(catalog: catalog, lookup: lookup)
    }

    func items(of schema: String) -> [OldNameDefinitions.Item] {
        let prefix = SQL.identifier(schema) + "."
        // What is in the schema itself goes along with it.
        let shims = lookup.shims.filter { $0.target.hasPrefix(prefix) && $0.schema != schema }
        let triggers = shims.filter { $0.reference.kind == .relation }
            .flatMap { lookup.triggers(of: $0.reference.oid).map(\.function) }
        let support = Set(triggers).sorted().compactMap { oid -> OldNameDefinitions.Item? in
            guard let function = catalog.functions[oid], lookup.schemaName(function.schema) != schema else {
                return nil
            }
            let itself = Shim(
                reference: ObjectReference(.function, oid), schema: lookup.schemaName(function.schema),
                name: function.name, target: "")
            return item(itself, isSupport: true)
        }
        let own = shims.compactMap { item($0, isSupport: false) }
        return (support + own).sorted {
            (!$0.isSupport ? 1 : 0, $0.kind.rank, $0.name) < (!$1.isSupport ? 1 : 0, $1.kind.rank, $1.name)
        }
    }

    private func item(_ shim: Shim, isSupport: Bool) -> OldNameDefinitions.Item? {
        guard let (kind, owner) = kind(of: shim) else { return nil }
        var statements = restore.statements(for: shim)
        guard !statements.isEmpty, let role = catalog.roles[owner]?.name else { return nil }
        var name = shim.display
        if let function = catalog.functions[shim.reference.oid], shim.reference.kind == .function {
            name += "(\(function.inputTypes.joined(separator: ", ")))"
        }
        statements.insert(FreshRights.takeBack(kind.rights, name), at: 1)
        return .init(
            kind: kind, name: name, schema: shim.schema, owner: role, isSupport: isSupport, statements: statements)
    }

    private func kind(of shim: Shim) -> (OldNameDefinitions.Item.Kind, OID)? {
        let oid = shim.reference.oid
        switch shim.reference.kind {
        case .relation:
            return catalog.relations[oid].flatMap { $0.kind == .view ? (.view, $0.owner) : nil }
        case .type: return catalog.types[oid].flatMap { $0.kind == .domain ? (.domain, $0.owner) : nil }
        case .function:
            return catalog.functions[oid].map { ($0.kind == .procedure ? .procedure : .function, $0.owner) }
        default: return nil
        }
    }

    func home(_ name: String) -> OldNameDefinitions.Home? {
        guard let schema = lookup.schema(named: name), let owner = catalog.roles[schema.owner]?.name else { return nil }
        let quoted = SQL.identifier(name)
        let grants = schema.grants.filter { $0.grantee != schema.owner }.sorted().compactMap { grant -> String? in
            guard
                let role = grant.grantee == 0 ? "PUBLIC" : catalog.roles[grant.grantee].map({ SQL.identifier($0.name) })
            else { return nil }
            return
                "GRANT \(grant.privilege) ON SCHEMA \(quoted) TO \(role)\(grant.grantable ? " WITH GRANT OPTION" : "")"
        }
        return .init(
            name: name, owner: owner,
            statements: ["CREATE SCHEMA \(quoted)", "ALTER SCHEMA \(quoted) OWNER TO \(SQL.identifier(owner))"] + grants
        )
    }
}
