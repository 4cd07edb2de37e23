/// One statement of a text, as PostgreSQL's own parser (grammar of version 15) reads it.
package struct ParsedStatement: Sendable {
    /// The whole text the statement stands in; offsets and lines count from its start.
    package let source: SourceText
    /// The statement's bytes in the text, without leading white space and comments and without the semicolon.
    package let range: Range<Int>
    /// The statement's node, for example `SelectStmt`.
    package let node: SyntaxNode

    package var text: String { source.text(range) }
    /// The line the statement starts on, from 1.
    package var line: Int { source.line(of: range.lowerBound) }
    /// The node's type, for example `SelectStmt` or `CopyStmt`.
    package var kind: String { node.key }
}

/// PostgreSQL's parser. All functions are safe to call from any thread and take texts up to `limit` bytes.
package enum SQLParser {
    /// The default limit on a text: 1 MiB.
    package static let defaultLimit = 1 << 20

    /// The statements of a text, in order; none for white space and comments.
    package static func parse(
        _ sql: String,
        limit: Int = defaultLimit
    ) throws(SQLSyntaxError) -> [ParsedStatement] {
        let source = try ParserLibrary.source(sql, limit: limit)
        guard let tree = SyntaxTreeReader.read(try parseTree(source)), !tree.entries.isEmpty else {
            throw SQLSyntaxError(reason: .parserFailure, message: "the parser's answer cannot be read")
        }
        let statements = SyntaxNode(tree: tree, index: 0)["stmts"]?.children ?? []
        return statements.compactMap { statement(from: $0, in: source) }
    }

    /// A hash that is the same for statements that differ only in constants, as 16 hexadecimal digits.
    package static func fingerprint(_ sql: String, limit: Int = defaultLimit) throws(SQLSyntaxError) -> String {
        try ParserLibrary.fingerprint(try ParserLibrary.source(sql, limit: limit))
    }

    /// The text with `$1`, `$2` … in place of its constants.
    package static func normalise(_ sql: String, limit: Int = defaultLimit) throws(SQLSyntaxError) -> String {
        try ParserLibrary.normalise(try ParserLibrary.source(sql, limit: limit))
    }

    /// PostgreSQL joins string constants with only white space, line ends and comments between them; libpg_query does
    /// not when there is a comment. A refused text is therefore tried again with its comments blanked.
    private static func parseTree(_ source: SourceText) throws(SQLSyntaxError) -> [UInt8] {
        do {
            return try ParserLibrary.parseTree(source)
        } catch {
            guard error.reason == .syntax, let plain = withoutComments(source) else { throw error }
            return try ParserLibrary.parseTree(plain)
        }
    }

    private static func withoutComments(_ source: SourceText) -> SourceText? {
        guard let tokens = try? SQLScanner.tokens(of: source) else { return nil }
        var bytes = source.bytes
        var hasComment = false
        for token in tokens where token.kind == .comment {
            hasComment = true
            for offset in token.range where bytes[offset] != 0x0A { bytes[offset] = 0x20 }
        }
        return hasComment ? SourceText(bytes) : nil
    }

    private static func statement(from raw: SyntaxNode, in source: SourceText) -> ParsedStatement? {
        guard let node = raw["stmt"]?.inner else { return nil }
        let start = raw["stmt_location"]?.int ?? 0
        let length = raw["stmt_len"]?.int ?? 0
        let end = length > 0 ? start + length : source.bytes.count
        return ParsedStatement(
            source: source,
            range: LeadingSpace.skip(in: source.bytes, from: start, to: min(end, source.bytes.count)),
            node: node
        )
    }
}

/// White space and comments, which the parser counts as part of the statement after them.
private enum LeadingSpace {
    static func skip(in bytes: [UInt8], from start: Int, to end: Int) -> Range<Int> {
        var first = start
        while first < end {
            if isSpace(bytes[first]) {
                first += 1
            } else if starts("--", bytes, first) {
                while first < end, bytes[first] != 0x0A { first += 1 }
            } else if starts("/*", bytes, first) {
                first = endOfComment(bytes, first, end)
            } else {
                break
            }
        }
        var last = end
        while last > first, isSpace(bytes[last - 1]) || bytes[last - 1] == 0x3B { last -= 1 }
        return first..<max(first, last)
    }

    private static func endOfComment(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var depth = 0
        var position = start
        while position < end {
            if starts("/*", bytes, position) {
                depth += 1
                position += 2
            } else if starts("*/", bytes, position) {
                depth -= 1
                position += 2
                if depth == 0 { return position }
            } else {
                position += 1
            }
        }
        return end
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private static func starts(_ mark: StaticString, _ bytes: [UInt8], _ position: Int) -> Bool {
        position + 1 < bytes.count && bytes[position] == mark.utf8Start[0] && bytes[position + 1] == mark.utf8Start[1]
    }
}
