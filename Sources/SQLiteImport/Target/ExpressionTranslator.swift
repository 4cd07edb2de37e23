import SQLSyntax

/// One expression on its way. Throws for whatever is not known to mean the same.
struct ExpressionTranslator {
    let translation: ExpressionTranslation
    let purpose: ExpressionTranslation.Purpose
    /// False in a DEFAULT, where a name is a string.
    var hasColumns = true
    /// In a generated column no other one can be named.
    var hasGenerated = true
    var notes: [String] = []

    init(_ translation: ExpressionTranslation, _ purpose: ExpressionTranslation.Purpose) {
        (self.translation, self.purpose) = (translation, purpose)
    }

    mutating func note(_ text: String) { if !notes.contains(text) { notes.append(text) } }

    mutating func piece(_ expression: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        switch expression {
        case .null: TargetPiece(sql: "NULL", kind: .null, literal: expression)
        case .integer(let value):
            TargetPiece(sql: "\(value)", kind: .integer, isAtomic: value >= 0, literal: expression)
        case .real(let digits): try real(digits, expression)
        case .text(let text): TargetPiece(sql: try literal(text), kind: .text, literal: expression)
        case .blob(let digits):
            TargetPiece(sql: "'\\x\(digits)'::bytea", kind: .bytes, literal: expression)
        case .current(let word): throw NotTranslated("\(word) is translated as a whole DEFAULT only")
        case .name(let parts, let kind): try name(parts, kind)
        case .unary(let sign, let operand): try unary(sign, operand)
        case .binary(let symbol, let left, let right): try binary(symbol, left, right)
        case .all(let parts): try list(parts, " AND ")
        case .any(let parts): try list(parts, " OR ")
        case .between(let value, let low, let high): try between(value, low, high)
        case .among(let value, let values): try among(value, values)
        case .matches(let word, let value, let pattern, let escape): try matches(word, value, pattern, escape)
        case .isNull(let operand): .condition("\(try piece(operand).operand) IS NULL")
        case .call(let name, let arguments): try call(name, arguments)
        case .cast(let operand, let type): try cast(operand, to: type)
        case .choice(let base, let branches, let otherwise): try choice(base, branches, otherwise)
        case .collate(let operand, let name): try collated(operand, name)
        case .unknown(let what): throw NotTranslated("it has \(what)")
        }
    }

    /// As PostgreSQL's condition. Where NULL counts as true and nothing negates it (`isPositive`), what the types see to
    /// is left away.
    mutating func condition(
        _ expression: SQLiteExpression, isPositive: Bool = false
    ) throws(NotTranslated) -> TargetPiece {
        if isPositive {
            switch expression {
            case .all(let parts): return try positive(parts, " AND ") { parts in parts.filter { !$0.isImplied } }
            case .any(let parts):
                return try positive(parts, " OR ") { parts in parts.contains { $0.isImplied } ? [] : parts }
            default: if isImplied(expression) { return .implied }
            }
        }
        let piece = try piece(expression)
        switch (piece.kind, piece.literal) {
        case (.boolean, _): return piece
        case (.null, _): return TargetPiece(sql: "NULL::boolean", kind: .boolean)
        case (.integer, .integer(let value)?): return TargetPiece(sql: value == 0 ? "false" : "true", kind: .boolean)
        case (.integer, _), (.double, _), (.numeric, _):
            try demandNumbers(piece)
            return .condition("\(piece.operand) <> 0")
        default: throw NotTranslated("\(piece.kind.words) is taken for true or false")
        }
    }

    private mutating func positive(
        _ parts: [SQLiteExpression], _ joint: String, _ simplify: ([TargetPiece]) -> [TargetPiece]
    ) throws(NotTranslated) -> TargetPiece {
        var pieces: [TargetPiece] = []
        for part in parts { pieces.append(try condition(part, isPositive: true)) }
        pieces = simplify(pieces)
        guard pieces.count > 1 else { return pieces.first ?? .implied }
        return .condition(pieces.map(\.operand).joined(separator: joint))
    }

    private mutating func list(_ parts: [SQLiteExpression], _ joint: String) throws(NotTranslated) -> TargetPiece {
        var pieces: [String] = []
        for part in parts { pieces.append(try condition(part).operand) }
        return .condition(pieces.joined(separator: joint))
    }

    /// Tests of what the column's type allows nothing else than.
    private func isImplied(_ expression: SQLiteExpression) -> Bool {
        switch expression {
        case .among(.name(let parts, _), let values):
            guard let column = column(parts), column.mapping.type == .boolean else { return false }
            return values.contains(.integer(0)) && values.contains(.integer(1))
        case .call("json_valid", let arguments):
            guard arguments.count == 1, case .name(let parts, _) = arguments[0] else { return false }
            return column(parts).map { $0.mapping.type == .json || $0.mapping.type == .jsonb } ?? false
        default: return false
        }
    }

    func literal(_ text: String) throws(NotTranslated) -> String {
        guard !text.unicodeScalars.contains("\u{FFFD}") else {
            throw NotTranslated("it has a text that may not be valid UTF-8")
        }
        return SQL.literal(text)
    }

    private func real(_ digits: String, _ expression: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        guard let value = Double(digits.hasPrefix(".") ? "0" + digits : digits), value.isFinite else {
            throw NotTranslated("\(digits) is no finite number")
        }
        return TargetPiece(sql: digits, kind: .double, literal: expression)
    }
}
