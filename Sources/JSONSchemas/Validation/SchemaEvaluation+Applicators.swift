extension SchemaEvaluation {
    func apply(
        _ applicator: Applicator, _ node: SchemaNode, _ value: JSONValue, _ marks: inout EvaluatedMarks?
    ) -> Bool {
        switch applicator {
        case .reference(let target): return check(target, value, &marks)
        case .dynamicReference(let name, let target): return check(dynamicTarget(name, target), value, &marks)
        case .allOf(let schemas): return checkAll(schemas, value, &marks)
        case .anyOf(let schemas): return checkAny(schemas, node, value, &marks)
        case .oneOf(let schemas): return checkOne(schemas, node, value, &marks)
        case .not(let schema):
            var none: EvaluatedMarks?
            let isRefused = silently { !check(schema, value, &none) }
            guard !isOver else { return false }
            return isRefused || report(node, "not", "\(shown(value)) obeys a schema that it must not obey")
        case .condition(let condition, let then, let otherwise):
            let isTrue = attempt(condition, value, &marks)
            guard !isOver, let schema = isTrue ? then : otherwise else { return !isOver }
            return check(schema, value, &marks)
        case .dependent(let schemas):
            guard case .object(let object) = value else { return true }
            return checkAll(schemas.lazy.filter { object.contains($0.key) }.map(\.schema), value, &marks)
        }
    }

    private func checkAll(_ schemas: some Sequence<Int>, _ value: JSONValue, _ marks: inout EvaluatedMarks?) -> Bool {
        var isValid = true
        for schema in schemas where !check(schema, value, &marks) {
            isValid = false
            if !isCollecting || isOver { return false }
        }
        return isValid
    }

    /// Whether a schema holds, without collecting; what it looked at counts only if it does.
    private func attempt(_ schema: Int, _ value: JSONValue, _ marks: inout EvaluatedMarks?) -> Bool {
        var own: EvaluatedMarks? = marks == nil ? nil : EvaluatedMarks(for: value)
        let isValid = silently { check(schema, value, &own) }
        if isValid, let own { marks?.formUnion(own) }
        return isValid
    }

    private func checkAny(
        _ schemas: [Int], _ node: SchemaNode, _ value: JSONValue, _ marks: inout EvaluatedMarks?
    ) -> Bool {
        var isValid = false
        for schema in schemas where attempt(schema, value, &marks) {
            isValid = true
            // The others can only add to what was looked at.
            if marks == nil { break }
        }
        guard !isOver else { return false }
        if !isValid {
            // The value is invalid already; complaints about what no alternative looked at would only distract.
            marks?.insertAll()
            return report(node, "anyOf", noneObeyed(schemas, value))
        }
        return true
    }

    private func checkOne(
        _ schemas: [Int], _ node: SchemaNode, _ value: JSONValue, _ marks: inout EvaluatedMarks?
    ) -> Bool {
        var obeyed: [Int] = []
        for (index, schema) in schemas.enumerated() where attempt(schema, value, &marks) {
            obeyed.append(index)
            if obeyed.count == 2, !isCollecting { return false }
        }
        guard !isOver else { return false }
        if obeyed.count == 1 { return true }
        marks?.insertAll()
        guard !obeyed.isEmpty else { return report(node, "oneOf", noneObeyed(schemas, value)) }
        let places = obeyed.map(String.init).joined(separator: ", ")
        return report(node, "oneOf", "\(shown(value)) obeys more than one of the alternatives: \(places)")
    }

    /// With what is wrong first in each of the first few alternatives.
    private func noneObeyed(_ schemas: [Int], _ value: JSONValue) -> String {
        let depthOfPlace = placeDepth
        let reasons = schemas.prefix(4).enumerated().compactMap { index, schema -> String? in
            guard let mistake = firstMistake(schema, value) else { return nil }
            let place = JSONPointer(tokens: Array(mistake.instance.tokens.dropFirst(depthOfPlace)))
            return "(\(index)) \(place.tokens.isEmpty ? "" : "\(place): ")\(mistake.message)"
        }
        let more = schemas.count > 4 ? "; and \(schemas.count - 4) more" : ""
        return "\(shown(value)) obeys none of the alternatives: \(reasons.joined(separator: "; "))\(more)"
    }

    func checkUnevaluated(_ node: SchemaNode, _ value: JSONValue, _ marks: inout EvaluatedMarks?) -> Bool {
        guard !isOver, let seen = marks else { return false }
        var isValid = true
        var none: EvaluatedMarks?
        switch value {
        case .array(let values):
            guard let schema = node.unevaluatedItems else { return true }
            for (index, value) in values.enumerated() where !seen.contains(index) {
                if !within(.index(index), { check(schema, value, &none) }) { isValid = false }
                if !isValid, !isCollecting || isOver { return false }
            }
        case .object(let object):
            guard let schema = node.unevaluatedProperties else { return true }
            for (index, member) in object.members.enumerated() where !seen.contains(index) {
                if !within(.key(member.key), { check(schema, member.value, &none) }) { isValid = false }
                if !isValid, !isCollecting || isOver { return false }
            }
        default: return true
        }
        marks?.insertAll()
        return isValid
    }
}
