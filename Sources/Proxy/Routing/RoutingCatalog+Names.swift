package import SQLSyntax

/// A search path as PostgreSQL goes through it: OIDs of schemas that are there, `pg_catalog` included.
package struct ResolvedPath: Sendable, Equatable {
    package let schemas: [UInt32]
    /// The path is not known, as after SET LOCAL search_path within a transaction: a name without a schema then stands
    /// for everything of that name.
    package var isUnknown = false

    package static let unknown = ResolvedPath(schemas: [RoutingCatalog.systemSchema], isUnknown: true)
}

/// Where a session's `search_path` comes from before it sets one.
package struct SearchPathDefaults: Sendable, Equatable {
    /// Of the configuration file; PostgreSQL's own is `"$user", public`.
    package var server = "\"$user\", public"
    package var database: String?
    /// ALTER ROLE … SET.
    package var roles: [String: String] = [:]
    /// ALTER ROLE … IN DATABASE … SET.
    package var rolesHere: [String: String] = [:]

    package init() {}

    /// What a new session of this role has; the most special setting wins, as in PostgreSQL.
    package func value(for role: String) -> String {
        rolesHere[role] ?? roles[role] ?? database ?? server
    }
}

extension RoutingCatalog {
    /// The schemas that a session looks through. `$user` and schemas that the role may not use are left out where they
    /// do not apply, as PostgreSQL does; `pg_temp` is not in it: who has temporary tables stays on a server of their own.
    ///
    /// - Parameter role: the current role; nil resolves without regard to rights.
    package func resolve(_ path: SearchPath, role: String? = nil) -> ResolvedPath {
        var result: [UInt32] = []
        for name in path.schemas {
            let name = name == "$user" ? role ?? "" : name
            guard let oid = names.schemas[name], !result.contains(oid), isUsable(oid, role) else { continue }
            result.append(oid)
        }
        if !result.contains(Self.systemSchema) { result.insert(Self.systemSchema, at: 0) }
        return ResolvedPath(schemas: result)
    }

    private func isUsable(_ schema: UInt32, _ role: String?) -> Bool {
        guard let role, let users = guardedSchemas[schema] else { return true }
        return users.contains(role)
    }

    enum Found: Equatable {
        /// Several only where the path is not known.
        case relations([UInt32])
        case temporary
        case missing
    }

    func relation(_ name: QualifiedName, _ path: ResolvedPath) -> Found {
        if let schema = name.schema {
            if schema == "pg_temp" || schema.hasPrefix("pg_temp_") { return .temporary }
            guard let oid = names.schemas[schema] else { return .missing }
            return names.relations[NameKey(schema: oid, name: name.name)].map { .relations([$0]) } ?? .missing
        }
        if path.isUnknown { return names.relationsNamed[name.name].map(Found.relations) ?? .missing }
        for schema in path.schemas {
            if let oid = names.relations[NameKey(schema: schema, name: name.name)] { return .relations([oid]) }
        }
        return .missing
    }

    /// All functions that a call may mean: which overload it is depends on types that the syntax does not tell.
    func functions(_ name: QualifiedName, _ path: ResolvedPath) -> [UInt32] {
        if path.isUnknown, name.schema == nil { return names.functionsNamed[name.name] ?? [] }
        return all(names.functions, name, path)
    }

    func operatorFunctions(_ name: QualifiedName, _ path: ResolvedPath) -> [UInt32] {
        if path.isUnknown, name.schema == nil { return operators.flatMap { $0.key.name == name.name ? $0.value : [] } }
        return all(operators, name, path)
    }

    func types(_ name: QualifiedName, _ path: ResolvedPath) -> [RoutingType] {
        if let schema = name.schema {
            return names.schemas[schema].flatMap { types[NameKey(schema: $0, name: name.name)] }.map { [$0] } ?? []
        }
        if path.isUnknown { return types.compactMap { $0.key.name == name.name ? $0.value : nil } }
        for schema in path.schemas {
            if let type = types[NameKey(schema: schema, name: name.name)] { return [type] }
        }
        return []
    }

    private func all(_ table: [NameKey: [UInt32]], _ name: QualifiedName, _ path: ResolvedPath) -> [UInt32] {
        if let schema = name.schema {
            return names.schemas[schema].flatMap { table[NameKey(schema: $0, name: name.name)] } ?? []
        }
        return path.schemas.flatMap { table[NameKey(schema: $0, name: name.name)] ?? [] }
    }
}
