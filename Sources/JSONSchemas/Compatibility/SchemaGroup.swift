/// Values of a schema, seen as those that obey several nodes at once: itself, what it refers to, and all of its `allOf`.
struct SchemaGroup: Hashable {
    /// An `anyOf`, `oneOf` or condition whose alternatives have been told apart.
    struct Split: Hashable {
        var node: Int
        var applicator: Int
    }

    /// In order, each once.
    var nodes: [Int]
    /// What is known of the type besides.
    var types = TypeSet.all
    var splits: Set<Split> = []

    init(_ nodes: [Int], _ program: SchemaProgram) {
        self.nodes = SchemaGroup.expanded(nodes, program)
    }

    func adding(_ more: [Int], _ program: SchemaProgram) -> SchemaGroup {
        var copy = self
        copy.nodes = SchemaGroup.expanded(nodes + more, program)
        return copy
    }

    private static func expanded(_ nodes: [Int], _ program: SchemaProgram) -> [Int] {
        var found: Set<Int> = []
        var pending = nodes
        while let node = pending.popLast() {
            guard program.nodes[node].verdict != true, found.insert(node).inserted else { continue }
            for applicator in program.nodes[node].applicators {
                switch applicator {
                case .reference(let target): pending.append(target)
                case .allOf(let schemas): pending += schemas
                default: break
                }
            }
        }
        return found.sorted()
    }
}

/// What is known of all values of a group: never more than is true of them.
struct SchemaFacts {
    struct Bound {
        var value: JSONNumber
        var isExclusive: Bool
    }

    let indices: [Int]
    let nodes: [SchemaNode]
    let program: SchemaProgram
    private(set) var types: TypeSet
    private(set) var isNever = false

    init(_ group: SchemaGroup, _ program: SchemaProgram) {
        indices = group.nodes
        nodes = group.nodes.map { program.nodes[$0] }
        self.program = program
        types = nodes.reduce(group.types) { $0.intersection($1.types) }
        if let lower, let upper,
            lower.value > upper.value
                || (lower.value == upper.value && (lower.isExclusive || upper.isExclusive))
        {
            types.subtract(.number)
        }
        if minimumLength > maximumLength { types.subtract(.string) }
        if minimumItems > maximumItems { types.subtract(.array) }
        let isEmptyObject = required.contains { key in
            self.property(key).contains { program.nodes[$0].verdict == false }
        }
        if minimumProperties > maximumProperties || isEmptyObject { types.subtract(.object) }
        isNever = types.isEmpty || nodes.contains { $0.verdict == false || refusesAll($0) }
    }

    /// Whether a value obeys every node. Not to be asked where references are dynamic.
    func allows(_ value: JSONValue) -> Bool {
        types.isSuperset(of: TypeSet(of: value))
            && indices.allSatisfy { SchemaEvaluation(program, limit: 0).isValid(value, node: $0) }
    }

    private func refusesAll(_ node: SchemaNode) -> Bool {
        node.applicators.contains { applicator in
            guard case .not(let schema) = applicator else { return false }
            return program.nodes[schema].verdict == true
        }
    }

    // MARK: Numbers and strings

    var numbers: [NumberRules] { nodes.compactMap(\.number) }
    var strings: [StringRules] { nodes.compactMap(\.string) }
    var arrays: [ArrayRules] { nodes.compactMap(\.array) }
    var objects: [ObjectRules] { nodes.compactMap(\.object) }

    var lower: Bound? {
        let bounds = numbers.flatMap { rules in
            [rules.minimum.map { Bound(value: $0, isExclusive: false) }]
                + [rules.exclusiveMinimum.map { Bound(value: $0, isExclusive: true) }]
        }
        return bounds.compactMap { $0 }.max { ($0.value, $0.isExclusive ? 1 : 0) < ($1.value, $1.isExclusive ? 1 : 0) }
    }

    var upper: Bound? {
        let bounds = numbers.flatMap { rules in
            [rules.maximum.map { Bound(value: $0, isExclusive: false) }]
                + [rules.exclusiveMaximum.map { Bound(value: $0, isExclusive: true) }]
        }
        return bounds.compactMap { $0 }.min { ($0.value, $0.isExclusive ? 0 : 1) < ($1.value, $1.isExclusive ? 0 : 1) }
    }

    var minimumLength: Int { strings.map(\.minimum).max() ?? 0 }
    var maximumLength: Int { strings.map(\.maximum).min() ?? .max }

    // MARK: Arrays

    var minimumItems: Int { arrays.map(\.minimum).max() ?? 0 }

    var maximumItems: Int {
        let closed = arrays.compactMap { rules in
            rules.rest.flatMap { program.nodes[$0].verdict == false ? rules.prefix.count : nil }
        }
        return (arrays.map(\.maximum) + closed).min() ?? .max
    }

    /// Nodes that the element at an index obeys, if there is one.
    func element(_ index: Int) -> [Int] {
        arrays.compactMap { index < $0.prefix.count ? $0.prefix[index] : $0.rest }
    }

    var longestPrefix: Int { arrays.map(\.prefix.count).max() ?? 0 }

    // MARK: Objects

    var required: Set<JSONKey> { Set(objects.flatMap { $0.required.map(JSONKey.init) }) }
    var keys: Set<JSONKey> { Set(objects.flatMap(\.properties.keys)) }
    var minimumProperties: Int { max(objects.map(\.minimum).max() ?? 0, required.count) }

    var maximumProperties: Int {
        let closed = objects.compactMap { rules -> Int? in
            guard rules.patterns.isEmpty, let additional = rules.additional else { return nil }
            return program.nodes[additional].verdict == false ? rules.properties.count : nil
        }
        return (objects.map(\.maximum) + closed).min() ?? .max
    }

    /// Nodes that the value at a key obeys, if there is one.
    func property(_ key: JSONKey) -> [Int] {
        let matcher = PatternMatcher()
        return objects.flatMap { rules -> [Int] in
            var found = rules.properties[key].map { [$0] } ?? []
            var isClear = true
            for patterned in rules.patterns {
                switch matcher.search(patterned.pattern, in: key.text).verdict {
                case .matches: found.append(patterned.schema)
                case .differs: break
                case .undecided: isClear = false
                }
            }
            if found.isEmpty, isClear, let additional = rules.additional { found.append(additional) }
            return found
        }
    }

    /// Whether no object of the group has that key.
    func forbids(_ key: JSONKey) -> Bool {
        !types.contains(.object) || property(key).contains { program.nodes[$0].verdict == false }
    }

    /// All values there can be, where they are few: of `enum`, `const`, null and the booleans.
    var finite: [JSONValue]? {
        var candidates: [JSONValue]?
        for node in nodes {
            for values in [node.allowed?.values, node.constant.map { [$0] }].compactMap({ $0 }) {
                if values.count < candidates?.count ?? .max { candidates = values }
            }
        }
        if candidates == nil, types.isSubset(of: [.null, .boolean]) {
            candidates = [.null, .bool(false), .bool(true)]
        }
        return candidates?.filter { types.isSuperset(of: TypeSet(of: $0)) && (program.isDynamic || allows($0)) }
    }
}
