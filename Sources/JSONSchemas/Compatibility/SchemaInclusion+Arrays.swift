extension SchemaInclusion {
    func checkArray(
        _ group: SchemaGroup, _ facts: SchemaFacts, _ node: SchemaNode, _ rules: ArrayRules
    ) -> [Problem] {
        var problems: [Problem] = []
        if facts.minimumItems < rules.minimum {
            problems.append(problem(node, "minItems", "\(sourceName) allows fewer than \(rules.minimum) elements"))
        }
        if facts.maximumItems > rules.maximum {
            problems.append(problem(node, "maxItems", "\(sourceName) allows more than \(rules.maximum) elements"))
        }
        if rules.isUnique, facts.maximumItems > 1, !facts.arrays.contains(where: \.isUnique) {
            problems.append(problem(node, "uniqueItems", "\(sourceName) allows equal elements"))
        }
        problems += checkElements(facts, rules)
        if let contains = rules.contains { problems += checkContains(facts, node, contains) }
        return problems
    }

    private func checkElements(_ facts: SchemaFacts, _ rules: ArrayRules) -> [Problem] {
        let positions = max(rules.prefix.count, facts.longestPrefix)
        var problems: [Problem] = []
        for index in 0..<min(positions, facts.maximumItems) {
            guard let schema = index < rules.prefix.count ? rules.prefix[index] : rules.rest else { continue }
            problems += within(String(index)) { check(SchemaGroup(facts.element(index), source), schema) }
        }
        if let rest = rules.rest, facts.maximumItems > positions {
            problems += within("*") { check(SchemaGroup(facts.element(positions), source), rest) }
        }
        return problems
    }

    private func checkContains(_ facts: SchemaFacts, _ node: SchemaNode, _ contains: ArrayRules.Contains) -> [Problem] {
        var problems: [Problem] = []
        if contains.minimum > 0, !hasEnough(facts, contains) { problems.append(unshown(node, "contains")) }
        if contains.maximum < .max, facts.maximumItems > contains.maximum {
            let isLimited = facts.arrays.compactMap(\.contains).contains { own in
                own.maximum <= contains.maximum && showsReverse(contains.schema, own.schema)
            }
            if !isLimited { problems.append(unshown(node, "maxContains")) }
        }
        return problems
    }

    private func hasEnough(_ facts: SchemaFacts, _ contains: ArrayRules.Contains) -> Bool {
        let isFound = facts.arrays.compactMap(\.contains).contains { own in
            own.minimum >= contains.minimum && shows(SchemaGroup([own.schema], source), contains.schema)
        }
        guard !isFound, facts.minimumItems >= contains.minimum else { return isFound }
        // All elements obey it, and there are enough.
        let positions = facts.longestPrefix
        return (0...positions).allSatisfy { shows(SchemaGroup(facts.element($0), source), contains.schema) }
    }
}
