extension TokenCursor {
    /// The columns or expressions of a key: `(a COLLATE NOCASE DESC, lower(b))`.
    mutating func keys() throws(DefinitionProblem) -> [KeyDefinition] {
        let opening = position
        let range = try bracketed()
        var keys: [KeyDefinition] = []
        for part in parts(of: range) {
            guard !part.isEmpty else {
                throw DefinitionProblem("a key without a column", at: tokens[opening].range.lowerBound)
            }
            keys.append(key(part))
        }
        return keys
    }

    private func key(_ range: Range<Int>) -> KeyDefinition {
        var range = range
        func ends(with words: String...) -> Bool {
            range.count > words.count
                && words.enumerated().allSatisfy {
                    tokens[range.upperBound - words.count + $0.offset].isWord($0.element)
                }
        }
        if ends(with: "NULLS", "FIRST") || ends(with: "NULLS", "LAST") { range = range.dropLast(2) }
        // Inside the brackets of a table's key only.
        if ends(with: "AUTOINCREMENT") { range = range.dropLast() }
        let isDescending = ends(with: "DESC")
        if isDescending || ends(with: "ASC") { range = range.dropLast() }
        var collation: String?
        // Behind more than a name it may belong to the last operand alone: it stays in the expression.
        if range.count == 3, tokens[range.lowerBound].isName, tokens[range.upperBound - 2].isWord("COLLATE"),
            tokens[range.upperBound - 1].isName
        {
            collation = tokens[range.upperBound - 1].text
            range = range.dropLast(2)
        }
        let first = tokens[range.lowerBound]
        let isColumn = range.count == 1 && first.isName
        return KeyDefinition(
            isColumn ? first.text : text(ofTokens: range), isExpression: !isColumn, collation: collation,
            isDescending: isDescending)
    }

    /// The names between brackets; what else may stand there is gone past.
    mutating func names() throws(DefinitionProblem) -> [String] {
        try keys().map(\.text)
    }
}
