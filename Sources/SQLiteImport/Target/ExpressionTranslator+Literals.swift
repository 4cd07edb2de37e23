import SQLSyntax

extension ExpressionTranslator {
    /// A literal takes the type of what it is compared with, as SQLite's affinities would have it.
    func comparable(
        _ piece: TargetPiece, withLiteral literal: TargetPiece, _ isEquality: Bool, isLeft: Bool
    ) throws(NotTranslated) -> (String, String) {
        switch (piece.kind, literal.literal) {
        case (.boolean, .integer(let value)?) where (value == 0 || value == 1) && piece.affinity != .text:
            return (piece.operand, value == 1 ? "true" : "false")
        case (.integer, .integer?), (.double, .integer?), (.numeric, .integer?), (.single, .integer?),
            (.integer, .real?), (.double, .real?), (.numeric, .real?):
            try demandNumbers(piece)
            return (piece.operand, literal.operand)
        case (.integer, .text(let text)?), (.double, .text(let text)?), (.numeric, .text(let text)?):
            guard piece.column != nil, piece.affinity != .text, piece.affinity != .blob, let number = Self.number(text)
            else { throw mixed(piece, literal) }
            return (piece.operand, number)
        case (.text, .text(let text)?) where !piece.isNumeric || isEquality && Self.isOneForm(text):
            var sides = (piece, literal)
            if !isLeft { swap(&sides.0, &sides.1) }
            let (one, other) = try texts(sides.0, sides.1, isEquality)
            return isLeft ? (one, other) : (other, one)
        case (.text, .integer(let value)?) where piece.affinity == .text || piece.isNumeric && isEquality:
            let (one, other) = try texts(
                piece, TargetPiece(sql: SQL.literal("\(value)"), kind: .text, literal: .text("\(value)")), isEquality)
            return (one, other)
        case (.bytes, .blob?): return (piece.operand, literal.operand)
        case (.date, .text(let text)?) where piece.column?.mapping.unit == nil && TimeLiteral.isDate(text):
            return (piece.operand, "\(SQL.literal(text))::date")
        case (.date, .text?), (.other, .text?):
            throw NotTranslated("it compares the text of \(piece.shown), which becomes \(piece.kind.words)")
        default: throw mixed(piece, literal)
        }
    }

    /// A number as SQLite finds it in a text, in digits that PostgreSQL reads the same; nil where it is none, or not so plain.
    static func number(_ text: String) -> String? {
        guard !text.isEmpty, text.utf8.count <= 15,
            text.utf8.allSatisfy({ 0x30...0x39 ~= $0 || $0 == 0x2E || $0 == 0x2D }),
            Double(text) != nil, text.utf8.last != 0x2E
        else { return nil }
        return text
    }

    /// Whether a column with a numeric affinity keeps this text as the same text that the import writes: no number at all,
    /// or an integer as SQLite writes it.
    private static func isOneForm(_ text: String) -> Bool {
        if let value = Int64(text) { return "\(value)" == text }
        // Spaces may stand around a number; what begins otherwise is none.
        guard let first = text.utf8.first(where: { $0 != 0x20 && !(0x09...0x0D ~= $0) }) else { return true }
        return !(0x30...0x39 ~= first || first == 0x2B || first == 0x2D || first == 0x2E)
    }
}

/// Times as ISO 8601 writes them.
enum TimeLiteral {
    /// `YYYY-MM-DD` and a day that there is.
    static func isDate(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], parts.allSatisfy({ $0.utf8.allSatisfy { 0x30...0x39 ~= $0 } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]), year > 0, 1...12 ~= month
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
        return 1...days ~= day
    }

    /// `HH:MM`, `HH:MM:SS` or with a fraction of up to six digits.
    static func isClock(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard 2...3 ~= parts.count, let hour = Self.two(parts[0]), hour < 24, let minute = Self.two(parts[1]),
            minute < 60
        else { return false }
        guard parts.count == 3 else { return true }
        let second = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard let whole = Self.two(second[0]), whole < 60, second.count <= 2 else { return false }
        return second.count == 1 || 1...6 ~= second[1].utf8.count && second[1].utf8.allSatisfy { 0x30...0x39 ~= $0 }
    }

    private static func two(_ text: some StringProtocol) -> Int? {
        text.utf8.count == 2 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 } ? Int(text) : nil
    }

    /// Date and time with a space or T between, and Z behind it or nothing: the date and the time.
    static func instant(_ text: String) -> (date: String, clock: String)? {
        let plain = text.hasSuffix("Z") ? text.dropLast() : text[...]
        guard let cut = plain.firstIndex(where: { $0 == " " || $0 == "T" }) else {
            return isDate(plain) && plain.count == text.count ? (text, "00:00:00") : nil
        }
        let (date, clock) = (plain[..<cut], plain[plain.index(after: cut)...])
        return isDate(date) && isClock(clock) ? (String(date), String(clock)) : nil
    }
}
