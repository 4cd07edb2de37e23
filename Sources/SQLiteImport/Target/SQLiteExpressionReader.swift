/// Reads an expression, with SQLite's precedences (https://www.sqlite.org/lang_expr.html, "Operators").
///
/// Trees are at most `depth` levels high; AND and OR of many operands are one level.
package struct SQLiteExpressionReader {
    package static let depth = 100

    /// A part of the tree, and how high it is.
    struct Node {
        var expression: SQLiteExpression
        var height = 1
    }

    var cursor: TokenCursor
    private var nesting = 0

    package static func read(_ text: String) throws(DefinitionProblem) -> SQLiteExpression {
        var reader = SQLiteExpressionReader(cursor: try TokenCursor(Array(text.utf8)))
        let node = try reader.expression(.or)
        guard reader.cursor.isAtEnd else { throw reader.cursor.unexpected("the end of the expression") }
        return node.expression
    }

    private init(cursor: TokenCursor) { self.cursor = cursor }

    /// What binds tighter is greater.
    enum Precedence: Int {
        case or = 1, and, not, equality, order, bits, sum, product, concatenation, collation, sign
    }

    func node(_ expression: SQLiteExpression, _ parts: Node...) throws(DefinitionProblem) -> Node {
        try node(expression, parts)
    }

    func node(_ expression: SQLiteExpression, _ parts: [Node]) throws(DefinitionProblem) -> Node {
        let height = 1 + (parts.map(\.height).max() ?? 0)
        guard height <= Self.depth else { throw tooDeep }
        return Node(expression: expression, height: height)
    }

    private var tooDeep: DefinitionProblem {
        DefinitionProblem("more than \(Self.depth) levels", at: cursor.current?.range.lowerBound ?? cursor.bytes.count)
    }

    /// An operand with all operators behind it that bind at least so tight.
    mutating func expression(_ lowest: Precedence) throws(DefinitionProblem) -> Node {
        nesting += 1
        defer { nesting -= 1 }
        guard nesting <= Self.depth else { throw tooDeep }
        var left = try prefixed()
        while let next = try operation(on: left, lowest) { left = next }
        return left
    }

    private mutating func prefixed() throws(DefinitionProblem) -> Node {
        if cursor.take("NOT") {
            let operand = try expression(.not)
            return try node(.unary("NOT", operand.expression), operand)
        }
        for sign in ["-", "+", "~"] where cursor.take(symbol: sign) {
            // The smallest integer has no positive counterpart.
            if sign == "-", let smallest = smallestInteger() { return smallest }
            let operand = try expression(.sign)
            return try node(.unary(sign, operand.expression), operand)
        }
        return try operand()
    }

    private mutating func smallestInteger() -> Node? {
        guard cursor.current?.kind == .number, cursor.current?.text == "9223372036854775808" else { return nil }
        cursor.position += 1
        return Node(expression: .integer(.min))
    }

    /// Nil where no operator comes next that binds so tight.
    private mutating func operation(on left: Node, _ lowest: Precedence) throws(DefinitionProblem) -> Node? {
        if lowest.rawValue <= Precedence.or.rawValue, cursor.isAt("OR") { return try list("OR", left, .and) }
        if lowest.rawValue <= Precedence.and.rawValue, cursor.isAt("AND") { return try list("AND", left, .not) }
        if lowest.rawValue <= Precedence.equality.rawValue, let next = try test(of: left) { return next }
        for (precedence, symbols) in Self.symbols where lowest.rawValue <= precedence.rawValue {
            for symbol in symbols where cursor.take(symbol: symbol) {
                let tighter = Precedence(rawValue: precedence.rawValue + 1) ?? .sign
                let right = try expression(tighter)
                let name = Self.sameSymbols[symbol] ?? symbol
                return try node(.binary(name, left.expression, right.expression), left, right)
            }
        }
        if lowest.rawValue <= Precedence.collation.rawValue, cursor.take("COLLATE") {
            return try node(.collate(left.expression, try cursor.name()), left)
        }
        return nil
    }

    private static let symbols: [(Precedence, [String])] = [
        (.equality, ["=", "==", "<>", "!="]), (.order, ["<", "<=", ">", ">="]), (.bits, ["<<", ">>", "&", "|"]),
        (.sum, ["+", "-"]), (.product, ["*", "/", "%"]), (.concatenation, ["||", "->>", "->"]),
    ]
    private static let sameSymbols = ["==": "=", "!=": "<>"]

    private mutating func list(
        _ word: String, _ first: Node, _ tighter: Precedence
    ) throws(DefinitionProblem) -> Node {
        var parts = [first]
        while cursor.take(word) { parts.append(try expression(tighter)) }
        let expressions = parts.map(\.expression)
        return try node(word == "OR" ? .any(expressions) : .all(expressions), parts)
    }
}
