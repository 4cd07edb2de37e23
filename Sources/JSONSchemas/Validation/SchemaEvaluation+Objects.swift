extension SchemaEvaluation {
    func checkObject(
        _ node: SchemaNode, _ rules: ObjectRules, _ object: JSONObject, _ marks: inout EvaluatedMarks?
    ) -> Bool {
        var isValid = true
        if object.count < rules.minimum {
            isValid = report(
                node, "minProperties", "has \(properties(object.count)), fewer than \(rules.minimum)")
        }
        if object.count > rules.maximum {
            isValid = report(node, "maxProperties", "has \(properties(object.count)), more than \(rules.maximum)")
        }
        for key in rules.required where !object.contains(key) {
            isValid = report(node, "required", "the property \(shown(key)) is missing")
            if !isCollecting { return false }
        }
        for dependency in rules.dependencies where object.contains(dependency.key) {
            for key in dependency.required where !object.contains(key) {
                let why = "the property \(shown(key)) is missing, which \(shown(dependency.key)) needs"
                isValid = report(node, dependency.keyword, why)
                if !isCollecting { return false }
            }
        }
        guard isValid || isCollecting, rules.looksAtMembers else { return isValid }
        for (index, member) in object.members.enumerated() where !checkMember(node, rules, index, member, &marks) {
            isValid = false
            if !isCollecting || isOver { return false }
        }
        return isValid
    }

    private func properties(_ count: Int) -> String { count == 1 ? "1 property" : "\(count) properties" }

    private func checkMember(
        _ node: SchemaNode, _ rules: ObjectRules, _ index: Int, _ member: JSONObject.Member,
        _ marks: inout EvaluatedMarks?
    ) -> Bool {
        var isValid = true
        var isKnown = false
        var none: EvaluatedMarks?
        func apply(_ schema: Int) -> Bool {
            within(.key(member.key)) { check(schema, member.value, &none) }
        }
        if let names = rules.names { isValid = checkName(node, names, member.key) }
        if !rules.properties.isEmpty, let schema = rules.properties[JSONKey(member.key)] {
            isKnown = true
            if isValid || isCollecting, !apply(schema) { isValid = false }
        }
        for patterned in rules.patterns where isValid || isCollecting {
            guard matches(patterned.pattern, member.key, node, "patternProperties") else { continue }
            isKnown = true
            if !apply(patterned.schema) { isValid = false }
        }
        guard !isOver else { return false }
        if !isKnown, let additional = rules.additional {
            isKnown = true
            if isValid || isCollecting, !apply(additional) { isValid = false }
        }
        if isKnown { marks?.insert(index) }
        return isValid
    }

    private func checkName(_ node: SchemaNode, _ schema: Int, _ key: String) -> Bool {
        var none: EvaluatedMarks?
        if silently({ check(schema, .string(key), &none) }) { return true }
        guard isCollecting, !isOver, let mistake = firstMistake(schema, .string(key)) else { return false }
        return report(
            node, "propertyNames", "the name of the property \(shown(key)) is not allowed: \(mistake.message)")
    }
}
