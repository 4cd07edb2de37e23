/// An undirected graph with weights, and its division into communities.
///
/// Method: Louvain (V. D. Blondel, J.-L. Guillaume, R. Lambiotte, E. Lefebvre, "Fast unfolding of communities in large
/// networks", J. Stat. Mech. P10008, 2008, arXiv:0803.0476): each node moves to the neighbouring community that raises
/// modularity most, until none does; communities become nodes, and so on. The resolution γ is Reichardt and Bornholdt's
/// (2006): above 1 finds smaller communities. Nodes are taken in fixed orders and the smaller number wins a tie, so the
/// answer is the same on every run. Near-linear in the number of edges.
struct WeightedGraph {
    struct Edge: Hashable {
        var low: Int
        var high: Int

        init(_ one: Int, _ other: Int) { (low, high) = (min(one, other), max(one, other)) }
    }

    private(set) var count: Int
    private(set) var weights: [Edge: Double] = [:]

    init(count: Int) { self.count = count }

    /// A node that stands for something the tables have in common.
    mutating func addNode() -> Int {
        count += 1
        return count - 1
    }

    /// A node's edge to itself and weights that are not positive are left out.
    mutating func add(_ one: Int, _ other: Int, _ weight: Double) {
        if one != other, weight > 0 { weights[Edge(one, other), default: 0] += weight }
    }

    /// Every member is tied to every other, each tie weaker the more there are. Many members are tied to a node of their
    /// own instead, so that the number of edges stays linear.
    mutating func tie(_ members: [Int], _ weight: (Int, Int) -> Double) {
        guard members.count > 1 else { return }
        let share = 1 / Double(members.count - 1)
        if members.count <= 24 {
            for (position, one) in members.enumerated() {
                for other in members[(position + 1)...] { add(one, other, weight(one, other) * share) }
            }
        } else {
            let centre = addNode()
            for member in members { add(centre, member, weight(member, member)) }
        }
    }

    /// The graph of some of the nodes, renumbered in the order given; edges to others are cut.
    func subgraph(_ nodes: [Int]) -> WeightedGraph {
        let numbers = Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1, $0) })
        var graph = WeightedGraph(count: nodes.count)
        for (edge, weight) in weights {
            if let low = numbers[edge.low], let high = numbers[edge.high] { graph.add(low, high, weight) }
        }
        return graph
    }

    /// The community of each node, numbered from 0 in the order of their first nodes: the best of several divisions.
    ///
    /// What the method finds depends on the order of the nodes, so that it is tried with several, always the same ones.
    func communities(resolution: Double) -> [Int] {
        let edges = weights.sorted { ($0.key.low, $0.key.high) < ($1.key.low, $1.key.high) }
            .map { (edge: $0.key, weight: $0.value) }
        var best = (modularity: -Double.infinity, communities: [Int]())
        for attempt in 0..<(count > 2_000 ? 2 : 8) {
            let order = Self.order(attempt, count: count)
            let found = divide(edges, order: order, resolution: resolution)
            let modularity = modularity(of: found, edges, resolution: resolution)
            if modularity > best.modularity + 1e-9 || best.communities.isEmpty { best = (modularity, found) }
        }
        return LouvainLevel.renumbered(best.communities)
    }

    private func divide(_ edges: [(edge: Edge, weight: Double)], order: [Int], resolution: Double) -> [Int] {
        let moved = edges.map { (Edge(order[$0.edge.low], order[$0.edge.high]), $0.weight) }
            .sorted { ($0.0.low, $0.0.high) < ($1.0.low, $1.0.high) }
        var level = LouvainLevel(count: count, edges: moved.map { ($0.0.low, $0.0.high, $0.1) })
        var membership = Array(0..<count)
        // Each level has fewer nodes than the one before, so this ends.
        while let communities = level.moveNodes(resolution: resolution) {
            membership = membership.map { communities[$0] }
            level = level.aggregated(by: communities)
        }
        return order.map { membership[$0] }
    }

    private func modularity(
        of communities: [Int], _ edges: [(edge: Edge, weight: Double)], resolution: Double
    ) -> Double {
        var degrees = Array(repeating: 0.0, count: count)
        var (inside, total) = (0.0, 0.0)
        for (edge, weight) in edges {
            degrees[communities[edge.low]] += weight
            degrees[communities[edge.high]] += weight
            total += 2 * weight
            if communities[edge.low] == communities[edge.high] { inside += 2 * weight }
        }
        guard total > 0 else { return 0 }
        return inside / total - resolution * degrees.reduce(0) { $0 + ($1 / total) * ($1 / total) }
    }

    /// New numbers of the nodes: first the old ones, then the same shuffles on every run.
    private static func order(_ attempt: Int, count: Int) -> [Int] {
        var order = Array(0..<count)
        var state = UInt64(attempt)
        guard attempt > 0 else { return order }
        for position in order.indices.reversed() where position > 0 {
            // Knuth's MMIX generator; its upper bits are good enough to shuffle with.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            order.swapAt(position, Int(state >> 33) % (position + 1))
        }
        return order
    }
}

extension Double {
    /// Powers that are made of square roots, which give the same bits on every machine. Only for what is not negative.
    var quarterPower: Double { squareRoot().squareRoot() }

    /// The logarithm to base 2, straight between powers of two. Only for what is at least 1.
    var roughLogarithm: Double { Double(exponent) + significand - 1 }
}
