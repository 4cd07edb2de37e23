/// Cuts a PL/pgSQL body into its pieces of SQL, by the rules of PostgreSQL's own PL/pgSQL grammar: an expression
/// ends at the first THEN, LOOP, semicolon … that stands outside of parentheses.
///
/// libpg_query has a PL/pgSQL parser too, but it keeps no places, drops declared types, refuses bodies that open
/// cursors, and has parameter types nobody knows; the pieces found here go through its SQL parser.
struct PLpgSQLReader {
    private enum Frame {
        case block(inHandlers: Bool), choice, other
    }

    let source: SQLTokens
    /// The tokens without comments.
    let tokens: [SQLToken]
    var content = PLpgSQLContent()
    var position = 0
    /// The offset of the statement that is being read.
    var statementOffset = 0
    private var frames: [Frame] = []

    init(_ source: SQLTokens) {
        self.source = source
        tokens = source.tokens.filter { $0.kind != .comment }
    }

    mutating func run() {
        while position < tokens.count {
            let before = position
            statementOffset = tokens[position].range.lowerBound
            readStatement()
            // Every branch moves on; this keeps a mistake here from becoming an endless loop.
            if position <= before { position = before + 1 }
        }
        if !frames.isEmpty { fail("the body ends inside a block") }
    }

    private mutating func readStatement() {
        if readAssignment() { return }
        switch word(position) ?? symbol(position) {
        case "<<", "#": position += 3
        case ";", "else", "then": position += 1
        case "declare": readDeclarations()
        case "begin": open(.block(inHandlers: false))
        case "loop": open(.other)
        case "if":
            frames.append(.other)
            readExpression(from: position + 1, until: "then")
        case "elsif", "elseif": readExpression(from: position + 1, until: "then")
        case "case": readCase()
        case "when": readWhen()
        case "exception":
            if case .block = frames.last { frames[frames.count - 1] = .block(inHandlers: true) }
            position += 1
        case "end":
            if frames.isEmpty { fail("END without a block") } else { frames.removeLast() }
            skipStatement(orToEnd: true)
        default: readSimpleStatement()
        }
    }

    private mutating func readSimpleStatement() {
        switch word(position) {
        case "while": readExpression(from: position + 1, until: "loop", keepsTerminator: true)
        case "for": readFor()
        case "foreach": readForEach()
        case "exit", "continue": readExit()
        case "return": readReturn()
        case "raise": readRaise()
        case "assert": readExpression(from: position + 1, until: ";")
        case "perform": readExpression(from: position + 1, until: ";")
        case "execute": readExecute(from: position + 1, until: ";")
        case "open": readOpen()
        case "fetch", "move": readFetch()
        case "close", "get", "null", "commit", "rollback": skipStatement()
        default: readSQL(from: position, hidesInto: word(position) != "import")
        }
    }

    private mutating func open(_ frame: Frame) {
        frames.append(frame)
        position += 1
    }

    private mutating func readCase() {
        frames.append(.choice)
        if word(position + 1) == "when" {
            position += 1
        } else {
            readExpression(from: position + 1, until: "when", keepsTerminator: true)
        }
    }

    private mutating func readWhen() {
        if case .block = frames.last {
            position = (find("then", from: position) ?? tokens.count) + 1
        } else {
            readExpression(from: position + 1, until: "then")
        }
    }

    private mutating func readExit() {
        let end = find(";", from: position) ?? tokens.count
        if let when = find("when", from: position, before: end) {
            add(.expression, when + 1, end)
        }
        position = end + 1
    }

    private mutating func readReturn() {
        switch word(position + 1) {
        case "query" where word(position + 2) == "execute": readExecute(from: position + 3, until: ";")
        case "query": readSQL(from: position + 2, hidesInto: false)
        case "next": readExpression(from: position + 2, until: ";")
        default: readExpression(from: position + 1, until: ";")
        }
    }

    private mutating func readRaise() {
        let end = find(";", from: position) ?? tokens.count
        let using = find("using", from: position, before: end) ?? end
        if let comma = find(",", from: position, before: using) { add(.expression, comma + 1, using) }
        var start = using + 1
        // USING message = …, hint := …: the option and the sign are no SQL.
        while start < end {
            let stop = find(",", from: start, before: end) ?? end
            add(.expression, start + 2, stop)
            start = stop + 1
        }
        position = end + 1
    }

    private mutating func readAssignment() -> Bool {
        guard let name = name(position) ?? parameter(position) else { return false }
        var end = position + 1
        while end < tokens.count {
            if symbol(end) == ".", self.name(end + 1) != nil {
                end += 2
            } else if symbol(end) == "[", let close = find("]", from: end + 1) {
                end = close + 1
            } else {
                break
            }
        }
        guard symbol(end) == ":=" || symbol(end) == "=" else { return false }
        if end > position + 1 { addSubscripts(position, end) }
        let start = end + 1
        guard let stop = find(";", from: start) else {
            fail("the assignment has no end")
            position = tokens.count
            return true
        }
        add(.expression, start, stop)
        if end == position + 1, let range = range(start, stop) {
            content.assignments[name, default: []].append((range, statementOffset))
        } else {
            content.filled.insert(name)
        }
        position = stop + 1
        return true
    }

    /// The expressions in `a[i + 1] := …`.
    private mutating func addSubscripts(_ start: Int, _ end: Int) {
        var index = start
        while index < end {
            if symbol(index) == "[", let close = find("]", from: index + 1, before: end) {
                // A slice, `a[1:2]`, is no expression as a whole.
                if find(":", from: index + 1, before: close) == nil { add(.expression, index + 1, close) }
                index = close
            }
            index += 1
        }
    }
}
