/// Tries to show that every value of one schema is a value of another: for each keyword of the target, that the source
/// implies it.
///
/// A pair of schemas that is met again while it is being looked at is taken as shown. That is sound because between both
/// lies a step into an element or a property, as schemas that lead back to themselves at the same value are refused: it
/// is an induction over the size of values.
final class SchemaInclusion {
    struct Problem {
        var instance: JSONPointer
        var keyword: String
        var message: String
    }

    private struct Pair: Hashable {
        var group: SchemaGroup
        var target: Int
    }

    /// Pairs that are looked at in all, and within each other.
    static let stepLimit = 20_000
    static let deepest = 120

    let source: SchemaProgram
    let target: SchemaProgram
    let sourceName: String
    let targetName: String
    private var assumed: Set<Pair> = []
    private var path: [String] = []
    private let budget: Budget
    /// How often the question has been turned round.
    private let turns: Int

    /// Shared with what turns the question round.
    private final class Budget {
        var left = SchemaInclusion.stepLimit
    }

    init(source: SchemaProgram, target: SchemaProgram, sourceName: String, targetName: String) {
        self.source = source
        self.target = target
        self.sourceName = sourceName
        self.targetName = targetName
        budget = Budget()
        turns = 0
    }

    private init(reverseOf other: SchemaInclusion) {
        source = other.target
        target = other.source
        sourceName = other.targetName
        targetName = other.sourceName
        budget = other.budget
        turns = other.turns + 1
    }

    /// What stands against it; nothing if it is shown.
    func problems() -> [Problem] { check(SchemaGroup([0], source), 0) }

    func shows(_ group: SchemaGroup, _ node: Int) -> Bool { check(group, node).isEmpty }

    /// Whether every value of a node of the target is one of a node of the source.
    func showsReverse(_ node: Int, _ sourceNode: Int) -> Bool {
        guard turns < 2 else { return false }
        return SchemaInclusion(reverseOf: self).shows(SchemaGroup([node], target), sourceNode)
    }

    func shows(_ node: Int, equals targetNode: Int) -> Bool {
        shows(SchemaGroup([node], source), targetNode) && showsReverse(targetNode, node)
    }

    func check(_ group: SchemaGroup, _ index: Int) -> [Problem] {
        let node = target.nodes[index]
        if node.verdict == true { return [] }
        let facts = SchemaFacts(group, source)
        if facts.isNever { return [] }
        if node.verdict == false {
            return [problem(node, nil, "\(targetName) allows nothing here, \(sourceName) does")]
        }
        budget.left -= 1
        guard budget.left >= 0, assumed.count < SchemaInclusion.deepest else {
            return [problem(node, nil, "the schemas are too large, or too deep, to be compared to the end")]
        }
        let pair = Pair(group: group, target: index)
        guard assumed.insert(pair).inserted else { return [] }
        defer { assumed.remove(pair) }
        if let values = facts.finite { return check(values, node, index) }
        let problems = checkKeywords(group, facts, node)
        return problems.isEmpty || showsByCases(group, facts, index) ? [] : problems
    }

    private func checkKeywords(_ group: SchemaGroup, _ facts: SchemaFacts, _ node: SchemaNode) -> [Problem] {
        var problems: [Problem] = []
        let missing = facts.types.subtracting(node.types)
        if !missing.isEmpty {
            problems.append(problem(node, "type", "\(sourceName) allows \(missing.text), \(targetName) does not"))
        }
        if node.allowed != nil {
            problems.append(problem(node, "enum", "\(sourceName) allows values that \(targetName) does not list"))
        }
        if node.constant != nil {
            problems.append(problem(node, "const", "\(sourceName) allows other values than the one of \(targetName)"))
        }
        let types = facts.types.intersection(node.types)
        if !types.isDisjoint(with: .number), let rules = node.number { problems += checkNumber(facts, node, rules) }
        if types.contains(.string), let rules = node.string { problems += checkString(facts, node, rules) }
        if types.contains(.array), let rules = node.array { problems += checkArray(group, facts, node, rules) }
        if types.contains(.object), let rules = node.object { problems += checkObject(facts, node, rules) }
        if types.contains(.array), let schema = node.unevaluatedItems, target.nodes[schema].verdict != true {
            problems.append(unshown(node, "unevaluatedItems"))
        }
        if types.contains(.object), let schema = node.unevaluatedProperties, target.nodes[schema].verdict != true {
            problems.append(unshown(node, "unevaluatedProperties"))
        }
        for applicator in node.applicators { problems += check(group, facts, node, applicator) }
        return problems
    }

    /// One by one, by checking them.
    private func check(_ values: [JSONValue], _ node: SchemaNode, _ index: Int) -> [Problem] {
        budget.left -= values.count
        if target.isDynamic { return [unshown(node, "$dynamicRef")] }
        let failing = values.filter { !SchemaEvaluation(target, limit: 0).isValid($0, node: index) }
        guard !failing.isEmpty else { return [] }
        let shown = failing.prefix(6).map { JSONWriter.shortened($0, length: 30) }.joined(separator: ", ")
        let more = failing.count > 6 ? " and \(failing.count - 6) more" : ""
        return [problem(node, nil, "\(sourceName) allows \(shown)\(more), \(targetName) does not")]
    }

    // MARK: Problems

    func within(_ token: String, _ body: () -> [Problem]) -> [Problem] {
        path.append(token)
        defer { path.removeLast() }
        return body()
    }

    func problem(_ node: SchemaNode, _ keyword: String?, _ message: String) -> Problem {
        let place = keyword.map { node.pointer.appending($0) } ?? node.pointer
        return Problem(instance: JSONPointer(tokens: path), keyword: "\(node.document)#\(place)", message: message)
    }

    func unshown(_ node: SchemaNode, _ keyword: String) -> Problem {
        problem(node, keyword, "it cannot be shown that all values of \(sourceName) obey \(keyword) of \(targetName)")
    }
}
