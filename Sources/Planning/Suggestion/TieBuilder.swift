/// What ties the tables of the pile to each other, as one weighted graph.
///
/// - A foreign key weighs 1 ÷ (√incoming keys of the table it points to × ⁴√outgoing keys of its own), so that a hub such as
///   `users` ties nobody by itself; more where it may not be NULL, is unique, or cascades, less where it only says who did
///   something, or where only the column's name says so.
/// - Names: tables with a word in common, most where both begin with it; words that every other table has do not count.
/// - Concepts: names that speak of the same concern (`Concept`), and tables that keep a record of what happened.
/// - Use: tables that occur in one statement, by calls, and more where it writes; views that read several tables.
struct TieBuilder {
    /// Found by trying what agrees best with what people decided for the five example systems; no value is critical.
    private enum Weight {
        static let required = 1.5
        static let unique = 1.3
        static let owned = 1.3
        static let actor = 0.3
        static let implied = 0.5
        static let name = 0.3
        static let concept = 1.0
        static let record = 1.0
        static let statement = 0.4
        static let writing = 1.5
        static let view = 0.2
    }

    let scope: SuggestionScope
    let uses: StatementTies
    /// Nodes that keep a record of what happened, where there are at least two.
    let records: Set<Int>
    /// Words by the nodes that have them, but for words that too many have.
    let words: [String: [Int]]

    init(scope: SuggestionScope, uses: StatementTies) {
        self.scope = scope
        self.uses = uses
        records = Self.records(scope)
        words = Self.commonWords(scope)
    }

    func graph() -> WeightedGraph {
        var graph = WeightedGraph(count: scope.nodes.count)
        addKeys(to: &graph)
        addNames(to: &graph)
        addConcepts(to: &graph)
        for (pair, use) in uses.pairs.sorted(by: { ($0.key.low, $0.key.high) < ($1.key.low, $1.key.high) }) {
            graph.add(
                pair.low, pair.high, Weight.statement * uses.strength(of: pair) * (use.writes ? Weight.writing : 1))
        }
        for members in uses.viewedTogether { graph.tie(members) { _, _ in Weight.view } }
        return graph
    }

    private func addKeys(to graph: inout WeightedGraph) {
        var incoming = Array(repeating: Set<Int>(), count: scope.nodes.count)
        var outgoing = incoming
        for key in scope.keys {
            incoming[key.to].insert(key.from)
            outgoing[key.from].insert(key.to)
        }
        for key in scope.keys where !records.contains(key.from) {
            var weight =
                1 / (Double(incoming[key.to].count).squareRoot() * Double(outgoing[key.from].count).quarterPower)
            if key.isRequired { weight *= Weight.required }
            if key.isUnique { weight *= Weight.unique }
            if key.isOwned { weight *= Weight.owned }
            if key.isImplied { weight *= Weight.implied }
            if key.columns.contains(where: NameWords.namesActor) { weight *= Weight.actor }
            graph.add(key.from, key.to, weight)
        }
    }

    private func addNames(to graph: inout WeightedGraph) {
        for (word, all) in words.sorted(by: { $0.key < $1.key }) {
            let members = all.filter { !records.contains($0) }
            graph.tie(members) { one, other in
                let leads = [one, other].count { scope.nodes[$0].words.first == word }
                return Weight.name * (leads == 2 ? 1 : leads == 1 ? 0.5 : 0.2)
            }
        }
    }

    private func addConcepts(to graph: inout WeightedGraph) {
        for concept in Concept.all {
            let members = scope.nodes.indices.filter { !records.contains($0) && concept.covers(scope.nodes[$0].words) }
            graph.tie(members) { _, _ in Weight.concept }
        }
        graph.tie(records.sorted()) { _, _ in Weight.record }
    }

    /// Named so, nothing refers to them, and what they refer to may go away or only says who it was.
    private static func records(_ scope: SuggestionScope) -> Set<Int> {
        var outgoing: [Int: [SuggestionScope.Key]] = [:]
        var isReferred: Set<Int> = []
        for key in scope.keys {
            outgoing[key.from, default: []].append(key)
            if !key.isImplied { isReferred.insert(key.to) }
        }
        let records = scope.nodes.indices.filter { node in
            RecordKeeping.isNamedSo(scope.nodes[node].words) && !isReferred.contains(node)
                && (outgoing[node] ?? []).allSatisfy {
                    !$0.isRequired || $0.columns.contains(where: NameWords.namesActor)
                }
                && !isEventStore(scope.nodes[node], scope.catalog)
        }
        return records.count > 1 ? Set(records) : []
    }

    static func isEventStore(_ node: SuggestionScope.Node, _ catalog: Catalog) -> Bool {
        RecordKeeping.isEventStore(node.words, columns: (catalog.columns[node.relation.oid] ?? []).map(\.name))
    }

    private static func commonWords(_ scope: SuggestionScope) -> [String: [Int]] {
        var words: [String: [Int]] = [:]
        for (position, node) in scope.nodes.enumerated() {
            for word in Set(node.words) { words[word, default: []].append(position) }
        }
        let most = max(4, scope.nodes.count * 2 / 5)
        return words.filter { $0.value.count > 1 && $0.value.count <= most }
    }
}
