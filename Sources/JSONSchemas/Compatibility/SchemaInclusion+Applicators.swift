extension SchemaInclusion {
    func check(
        _ group: SchemaGroup, _ facts: SchemaFacts, _ node: SchemaNode, _ applicator: Applicator
    ) -> [Problem] {
        switch applicator {
        case .reference(let schema): return check(group, schema)
        case .dynamicReference: return [unshown(node, "$dynamicRef")]
        case .allOf(let schemas): return schemas.flatMap { check(group, $0) }
        case .anyOf(let schemas):
            return schemas.contains { shows(group, $0) } ? [] : [unshown(node, "anyOf")]
        case .oneOf(let schemas): return showsOne(group, facts, schemas) ? [] : [unshown(node, "oneOf")]
        case .not(let schema): return showsNot(group, facts, schema) ? [] : [unshown(node, "not")]
        case .condition(let condition, let then, let otherwise):
            let isShown = showsCondition(group, facts, condition, then, otherwise)
            return isShown ? [] : [unshown(node, "if")]
        case .dependent(let schemas):
            return schemas.flatMap { checkDependent(group, facts, key: JSONKey($0.key), schema: $0.schema) }
        }
    }

    private func applicators(of facts: SchemaFacts) -> [Applicator] { facts.nodes.flatMap(\.applicators) }

    private func showsOne(_ group: SchemaGroup, _ facts: SchemaFacts, _ schemas: [Int]) -> Bool {
        for (index, schema) in schemas.enumerated() where shows(group, schema) {
            let others = schemas.indices.filter { $0 != index }
            if others.allSatisfy({ areDisjoint(facts, SchemaFacts(SchemaGroup([schemas[$0]], target), target)) }) {
                return true
            }
        }
        return applicators(of: facts).contains { applicator in
            guard case .oneOf(let own) = applicator, own.count == schemas.count else { return false }
            return zip(own, schemas).allSatisfy { shows($0, equals: $1) }
        }
    }

    private func showsNot(_ group: SchemaGroup, _ facts: SchemaFacts, _ schema: Int) -> Bool {
        if areDisjoint(facts, SchemaFacts(SchemaGroup([schema], target), target)) { return true }
        return applicators(of: facts).contains { applicator in
            guard case .not(let own) = applicator else { return false }
            return showsReverse(schema, own)
        }
    }

    private func showsCondition(
        _ group: SchemaGroup, _ facts: SchemaFacts, _ condition: Int, _ then: Int?, _ otherwise: Int?
    ) -> Bool {
        func holds(_ group: SchemaGroup, _ schema: Int?) -> Bool { schema.map { shows(group, $0) } ?? true }
        let isThen = holds(group, then)
        let isOtherwise = holds(group, otherwise)
        if isThen, isOtherwise || shows(group, condition) { return true }
        if isOtherwise, areDisjoint(facts, SchemaFacts(SchemaGroup([condition], target), target)) { return true }
        return applicators(of: facts).contains { applicator in
            guard case .condition(let own, let ownThen, let ownOtherwise) = applicator, shows(own, equals: condition)
            else { return false }
            let ifTrue = group.adding([own] + [ownThen].compactMap { $0 }, source)
            return holds(ifTrue, then) && holds(group.adding([ownOtherwise].compactMap { $0 }, source), otherwise)
        }
    }

    private func checkDependent(_ group: SchemaGroup, _ facts: SchemaFacts, key: JSONKey, schema: Int) -> [Problem] {
        guard !facts.forbids(key) else { return [] }
        // With the key there, what the source makes depend on it holds as well.
        let own = applicators(of: facts).flatMap { applicator -> [Int] in
            guard case .dependent(let schemas) = applicator else { return [] }
            return schemas.filter { $0.key.isIdenticalText(to: key.text) }.map(\.schema)
        }
        return check(group.adding(own, source), schema)
    }

    /// Tells the alternatives of the source apart, and shows it for each: of one `anyOf`, `oneOf` or condition, else by type.
    func showsByCases(_ group: SchemaGroup, _ facts: SchemaFacts, _ index: Int) -> Bool {
        for node in group.nodes {
            for (position, applicator) in source.nodes[node].applicators.enumerated() {
                let split = SchemaGroup.Split(node: node, applicator: position)
                guard !group.splits.contains(split), let cases = SchemaInclusion.cases(applicator) else { continue }
                return cases.allSatisfy { added in
                    var one = group.adding(added, source)
                    one.splits.insert(split)
                    return shows(one, index)
                }
            }
        }
        let types = TypeSet.each.filter { facts.types.isSuperset(of: $0) }
        guard types.count > 1, !target.nodes[index].applicators.isEmpty else { return false }
        return types.allSatisfy { type in
            var one = group
            one.types = type
            return shows(one, index)
        }
    }

    private static func cases(_ applicator: Applicator) -> [[Int]]? {
        switch applicator {
        case .anyOf(let schemas), .oneOf(let schemas): schemas.map { [$0] }
        case .condition(let condition, let then, let otherwise):
            [[condition] + [then].compactMap { $0 }, [otherwise].compactMap { $0 }]
        default: nil
        }
    }

    /// Whether no value is of both: by type, by single values, or by a property that one of them requires.
    func areDisjoint(_ left: SchemaFacts, _ right: SchemaFacts, depth: Int = 0) -> Bool {
        if left.isNever || right.isNever || left.types.isDisjoint(with: right.types) { return true }
        if !left.program.isDynamic, !right.program.isDynamic {
            if let values = left.finite { return values.allSatisfy { !right.allows($0) } }
            if let values = right.finite { return values.allSatisfy { !left.allows($0) } }
        }
        guard depth < 4, left.types.intersection(right.types) == .object else { return false }
        return left.required.union(right.required).contains { key in
            let leftProperty = SchemaFacts(SchemaGroup(left.property(key), left.program), left.program)
            let rightProperty = SchemaFacts(SchemaGroup(right.property(key), right.program), right.program)
            return areDisjoint(leftProperty, rightProperty, depth: depth + 1)
        }
    }
}
