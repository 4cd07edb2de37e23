internal import SQLSyntax

extension CatalogLookup {
    static func children(_ relations: [OID], _ catalog: Catalog) -> [OID: [OID]] {
        var children: [OID: [OID]] = [:]
        for oid in relations {
            for parent in catalog.relations[oid]?.parents ?? [] { children[parent, default: []].append(oid) }
        }
        return children
    }

    // MARK: search_path

    /// A row of pg_db_role_setting is for these; 0 is all.
    struct SettingScope: Hashable, Sendable {
        var database: OID
        var role: OID
    }

    static func searchPaths(_ catalog: Catalog) -> [SettingScope: String] {
        var paths: [SettingScope: String] = [:]
        for setting in catalog.settings where setting.name == "search_path" {
            paths[SettingScope(database: setting.database, role: setting.role)] = setting.value
        }
        return paths
    }

    /// The search_path of new sessions of a role, or of any role without a setting of its own (0): setting for the role
    /// in this database, for the role, for the database, for all, else `"$user", public`.
    package func searchPath(ofRole role: OID) -> [String] {
        let database = catalog.server.databaseOID
        let order = [(database, role), (0, role), (database, 0), (0, 0)]
        for (database, role) in order {
            if let value = searchPaths[SettingScope(database: database, role: role)],
                let path = SearchPath.parse(value)
            {
                return path.schemas
            }
        }
        return ["$user", "public"]
    }

    /// Where a function's unqualified names are looked up; `$user` depends on the caller and is left out.
    func path(of function: Function) -> [String] {
        if let setting = function.searchPathSetting, let parsed = SearchPath.parse(setting) {
            return parsed.schemas.filter { $0 != "$user" }
        }
        return searchPath(ofRole: function.isSecurityDefiner ? function.owner : 0).filter { $0 != "$user" }
    }

    // MARK: Shims

    static func shimTargets(_ catalog: Catalog) -> [ObjectReference: String] {
        var shims: [ObjectReference: String] = [:]
        for comment in catalog.comments where comment.subobject == 0 && comment.text.hasPrefix(shimPrefix) {
            shims[comment.object] = String(comment.text.dropFirst(shimPrefix.count))
        }
        return shims
    }

    package func isShim(_ kind: ObjectReference.Kind, _ oid: OID) -> Bool {
        shimTargets[ObjectReference(kind, oid)] != nil
    }

    /// The shim in that schema that stands for the table, if there is one.
    package func shim(in schema: String, for table: OID) -> Relation? {
        guard let target = catalog.relations[table], let found = relation(schema: schema, name: target.name) else {
            return nil
        }
        let name = SQL.qualified(schemaName(target.schema), target.name)
        return shimTargets[ObjectReference(.relation, found.oid)] == name ? found : nil
    }

    /// All compatibility objects that Strata left.
    package var shims: [Shim] {
        shimTargets.compactMap { reference, target in
            let found: (OID, String)? =
                switch reference.kind {
                case .relation: catalog.relations[reference.oid].map { ($0.schema, $0.name) }
                case .type: catalog.types[reference.oid].map { ($0.schema, $0.name) }
                case .function: catalog.functions[reference.oid].map { ($0.schema, $0.name) }
                default: nil
                }
            guard let (schema, name) = found else { return nil }
            return Shim(reference: reference, schema: schemaName(schema), name: name, target: target)
        }
    }
}

/// Which tables' column defaults draw from which sequences, both ways round.
struct SequenceDefaults: Sendable {
    private(set) var sequences: [OID: [OID]] = [:]
    private(set) var tables: [OID: [OID]] = [:]

    init(_ catalog: Catalog) {
        var sequencesByTable: [OID: Set<OID>] = [:]
        var tablesBySequence: [OID: Set<OID>] = [:]
        for dependency in catalog.dependencies where dependency.referenced.kind == .relation {
            guard dependency.dependent.kind == .columnDefault,
                catalog.relations[dependency.referenced.oid]?.kind == .sequence
            else { continue }
            sequencesByTable[dependency.dependent.oid, default: []].insert(dependency.referenced.oid)
            tablesBySequence[dependency.referenced.oid, default: []].insert(dependency.dependent.oid)
        }
        sequences = sequencesByTable.mapValues { $0.sorted() }
        tables = tablesBySequence.mapValues { $0.sorted() }
    }
}
