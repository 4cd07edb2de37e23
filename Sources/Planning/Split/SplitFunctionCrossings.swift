internal import SQLSyntax

/// Functions that use something on another database than their own: by their bodies, read by PostgreSQL's parser, or by
/// what PostgreSQL itself has stored of BEGIN ATOMIC. Pure.
struct SplitFunctionCrossings {
    private let whole: SplitCrossings
    private var cut: DatabaseCut { whole.cut }
    private var catalog: Catalog { whole.catalog }
    private var lookup: CatalogLookup { whole.lookup }

    init(_ whole: SplitCrossings) { self.whole = whole }

    func find() -> [SplitReport.Crossing] {
        let words = leavingWords
        return catalog.functions.values.compactMap { function in
            guard function.language != "internal", function.language != "c",
                !lookup.isShim(.function, function.oid),
                let home = cut.database(of: ObjectReference(.function, function.oid))
            else { return nil }
            let isLeaving = cut.schema(of: ObjectReference(.function, function.oid)) == whole.schema
            // A body that names nothing of the schema has nothing to do with this cut, unless it leaves itself.
            guard isLeaving || function.bindsByOID || Words.anyWord(of: function.source, { words.contains($0) }) else {
                return nil
            }
            return crossing(function, home: home, isLeaving: isLeaving)
        }
    }

    private var leavingWords: Set<String> {
        var words = Set(whole.relations.map(\.name))
        for function in catalog.functions.values
        where cut.schema(of: ObjectReference(.function, function.oid)) == whole.schema { words.insert(function.name) }
        return words
    }

    private func crossing(_ function: Function, home: String, isLeaving: Bool) -> SplitReport.Crossing? {
        let analysis = FunctionBody.analyse(
            language: function.language, definition: function.definition, source: function.source)
        let object = "function \(cut.name(ofFunction: function))"
        var used: Set<ObjectReference> = []
        switch analysis.status {
        case .unanalysable(let language):
            return SplitReport.Crossing(
                .function, object, "it is written in \(language): whether it uses the other side cannot be told",
                nextStep: "read it before the switch")
        case .bindsByOID:
            used = Set(
                lookup.dependencies(of: ObjectReference(.function, function.oid)).map(\.referenced)
                    .filter { $0.kind == .relation || $0.kind == .function })
            // It is defined there before the old names are: what leaves must not lean on them.
            used.formUnion(used.flatMap { cut.targets(ofShim: $0) })
        case .analysed:
            // An old name goes where its table goes.
            for object in objects(named: analysis.references, by: function) {
                let targets = cut.targets(ofShim: object)
                used.formUnion(targets.isEmpty ? [object] : targets)
            }
        }
        let foreign = used.filter { other in
            guard let there = cut.database(of: other), there != home else { return false }
            return isLeaving || cut.schema(of: other) == whole.schema
        }
        guard !foreign.isEmpty else { return nil }
        let names = foreign.compactMap { cut.name(of: $0) }.sorted().joined(separator: ", ")
        return SplitReport.Crossing(
            .function, object, "it uses \(names)", isBlocking: true,
            nextStep: "list it with what it uses, divide it, or let the application call each side")
    }

    /// Names as they are found now; those of overloaded functions stand for all of that name.
    private func objects(named references: StatementReferences, by function: Function) -> Set<ObjectReference> {
        let path = lookup.path(of: function)
        var found: Set<ObjectReference> = []
        for reference in references.relations {
            for schema in reference.schema.map({ [$0] }) ?? path {
                guard let relation = lookup.relation(schema: schema, name: reference.name) else { continue }
                found.insert(ObjectReference(.relation, relation.oid))
                break
            }
        }
        for reference in references.functions where reference.schema != "pg_catalog" {
            for schema in reference.schema.map({ [$0] }) ?? path {
                let functions = lookup.functions(schema: schema, name: reference.name)
                guard !functions.isEmpty else { continue }
                found.formUnion(functions.map { ObjectReference(.function, $0.oid) })
                break
            }
        }
        return found
    }
}
