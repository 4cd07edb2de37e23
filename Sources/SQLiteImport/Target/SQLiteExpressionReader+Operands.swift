/// Literals, names, calls, CASE, CAST and what is in brackets.
extension SQLiteExpressionReader {
    mutating func operand() throws(DefinitionProblem) -> Node {
        guard let token = cursor.current else { throw cursor.unexpected("a value") }
        switch token.kind {
        case .number: return Node(expression: number(taking: token))
        case .string:
            cursor.position += 1
            return Node(expression: .text(token.text))
        case .blob:
            cursor.position += 1
            return Node(expression: .blob(token.text))
        case .symbol:
            guard token.isSymbol("(") else { throw cursor.unexpected("a value") }
            return try bracketed()
        case .word: return try word(token)
        case .quotedName, .bracketedName: return try name()
        case .variable: throw cursor.unexpected("a value")
        }
    }

    /// An integer that 64 bits do not hold is a real number; hexadecimal digits are bits.
    private mutating func number(taking token: SQLiteToken) -> SQLiteExpression {
        cursor.position += 1
        if token.text.lowercased().hasPrefix("0x") {
            return UInt64(token.text.dropFirst(2), radix: 16).map { .integer(Int64(bitPattern: $0)) }
                ?? .unknown("the number \(token.text)")
        }
        return Int64(token.text).map { .integer($0) } ?? .real(token.text)
    }

    private mutating func bracketed() throws(DefinitionProblem) -> Node {
        if cursor.token(ahead: 1)?.isWord("SELECT") == true || cursor.token(ahead: 1)?.isWord("WITH") == true {
            _ = try cursor.bracketed()
            return Node(expression: .unknown("a query"))
        }
        let parts = try arguments()
        guard parts.count != 1 else { return parts[0] }
        return Node(expression: .unknown("a row of values"))
    }

    /// What is between brackets and commas.
    mutating func arguments() throws(DefinitionProblem) -> [Node] {
        try cursor.expect(symbol: "(")
        var parts: [Node] = []
        if cursor.take(symbol: ")") { return parts }
        repeat { parts.append(try expression(.or)) } while cursor.take(symbol: ",")
        try cursor.expect(symbol: ")")
        return parts
    }

    private mutating func word(_ token: SQLiteToken) throws(DefinitionProblem) -> Node {
        if cursor.take("NULL") { return Node(expression: .null) }
        for word in ["CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"] where cursor.take(word) {
            return Node(expression: .current(word))
        }
        if cursor.isAt("CASE") { return try choice() }
        if cursor.isAt("CAST"), cursor.token(ahead: 1)?.isSymbol("(") == true { return try cast() }
        if cursor.take("EXISTS") || cursor.take("RAISE") {
            _ = try cursor.bracketed()
            return Node(expression: .unknown(token.text.uppercased()))
        }
        return try name()
    }

    private mutating func name() throws(DefinitionProblem) -> Node {
        guard let first = cursor.current else { throw cursor.unexpected("a name") }
        var parts = [try cursor.name()]
        if cursor.isAt(symbol: "(") { return try call(parts[0]) }
        while parts.count < 3, cursor.take(symbol: ".") { parts.append(try cursor.name()) }
        return Node(expression: .name(parts, parts.count == 1 ? first.kind : .word))
    }

    private mutating func call(_ name: String) throws(DefinitionProblem) -> Node {
        let name = name.asciiLowercased
        if cursor.token(ahead: 1)?.isSymbol("*") == true || cursor.token(ahead: 1)?.isWord("DISTINCT") == true {
            _ = try cursor.bracketed()
            return Node(expression: .unknown("the aggregate \(name)()"))
        }
        let arguments = try self.arguments()
        if cursor.isAt("FILTER") || cursor.isAt("OVER") { throw cursor.unexpected("an expression without a window") }
        return try node(.call(name, arguments.map(\.expression)), arguments)
    }

    private mutating func cast() throws(DefinitionProblem) -> Node {
        cursor.position += 1
        try cursor.expect(symbol: "(")
        let operand = try expression(.or)
        try cursor.expect(word: "AS")
        let start = cursor.position
        while let token = cursor.current, token.isName { cursor.position += 1 }
        if cursor.isAt(symbol: "(") { _ = try cursor.bracketed() }
        let type = cursor.text(ofTokens: start..<cursor.position)
        try cursor.expect(symbol: ")")
        return try node(.cast(operand.expression, type), operand)
    }

    private mutating func choice() throws(DefinitionProblem) -> Node {
        cursor.position += 1
        let base = cursor.isAt("WHEN") ? nil : try expression(.or)
        var parts = base.map { [$0] } ?? []
        var branches: [SQLiteExpression.Branch] = []
        while cursor.take("WHEN") {
            let condition = try expression(.or)
            try cursor.expect(word: "THEN")
            let value = try expression(.or)
            branches.append(.init(condition.expression, value.expression))
            parts += [condition, value]
        }
        guard !branches.isEmpty else { throw cursor.unexpected("WHEN") }
        let otherwise = cursor.take("ELSE") ? try expression(.or) : nil
        try cursor.expect(word: "END")
        return try node(
            .choice(base?.expression, branches, otherwise: otherwise?.expression),
            parts + (otherwise.map { [$0] } ?? []))
    }
}
