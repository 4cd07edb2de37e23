/// An object of the catalog that an entry of the layout may mean.
struct Candidate {
    var object: Move.Object
    var reference: ObjectReference
    var schema: String
    var name: String
}

/// Finds what an entry of the layout may mean, in every schema.
struct CandidateFinder {
    let catalog: Catalog
    let lookup: CatalogLookup
    /// The schema of the event store: nobody takes anything from it.
    var closed: String?

    func candidates(named entry: ObjectEntry, kind: ListedKind) -> [Candidate] {
        let all = everywhere(named: entry, kind: kind)
        return closed == nil ? all : all.filter { $0.schema != closed }
    }

    private func everywhere(named entry: ObjectEntry, kind: ListedKind) -> [Candidate] {
        switch kind {
        case .table: relationCandidates(entry.name) { $0.kind.isTable }
        case .view:
            relationCandidates(entry.name) {
                ($0.kind == .view || $0.kind == .materialisedView) && !lookup.isShim(.relation, $0.oid)
            }
        case .sequence: relationCandidates(entry.name) { $0.kind == .sequence }
        case .type: typeCandidates(entry.name)
        case .function: functionCandidates(entry)
        }
    }

    private func relationCandidates(_ name: String, where matches: (Relation) -> Bool) -> [Candidate] {
        lookup.relations(named: name).filter(matches).map {
            Candidate(
                object: .relation($0.kind), reference: ObjectReference(.relation, $0.oid),
                schema: lookup.schemaName($0.schema), name: $0.name)
        }
    }

    private func typeCandidates(_ name: String) -> [Candidate] {
        let composites = relationCandidates(name) { $0.kind == .compositeType }
        return composites
            + lookup.types(named: name).filter { $0.kind != .composite && !lookup.isShim(.type, $0.oid) }.map {
                Candidate(
                    object: .type($0.kind), reference: ObjectReference(.type, $0.oid),
                    schema: lookup.schemaName($0.schema), name: $0.name)
            }
    }

    private func functionCandidates(_ entry: ObjectEntry) -> [Candidate] {
        lookup.functions(named: entry.name).filter { function in
            guard !lookup.isShim(.function, function.oid) else { return false }
            return means(entry, function)
        }.map {
            Candidate(
                object: .function($0.kind), reference: ObjectReference(.function, $0.oid),
                schema: lookup.schemaName($0.schema), name: $0.name)
        }
    }

    func means(_ entry: ObjectEntry, _ function: Function) -> Bool {
        guard let arguments = entry.arguments else { return true }
        return signature(arguments) == signature(function.inputTypes.joined(separator: ","))
            || signature(arguments) == signature(function.identityArguments)
    }

    /// `int, text` and `integer,text` are the same signature.
    private func signature(_ arguments: String) -> [String] {
        arguments.split(separator: ",").map { part in
            let type = part.split(separator: " ").joined(separator: " ").lowercased()
            return Self.typeSynonyms[type] ?? type
        }
    }

    private static let typeSynonyms = [
        "int": "integer", "int4": "integer", "int8": "bigint", "int2": "smallint", "bool": "boolean",
        "varchar": "character varying", "float8": "double precision", "float4": "real", "decimal": "numeric",
        "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    ]
}

/// The kinds of object that a schema of the layout lists.
enum ListedKind: String, CaseIterable {
    case type, sequence, table, view, function

    var word: String { rawValue }
    var key: String { rawValue + "s" }

    func entries(of schema: SchemaLayout) -> [ObjectEntry] {
        switch self {
        case .type: schema.types
        case .sequence: schema.sequences
        case .table: schema.tables
        case .view: schema.views
        case .function: schema.functions
        }
    }

    func names(in catalog: Catalog) -> [String] {
        switch self {
        case .type: catalog.types.values.map(\.name)
        case .function: catalog.functions.values.map(\.name)
        case .table: catalog.relations.values.filter(\.kind.isTable).map(\.name)
        case .view: catalog.relations.values.filter { $0.kind == .view || $0.kind == .materialisedView }.map(\.name)
        case .sequence: catalog.relations.values.filter { $0.kind == .sequence }.map(\.name)
        }
    }
}
