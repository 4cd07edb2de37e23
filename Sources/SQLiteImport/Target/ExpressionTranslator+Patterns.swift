import SQLSyntax

extension ExpressionTranslator {
    mutating func matches(
        _ word: String, _ value: SQLiteExpression, _ pattern: SQLiteExpression, _ escape: SQLiteExpression?
    ) throws(NotTranslated) -> TargetPiece {
        guard word == "LIKE" || word == "GLOB" else {
            throw NotTranslated("\(word) calls a function of the application")
        }
        let subject = try text(try piece(value), word)
        guard case .text(let text) = pattern else { throw NotTranslated("the pattern of \(word) is no literal") }
        // Checked for what is no UTF-8.
        _ = try literal(text)
        if word == "LIKE" { return try like(subject, text, escape) }
        guard escape == nil else { throw NotTranslated("GLOB with ESCAPE") }
        return try glob(subject, text)
    }

    /// SQLite ignores the case of ASCII's letters, and so does ILIKE with collation "C"; without ESCAPE nothing escapes.
    private func like(
        _ subject: String, _ pattern: String, _ escape: SQLiteExpression?
    ) throws(NotTranslated) -> TargetPiece {
        var mark = ""
        if let escape {
            guard case .text(let text) = escape, text.unicodeScalars.count == 1, let first = text.utf8.first,
                first < 0x80,
                !(0x61...0x7A ~= first | 0x20), text != "%", text != "_"
            else { throw NotTranslated("ESCAPE with something else than one sign") }
            guard !endsWithin(pattern, first) else { throw NotTranslated("the pattern ends with its escape character") }
            mark = text
        }
        return .condition("\(subject) COLLATE \"C\" ILIKE \(SQL.literal(pattern)) ESCAPE \(SQL.literal(mark))")
    }

    private func endsWithin(_ pattern: String, _ mark: UInt8) -> Bool {
        pattern.utf8.reduce(false) { isEscaped, byte in !isEscaped && byte == mark }
    }

    private func glob(_ subject: String, _ pattern: String) throws(NotTranslated) -> TargetPiece {
        if !pattern.unicodeScalars.contains("[") {
            var text = ""
            for scalar in pattern.unicodeScalars {
                switch scalar {
                case "*": text += "%"
                case "?": text += "_"
                case "%", "_", "\\": text += "\\" + String(scalar)
                default: text.unicodeScalars.append(scalar)
                }
            }
            return .condition("\(subject) LIKE \(SQL.literal(text))")
        }
        guard let text = GlobPattern.regularExpression(pattern) else {
            throw NotTranslated("the pattern \(pattern) has brackets that PostgreSQL reads otherwise")
        }
        return .condition("\(subject) COLLATE \"C\" ~ \(SQL.literal(text))")
    }
}

/// GLOB with sets of characters as a regular expression.
enum GlobPattern {
    /// Nil for what never matches in SQLite or is refused by PostgreSQL: a set that is not closed, a range backwards.
    static func regularExpression(_ pattern: String) -> String? {
        var text = "^"
        var rest = Array(pattern.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": text += ".*"
            case "?": text += "."
            case "[":
                guard let set = set(&rest) else { return nil }
                text += set
            default: text += escaped(scalar)
            }
        }
        return text + "$"
    }

    /// `]` is a member where it comes first.
    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> String? {
        var text = "["
        if rest.first == "^" {
            rest.removeFirst()
            text += "^"
        }
        var members: [Unicode.Scalar] = []
        while let scalar = rest.popFirst() {
            if scalar == "]", !members.isEmpty { return text + "]" }
            if scalar == "-", let low = members.last, let high = rest.first, high != "]" {
                guard low <= high else { return nil }
                rest.removeFirst()
                text += "-" + member(high)
                // The end of a range is not the start of another.
                guard rest.first != "-" else { return nil }
                members.append(high)
            } else {
                text += member(scalar)
                members.append(scalar)
            }
        }
        return nil
    }

    private static func member(_ scalar: Unicode.Scalar) -> String {
        ["\\", "[", "]", "^", "-"].contains(scalar) ? "\\" + String(scalar) : String(scalar)
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        "\\^$.|?*+()[]{}".unicodeScalars.contains(scalar) ? "\\" + String(scalar) : String(scalar)
    }
}
