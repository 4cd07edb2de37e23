/// Walks over the tokens of a statement. Nothing here goes back but by `position`.
struct TokenCursor {
    let bytes: [UInt8]
    let tokens: [SQLiteToken]
    var position = 0

    init(_ bytes: [UInt8]) throws(DefinitionProblem) {
        self.bytes = bytes
        tokens = try SQLiteTokenizer.tokens(of: bytes)
    }

    var current: SQLiteToken? { position < tokens.count ? tokens[position] : nil }
    func token(ahead: Int) -> SQLiteToken? { position + ahead < tokens.count ? tokens[position + ahead] : nil }
    var isAtEnd: Bool { position >= tokens.count }

    func isAt(_ words: String...) -> Bool {
        words.enumerated().allSatisfy { token(ahead: $0.offset)?.isWord($0.element) == true }
    }

    func isAt(symbol: String) -> Bool { current?.isSymbol(symbol) == true }

    /// Goes past the words where they come next, all of them.
    mutating func take(_ words: String...) -> Bool {
        guard words.enumerated().allSatisfy({ token(ahead: $0.offset)?.isWord($0.element) == true }) else {
            return false
        }
        position += words.count
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard isAt(symbol: symbol) else { return false }
        position += 1
        return true
    }

    mutating func expect(symbol: String) throws(DefinitionProblem) {
        guard take(symbol: symbol) else { throw unexpected("‘\(symbol)’") }
    }

    mutating func expect(word: String) throws(DefinitionProblem) {
        guard take(word) else { throw unexpected(word) }
    }

    mutating func name() throws(DefinitionProblem) -> String {
        guard let token = current, token.isName else { throw unexpected("a name") }
        position += 1
        return token.text
    }

    func unexpected(_ wanted: String) -> DefinitionProblem {
        guard let current else { return DefinitionProblem("it ends where \(wanted) is expected", at: bytes.count) }
        let found = text(current.range)
        return DefinitionProblem(
            "‘\(found.prefix(40))’ where \(wanted) is expected", at: current.range.lowerBound)
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// The text of some tokens with what is between them; empty for none.
    func text(ofTokens range: Range<Int>) -> String {
        guard !range.isEmpty else { return "" }
        return text(tokens[range.lowerBound].range.lowerBound..<tokens[range.upperBound - 1].range.upperBound)
    }

    /// Goes past a bracket and all up to the one that closes it; gives the tokens between.
    mutating func bracketed() throws(DefinitionProblem) -> Range<Int> {
        let opening = position
        try expect(symbol: "(")
        var depth = 1
        while let token = current {
            if token.isSymbol("(") { depth += 1 }
            if token.isSymbol(")") { depth -= 1 }
            position += 1
            if depth == 0 { return opening + 1..<position - 1 }
        }
        throw DefinitionProblem("a bracket that is never closed", at: tokens[opening].range.lowerBound)
    }

    /// Parts of a range of tokens between its commas, without those in brackets.
    func parts(of range: Range<Int>) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var (start, depth) = (range.lowerBound, 0)
        for index in range {
            if tokens[index].isSymbol("(") { depth += 1 }
            if tokens[index].isSymbol(")") { depth -= 1 }
            guard depth == 0, tokens[index].isSymbol(",") else { continue }
            parts.append(start..<index)
            start = index + 1
        }
        return parts + [start..<range.upperBound]
    }
}
