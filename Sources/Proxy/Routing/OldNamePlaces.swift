import SQLSyntax

/// Names in schemas of the main database that stand for something in another one: views and functions under which what has
/// left was known before. In the main database they would read the rows that were left behind. Pure; made with each
/// placement, linear in its catalogs.
struct OldNamePlaces: Sendable {
    enum Place: Sendable, Equatable {
        case database(Int)
        /// All that it uses is in this database, which does not have the name.
        case missing(Int)
        /// It uses rows of several, one name for each.
        case several([Decision.Named])
        /// All that it uses is in this database, whose catalog is not known.
        case unread(Int)
    }

    private(set) var relations: [QualifiedName: Place] = [:]
    private(set) var functions: [QualifiedName: Place] = [:]

    /// - Parameter owners: the database of each schema, as an index of `catalogs`; 0, also for those not in it, is the main
    ///   one.
    init(owners: [String: Int], catalogs: [RoutingCatalog]) {
        guard let main = catalogs.first, owners.values.contains(where: { $0 != 0 }) else { return }
        if main.isKnown { addOfMain(main, owners, catalogs) }
        for (index, catalog) in catalogs.enumerated().dropFirst() where catalog.isKnown {
            addOfOther(index, catalog, owners, main)
        }
    }

    private mutating func addOfMain(_ main: RoutingCatalog, _ owners: [String: Int], _ catalogs: [RoutingCatalog]) {
        var walk = OldNameWalk(main, owners)
        for relation in main.relations.values where relation.kind == .view && !relation.isSystem {
            guard let schema = main.schemaNames[relation.schema], owners[schema] ?? 0 == 0 else { continue }
            let used = walk.databases(ofView: relation.oid)
            guard used.keys.contains(where: { $0 != 0 }) else { continue }
            let name = QualifiedName(schema: schema, name: relation.name)
            guard used.count == 1, let index = used.keys.first else {
                let named = used.sorted { $0.key < $1.key }.map { Decision.Named(database: $0.key, name: $0.value) }
                relations[name] = .several(named)
                continue
            }
            let isThere = catalogs[index].relation(named: name)?.kind == .view
            relations[name] = !catalogs[index].isKnown ? .unread(index) : isThere ? .database(index) : .missing(index)
        }
        for (key, overloads) in main.names.functions {
            guard let schema = main.schemaNames[key.schema], owners[schema] ?? 0 == 0,
                overloads.allSatisfy({ $0 >= RoutingCatalog.firstUserOID }),
                let index = walk.database(ofFunctions: overloads)
            else { continue }
            let name = QualifiedName(schema: schema, name: key.name)
            let isThere = catalogs[index].hasFunction(named: name)
            functions[name] = !catalogs[index].isKnown ? .unread(index) : isThere ? .database(index) : .missing(index)
        }
    }

    /// Those that the main database has no more: they went with the tables that were left behind there. Until its catalog is
    /// known, all that this one has as its own.
    private mutating func addOfOther(
        _ index: Int, _ catalog: RoutingCatalog, _ owners: [String: Int], _ main: RoutingCatalog
    ) {
        var walk = OldNameWalk(catalog, owners)
        for oid in catalog.shims {
            guard let relation = catalog.relations[oid], relation.kind == .view,
                let schema = catalog.schemaNames[relation.schema], owners[schema] ?? 0 == 0
            else { continue }
            let name = QualifiedName(schema: schema, name: relation.name)
            guard main.relation(named: name) == nil, Set(walk.databases(ofView: oid).keys) == [index] else { continue }
            // A split that is under way fills it: the main database has it still.
            guard main.isKnown || !catalog.uses(anyOf: catalog.incoming, in: oid) else { continue }
            relations[name] = .database(index)
        }
        guard main.isKnown else { return }
        for (key, overloads) in catalog.names.functions {
            guard let schema = catalog.schemaNames[key.schema], owners[schema] ?? 0 == 0,
                overloads.allSatisfy({ $0 >= RoutingCatalog.firstUserOID })
            else { continue }
            let name = QualifiedName(schema: schema, name: key.name)
            guard !main.hasFunction(named: name), walk.database(ofFunctions: overloads) == index else { continue }
            functions[name] = .database(index)
        }
    }
}

/// Follows views and functions of one catalog to the databases whose rows they use.
private struct OldNameWalk {
    let catalog: RoutingCatalog
    let owners: [String: Int]
    /// The first name that was found for each database.
    typealias Used = [Int: String]
    private var views: [UInt32: Used] = [:]

    init(_ catalog: RoutingCatalog, _ owners: [String: Int]) {
        self.catalog = catalog
        self.owners = owners
    }

    mutating func databases(ofView oid: UInt32) -> Used {
        if let known = views[oid] { return known }
        // A view cannot use itself, but a rule that somebody made may.
        views[oid] = [:]
        var used: Used = [:]
        for read in catalog.onRead[oid]?.reads ?? [] { add(read, to: &used) }
        views[oid] = used
        return used
    }

    private mutating func add(_ oid: UInt32, to used: inout Used) {
        guard let relation = catalog.relations[oid], !relation.isSystem,
            let schema = catalog.schemaNames[relation.schema], !Placement.isEverywhere(schema)
        else { return }
        let owner = owners[schema] ?? 0
        if owner == 0, relation.kind == .view {
            used.merge(databases(ofView: oid)) { first, _ in first }
        } else if used[owner] == nil {
            used[owner] = catalog.name(of: relation)
        }
    }

    /// The one other database that all of these functions use, and nothing beside it; nil: none, or it cannot be told.
    /// What a body names without a schema may be several things: only what leads to one database in any case counts.
    mutating func database(ofFunctions oids: [UInt32]) -> Int? {
        var found: Int?
        for oid in oids {
            var seen: Set<UInt32> = []
            var used: Used = [:]
            guard add(function: oid, to: &used, &seen), used.count == 1, let index = used.keys.first, index != 0,
                found == nil || found == index
            else { return nil }
            found = index
        }
        return found
    }

    /// - Returns: false where it cannot be told what it does.
    private mutating func add(function oid: UInt32, to used: inout Used, _ seen: inout Set<UInt32>) -> Bool {
        guard oid >= RoutingCatalog.firstUserOID, seen.insert(oid).inserted else { return true }
        guard let function = catalog.functions[oid] else { return false }
        if let schema = catalog.schemaNames[function.schema], let owner = owners[schema], owner != 0 {
            used[owner] = used[owner] ?? catalog.name(of: function)
            return true
        }
        let touches = function.touches
        guard !touches.readsAnything, !touches.writesAnything else { return false }
        for relation in touches.reads + touches.writes { add(relation, to: &used) }
        for call in touches.calls {
            guard add(function: call, to: &used, &seen) else { return false }
        }
        return true
    }
}

extension RoutingCatalog {
    func relation(named name: QualifiedName) -> RoutingRelation? {
        guard let schema = name.schema.flatMap({ names.schemas[$0] }) else { return nil }
        return names.relations[NameKey(schema: schema, name: name.name)].flatMap { relations[$0] }
    }

    /// Whether a view reads something of these schemas directly.
    fileprivate func uses(anyOf schemas: Set<String>, in view: UInt32) -> Bool {
        (onRead[view]?.reads ?? []).contains { oid in
            relations[oid].flatMap { schemaNames[$0.schema] }.map(schemas.contains) ?? false
        }
    }

    func hasFunction(named name: QualifiedName) -> Bool {
        guard let schema = name.schema.flatMap({ names.schemas[$0] }) else { return false }
        return names.functions[NameKey(schema: schema, name: name.name)] != nil
    }
}
