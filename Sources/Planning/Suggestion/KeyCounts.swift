/// How many foreign keys stay inside of each group, and where the others lead. Keys from a table to itself and keys that
/// only columns' names imply are not counted.
struct KeyCounts {
    private(set) var inside: [Int]
    private(set) var crossings: [[ContextSuggestion.Crossing]]
    private(set) var impliedInside: [Int]
    private(set) var total = 0
    private(set) var crossing = 0

    init(scope: SuggestionScope, division: Division, names: [GroupNames.Chosen]) {
        inside = Array(repeating: 0, count: names.count)
        impliedInside = inside
        var others = Array(repeating: [String: Int](), count: names.count)
        func place(_ node: Int) -> String { division.groupOf[node].map { names[$0].name } ?? scope.nodes[node].schema }
        for key in scope.keys {
            let (from, to) = (division.groupOf[key.from], division.groupOf[key.to])
            if key.isImplied {
                if let from, from == to { impliedInside[from] += 1 }
                continue
            }
            total += 1
            if let from, from == to {
                inside[from] += 1
                continue
            }
            if from == nil, to == nil, scope.nodes[key.from].schema == scope.nodes[key.to].schema { continue }
            crossing += 1
            if let from { others[from][place(key.to), default: 0] += 1 }
            if let to { others[to][place(key.from), default: 0] += 1 }
        }
        Self.addSettled(scope, division, into: &others)
        crossings = others.map { counts in
            counts.map { ContextSuggestion.Crossing(other: $0.key, keys: $0.value) }
                .sorted { ($1.keys, $0.other) < ($0.keys, $1.other) }
        }
    }

    /// Keys between the pile and the schemas that are not part of it cross already.
    private static func addSettled(_ scope: SuggestionScope, _ division: Division, into others: inout [[String: Int]]) {
        for constraint in scope.catalog.constraints where constraint.kind == .foreignKey && constraint.parent == 0 {
            let ends = [(constraint.relation, constraint.referenced), (constraint.referenced, constraint.relation)]
            for (one, other) in ends {
                guard let group = scope.nodeByRelation[one].flatMap({ division.groupOf[$0] }),
                    scope.nodeByRelation[other] == nil, let relation = scope.catalog.relations[other]
                else { continue }
                others[group][scope.lookup.schemaName(relation.schema), default: 0] += 1
            }
        }
    }
}
