extension SchemaEvaluation {
    func checkArray(
        _ node: SchemaNode, _ rules: ArrayRules, _ values: [JSONValue], _ marks: inout EvaluatedMarks?
    ) -> Bool {
        var isValid = true
        if values.count < rules.minimum {
            isValid = report(node, "minItems", "has \(elements(values.count)), fewer than \(rules.minimum)")
        }
        if values.count > rules.maximum {
            isValid = report(node, "maxItems", "has \(elements(values.count)), more than \(rules.maximum)")
        }
        if rules.isUnique, isValid || isCollecting, !checkUnique(node, values) { isValid = false }
        if isValid || isCollecting, !checkElements(rules, values, &marks) { isValid = false }
        if isValid || isCollecting, let contains = rules.contains, !checkContains(node, contains, values, &marks) {
            isValid = false
        }
        return isValid
    }

    private func elements(_ count: Int) -> String { count == 1 ? "1 element" : "\(count) elements" }

    private func checkUnique(_ node: SchemaNode, _ values: [JSONValue]) -> Bool {
        guard spend(values.count, node) else { return false }
        var seen: [JSONValue: Int] = [:]
        for (index, value) in values.enumerated() {
            guard let first = seen.updateValue(index, forKey: value) else { continue }
            return report(node, "uniqueItems", "the elements \(first) and \(index) are equal: \(shown(value))")
        }
        return true
    }

    private func checkElements(_ rules: ArrayRules, _ values: [JSONValue], _ marks: inout EvaluatedMarks?) -> Bool {
        var isValid = true
        var none: EvaluatedMarks?
        for (index, value) in values.enumerated() {
            guard let schema = index < rules.prefix.count ? rules.prefix[index] : rules.rest else { break }
            marks?.insert(index)
            if !within(.index(index), { check(schema, value, &none) }) {
                isValid = false
                if !isCollecting || isOver { return false }
            }
        }
        return isValid
    }

    private func checkContains(
        _ node: SchemaNode, _ contains: ArrayRules.Contains, _ values: [JSONValue], _ marks: inout EvaluatedMarks?
    ) -> Bool {
        var count = 0
        var none: EvaluatedMarks?
        for (index, value) in values.enumerated() {
            guard silently({ check(contains.schema, value, &none) }) else { continue }
            count += 1
            if contains.marks { marks?.insert(index) }
        }
        guard !isOver else { return false }
        if count < contains.minimum {
            let keyword = contains.minimum == 1 ? "contains" : "minContains"
            return report(node, keyword, "\(obeyed(count)), fewer than \(contains.minimum)")
        }
        if count > contains.maximum {
            return report(node, "maxContains", "\(obeyed(count)), more than \(contains.maximum)")
        }
        return true
    }

    private func obeyed(_ count: Int) -> String { "the schema of contains is obeyed by \(elements(count))" }
}
