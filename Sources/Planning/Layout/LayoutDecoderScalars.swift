/// A scalar with its variables replaced.
struct LayoutValue {
    var text: String
    /// Written without quotes and not from the environment.
    var plain: Bool
    /// Names of the variables it was made from; a value with any is never shown.
    var variables: [String] = []
}

extension LayoutReader {
    /// A text as it may appear in a message: quoted, without control characters, short, and never a connection string.
    static func shown(_ text: String) -> String {
        if looksSecret(text) { return "a connection string" }
        let printable = String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }))
        return printable.count > 70 ? "\"\(printable.prefix(67))...\"" : "\"\(printable)\""
    }

    static func looksSecret(_ text: String) -> Bool {
        // Hardly any name has either, and a layout may have 50,000 of them.
        guard text.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }) else { return false }
        let lowered = text.lowercased()
        return lowered.contains("://") || lowered.contains("password=") || lowered.contains("password =")
    }

    func shown(_ value: LayoutValue) -> String {
        value.variables.isEmpty
            ? LayoutReader.shown(value.text) : "what ${\(value.variables.joined(separator: "}, ${"))} stands for"
    }

    /// Any scalar, numbers included, with variables replaced; complains otherwise.
    mutating func text(_ node: LayoutNode, _ context: String, _ expected: String) -> LayoutValue? {
        guard case .text(let raw, let plain) = node.content else {
            wrongType(node, context, expected, "write \(expected)")
            return nil
        }
        return replaceVariables(in: raw, plain: plain, place: node.place)
    }

    mutating func integer(_ node: LayoutNode, _ key: String, in bounds: ClosedRange<Int>) -> Int? {
        let expected = "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
        guard let value = text(node, "`\(key)`", expected) else { return nil }
        let digits = value.text.filter { $0 != "_" }
        guard let number = Int(digits), digits.first != "+", value.plain || !value.variables.isEmpty else {
            let found = value.variables.isEmpty ? node.kind : shown(value)
            error(
                "wrong-type", "`\(key)`: expected \(expected), found \(found)", node.place,
                "write \(key): \(bounds.lowerBound)")
            return nil
        }
        guard bounds.contains(number) else {
            let what = value.variables.isEmpty ? "\(number)" : shown(value)
            let message = "`\(key)` is \(what), outside of \(bounds.lowerBound) to \(bounds.upperBound)"
            error(
                "out-of-bounds", message, node.place,
                "choose a number from \(bounds.lowerBound) to \(bounds.upperBound)")
            return nil
        }
        return number
    }

    mutating func flag(_ node: LayoutNode, _ key: String) -> Bool? {
        guard let value = text(node, "`\(key)`", "true or false") else { return nil }
        if value.plain || !value.variables.isEmpty, value.text == "true" || value.text == "false" {
            return value.text == "true"
        }
        let found = value.variables.isEmpty ? node.kind : shown(value)
        let message = "`\(key)`: expected true or false, found \(found)"
        error("wrong-type", message, node.place, "write \(key): true, or \(key): false, without quotes")
        return nil
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ node: LayoutNode, of type: Choice.Type, _ key: String
    ) -> Choice? where Choice.RawValue == String {
        choice(node, among: Choice.allCases.map(\.rawValue), key).flatMap { Choice(rawValue: $0) }
    }

    mutating func choice(_ node: LayoutNode, among choices: [String], _ key: String) -> String? {
        let expected = choices.dropLast().joined(separator: ", ") + " or " + (choices.last ?? "")
        guard let value = text(node, "`\(key)`", expected) else { return nil }
        if choices.contains(value.text) { return value.text }
        let nearest = value.variables.isEmpty ? nearestName(to: value.text, among: choices) : nil
        let step = nearest.map { "did you mean `\($0)`?" } ?? "write \(key): \(choices.first ?? "")"
        error("unknown-choice", "`\(key)` is \(shown(value)), expected \(expected)", node.place, step)
        return nil
    }

    /// A text that may not be empty, such as a predicate or a path.
    mutating func nonEmptyText(_ node: LayoutNode, _ key: String, _ expected: String) -> String? {
        guard let value = text(node, "`\(key)`", expected) else { return nil }
        guard !value.text.allSatisfy(\.isWhitespace) else {
            error("empty-value", "`\(key)` is empty", node.place, "write \(expected), or leave the key out")
            return nil
        }
        return value.text
    }
}
