extension PLpgSQLReader {
    private static let queryWords: Set<String> = [
        "select", "with", "values", "table", "insert", "update", "delete", "merge", "show", "explain", "call",
    ]

    /// DECLARE up to, and without, BEGIN.
    mutating func readDeclarations() {
        position += 1
        while position < tokens.count, word(position) != "begin" {
            statementOffset = tokens[position].range.lowerBound
            if word(position) == "declare" {
                position += 1
                continue
            }
            guard let name = name(position), let end = find(";", from: position) else {
                fail("the declaration cannot be read")
                position = tokens.count
                return
            }
            content.variables.insert(name)
            readDeclaration(variable: name, end: end)
            position = end + 1
        }
    }

    private mutating func readDeclaration(variable: String, end: Int) {
        let start = position + 1
        if word(start) == "alias" { return }
        if let cursor = cursorKeyword(start) { return readCursor(cursor, end: end) }
        let type = word(start) == "constant" ? start + 1 : start
        let stop = find("not", "collate", "default", ":=", "=", from: type, before: end) ?? end
        add(.type, type, stop)
        let value = find("default", ":=", "=", from: type, before: end) ?? end
        add(.expression, value + 1, end)
        if let range = range(value + 1, end) {
            content.assignments[variable, default: []].append((range, statementOffset))
        }
    }

    /// The place of CURSOR in `[NO] [SCROLL] CURSOR`, unless the words are a type.
    private func cursorKeyword(_ start: Int) -> Int? {
        var index = start
        if word(index) == "no" { index += 1 }
        if word(index) == "scroll" { index += 1 }
        return word(index) == "cursor" ? index : nil
    }

    private mutating func readCursor(_ keyword: Int, end: Int) {
        var index = keyword + 1
        if symbol(index) == "(", let close = find(")", from: index + 1, before: end) {
            var start = index + 1
            while start < close {
                let stop = find(",", from: start, before: close) ?? close
                if let name = name(start) { content.variables.insert(name) }
                add(.type, start + 1, stop)
                start = stop + 1
            }
            index = close + 1
        }
        add(.statement(hidden: nil), index + 1, end)
    }

    mutating func readFor() {
        guard let keyword = find("in", from: position + 1), let loop = find("loop", from: keyword) else {
            fail("FOR without IN and LOOP")
            position = tokens.count
            return
        }
        for index in (position + 1)..<keyword {
            guard let name = name(index), symbol(index - 1) != "." else { continue }
            content.variables.insert(name)
            content.filled.insert(name)
        }
        let start = word(keyword + 1) == "reverse" ? keyword + 2 : keyword + 1
        if word(start) == "execute" { return readExecute(from: start + 1, until: "loop") }
        if let dots = find("..", from: start, before: loop) {
            let step = find("by", from: dots, before: loop) ?? loop
            add(.expression, start, dots)
            add(.expression, dots + 1, step)
            add(.expression, step + 1, loop)
        } else if symbol(start) == "(" || Self.queryWords.contains(word(start) ?? "") {
            add(.statement(hidden: nil), start, loop)
        } else if symbol(start + 1) == "(" {
            add(.arguments, start + 1, loop)
        } else if start + 1 != loop {
            add(.statement(hidden: nil), start, loop)
        }
        position = loop
    }

    mutating func readForEach() {
        guard let array = find("array", from: position + 1), let loop = find("loop", from: array) else {
            fail("FOREACH without ARRAY and LOOP")
            position = tokens.count
            return
        }
        if let name = name(position + 1) { content.filled.insert(name) }
        add(.expression, array + 1, loop)
        position = loop
    }

    mutating func readOpen() {
        let end = find(";", from: position) ?? tokens.count
        if let keyword = find("for", from: position, before: end) {
            if word(keyword + 1) == "execute" {
                readExecute(from: keyword + 2, until: ";")
            } else {
                readSQL(from: keyword + 1, hidesInto: false)
            }
            return
        }
        if symbol(position + 2) == "(" { add(.arguments, position + 2, end) }
        position = end + 1
    }

    /// FETCH and MOVE name cursors and variables only.
    mutating func readFetch() {
        let end = find(";", from: position) ?? tokens.count
        if let into = find("into", from: position, before: end) { addTargets(into + 1, end) }
        position = end + 1
    }
}
