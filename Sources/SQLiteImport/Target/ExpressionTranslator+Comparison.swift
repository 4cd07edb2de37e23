import SQLSyntax

extension ExpressionTranslator {
    mutating func comparison(
        _ symbol: String, _ left: SQLiteExpression, _ right: SQLiteExpression
    ) throws(NotTranslated) -> TargetPiece {
        if symbol.hasPrefix("IS"), let test = try truth(symbol, left, right) { return test }
        let (one, other) = try comparable(try piece(left), try piece(right), isEquality: !Self.orders.contains(symbol))
        let word = ["IS": "IS NOT DISTINCT FROM", "IS NOT": "IS DISTINCT FROM"][symbol] ?? symbol
        return .condition("\(one) \(word) \(other)")
    }

    static let orders: Set<String> = ["<", "<=", ">", ">="]

    /// `x IS TRUE`, which is no comparison.
    private mutating func truth(
        _ symbol: String, _ left: SQLiteExpression, _ right: SQLiteExpression
    ) throws(NotTranslated) -> TargetPiece? {
        guard case .name(let parts, .word) = Self.bare(right), parts.count == 1, column(parts) == nil,
            ["true", "false"].contains(parts[0].asciiLowercased)
        else { return nil }
        return .condition("\(try condition(left).operand) \(symbol) \(parts[0].uppercased())")
    }

    /// Without what SQLite looks through to see whether TRUE or FALSE stands there.
    private static func bare(_ expression: SQLiteExpression) -> SQLiteExpression {
        switch expression {
        case .collate(let operand, _): return bare(operand)
        case .call(let name, let arguments) where ["likely", "unlikely", "likelihood"].contains(name):
            return arguments.first.map { bare($0) } ?? expression
        default: return expression
        }
    }

    mutating func between(
        _ value: SQLiteExpression, _ low: SQLiteExpression, _ high: SQLiteExpression
    ) throws(NotTranslated) -> TargetPiece {
        let (least, greatest) = (try comparison(">=", value, low), try comparison("<=", value, high))
        return .condition("\(least.operand) AND \(greatest.operand)")
    }

    mutating func among(_ value: SQLiteExpression, _ values: [SQLiteExpression]) throws(NotTranslated) -> TargetPiece {
        // SQLite's empty list holds nothing, not even for NULL.
        guard !values.isEmpty else { return TargetPiece(sql: "false", kind: .boolean) }
        var left = try piece(value)
        // PostgreSQL would look for one type of all the values.
        if left.kind == .null {
            for value in values { _ = try piece(value) }
            return .function("NULL::boolean", .boolean)
        }
        // Only the left side's collation counts here.
        left.collation = .init(name: left.collation?.name ?? "BINARY", isExplicit: true)
        var groups: [(left: String, values: [String])] = []
        for value in values {
            var right = try piece(value)
            // And a column on the right has no affinity.
            right.affinity = nil
            guard left.literal == nil || right.kind == left.kind || right.kind == .null else {
                throw mixed(left, right)
            }
            let (one, other) = try comparable(left, right, isEquality: true)
            if let index = groups.firstIndex(where: { $0.left == one }) {
                groups[index].values.append(other)
            } else {
                groups.append((one, [other]))
            }
        }
        let tests = groups.map { "\($0.left) IN (\($0.values.joined(separator: ", ")))" }
        return .condition(tests.count == 1 ? tests[0] : tests.map { "(\($0))" }.joined(separator: " OR "))
    }

    /// Both sides in the same type and so that PostgreSQL's comparison finds what SQLite's does.
    mutating func comparable(
        _ left: TargetPiece, _ right: TargetPiece, isEquality: Bool
    ) throws(NotTranslated) -> (String, String) {
        if left.kind == .null || right.kind == .null { return (left.operand, right.operand) }
        if left.literal == nil, right.literal != nil {
            return try comparable(left, withLiteral: right, isEquality, isLeft: true)
        }
        if right.literal == nil, left.literal != nil {
            let (one, other) = try comparable(right, withLiteral: left, isEquality, isLeft: false)
            return (other, one)
        }
        switch (left.kind, right.kind) {
        case (.boolean, .boolean), (.bytes, .bytes): return (left.operand, right.operand)
        case (.boolean, .integer), (.integer, .boolean): return (try number(left).operand, try number(right).operand)
        case (.text, .text):
            guard left.isNumeric == right.isNumeric, isEquality || !left.isNumeric else { throw mixed(left, right) }
            return try texts(left, right, isEquality)
        case (.integer, .integer), (.integer, .double), (.double, .integer), (.double, .double), (.numeric, .numeric),
            (.integer, .numeric), (.numeric, .integer):
            try demandNumbers(left)
            try demandNumbers(right)
            return (left.operand, right.operand)
        default: return try times(left, right)
        }
    }

    /// Two columns of one type of time.
    private mutating func times(_ left: TargetPiece, _ right: TargetPiece) throws(NotTranslated) -> (String, String) {
        guard let one = left.column, let other = right.column, one.mapping.type == other.mapping.type,
            one.mapping.unit == other.mapping.unit, one.mapping.type.isTemporal
        else { throw mixed(left, right) }
        if one.mapping.unit == nil {
            note(
                "times are compared as times, which SQLite compared as text: the same where all are written in one form"
            )
        }
        return (left.operand, right.operand)
    }

    func mixed(_ left: TargetPiece, _ right: TargetPiece) -> NotTranslated {
        NotTranslated("it compares \(left.shown) (\(left.kind.words)) with \(right.shown) (\(right.kind.words))")
    }

    /// A number whose column keeps numbers: text that looks like one compares as text in SQLite.
    func demandNumbers(_ piece: TargetPiece) throws(NotTranslated) {
        guard piece.column != nil, piece.affinity == .text, [.integer, .double, .single, .numeric].contains(piece.kind)
        else { return }
        throw NotTranslated("it reckons with \(piece.shown), which SQLite keeps as text")
    }

    /// SQLite compares bytes; so does collation "C". What is equal does not depend on it.
    func texts(
        _ left: TargetPiece, _ right: TargetPiece, _ isEquality: Bool
    ) throws(NotTranslated) -> (String, String) {
        let collation =
            (left.collation?.isExplicit == true ? left.collation : nil)
            ?? (right.collation?.isExplicit == true ? right.collation : nil) ?? left.collation ?? right.collation
        let one = try folded(left, collation?.name ?? "BINARY"), other = try folded(right, collation?.name ?? "BINARY")
        return (isEquality ? one.operand : "\(one.operand) COLLATE \"C\"", other.operand)
    }
}

extension TargetPiece {
    /// Text here, and a number where SQLite can make one of it.
    var isNumeric: Bool { kind == .text && (affinity == .integer || affinity == .numeric || affinity == .real) }
    var shown: String { column?.source.name ?? sql }
}

extension TargetType {
    /// Times of day, too.
    var isTemporal: Bool {
        switch self {
        case .date, .time, .timestamp, .timestamptz: true
        default: false
        }
    }
}
