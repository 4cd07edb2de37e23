internal import SQLSyntax

/// How PostgreSQL finds what an unqualified name stands for, before and after the plan.
struct NameResolution {
    enum Space { case relation, type, function }

    let catalog: Catalog
    let lookup: CatalogLookup

    /// The schema in which the name is found first; nil where no schema of the path has it.
    func schema(of name: String, in space: Space, path: [String]) -> String? {
        path.first { has(name, in: space, schema: $0) }
    }

    func has(_ name: String, in space: Space, schema: String) -> Bool {
        switch space {
        case .relation: lookup.relation(schema: schema, name: name) != nil
        case .type: lookup.type(schema: schema, name: name) != nil || lookup.relation(schema: schema, name: name) != nil
        case .function: !lookup.functions(schema: schema, name: name).isEmpty
        }
    }
}

/// One name in a program text, and what it stands for.
struct BoundName: Sendable {
    var space: NameResolution.Space
    var schema: String?
    var name: String
    var line: Int
    /// Something a view under the old name cannot do, if this is such a use.
    var feature: ShimFeature?
    /// What moves, if this name stands for it.
    var move: Move?
    /// A sequence: no shim can stand in for it.
    var isSequence = false

    var written: String { SQL.qualified(schema, name) }
}

/// Finds, among the names of a program text, those that stand for something that moves.
struct NameBinder {
    let context: PlanningContext
    private var resolution: NameResolution { NameResolution(catalog: context.catalog, lookup: context.lookup) }

    /// `path` is the search_path in force; unqualified names that it does not find but that only one moved object
    /// carries are taken for that object.
    func bind(_ references: StatementReferences, path: [String]) -> [BoundName] {
        var bound: [BoundName] = []
        for reference in references.relations {
            bound.append(relation(reference.schema, reference.name, line: reference.line, path: path))
        }
        for literal in references.regclassLiterals {
            var name = relation(literal.schema, literal.name, line: literal.line, path: path)
            name.isSequence = name.isSequence || literal.isSequence
            bound.append(name)
        }
        for reference in references.types {
            bound.append(type(reference.schema, reference.name, line: reference.line, path: path))
        }
        for reference in references.functions where reference.schema != "pg_catalog" {
            bound.append(function(reference.schema, reference.name, line: reference.line, path: path))
        }
        for use in references.features {
            guard let name = use.relation else { continue }
            var found = relation(name.schema, name.name, line: use.line, path: path)
            guard found.move != nil else { continue }
            found.feature = use.feature
            bound.append(found)
        }
        return bound
    }

    private func relation(_ schema: String?, _ name: String, line: Int, path: [String]) -> BoundName {
        var bound = BoundName(space: .relation, schema: schema, name: name, line: line)
        for candidate in candidates(schema, name, .relation, path) {
            if let move = context.relationMoves[candidate] {
                bound.move = move
                bound.isSequence = move.object == .relation(.sequence)
            } else if let move = context.ownedSequenceMoves[candidate] {
                bound.move = move
                bound.isSequence = true
            }
            if bound.move != nil { break }
        }
        return bound
    }

    private func type(_ schema: String?, _ name: String, line: Int, path: [String]) -> BoundName {
        var bound = BoundName(space: .type, schema: schema, name: name, line: line)
        for candidate in candidates(schema, name, .type, path) {
            bound.move = context.typeMoves[candidate] ?? context.relationMoves[candidate]
            if let move = bound.move {
                if move.isTable { bound.feature = nil }
                break
            }
        }
        return bound
    }

    private func function(_ schema: String?, _ name: String, line: Int, path: [String]) -> BoundName {
        var bound = BoundName(space: .function, schema: schema, name: name, line: line)
        for candidate in candidates(schema, name, .function, path) {
            bound.move = context.functionMoves[candidate]?.first
            if bound.move != nil { break }
        }
        return bound
    }

    private func candidates(
        _ schema: String?, _ name: String, _ space: NameResolution.Space, _ path: [String]
    ) -> [QualifiedName] {
        if let schema { return [QualifiedName(schema: schema, name: name)] }
        if let found = resolution.schema(of: name, in: space, path: path) {
            return [QualifiedName(schema: found, name: name)]
        }
        // Not on the path that we know of: the session must have another one.
        let moved =
            (context.movesByName[name] ?? []).map { QualifiedName(schema: $0.from, name: name) }
            + (context.ownedSequencesByName[name] ?? [])
        return moved.count == 1 ? moved : []
    }
}
