import SQLSyntax

/// Names to OIDs, by schema and without.
struct NameIndex: Sendable {
    var schemas: [String: UInt32] = ["pg_catalog": RoutingCatalog.systemSchema]
    private(set) var relations: [NameKey: UInt32] = [:]
    private(set) var functions: [NameKey: [UInt32]] = [:]
    private(set) var relationsNamed: [String: [UInt32]] = [:]
    private(set) var functionsNamed: [String: [UInt32]] = [:]

    mutating func addRelation(_ oid: UInt32, _ schema: UInt32, _ name: String) {
        relations[NameKey(schema: schema, name: name)] = oid
        relationsNamed[name, default: []].append(oid)
    }

    mutating func addFunction(_ oid: UInt32, _ schema: UInt32, _ name: String) {
        functions[NameKey(schema: schema, name: name), default: []].append(oid)
        functionsNamed[name, default: []].append(oid)
    }

    /// - Parameter path: names of schemas after `pg_catalog`; nil: a name without a schema is everything of that name.
    func relations(_ name: QualifiedName, in path: SearchPath?) -> [UInt32] {
        if let schema = name.schema { return relation(schema, name.name).map { [$0] } ?? [] }
        guard let path else { return relationsNamed[name.name] ?? [] }
        for schema in ["pg_catalog"] + path.schemas {
            if let oid = relation(schema, name.name) { return [oid] }
        }
        return []
    }

    /// As `relations`, but all that a call may mean: overloads are told apart by types only.
    func functions(_ name: QualifiedName, in path: SearchPath?) -> [UInt32] {
        if let schema = name.schema { return functions(schema, name.name) }
        guard let path else { return functionsNamed[name.name] ?? [] }
        return (["pg_catalog"] + path.schemas).flatMap { functions($0, name.name) }
    }

    private func relation(_ schema: String, _ name: String) -> UInt32? {
        schemas[schema].flatMap { relations[NameKey(schema: $0, name: name)] }
    }

    private func functions(_ schema: String, _ name: String) -> [UInt32] {
        schemas[schema].flatMap { functions[NameKey(schema: $0, name: name)] } ?? []
    }
}
