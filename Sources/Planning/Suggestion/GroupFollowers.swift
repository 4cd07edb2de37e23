/// Which views, functions, types and sequences go with a group: those that depend on its tables alone, or that its tables
/// alone use, as PostgreSQL knows it by OID. What several groups share stays.
struct GroupFollowers {
    private typealias Object = ContextSuggestion.Object

    let scope: SuggestionScope
    let division: Division
    private var views: [Int: [Object]] = [:]
    private var functions: [Int: [Object]] = [:]
    private var types: [Int: [Object]] = [:]
    private var sequences: [Int: [Object]] = [:]
    private var catalog: Catalog { scope.catalog }
    private var lookup: CatalogLookup { scope.lookup }

    init(scope: SuggestionScope, division: Division) {
        self.scope = scope
        self.division = division
        for oid in catalog.relations.keys.sorted() {
            guard let relation = catalog.relations[oid] else { continue }
            switch relation.kind {
            case .view, .materialisedView: addView(relation)
            case .sequence: addSequence(relation)
            default: break
            }
        }
        addFunctions()
        addTypes()
    }

    func add(to group: inout ContextSuggestion.Group, number: Int) {
        // Tables, views and sequences share one set of names, and each is a type as well.
        var taken = Set(group.tables.map(\.name))
        func free(_ objects: [ContextSuggestion.Object]?) -> [ContextSuggestion.Object] {
            (objects ?? []).sorted { ($0.name, $0.schema, $0.oid) < ($1.name, $1.schema, $1.oid) }
                .filter { taken.insert($0.name).inserted }
        }
        group.views = free(views[number])
        group.sequences = free(sequences[number])
        group.types = free(types[number])
        group.functions = (functions[number] ?? []).sorted {
            ($0.name, $0.schema, $0.oid) < ($1.name, $1.schema, $1.oid)
        }
    }

    // MARK: One kind each

    private mutating func addView(_ view: Relation) {
        guard isFree(.relation, view.oid, in: view.schema) else { return }
        let tables = ViewBases(catalog: catalog, lookup: lookup).tables(of: view.oid)
        var counts: [Int: Int] = [:]
        for group in tables.compactMap(group(of:)) { counts[group, default: 0] += 1 }
        guard let most = counts.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }), most.value * 2 > tables.count
        else {
            return
        }
        views[most.key, default: []].append(object(view.oid, view.schema, view.name))
    }

    private mutating func addSequence(_ sequence: Relation) {
        guard isFree(.relation, sequence.oid, in: sequence.schema), catalog.sequences[sequence.oid]?.ownerTable == nil,
            let group = onlyGroup(lookup.tables(withDefaultsUsing: sequence.oid))
        else { return }
        sequences[group, default: []].append(object(sequence.oid, sequence.schema, sequence.name))
    }

    /// Overloads stay together, so that the layout names them without arguments.
    private mutating func addFunctions() {
        struct Name: Hashable {
            var schema: OID
            var name: String
        }
        let byName = Dictionary(grouping: catalog.functions.values) { Name(schema: $0.schema, name: $0.name) }
        for (name, overloads) in byName {
            let groups = Set(overloads.map { groupOfFunction($0) })
            guard groups.count == 1, let group = groups.first ?? nil, let first = overloads.map(\.oid).min() else {
                continue
            }
            // Another group may have taken the name from another schema: two of one name must not meet.
            functions[group, default: []].append(object(first, name.schema, name.name))
        }
        for (group, objects) in functions {
            let names = Dictionary(grouping: objects, by: \.name)
            functions[group] = objects.filter { names[$0.name]?.count == 1 }
        }
    }

    private func groupOfFunction(_ function: Function) -> Int? {
        guard isFree(.function, function.oid, in: function.schema), [.function, .procedure].contains(function.kind)
        else {
            return nil
        }
        let reference = ObjectReference(.function, function.oid)
        var relations = lookup.triggers(calling: function.oid).map(\.relation)
        for dependency in lookup.dependencies(of: reference) where dependency.referenced.kind == .relation {
            relations.append(dependency.referenced.oid)
        }
        return onlyGroup(relations)
    }

    private mutating func addTypes() {
        var users: [OID: [OID]] = [:]
        for (relation, columns) in catalog.columns where catalog.relations[relation]?.kind.isTable == true {
            for column in columns { users[column.typeOID, default: []].append(relation) }
        }
        let placed = Dictionary(
            functions.flatMap { group, objects in objects.map { ($0.oid, group) } },
            uniquingKeysWith: { first, _ in first })
        for oid in catalog.types.keys.sorted() {
            guard let type = catalog.types[oid], isFree(.type, oid, in: type.schema), type.kind != .multirange,
                let group = onlyGroup((users[oid] ?? []) + (users[type.arrayType] ?? []))
            else { continue }
            // A type that another type or a function elsewhere is made of is shared.
            let others = lookup.dependents(on: ObjectReference(.type, oid)).map(\.dependent)
            let isShared = others.contains { other in
                other.kind == .type || (other.kind == .function && placed[other.oid] != group)
            }
            if !isShared { types[group, default: []].append(object(oid, type.schema, type.name)) }
        }
    }

    // MARK: Questions

    private func object(_ oid: OID, _ schema: OID, _ name: String) -> Object {
        Object(oid: oid, schema: lookup.schemaName(schema), name: name)
    }

    /// In the pile, no extension's, and not left by Strata.
    private func isFree(_ kind: ObjectReference.Kind, _ oid: OID, in schema: OID) -> Bool {
        scope.pile.contains(lookup.schemaName(schema)) && !lookup.isShim(kind, oid)
            && catalog.extensionMembers[ObjectReference(kind, oid)] == nil
    }

    private func group(of relation: OID) -> Int? { scope.nodeByRelation[relation].flatMap { division.groupOf[$0] } }

    /// The group that all of the relations are in; views count as the tables behind them.
    private func onlyGroup(_ relations: [OID]) -> Int? {
        let bases = ViewBases(catalog: catalog, lookup: lookup)
        let tables = relations.flatMap { bases.tables(of: $0) }
        let groups = Set(tables.map(group(of:)))
        return groups.count == 1 ? groups.first ?? nil : nil
    }
}
