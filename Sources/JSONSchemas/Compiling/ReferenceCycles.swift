/// Finds schemas that lead back to themselves at the same value, which no value could ever be checked against.
struct ReferenceCycles {
    private enum State { case open, done }

    private let nodes: [SchemaNode]
    private var states: [Int: State] = [:]
    private(set) var found: [Int] = []

    init(_ nodes: [SchemaNode]) {
        self.nodes = nodes
        for start in nodes.indices where states[start] == nil { visit(start) }
    }

    /// Depth first, with a stack of its own: chains of references may be long.
    private mutating func visit(_ start: Int) {
        var stack: [(node: Int, next: [Int])] = [(start, nodes[start].inPlace)]
        states[start] = .open
        while let top = stack.last {
            guard let next = top.next.last else {
                states[top.node] = .done
                stack.removeLast()
                continue
            }
            stack[stack.count - 1].next.removeLast()
            switch states[next] {
            case .open: found.append(next)
            case .done: break
            case nil:
                states[next] = .open
                stack.append((next, nodes[next].inPlace))
            }
        }
    }
}

extension SchemaNode {
    /// Schemas that are applied to the same value. Where a dynamic reference leads shows only then; evaluation is bounded.
    var inPlace: [Int] {
        applicators.flatMap { applicator -> [Int] in
            switch applicator {
            case .reference(let target): [target]
            case .dynamicReference: []
            case .allOf(let schemas), .anyOf(let schemas), .oneOf(let schemas): schemas
            case .not(let schema): [schema]
            case .condition(let condition, let then, let otherwise): [condition] + [then, otherwise].compactMap { $0 }
            case .dependent(let schemas): schemas.map(\.schema)
            }
        }
    }
}
