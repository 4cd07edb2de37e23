/// What a layout lists: each object of the catalog under the schema it is to be in, in the form that the decoder and the
/// planner read back to the very same object.
struct LayoutContents {
    struct Item: Equatable {
        var name: String
        /// Argument types of one overload, where the name alone would mean a function of an extension too.
        var arguments: String?
        var from: String?
    }

    struct Section {
        var name: String
        var comments: [String] = []
        var items: [ListedKind: [Item]] = [:]
        var appendOnly: [String] = []
        var ignore: [String] = []
        /// Relations that will be in the schema and the schemas they come from: what roles' rights are read from.
        var relations: [OID] = []
        var sources: Set<OID> = []
    }

    /// Proposed schemas first, in the order of the suggestion; then by name, `public` last.
    private(set) var sections: [Section] = []

    private let catalog: Catalog
    private let lookup: CatalogLookup
    private var positions: [String: Int] = [:]
    /// Target schema by object, where it is not the one it is in.
    private var targets: [ObjectReference: String] = [:]
    private var schemasByName: [ListedName: Set<OID>] = [:]
    private var reader = LayoutReader(file: "", environment: [:])

    private struct ListedName: Hashable {
        var kind: ListedKind
        var name: String
    }

    private struct Listed {
        var kind: ListedKind
        var reference: ObjectReference
        var schema: OID
        var name: String
        var arguments: String?
    }

    init(catalog: Catalog, lookup: CatalogLookup, suggestion: ContextSuggestion?) {
        self.catalog = catalog
        self.lookup = lookup
        for group in suggestion?.groups ?? [] { open(group) }
        let schemas = catalog.schemas.values.filter(isListed).sorted {
            ($0.name == "public" ? 1 : 0, $0.name) < ($1.name == "public" ? 1 : 0, $1.name)
        }
        for schema in schemas { openSection(schema.name) }
        countNames()
        let objects = (tables() + views() + sequences() + functions() + types())
            .sorted { ($0.name, $0.schema, $0.arguments ?? "") < ($1.name, $1.schema, $1.arguments ?? "") }
        for object in objects { list(object) }
        addRelations()
    }

    private mutating func open(_ group: ContextSuggestion.Group) {
        openSection(group.name)
        for (kind, objects) in [
            (ObjectReference.Kind.relation, group.tables), (.relation, group.views), (.relation, group.sequences),
            (.type, group.types),
        ] {
            for object in objects { targets[ObjectReference(kind, object.oid)] = group.name }
        }
        for object in group.functions {
            for overload in lookup.functions(schema: object.schema, name: object.name) {
                targets[ObjectReference(.function, overload.oid)] = group.name
            }
        }
    }

    private mutating func openSection(_ name: String) {
        guard positions[name] == nil else { return }
        positions[name] = sections.count
        sections.append(Section(name: name))
    }

    /// A schema that an extension made for itself belongs to it; names that a layout cannot have are left out.
    private func isListed(_ schema: Schema) -> Bool {
        var reader = reader
        return catalog.extensionMembers[ObjectReference(.schema, schema.oid)] == nil
            && reader.checked(schema.name, .schema, SourcePlace(file: "", line: 1, column: 1))
    }

    // MARK: Objects by kind

    private func tables() -> [Listed] {
        catalog.relations.values.filter { $0.kind.isTable && !$0.isPartition }.map { listed(.table, $0) }
    }

    private func views() -> [Listed] {
        catalog.relations.values.filter { $0.kind == .view || $0.kind == .materialisedView }.map { listed(.view, $0) }
    }

    private func sequences() -> [Listed] {
        catalog.relations.values.filter { $0.kind == .sequence && catalog.sequences[$0.oid]?.ownerTable == nil }
            .map { listed(.sequence, $0) }
    }

    private func listed(_ kind: ListedKind, _ relation: Relation) -> Listed {
        Listed(
            kind: kind, reference: ObjectReference(.relation, relation.oid), schema: relation.schema,
            name: relation.name)
    }

    private func types() -> [Listed] {
        let types = catalog.types.values.map {
            Listed(kind: .type, reference: ObjectReference(.type, $0.oid), schema: $0.schema, name: $0.name)
        }
        // A composite type is in the catalog twice, or once as a relation.
        let known = Set(catalog.types.keys)
        let composites = catalog.relations.values.filter { $0.kind == .compositeType && !known.contains($0.rowType) }
        return types + composites.map { listed(.type, $0) }
    }

    /// One entry for all overloads; one each where an extension has a function of the name in the same schema.
    private func functions() -> [Listed] {
        var found: [Listed] = []
        var seen: Set<ListedFunction> = []
        for function in catalog.functions.values {
            var listed = Listed(
                kind: .function, reference: ObjectReference(.function, function.oid), schema: function.schema,
                name: function.name)
            if !isOurs(listed.reference) { continue }
            let overloads = lookup.functions(schema: lookup.schemaName(function.schema), name: function.name)
            if !overloads.allSatisfy({ isOurs(ObjectReference(.function, $0.oid)) }) {
                listed.arguments = function.inputTypes.joined(separator: ", ")
            } else if !seen.insert(ListedFunction(schema: function.schema, name: function.name)).inserted {
                continue
            }
            found.append(listed)
        }
        return found
    }

    private struct ListedFunction: Hashable {
        var schema: OID
        var name: String
    }

    /// In which schemas there is an object of a kind and name, whoever it belongs to.
    private mutating func countNames() {
        func kind(_ relation: Relation) -> ListedKind {
            switch relation.kind {
            case .table, .partitionedTable, .foreignTable: .table
            case .view, .materialisedView: .view
            case .sequence: .sequence
            case .compositeType: .type
            }
        }
        func add(_ kind: ListedKind, _ name: String, _ schema: OID) {
            schemasByName[ListedName(kind: kind, name: name), default: []].insert(schema)
        }
        for relation in catalog.relations.values { add(kind(relation), relation.name, relation.schema) }
        for type in catalog.types.values { add(.type, type.name, type.schema) }
        for function in catalog.functions.values { add(.function, function.name, function.schema) }
    }

    // MARK: Listing

    private func isOurs(_ reference: ObjectReference) -> Bool {
        catalog.extensionMembers[reference] == nil && !lookup.isShim(reference.kind, reference.oid)
    }

    private mutating func list(_ object: Listed) {
        guard isOurs(object.reference), let name = catalog.schemas[object.schema]?.name,
            let position = positions[targets[object.reference] ?? name]
        else { return }
        guard canBeWritten(object) else {
            sections[position].comments.append(
                "Not listed, because a layout cannot say its name: \(object.kind.word) \(LayoutReader.shown(object.name))"
            )
            return
        }
        if object.kind == .table, BookkeepingTables.contains(object.name), positions[name] == position {
            sections[position].ignore.append(object.name)
            return
        }
        let isUnique = schemasByName[ListedName(kind: object.kind, name: object.name)]?.count == 1
        sections[position].items[object.kind, default: []].append(
            Item(name: object.name, arguments: object.arguments, from: isUnique ? nil : name))
        let isAppendOnly = lookup.triggers(of: object.reference.oid).contains { $0.name == AppendOnlySteps.rowTrigger }
        if object.kind == .table, isAppendOnly { sections[position].appendOnly.append(object.name) }
    }

    private func canBeWritten(_ object: Listed) -> Bool {
        var reader = reader
        let kinds: [ListedKind: LayoutReader.NameKind] = [
            .table: .table, .view: .view, .sequence: .sequence, .function: .function, .type: .type,
        ]
        // What follows a parenthesis would be read as arguments, and spaces before one are dropped.
        let isTrimmed = object.arguments == nil || object.name.trimmed == object.name
        if object.kind == .function, object.name.contains("(") || !isTrimmed { return false }
        let place = SourcePlace(file: "", line: 1, column: 1)
        return kinds[object.kind].map { reader.checked(object.name, $0, place) } ?? false
    }

    /// Partitions and owned sequences are with their tables.
    private mutating func addRelations() {
        for (oid, relation) in catalog.relations where relation.kind != .compositeType && !lookup.isShim(.relation, oid)
        {
            var head = oid
            if let table = catalog.sequences[oid]?.ownerTable { head = table }
            while targets[ObjectReference(.relation, head)] == nil, let next = catalog.relations[head],
                next.isPartition,
                let parent = next.parents.first
            {
                head = parent
            }
            let schema = lookup.schemaName(relation.schema)
            guard let position = positions[targets[ObjectReference(.relation, head)] ?? schema] else { continue }
            sections[position].relations.append(oid)
            sections[position].sources.insert(relation.schema)
        }
    }
}
