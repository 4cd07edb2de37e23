/// One level of the Louvain method: see `WeightedGraph`.
struct LouvainLevel {
    /// Rounds over all nodes at one level; in practice below ten.
    private static let maximumRounds = 50

    private let count: Int
    /// Neighbours of node `n` are at `starts[n]..<starts[n + 1]`, sorted.
    private var starts: [Int]
    private var neighbours: [Int]
    private var weights: [Double]
    /// Twice the weight inside of a node that was a community one level below.
    private var loops: [Double]
    private var degrees: [Double]

    /// Edges with `low <= high`, sorted; a loop counts once.
    init(count: Int, edges: [(low: Int, high: Int, weight: Double)]) {
        self.count = count
        loops = Array(repeating: 0, count: count)
        var sizes = Array(repeating: 0, count: count)
        for edge in edges where edge.low != edge.high {
            sizes[edge.low] += 1
            sizes[edge.high] += 1
        }
        starts = [0]
        for size in sizes { starts.append((starts.last ?? 0) + size) }
        neighbours = Array(repeating: 0, count: starts[count])
        weights = Array(repeating: 0, count: starts[count])
        var next = starts
        for edge in edges {
            if edge.low == edge.high {
                loops[edge.low] += 2 * edge.weight
                continue
            }
            for (one, other) in [(edge.low, edge.high), (edge.high, edge.low)] {
                neighbours[next[one]] = other
                weights[next[one]] = edge.weight
                next[one] += 1
            }
        }
        degrees = loops
        for node in 0..<count { degrees[node] += weights[starts[node]..<starts[node + 1]].reduce(0, +) }
    }

    /// The community of each node, or nil when no move raises modularity.
    func moveNodes(resolution: Double) -> [Int]? {
        let total = degrees.reduce(0, +)
        guard total > 0 else { return nil }
        var communities = Array(0..<count)
        var totals = degrees
        var ties = Array(repeating: 0.0, count: count)
        var hasMoved = false
        for _ in 0..<Self.maximumRounds {
            var movedNow = false
            for node in 0..<count {
                let old = communities[node]
                totals[old] -= degrees[node]
                let touched = collectTies(of: node, communities, into: &ties)
                let best = self.best(old, touched, ties, totals, resolution * degrees[node] / total)
                for community in touched { ties[community] = 0 }
                communities[node] = best
                totals[best] += degrees[node]
                if best != old { movedNow = true }
            }
            if !movedNow { break }
            hasMoved = true
        }
        return hasMoved ? Self.renumbered(communities) : nil
    }

    private func collectTies(of node: Int, _ communities: [Int], into ties: inout [Double]) -> [Int] {
        var touched: [Int] = []
        for position in starts[node]..<starts[node + 1] {
            let community = communities[neighbours[position]]
            if ties[community] == 0 { touched.append(community) }
            ties[community] += weights[position]
        }
        return touched
    }

    private func best(_ old: Int, _ touched: [Int], _ ties: [Double], _ totals: [Double], _ cost: Double) -> Int {
        var best = old
        var bestGain = ties[old] - cost * totals[old]
        for community in touched.sorted() {
            let gain = ties[community] - cost * totals[community]
            // A margin, so that rounding does not let nodes wander for ever.
            if gain > bestGain + 1e-12 { (best, bestGain) = (community, gain) }
        }
        return best
    }

    /// The graph whose nodes are the communities, which are numbered from 0.
    func aggregated(by communities: [Int]) -> LouvainLevel {
        var sums: [WeightedGraph.Edge: Double] = [:]
        for node in 0..<count {
            sums[WeightedGraph.Edge(communities[node], communities[node]), default: 0] += loops[node] / 2
            for position in starts[node]..<starts[node + 1] where neighbours[position] > node {
                let edge = WeightedGraph.Edge(communities[node], communities[neighbours[position]])
                sums[edge, default: 0] += weights[position]
            }
        }
        let edges = sums.sorted { ($0.key.low, $0.key.high) < ($1.key.low, $1.key.high) }
        return LouvainLevel(
            count: (communities.max() ?? -1) + 1, edges: edges.map { ($0.key.low, $0.key.high, $0.value) })
    }

    /// Numbers from 0 in the order of first appearance.
    static func renumbered(_ communities: [Int]) -> [Int] {
        var numbers: [Int: Int] = [:]
        return communities.map { community in
            let number = numbers[community] ?? numbers.count
            numbers[community] = number
            return number
        }
    }
}
