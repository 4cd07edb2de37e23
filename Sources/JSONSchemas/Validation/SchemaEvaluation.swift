/// One check of one value. Either collects every mistake with its place, or ends at the first and builds nothing.
final class SchemaEvaluation {
    enum Step {
        case key(String)
        case index(Int)
    }

    /// Schemas within schemas at one time, and schemas applied in all. The first is for the stack, of which a megabyte is
    /// enough so (two in a debug build); the second ends checks whose cost grows without measure.
    static let deepest = 250
    static let stepLimit = 10_000_000

    let program: SchemaProgram
    private let limit: Int
    /// Whether mistakes are collected at the moment.
    private(set) var isCollecting: Bool
    private var collected: [SchemaViolation] = []
    /// Set when the check could not be brought to its end; the value is invalid then, whatever else was found.
    private var halt: SchemaViolation?
    private var path: [Step] = []
    private var scope: [Int] = []
    private var depth = 0
    private var steps = 0
    private lazy var matcher = PatternMatcher()

    /// With a limit of 0 nothing is collected.
    init(_ program: SchemaProgram, limit: Int) {
        self.program = program
        self.limit = limit
        isCollecting = limit > 0
    }

    func violations(of value: JSONValue) -> [SchemaViolation] {
        var marks: EvaluatedMarks?
        _ = check(0, value, &marks)
        guard let halt else { return Array(collected.prefix(limit)) }
        return collected.prefix(limit - 1) + [halt]
    }

    func isValid(_ value: JSONValue, node: Int = 0) -> Bool {
        var marks: EvaluatedMarks?
        return check(node, value, &marks) && halt == nil
    }

    /// Nothing more has to be looked at.
    var isOver: Bool { halt != nil || (isCollecting && collected.count >= limit) }

    /// Whether a value obeys a node. Marks what it looked at, where that is asked for.
    func check(_ index: Int, _ value: JSONValue, _ marks: inout EvaluatedMarks?) -> Bool {
        guard !isOver else { return false }
        let node = program.nodes[index]
        if let verdict = node.verdict { return verdict || refuse(node) }
        depth += 1
        defer { depth -= 1 }
        guard spend(1, node), depth <= SchemaEvaluation.deepest else {
            return giveUp(node, nil, "more than \(SchemaEvaluation.deepest) schemas lie within each other here")
        }
        let isEntered = scope.last != node.resource
        if isEntered { scope.append(node.resource) }
        defer { if isEntered { scope.removeLast() } }
        guard node.needsMarks else { return checkKeywords(node, value, &marks) }
        var own: EvaluatedMarks? = EvaluatedMarks(for: value)
        let isValid = checkKeywords(node, value, &own)
        let isComplete = checkUnevaluated(node, value, &own)
        if marks != nil, let own { marks?.formUnion(own) }
        return isValid && isComplete
    }

    private func checkKeywords(_ node: SchemaNode, _ value: JSONValue, _ marks: inout EvaluatedMarks?) -> Bool {
        var isValid = checkValue(node, value)
        if isValid || isCollecting {
            switch value {
            case .number(let number):
                if let rules = node.number, !checkNumber(node, rules, number) { isValid = false }
            case .string(let text):
                if let rules = node.string, !checkString(node, rules, text) { isValid = false }
            case .array(let values):
                if let rules = node.array, !checkArray(node, rules, values, &marks) { isValid = false }
            case .object(let object):
                if let rules = node.object, !checkObject(node, rules, object, &marks) { isValid = false }
            case .null, .bool: break
            }
        }
        for applicator in node.applicators where isValid || isCollecting {
            if !apply(applicator, node, value, &marks) { isValid = false }
        }
        return isValid
    }

    // MARK: State

    /// How many steps lead to the present place.
    var placeDepth: Int { path.count }

    /// Where a name leads in the present dynamic scope.
    func dynamicTarget(_ name: JSONKey, _ fallback: Int) -> Int {
        for resource in scope {
            if let target = program.dynamicAnchors[resource][name] { return target }
        }
        return fallback
    }

    /// Looks at a value within the present one.
    func within(_ step: @autoclosure () -> Step, _ body: () -> Bool) -> Bool {
        guard isCollecting else { return body() }
        path.append(step())
        defer { path.removeLast() }
        return body()
    }

    /// Does not collect while it looks.
    func silently(_ body: () -> Bool) -> Bool {
        let before = isCollecting
        isCollecting = false
        defer { isCollecting = before }
        return body()
    }

    /// The first mistake that a node finds at the present place; it is not collected.
    func firstMistake(_ node: Int, _ value: JSONValue) -> SchemaViolation? {
        let before = collected
        collected = []
        var marks: EvaluatedMarks?
        _ = check(node, value, &marks)
        defer { collected = before }
        return collected.first
    }

    /// Counts work; false when there was too much of it.
    func spend(_ count: Int, _ node: SchemaNode) -> Bool {
        steps += count
        guard steps > SchemaEvaluation.stepLimit else { return true }
        return giveUp(node, nil, "checking takes too long: given up after \(SchemaEvaluation.stepLimit) steps")
    }

    /// Whether a text matches; a search that was given up ends the check.
    func matches(_ pattern: Pattern, _ text: String, _ node: SchemaNode, _ keyword: String) -> Bool {
        let (verdict, cost) = matcher.search(pattern, in: text)
        switch verdict {
        case .matches: return spend(cost, node)
        case .differs:
            _ = spend(cost, node)
            return false
        case .undecided:
            let shown = JSONWriter.shortened(.string(pattern.source))
            return giveUp(
                node, keyword,
                "the search for the pattern \(shown) was given up: it takes too many steps or too much memory for "
                    + JSONWriter.shortened(.string(text)))
        }
    }

    // MARK: Mistakes

    /// Notes a mistake. Always false, for the caller to return.
    func report(_ node: SchemaNode, _ keyword: String?, _ message: @autoclosure () -> String) -> Bool {
        if isCollecting, !isOver { collected.append(violation(node, keyword, message())) }
        return false
    }

    /// Ends the whole check: the value is invalid because nobody can say that it is valid.
    @discardableResult
    func giveUp(_ node: SchemaNode, _ keyword: String?, _ message: String) -> Bool {
        if halt == nil { halt = violation(node, keyword, message) }
        return false
    }

    private func violation(_ node: SchemaNode, _ keyword: String?, _ message: String) -> SchemaViolation {
        let instance = path.map { step in
            switch step {
            case .key(let key): key
            case .index(let index): String(index)
            }
        }
        let place = keyword.map { node.pointer.appending($0) } ?? node.pointer
        return SchemaViolation(
            instance: JSONPointer(tokens: instance), keyword: "\(node.document)#\(place)", message: message)
    }

    /// The schema `false`, which mostly stands where nothing further may be.
    private func refuse(_ node: SchemaNode) -> Bool {
        switch node.pointer.tokens.last {
        case "additionalProperties", "unevaluatedProperties": report(node, nil, "no such property is allowed")
        case "items", "additionalItems", "unevaluatedItems": report(node, nil, "no further element is allowed")
        default: report(node, nil, "nothing is allowed here")
        }
    }
}
