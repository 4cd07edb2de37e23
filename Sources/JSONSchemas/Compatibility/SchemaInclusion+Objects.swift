extension SchemaInclusion {
    func checkObject(_ facts: SchemaFacts, _ node: SchemaNode, _ rules: ObjectRules) -> [Problem] {
        var problems: [Problem] = []
        if facts.minimumProperties < rules.minimum {
            problems.append(
                problem(node, "minProperties", "\(sourceName) allows fewer than \(rules.minimum) properties"))
        }
        if facts.maximumProperties > rules.maximum {
            problems.append(
                problem(node, "maxProperties", "\(sourceName) allows more than \(rules.maximum) properties"))
        }
        let required = facts.required
        for key in rules.required where !required.contains(JSONKey(key)) {
            let name = JSONWriter.shortened(.string(key))
            problems.append(
                problem(node, "required", "\(targetName) requires the property \(name), \(sourceName) does not"))
        }
        for dependency in rules.dependencies where !isImplied(dependency, facts, required) {
            problems.append(unshown(node, dependency.keyword))
        }
        if let names = rules.names, !areNamesAllowed(names, facts) { problems.append(unshown(node, "propertyNames")) }
        return problems + checkNamed(facts, node, rules) + checkOthers(facts, node, rules)
    }

    private func isImplied(_ dependency: ObjectRules.Dependency, _ facts: SchemaFacts, _ required: Set<JSONKey>) -> Bool
    {
        if facts.forbids(JSONKey(dependency.key)) { return true }
        let own = facts.objects.flatMap(\.dependencies).filter { $0.key.isIdenticalText(to: dependency.key) }
        let known = required.union(own.flatMap(\.required).map(JSONKey.init))
        return dependency.required.allSatisfy { $0.isIdenticalText(to: dependency.key) || known.contains(JSONKey($0)) }
    }

    private func areNamesAllowed(_ names: Int, _ facts: SchemaFacts) -> Bool {
        var own = SchemaGroup(facts.objects.compactMap(\.names), source)
        own.types = .string
        if shows(own, names) { return true }
        // Only these names can be there.
        let closed = facts.objects.first { rules in
            rules.patterns.isEmpty && rules.additional.map { source.nodes[$0].verdict == false } == true
        }
        guard let closed, !target.isDynamic else { return false }
        return closed.properties.keys.allSatisfy {
            SchemaEvaluation(target, limit: 0).isValid(.string($0.text), node: names)
        }
    }

    /// Properties that one of the schemas names.
    private func checkNamed(_ facts: SchemaFacts, _ node: SchemaNode, _ rules: ObjectRules) -> [Problem] {
        let keys = facts.keys.union(rules.properties.keys).sorted { $0.text < $1.text }
        let matcher = PatternMatcher()
        return keys.flatMap { key -> [Problem] in
            guard !facts.forbids(key) else { return [] }
            var schemas = rules.properties[key].map { [$0] } ?? []
            for patterned in rules.patterns {
                switch matcher.search(patterned.pattern, in: key.text).verdict {
                case .matches: schemas.append(patterned.schema)
                case .differs: break
                case .undecided: return [unshown(node, "patternProperties")]
                }
            }
            if schemas.isEmpty, let additional = rules.additional { schemas.append(additional) }
            let group = SchemaGroup(facts.property(key), source)
            return within(key.text) { schemas.flatMap { check(group, $0) } }
        }
    }

    /// Properties that neither of them names: those that match a pattern of the target, and those that match none.
    private func checkOthers(_ facts: SchemaFacts, _ node: SchemaNode, _ rules: ObjectRules) -> [Problem] {
        let patterns = Set(rules.patterns.map(\.pattern.source))
        var problems: [Problem] = []
        for patterned in rules.patterns {
            let groups = others(facts, matching: patterned.pattern.source, patterns)
            problems += within("*") { groups.flatMap { check($0, patterned.schema) } }
        }
        if let additional = rules.additional {
            let groups = others(facts, matching: nil, patterns)
            problems += within("*") { groups.flatMap { check($0, additional) } }
        }
        return problems
    }

    /// What the source may demand of a property that nobody names: one group for each way its patterns may match. The
    /// property matches the pattern `matching` of the target, or none of `patterns`.
    private func others(_ facts: SchemaFacts, matching: String?, _ patterns: Set<String>) -> [SchemaGroup] {
        var certain: [Int] = []
        var options: [Int?]?
        for rules in facts.objects {
            let same = rules.patterns.filter { $0.pattern.source == matching }
            certain += same.map(\.schema)
            let open = rules.patterns.filter { patterned in
                patterned.pattern.source != matching
                    && (matching != nil || !patterns.contains(patterned.pattern.source))
            }
            guard same.isEmpty else { continue }
            if open.isEmpty {
                if let additional = rules.additional { certain.append(additional) }
            } else if options == nil {
                // Of further ones nothing is used, which is less than what is known.
                options = open.map(\.schema) + [rules.additional]
            }
        }
        guard let options else { return [SchemaGroup(certain, source)] }
        return options.map { SchemaGroup(certain + [$0].compactMap { $0 }, source) }
    }
}
