internal import SQLSyntax

/// The statements that make a shim again exactly as it is now: what undoes `contract`. And what they could not bring back.
struct ShimRestore {
    let catalog: Catalog
    let lookup: CatalogLookup

    /// In the order in which they are to run, in one transaction.
    func statements(for shim: Shim) -> [String] {
        switch shim.reference.kind {
        case .type: catalog.types[shim.reference.oid].map { domain(shim, $0) } ?? []
        case .function: catalog.functions[shim.reference.oid].map { function(shim, $0) } ?? []
        default: catalog.relations[shim.reference.oid].map { view(shim, $0) } ?? []
        }
    }

    // MARK: Views

    private func view(_ shim: Shim, _ view: Relation) -> [String] {
        let name = shim.display
        let options = view.options.isEmpty ? "" : " WITH (\(view.options.joined(separator: ", ")))"
        var statements = ["CREATE VIEW \(name)\(options) AS \(Self.bare(view.definition ?? ""))"]
        for column in catalog.columns[view.oid] ?? [] {
            guard let expression = column.defaultExpression else { continue }
            statements.append(
                "ALTER VIEW \(name) ALTER COLUMN \(SQL.identifier(column.name)) SET DEFAULT \(expression)")
        }
        let triggers = lookup.triggers(of: view.oid).sorted { $0.name < $1.name }
        let rules = lookup.rules(of: view.oid).sorted { $0.name < $1.name }
        statements += triggers.map { Self.bare($0.definition) } + rules.map { Self.bare($0.definition) }
        statements.append("ALTER VIEW \(name) OWNER TO \(role(view.owner))")
        statements += comments(on: shim.reference, as: "VIEW \(name)") { number in
            catalog.columns[view.oid]?.first { Int32($0.number) == number }.map {
                "COLUMN \(name).\(SQL.identifier($0.name))"
            }
        }
        for trigger in triggers {
            statements += comments(
                on: ObjectReference(.trigger, trigger.oid), as: "TRIGGER \(SQL.identifier(trigger.name)) ON \(name)")
        }
        for rule in rules {
            statements += comments(
                on: ObjectReference(.rule, rule.oid), as: "RULE \(SQL.identifier(rule.name)) ON \(name)")
        }
        let rights = ShimRights(catalog: catalog, object: name, owner: view.owner)
        return statements
            + rights.statements(
                view.grants, columns: view.columnGrants, whole: ShimRights.onView(catalog.server.version),
                defaults: "r")
    }

    // MARK: Types and functions

    private func domain(_ shim: Shim, _ type: UserType) -> [String] {
        let name = shim.display
        var statements = ["CREATE DOMAIN \(name) AS \(type.definition)"]
        let checks = lookup.constraints(of: type.oid).filter { $0.kind == .check }.sorted { $0.name < $1.name }
        for check in checks {
            statements.append(
                "ALTER DOMAIN \(name) ADD CONSTRAINT \(SQL.identifier(check.name)) \(check.definition)")
        }
        statements.append("ALTER DOMAIN \(name) OWNER TO \(role(type.owner))")
        statements += comments(on: shim.reference, as: "DOMAIN \(name)")
        for check in checks {
            statements += comments(
                on: ObjectReference(.constraint, check.oid),
                as: "CONSTRAINT \(SQL.identifier(check.name)) ON DOMAIN \(name)")
        }
        let rights = ShimRights(catalog: catalog, object: "DOMAIN \(name)", owner: type.owner)
        return statements + rights.statements(type.grants, whole: ["USAGE"], defaults: "T")
    }

    private func function(_ shim: Shim, _ function: Function) -> [String] {
        let signature = "\(shim.display)(\(function.identityArguments))"
        let word = FunctionShim.keyword(function)
        // OR REPLACE would take the place of what somebody made under the name since.
        let replacing = "CREATE OR REPLACE "
        let definition = Self.bare(function.definition)
        let create = definition.hasPrefix(replacing) ? "CREATE " + definition.dropFirst(replacing.count) : definition
        let rights = ShimRights(catalog: catalog, object: "\(word) \(signature)", owner: function.owner)
        return [create, "ALTER \(word) \(signature) OWNER TO \(role(function.owner))"]
            + comments(on: shim.reference, as: "\(word) \(signature)")
            + rights.statements(function.grants, whole: ["EXECUTE"], defaults: "f")
    }

    // MARK: Parts

    private func comments(
        on object: ObjectReference, as subject: String, part: (Int32) -> String? = { _ in nil }
    ) -> [String] {
        lookup.comments(on: object).sorted { $0.subobject < $1.subobject }.compactMap { comment in
            let name = comment.subobject == 0 ? subject : part(comment.subobject)
            return name.map { "COMMENT ON \($0) IS \(SQL.literal(comment.text))" }
        }
    }

    private func role(_ oid: OID) -> String { SQL.identifier(catalog.roles[oid]?.name ?? "role \(oid)") }

    /// Without what ends a statement: they are joined again.
    private static func bare(_ statement: String) -> String {
        var text = statement[...]
        while let last = text.last, last == ";" || last.isWhitespace { text.removeLast() }
        return String(text)
    }
}

/// What cannot be made again, with its name.
extension ShimRestore {
    func obstacles(to shim: Shim) -> [Diagnostic] {
        reasons(shim).map { reason in
            Diagnostic(
                .error, "shim-not-restorable",
                "\(shim.display) could not be brought back by strata rollback: \(reason)", object: shim.display,
                nextStep: "change that, or drop it yourself if it is never to come back")
        }
    }

    private func reasons(_ shim: Shim) -> [String] {
        var reasons: [String] = []
        if let owner = lookup.owningExtension(of: shim.reference) {
            reasons.append("it belongs to extension \(owner.name)")
        }
        if lookup.dependencies(of: shim.reference).contains(where: { $0.type == "x" }) {
            reasons.append("it is marked DEPENDS ON EXTENSION")
        }
        switch shim.reference.kind {
        case .relation:
            guard let view = catalog.relations[shim.reference.oid] else { return reasons }
            guard view.kind == .view, view.definition != nil else {
                return [
                    "it carries Strata's comment, but is a \(view.kind.keyword.lowercased()), and Strata left a view"
                ]
            }
            reasons += disabled(on: view.oid) + grantors(view.grants + view.columnGrants.map(\.grant), view.owner, shim)
        case .type:
            guard let type = catalog.types[shim.reference.oid] else { return reasons }
            guard type.kind == .domain else { return ["it carries Strata's comment, but is not a domain"] }
            let named = lookup.constraints(of: type.oid).filter {
                $0.kind == .notNull && $0.name != "\(type.name)_not_null"
            }
            reasons += named.map { "its NOT NULL constraint is named \($0.name)" }
            reasons += grantors(type.grants, type.owner, shim)
        default:
            guard let function = catalog.functions[shim.reference.oid] else { return reasons }
            guard function.kind == .function || function.kind == .procedure, !function.definition.isEmpty else {
                return ["it carries Strata's comment, but is no function or procedure that Strata left"]
            }
            reasons += grantors(function.grants, function.owner, shim)
        }
        return reasons
    }

    /// PostgreSQL has no statement that switches off what hangs on a view.
    private func disabled(on view: OID) -> [String] {
        lookup.triggers(of: view).filter { $0.enabled != "O" }.map { "its trigger \($0.name) is switched off" }
            + lookup.rules(of: view).filter { $0.enabled != "O" }.map { "its rule \($0.name) is switched off" }
    }

    /// Who made a grant makes it again; that must be possible.
    private func grantors(_ grants: [Grant], _ owner: OID, _ shim: Shim) -> [String] {
        let privileges = Privileges(catalog: catalog)
        let schema = lookup.schema(named: shim.schema)
        return Set(grants.map(\.grantor) + [owner]).sorted().compactMap { role in
            guard let found = catalog.roles[role] else { return "the role \(role) is unknown" }
            guard catalog.server.isSuperuser || found.userIsMember else {
                let what = role == owner ? "its owner is" : "rights on it were granted by"
                return "\(what) \(found.name), and \(catalog.server.user) is no member of that role"
            }
            guard role != owner, let schema else { return nil }
            return privileges.holds(role, "USAGE", in: schema.grants, owner: schema.owner)
                ? nil : "rights on it were granted by \(found.name), who has no USAGE of schema \(schema.name) any more"
        }
    }
}
