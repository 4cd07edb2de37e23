extension ExpressionTranslator {
    mutating func unary(_ sign: String, _ operand: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        if sign == "NOT", case .isNull(let tested) = operand {
            return .condition("\(try piece(tested).operand) IS NOT NULL")
        }
        if sign == "NOT" { return .condition("NOT \(try condition(operand).operand)") }
        if sign == "+" {
            return try unnamed(try piece(operand))
        }
        if sign == "-", let negative = Self.negative(operand) { return try piece(negative) }
        let piece = try number(try piece(operand))
        guard piece.kind == .integer || piece.kind == .double && sign == "-" else { throw reckoning(sign, piece) }
        return .composed("\(sign) \(wide(piece))", piece.kind)
    }

    /// The same value, but no longer a column's: it has the collation still, and no affinity.
    func unnamed(_ piece: TargetPiece) throws(NotTranslated) -> TargetPiece {
        guard piece.literal == nil else { return piece }
        try demandOneClass(piece)
        var piece = piece
        piece.isNarrow = piece.kind == .integer
        (piece.affinity, piece.column) = (nil, nil)
        return piece
    }

    /// Without the column's affinity, SQLite compares numbers and texts of a column as what they are.
    func demandOneClass(_ piece: TargetPiece) throws(NotTranslated) {
        try demandNumbers(piece)
        guard piece.isNumeric else { return }
        throw NotTranslated("it takes \(piece.shown) for text, of which SQLite keeps some as numbers")
    }

    private static func negative(_ operand: SQLiteExpression) -> SQLiteExpression? {
        switch operand {
        case .integer(let value) where value != .min: .integer(-value)
        case .real(let digits) where !digits.hasPrefix("-"): .real("-" + digits)
        default: nil
        }
    }

    mutating func binary(
        _ symbol: String, _ left: SQLiteExpression, _ right: SQLiteExpression
    ) throws(NotTranslated) -> TargetPiece {
        switch symbol {
        case "=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT": return try comparison(symbol, left, right)
        case "||":
            try demandNoCollate([left, right], symbol)
            let (one, other) = (try text(try piece(left), symbol), try text(try piece(right), symbol))
            return .composed("\(one) || \(other)", .text)
        case "->>": return try member(left, right, isText: true)
        case "->": return try member(left, right, isText: false)
        case "/", "%": return try quotient(symbol, left, right)
        case "<<", ">>":
            guard case .integer(let places) = right, 0..<64 ~= places else {
                throw NotTranslated("it shifts by something else than a number from 0 to 63")
            }
            return .composed("\(try integer(try piece(left), symbol)) \(symbol) \(places)", .integer)
        case "&", "|":
            let (one, other) = (try integer(try piece(left), symbol), try integer(try piece(right), symbol))
            return .composed("\(one) \(symbol) \(other)", .integer)
        default: return try arithmetic(symbol, try piece(left), try piece(right))
        }
    }

    private func arithmetic(
        _ symbol: String, _ left: TargetPiece, _ right: TargetPiece
    ) throws(NotTranslated) -> TargetPiece {
        let (one, other) = (try number(left), try number(right))
        let isDouble = one.kind == .double || other.kind == .double
        return .composed("\(wide(one)) \(symbol) \(wide(other))", isDouble ? .double : .integer)
    }

    /// Division by zero is NULL in SQLite. Of integers it is cut off in both.
    private mutating func quotient(
        _ symbol: String, _ left: SQLiteExpression, _ right: SQLiteExpression
    ) throws(NotTranslated) -> TargetPiece {
        let (one, other) = (try number(try piece(left)), try number(try piece(right)))
        let isDouble = one.kind == .double || other.kind == .double
        guard !isDouble || symbol == "/" else { throw NotTranslated("% of numbers that are no integers") }
        guard isDouble ? surelyReal(one) || surelyReal(other) : surelyWhole(one) && surelyWhole(other) else {
            throw NotTranslated(
                "whether SQLite divides integers or reals depends on each value of \(one.shown) and \(other.shown)")
        }
        if case .integer(let value)? = other.literal, value != 0 {
            return .composed("\(wide(one)) \(symbol) \(wide(other))", isDouble ? .double : .integer)
        }
        return .composed("\(wide(one)) \(symbol) NULLIF(\(wide(other)), 0)", isDouble ? .double : .integer)
    }

    private func surelyReal(_ piece: TargetPiece) -> Bool {
        piece.kind == .double && (piece.column == nil || piece.affinity == .real)
    }

    private func surelyWhole(_ piece: TargetPiece) -> Bool {
        piece.kind == .integer && (piece.column == nil || piece.affinity == .integer || piece.affinity == .numeric)
    }

    /// As a number to reckon with; true and false are 1 and 0.
    func number(_ piece: TargetPiece) throws(NotTranslated) -> TargetPiece {
        switch piece.kind {
        case .boolean: return .function("\(piece.operand)::integer", .integer)
        case .integer, .double:
            try demandNumbers(piece)
            return piece
        case .numeric:
            throw NotTranslated(
                "it reckons with \(piece.shown), which becomes numeric: exact decimals where SQLite has binary fractions"
            )
        default: throw NotTranslated("it reckons with \(piece.shown) (\(piece.kind.words))")
        }
    }

    func integer(_ piece: TargetPiece, _ symbol: String) throws(NotTranslated) -> String {
        let piece = try number(piece)
        guard piece.kind == .integer else { throw reckoning(symbol, piece) }
        return wide(piece)
    }

    func reckoning(_ symbol: String, _ piece: TargetPiece) -> NotTranslated {
        NotTranslated("\(symbol) of \(piece.shown) (\(piece.kind.words))")
    }

    /// SQLite's integers have 64 bits, its other numbers are doubles; PostgreSQL would take 32 bits, or decimals.
    func wide(_ piece: TargetPiece) -> String {
        let type = piece.kind == .double ? "double precision" : "bigint"
        if piece.column == nil, piece.literal == nil, !piece.isNarrow { return piece.operand }
        switch piece.column?.mapping.type {
        case .bigint, .doublePrecision: return piece.operand
        default: return "\(piece.operand)::\(type)"
        }
    }

    /// As text, written as SQLite writes it.
    func text(_ piece: TargetPiece, _ what: String) throws(NotTranslated) -> String {
        switch piece.kind {
        case .text: return piece.operand
        case .integer:
            if case .integer(let value)? = piece.literal { return "'\(value)'" }
            return "\(piece.operand)::text"
        case .boolean: return "\(piece.operand)::integer::text"
        case .null: return "NULL::text"
        default: throw NotTranslated("\(what) takes the text of \(piece.shown) (\(piece.kind.words))")
        }
    }
}
