internal import SQLSyntax

/// `compatibility: search_path`: the new schemas are added to the path of the database and of every role that has one of
/// its own. Sessions that are open keep the old path.
struct SearchPathSteps {
    let context: PlanningContext
    private var catalog: Catalog { context.catalog }

    func add(to draft: inout PlanDraft) {
        guard context.layout.compatibility == .searchPath, !context.moves.isEmpty else {
            if context.layout.compatibility == .none, !context.moves.isEmpty { draft.add(noCompatibility()) }
            return
        }
        let targets = context.targetSchemas
        var steps: [Step] = []
        let database = SQL.identifier(catalog.server.database)
        let own = setting(database: catalog.server.databaseOID, role: 0)
        steps += step("DATABASE \(database)", current: own, base: own ?? "\"$user\", public", targets: targets)
        for (role, path) in rolesWithPaths() {
            // A role's path for every database is left alone: others may use it. Here it gets one of its own.
            let own = setting(database: catalog.server.databaseOID, role: role)
            steps += step(
                "ROLE \(context.grantee(role)) IN DATABASE \(database)", current: own, base: path, targets: targets)
        }
        draft.add(steps)
        draft.add(openSessions())
        for hazard in shadowed(path: paths(own, targets)) { draft.add(hazard) }
    }

    /// Roles that can reach what moves and have a search_path of their own, with the one in force here.
    private func rolesWithPaths() -> [(OID, String)] {
        let privileges = Privileges(catalog: catalog)
        let relations = context.moves.compactMap { catalog.relations[$0.oid] }
        let holders = Set(relations.flatMap { [$0.owner] + $0.grants.map(\.grantee) })
        let roles = Set(catalog.settings.filter { $0.name == "search_path" && $0.role != 0 }.map(\.role))
        return roles.sorted().compactMap { role in
            guard holders.contains(0) || holders.contains(where: { privileges.isMember(role, of: $0) }) else {
                return nil
            }
            let here = setting(database: catalog.server.databaseOID, role: role)
            return (here ?? setting(database: 0, role: role)).map { (role, $0) }
        }
    }

    private func setting(database: OID, role: OID) -> String? {
        catalog.settings.first { $0.database == database && $0.role == role && $0.name == "search_path" }?.value
    }

    private func paths(_ current: String?, _ targets: [String]) -> [String] {
        let base = SearchPath.parse(current ?? "\"$user\", public")?.schemas ?? ["public"]
        return base + targets.filter { !base.contains($0) }
    }

    private func step(_ scope: String, current: String?, base: String, targets: [String]) -> [Step] {
        let path = paths(base, targets)
        guard path != SearchPath.parse(base)?.schemas else { return [] }
        let undo =
            current.map { "ALTER \(scope) SET search_path = \($0.isEmpty ? "''" : $0)" }
            ?? "ALTER \(scope) RESET search_path"
        return [
            Step(
                kind: .setSearchPath, object: scope.lowercasedFirstWord(),
                statements: ["ALTER \(scope) SET search_path = \(SearchPath(schemas: path).rendered)"], undo: [undo],
                reason: "unqualified names are found in the new schemas, by new sessions")
        ]
    }

    private func openSessions() -> Hazard {
        Hazard(
            .oldNameFails, object: "database \(SQL.identifier(catalog.server.database))",
            message:
                "a changed search_path reaches new sessions only, and does not help statements that write the old schema: "
                + "open sessions and qualified names fail",
            remedy: "reconnect all clients right after the run, or set compatibility: views")
    }

    private func noCompatibility() -> Hazard {
        Hazard(
            .oldNameFails, object: "database \(SQL.identifier(catalog.server.database))",
            message: "compatibility is none: every statement that uses an old name fails from the move on",
            remedy: "change the application first, or set compatibility: views")
    }

    /// Two tables of one name on the path: the first one wins.
    private func shadowed(path: [String]) -> [Hazard] {
        var tables: [String: [String]] = [:]
        for relation in catalog.relations.values
        where (relation.kind.isTable || relation.kind == .view) && !context.lookup.isShim(.relation, relation.oid) {
            let schema = context.finalSchema(of: relation)
            if path.contains(schema) { tables[relation.name, default: []].append(schema) }
        }
        return tables.filter { $0.value.count > 1 && context.moves.map(\.name).contains($0.key) }.sorted {
            $0.key < $1.key
        }.map { name, schemas in
            let ordered = schemas.sorted { (path.firstIndex(of: $0) ?? 0) < (path.firstIndex(of: $1) ?? 0) }
            return Hazard(
                .nameShadowed, object: SQL.identifier(name),
                message: "\(ordered.joined(separator: ", ")) all have a \(name); without a schema the name means "
                    + "\(display(ordered[0], name))",
                remedy: "qualify it in the application, or set compatibility: views")
        }
    }
}

extension String {
    fileprivate func lowercasedFirstWord() -> String {
        let words = split(separator: " ", maxSplits: 1)
        guard words.count == 2 else { return lowercased() }
        return words[0].lowercased() + " " + words[1]
    }
}
