/// Proposes bounded contexts for the tables that lie in one pile.
///
/// Method: the tables are nodes of a weighted graph (`TieBuilder`: foreign keys, names, concerns, use), divided by the
/// Louvain method (`WeightedGraph`, with its source). Communities of more than `largeGroup` tables are divided once more
/// by themselves, because modularity does not see small communities in a large graph (S. Fortunato, M. Barthélemy,
/// "Resolution limit in community detection", PNAS 104, 2007). Views, functions, types and sequences go with the tables
/// that alone they depend on, or that alone use them.
///
/// Pure, and the same for the same catalog and use. 5,000 tables take seconds.
package struct ContextSuggester {
    private static let resolution = 1.3
    private static let largeGroup = 40

    package static func suggest(catalog: Catalog, use: StatementUse = .unknown) -> ContextSuggestion {
        let lookup = CatalogLookup(catalog)
        let scope = SuggestionScope(catalog: catalog, lookup: lookup)
        let uses = StatementTies(scope: scope, use: use)
        let builder = TieBuilder(scope: scope, uses: uses)
        let graph = builder.graph()
        let division = Division(scope: scope, groups: divide(graph, scope: scope), graph: graph)
        return ContextSuggester(scope: scope, uses: uses, builder: builder, division: division)
            .suggestion(usesStatements: use.isKnown)
    }

    private let scope: SuggestionScope
    private let uses: StatementTies
    private let builder: TieBuilder
    private let division: Division

    /// Members of each community of two tables and more; one table alone where it is an event store.
    private static func divide(_ graph: WeightedGraph, scope: SuggestionScope) -> [[Int]] {
        var open = [Array(0..<graph.count)]
        var groups: [[Int]] = []
        while let nodes = open.popLast() {
            let part = nodes.count == graph.count ? graph : graph.subgraph(nodes)
            var communities: [Int: [Int]] = [:]
            for (node, community) in zip(nodes, part.communities(resolution: resolution)) {
                communities[community, default: []].append(node)
            }
            for (_, members) in communities.sorted(by: { $0.key < $1.key }) {
                if members.count > largeGroup, communities.count > 1 {
                    open.append(members)
                } else {
                    groups.append(members.filter { $0 < scope.nodes.count }.sorted())
                }
            }
        }
        return groups.filter { members in
            members.count > 1 || members.contains { TieBuilder.isEventStore(scope.nodes[$0], scope.catalog) }
        }.sorted { ($1.count, $0[0]) < ($0.count, $1[0]) }
    }

    private func suggestion(usesStatements: Bool) -> ContextSuggestion {
        var suggestion = ContextSuggestion()
        suggestion.pile = scope.pile
        suggestion.notes = scope.notes + sizeNotes()
        suggestion.usesStatements = usesStatements
        let groups = division.groups
        let names = GroupNames(scope: scope, builder: builder).names(for: groups)
        let followers = GroupFollowers(scope: scope, division: division)
        let reasons = GroupReasons(scope: scope, uses: uses, builder: builder, division: division)
        let keys = KeyCounts(scope: scope, division: division, names: names)
        for (number, members) in groups.enumerated() {
            var group = ContextSuggestion.Group(
                name: names[number].name, tables: objects(members), reasons: [], keysInside: keys.inside[number],
                crossings: keys.crossings[number])
            followers.add(to: &group, number: number)
            group.reasons = reasons.reasons(for: number, name: names[number], keys: keys)
            group.appendOnlyCandidates = appendOnlyCandidates(members)
            suggestion.groups.append(group)
        }
        suggestion.groups.sort { ($1.tables.count, $0.name) < ($0.tables.count, $1.name) }
        suggestion.staying = scope.nodes.indices.filter { division.groupOf[$0] == nil }.map(staying)
        suggestion.foreignKeys = keys.total
        suggestion.crossingKeys = keys.crossing
        return suggestion
    }

    private func objects(_ members: [Int]) -> [ContextSuggestion.Object] {
        let oids = members.flatMap { [scope.nodes[$0].relation.oid] + scope.nodes[$0].children }
        return oids.compactMap { oid in
            scope.catalog.relations[oid].map {
                ContextSuggestion.Object(oid: oid, schema: scope.lookup.schemaName($0.schema), name: $0.name)
            }
        }.sorted { ($0.name, $0.schema) < ($1.name, $1.schema) }
    }

    private func appendOnlyCandidates(_ members: [Int]) -> [ContextSuggestion.Object] {
        objects(
            members.filter { builder.records.contains($0) || TieBuilder.isEventStore(scope.nodes[$0], scope.catalog) })
    }

    private func staying(_ node: Int) -> ContextSuggestion.Staying {
        let relation = scope.nodes[node].relation
        let keys = scope.keys.count { !$0.isImplied && ($0.from == node || $0.to == node) }
        let reason =
            division.collided.contains(node)
            ? "its group already has a table of this name"
            : keys == 0 ? "no foreign key and no name ties it to others" : "its keys pull in several directions"
        let table = ContextSuggestion.Object(oid: relation.oid, schema: scope.nodes[node].schema, name: relation.name)
        return ContextSuggestion.Staying(table: table, reason: reason)
    }

    private func sizeNotes() -> [String] {
        guard scope.nodes.count < 10 else { return [] }
        return ["with \(counted(scope.nodes.count, "table")) in the pile there is little to go by, and little to gain"]
    }
}

/// The groups of nodes, without two tables of one name in one group.
struct Division {
    private(set) var groups: [[Int]]
    private(set) var groupOf: [Int: Int] = [:]
    /// Nodes that lost their place because another table of the name has it, and found no other group.
    private(set) var collided: Set<Int> = []

    init(scope: SuggestionScope, groups: [[Int]], graph: WeightedGraph) {
        self.groups = groups
        for (number, members) in groups.enumerated() {
            for member in members { groupOf[member] = number }
        }
        separateNamesakes(scope, graph)
    }

    private struct Namesake: Hashable {
        var group: Int
        var name: String
    }

    /// Of several tables of one name, the one with least to go for elsewhere stays; the others go to the group that they are
    /// tied to next, where the name is free.
    private mutating func separateNamesakes(_ scope: SuggestionScope, _ graph: WeightedGraph) {
        var byName: [Namesake: [Int]] = [:]
        for (node, group) in groupOf {
            for name in scope.names(of: node) { byName[Namesake(group: group, name: name), default: []].append(node) }
        }
        let clashes = byName.filter { $0.value.count > 1 }
        guard !clashes.isEmpty else { return }
        var ties: [Int: [Int: Double]] = [:]
        for (edge, weight) in graph.weights.sorted(by: { ($0.key.low, $0.key.high) < ($1.key.low, $1.key.high) }) {
            for (one, other) in [(edge.low, edge.high), (edge.high, edge.low)] {
                if let group = groupOf[other] { ties[one, default: [:]][group, default: 0] += weight }
            }
        }
        for (clash, members) in clashes.sorted(by: { ($0.key.group, $0.key.name) < ($1.key.group, $1.key.name) }) {
            let claims = members.map { (node: $0, claim: Self.claim(to: clash.group, ties[$0] ?? [:])) }
            let strongestFirst = claims.sorted { ($1.claim, $0.node) < ($0.claim, $1.node) }.map(\.node)
            for loser in strongestFirst.dropFirst() where groupOf[loser] == clash.group {
                let names = scope.names(of: loser)
                let others = (ties[loser] ?? [:]).filter { $0.key != clash.group }
                    .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
                let next = others.first { other in
                    names.allSatisfy { byName[Namesake(group: other.key, name: $0)] == nil }
                }
                groupOf[loser] = next?.key
                if let next {
                    for name in names { byName[Namesake(group: next.key, name: name)] = [loser] }
                } else {
                    collided.insert(loser)
                }
            }
        }
        renumber()
    }

    /// How much more a table is tied to a group than to the next best.
    private static func claim(to group: Int, _ ties: [Int: Double]) -> Double {
        (ties[group] ?? 0) - (ties.filter { $0.key != group }.values.max() ?? 0)
    }

    /// A group that only one table is left of is none.
    private mutating func renumber() {
        var members = Array(repeating: [Int](), count: groups.count)
        for (node, group) in groupOf { members[group].append(node) }
        let kept = groups.indices.filter { members[$0].count > 1 || groups[$0].count == 1 }
        groups = kept.map { members[$0].sorted() }
        groupOf = [:]
        for (number, members) in groups.enumerated() {
            for member in members { groupOf[member] = number }
        }
    }
}

extension SuggestionScope {
    /// The names that a node takes with it.
    fileprivate func names(of node: Int) -> [String] {
        [nodes[node].relation.name] + nodes[node].children.compactMap { catalog.relations[$0]?.name }
    }
}
