internal import SQLSyntax

/// `SET CONSTRAINTS name`: a constraint is looked up in the schemas of the search_path, its own schema is its table's, and
/// nothing can be left under the old name.
struct ConstraintNames {
    private struct Entry {
        var oid: OID
        var before: String
        var after: String
        var move: Move?
    }

    /// Names that some constraint of a moved table has, with all constraints of that name.
    private let entries: [String: [Entry]]

    init(context: PlanningContext) {
        let catalog = context.catalog
        var names: Set<String> = []
        for constraint in catalog.constraints
        where context.moveByOID[ObjectReference(.relation, constraint.relation)] != nil {
            names.insert(constraint.name)
        }
        var entries: [String: [Entry]] = [:]
        for constraint in catalog.constraints where names.contains(constraint.name) {
            guard let table = catalog.relations[constraint.relation] else { continue }
            entries[constraint.name, default: []].append(
                Entry(
                    oid: constraint.oid, before: context.lookup.schemaName(table.schema),
                    after: context.finalSchema(of: table),
                    move: context.moveByOID[ObjectReference(.relation, table.oid)]))
        }
        self.entries = entries
    }

    /// Whether a text may hold such a statement: a cheap test before it is parsed.
    static func mayBeIn(_ text: String) -> Bool { Words.anyWord(of: text) { $0.lowercased() == "constraints" } }

    /// The move that makes the name stand for other constraints, or none; nil where it goes on meaning the same.
    func broken(_ reference: ConstraintReference, path before: [String], afterwards after: [String]) -> Move? {
        guard let candidates = entries[reference.name] else { return nil }
        let old = found(candidates, in: reference.schema.map { [$0] } ?? before, \.before)
        let new = found(candidates, in: reference.schema.map { [$0] } ?? after, \.after)
        guard !old.isEmpty, old != new else { return nil }
        return candidates.first { old.contains($0.oid) && !new.contains($0.oid) }?.move
            ?? candidates.first { $0.move != nil }?.move
    }

    /// All constraints of the name in the first schema that has one.
    private func found(_ candidates: [Entry], in path: [String], _ schema: (Entry) -> String) -> Set<OID> {
        for name in path {
            let here = candidates.filter { schema($0) == name }
            if !here.isEmpty { return Set(here.map(\.oid)) }
        }
        return []
    }
}

extension FunctionBindings {
    func constraintHazards(
        _ function: Function, _ analysis: FunctionAnalysis, path: [String], afterwards: [String]
    ) -> [Hazard] {
        guard !analysis.references.constraints.isEmpty else { return [] }
        let names = ConstraintNames(context: context)
        return analysis.references.constraints.compactMap { reference in
            guard let move = names.broken(reference, path: path, afterwards: afterwards) else { return nil }
            return Hazard(
                .bindsByName, object: name(of: function),
                message:
                    "line \(reference.line) sets the constraint \(SQL.qualified(reference.schema, reference.name)), which "
                    + "moves to \(move.to) with \(move.oldName); no view stands in for a constraint",
                remedy: "write SET CONSTRAINTS \(display(move.to, reference.name)) there right after the move, or "
                    + "SET CONSTRAINTS ALL before it",
                line: reference.line, excerpt: analysis.text(ofLine: reference.line))
        }
    }
}
