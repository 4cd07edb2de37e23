/// Tests that are words: IS, IN, LIKE, BETWEEN and the like, which bind as `=` does.
extension SQLiteExpressionReader {
    mutating func test(of left: Node) throws(DefinitionProblem) -> Node? {
        if cursor.take("ISNULL") { return try node(.isNull(left.expression), left) }
        if cursor.take("NOTNULL") || cursor.take("NOT", "NULL") {
            return try negated(node(.isNull(left.expression), left))
        }
        if cursor.take("IS") { return try identity(of: left) }
        let start = cursor.position
        let isNegated = cursor.take("NOT")
        guard let test = try membership(of: left) else {
            cursor.position = start
            return nil
        }
        return isNegated ? try negated(test) : test
    }

    private func negated(_ test: Node) throws(DefinitionProblem) -> Node {
        try node(.unary("NOT", test.expression), test)
    }

    private mutating func identity(of left: Node) throws(DefinitionProblem) -> Node {
        var isNegated = cursor.take("NOT")
        // IS DISTINCT FROM is IS NOT.
        if cursor.take("DISTINCT", "FROM") { isNegated.toggle() }
        if cursor.take("NULL") {
            let test = try node(.isNull(left.expression), left)
            return isNegated ? try negated(test) : test
        }
        let right = try expression(.order)
        return try node(.binary(isNegated ? "IS NOT" : "IS", left.expression, right.expression), left, right)
    }

    private mutating func membership(of left: Node) throws(DefinitionProblem) -> Node? {
        if cursor.take("BETWEEN") {
            let low = try expression(.order)
            try cursor.expect(word: "AND")
            let high = try expression(.order)
            return try node(.between(left.expression, low.expression, high.expression), left, low, high)
        }
        if cursor.take("IN") { return try list(of: left) }
        for word in ["LIKE", "GLOB", "REGEXP", "MATCH"] where cursor.take(word) {
            let pattern = try expression(.order)
            var parts = [left, pattern]
            if cursor.take("ESCAPE") { parts.append(try expression(.bits)) }
            let escape = parts.count == 3 ? parts[2].expression : nil
            return try node(.matches(word, left.expression, pattern.expression, escape: escape), parts)
        }
        return nil
    }

    private mutating func list(of left: Node) throws(DefinitionProblem) -> Node {
        guard cursor.isAt(symbol: "("), cursor.token(ahead: 1)?.isWord("SELECT") != true,
            cursor.token(ahead: 1)?.isWord("WITH") != true, cursor.token(ahead: 1)?.isWord("VALUES") != true
        else { throw cursor.unexpected("a list of values") }
        let values = try arguments()
        return try node(.among(left.expression, values.map(\.expression)), [left] + values)
    }
}
