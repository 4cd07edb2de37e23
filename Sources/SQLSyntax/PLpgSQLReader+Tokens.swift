extension PLpgSQLReader {
    /// The key word or plain name at a place, in lower case; nil for quoted names and all else.
    func word(_ index: Int) -> String? {
        guard index < tokens.count else { return nil }
        switch tokens[index].kind {
        case .keyword: return source.name(tokens[index])
        case .identifier where source.source.bytes[tokens[index].range.lowerBound] != 0x22:
            return source.name(tokens[index])
        default: return nil
        }
    }

    /// The name at a place, quoted or not.
    func name(_ index: Int) -> String? {
        guard index < tokens.count else { return nil }
        switch tokens[index].kind {
        case .keyword, .identifier: return source.name(tokens[index])
        default: return nil
        }
    }

    func symbol(_ index: Int) -> String? {
        guard index < tokens.count, tokens[index].kind == .symbol else { return nil }
        return source.text(tokens[index])
    }

    /// The next place outside of parentheses where one of the words or symbols stands, before `end`.
    func find(_ marks: String..., from start: Int, before end: Int? = nil) -> Int? {
        var depth = 0
        var index = start
        let end = min(end ?? tokens.count, tokens.count)
        while index < end {
            let mark = symbol(index)
            if depth == 0, let text = mark ?? word(index), marks.contains(text) { return index }
            switch mark {
            case "(", "[": depth += 1
            case ")", "]": depth = max(0, depth - 1)
            default: break
            }
            index += 1
        }
        return nil
    }

    /// The bytes from one token up to before another; nil for none.
    func range(_ start: Int, _ end: Int) -> Range<Int>? {
        guard start < end, end <= tokens.count else { return nil }
        return tokens[start].range.lowerBound..<tokens[end - 1].range.upperBound
    }

    mutating func add(_ kind: PLpgSQLFragment.Kind, _ start: Int, _ end: Int) {
        guard let range = range(start, end) else { return }
        content.fragments.append(PLpgSQLFragment(kind: kind, range: range, statementOffset: statementOffset))
    }

    mutating func fail(_ message: String) {
        content.problems.append((statementOffset, message))
    }

    mutating func readExpression(from start: Int, until mark: String, keepsTerminator: Bool = false) {
        guard let end = find(mark, from: start) else {
            fail("no \(mark.uppercased()) after the expression")
            position = tokens.count
            return
        }
        add(.expression, start, end)
        position = keepsTerminator ? end : end + 1
    }

    /// `EXECUTE text [INTO target] [USING values]`, up to a mark that stays unread when it is a word.
    mutating func readExecute(from start: Int, until mark: String) {
        guard let end = find(mark, from: start) else {
            fail("EXECUTE has no end")
            position = tokens.count
            return
        }
        let text = find("into", "using", from: start, before: end) ?? end
        add(.execute, start, text)
        var index = text
        while index < end {
            let next = find("into", "using", from: index + 1, before: end) ?? end
            if word(index) == "using" { add(.expression, index + 1, next) }
            if word(index) == "into" { addTargets(index + 1, next) }
            index = next
        }
        position = mark == ";" ? end + 1 : end
    }

    /// A statement of SQL up to its semicolon; INTO with its variables is PL/pgSQL's, not SQL's.
    mutating func readSQL(from start: Int, hidesInto: Bool) {
        guard let end = find(";", from: start) else {
            fail("the statement has no end")
            position = tokens.count
            return
        }
        var hidden: Range<Int>?
        var index = start + 1
        while hidesInto, hidden == nil, index < end {
            if word(index) == "into", !["insert", "merge"].contains(word(index - 1)) {
                let stop = endOfTargets(index + 1)
                addTargets(index + 1, stop)
                hidden = range(index, stop)
            }
            index += 1
        }
        add(.statement(hidden: hidden), start, end)
        position = end + 1
    }

    mutating func skipStatement(orToEnd: Bool = false) {
        guard let end = find(";", from: position) else {
            if !orToEnd { fail("the statement has no end") }
            position = tokens.count
            return
        }
        position = end + 1
    }

    mutating func addTargets(_ start: Int, _ end: Int) {
        var index = start
        while index < end {
            if let name = name(index), symbol(index - 1) != "." { content.filled.insert(name) }
            index += 1
        }
    }

    /// The end of `[STRICT] a, b.c, d`.
    private func endOfTargets(_ start: Int) -> Int {
        var index = start
        if word(index) == "strict", name(index + 1) != nil { index += 1 }
        while name(index) ?? parameter(index) != nil {
            index += 1
            while symbol(index) == ".", name(index + 1) != nil { index += 2 }
            while symbol(index) == "[", let close = find("]", from: index + 1) { index = close + 1 }
            guard symbol(index) == "," else { break }
            index += 1
        }
        return index
    }

    /// `$1` and the like, which PL/pgSQL allows wherever a variable may stand.
    func parameter(_ index: Int) -> String? {
        guard index < tokens.count, tokens[index].kind == .parameter else { return nil }
        return source.text(tokens[index])
    }
}
