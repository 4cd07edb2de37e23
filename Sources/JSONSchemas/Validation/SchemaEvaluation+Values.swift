extension SchemaEvaluation {
    func checkValue(_ node: SchemaNode, _ value: JSONValue) -> Bool {
        var isValid = true
        if node.types != .all, !node.types.isSuperset(of: TypeSet(of: value)) {
            isValid = report(node, "type", "\(shown(value)) is \(SchemaEvaluation.kind(value)), not \(node.types.text)")
        }
        if let allowed = node.allowed, !allowed.set.contains(value) {
            isValid = report(node, "enum", "\(shown(value)) is none of \(SchemaEvaluation.list(allowed.values))")
        }
        if let constant = node.constant, constant != value {
            isValid = report(node, "const", "\(shown(value)) is not \(shown(constant))")
        }
        return isValid
    }

    func checkNumber(_ node: SchemaNode, _ rules: NumberRules, _ number: JSONNumber) -> Bool {
        var isValid = true
        if let minimum = rules.minimum, number < minimum {
            isValid = report(node, "minimum", "\(shown(number)) is less than \(shown(minimum))")
        }
        if let minimum = rules.exclusiveMinimum, number <= minimum {
            isValid = report(node, "exclusiveMinimum", "\(shown(number)) is not more than \(shown(minimum))")
        }
        if let maximum = rules.maximum, number > maximum {
            isValid = report(node, "maximum", "\(shown(number)) is more than \(shown(maximum))")
        }
        if let maximum = rules.exclusiveMaximum, number >= maximum {
            isValid = report(node, "exclusiveMaximum", "\(shown(number)) is not less than \(shown(maximum))")
        }
        if let divisor = rules.divisor, !number.isMultiple(of: divisor) {
            isValid = report(node, "multipleOf", "\(shown(number)) is not a multiple of \(shown(divisor))")
        }
        return isValid
    }

    func checkString(_ node: SchemaNode, _ rules: StringRules, _ text: String) -> Bool {
        var isValid = true
        if rules.minimum > 0 || rules.maximum < .max {
            let count = text.unicodeScalars.count
            if count < rules.minimum {
                isValid = report(
                    node, "minLength", "\(shown(text)) has \(characters(count)), fewer than \(rules.minimum)")
            }
            if count > rules.maximum {
                isValid = report(
                    node, "maxLength", "\(shown(text)) has \(characters(count)), more than \(rules.maximum)")
            }
        }
        if let pattern = rules.pattern, !matches(pattern, text, node, "pattern") {
            isValid = report(node, "pattern", "\(shown(text)) does not match \(shown(pattern.source))")
        }
        if let format = rules.format, spend(1 + text.utf8.count / 64, node), !format.isValid(text) {
            isValid = report(node, "format", "\(shown(text)) is no \(format.rawValue)")
        }
        return isValid
    }

    private func characters(_ count: Int) -> String { count == 1 ? "1 character" : "\(count) characters" }
    func shown(_ value: JSONValue) -> String { JSONWriter.shortened(value) }
    func shown(_ text: String) -> String { JSONWriter.shortened(.string(text)) }
    private func shown(_ number: JSONNumber) -> String { JSONWriter.shortened(.number(number)) }

    private static func kind(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .number(let number): number.isInteger ? "an integer" : "a number with a fraction"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    private static func list(_ values: [JSONValue]) -> String {
        guard !values.isEmpty else { return "no values" }
        let shown = values.prefix(6).map { JSONWriter.shortened($0, length: 30) }.joined(separator: ", ")
        return values.count > 6 ? "\(shown) and \(values.count - 6) more" : shown
    }
}
