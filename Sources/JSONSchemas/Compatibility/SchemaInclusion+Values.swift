extension SchemaInclusion {
    func checkNumber(_ facts: SchemaFacts, _ node: SchemaNode, _ rules: NumberRules) -> [Problem] {
        var problems: [Problem] = []
        func isAbove(_ bound: JSONNumber, exclusive: Bool) -> Bool {
            guard let lower = facts.lower else { return false }
            return lower.value > bound || (lower.value == bound && (lower.isExclusive || !exclusive))
        }
        func isBelow(_ bound: JSONNumber, exclusive: Bool) -> Bool {
            guard let upper = facts.upper else { return false }
            return upper.value < bound || (upper.value == bound && (upper.isExclusive || !exclusive))
        }
        if let bound = rules.minimum, !isAbove(bound, exclusive: false) {
            problems.append(problem(node, "minimum", "\(sourceName) allows numbers below \(bound.text)"))
        }
        if let bound = rules.exclusiveMinimum, !isAbove(bound, exclusive: true) {
            problems.append(
                problem(node, "exclusiveMinimum", "\(sourceName) allows numbers that are not above \(bound.text)"))
        }
        if let bound = rules.maximum, !isBelow(bound, exclusive: false) {
            problems.append(problem(node, "maximum", "\(sourceName) allows numbers above \(bound.text)"))
        }
        if let bound = rules.exclusiveMaximum, !isBelow(bound, exclusive: true) {
            problems.append(
                problem(node, "exclusiveMaximum", "\(sourceName) allows numbers that are not below \(bound.text)"))
        }
        if let divisor = rules.divisor, !isMultiple(facts, divisor) {
            problems.append(
                problem(node, "multipleOf", "\(sourceName) allows numbers that are no multiples of \(divisor.text)"))
        }
        return problems
    }

    private func isMultiple(_ facts: SchemaFacts, _ divisor: JSONNumber) -> Bool {
        let isWhole = !facts.types.contains(.fraction)
        return (isWhole && JSONNumber(1).isMultiple(of: divisor))
            || facts.numbers.contains { $0.divisor?.isMultiple(of: divisor) == true }
    }

    func checkString(_ facts: SchemaFacts, _ node: SchemaNode, _ rules: StringRules) -> [Problem] {
        var problems: [Problem] = []
        if facts.minimumLength < rules.minimum {
            problems.append(problem(node, "minLength", "\(sourceName) allows fewer than \(rules.minimum) characters"))
        }
        if facts.maximumLength > rules.maximum {
            problems.append(problem(node, "maxLength", "\(sourceName) allows more than \(rules.maximum) characters"))
        }
        if let pattern = rules.pattern, !facts.strings.contains(where: { $0.pattern?.source == pattern.source }) {
            problems.append(problem(node, "pattern", "\(sourceName) does not have the same pattern"))
        }
        if let format = rules.format, !facts.strings.contains(where: { $0.format == format }) {
            problems.append(problem(node, "format", "\(sourceName) does not demand the format \(format.rawValue)"))
        }
        return problems
    }
}
