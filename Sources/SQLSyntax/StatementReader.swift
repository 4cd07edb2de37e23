/// Reads what each statement of a text is to a proxy.
package enum StatementReader {
    /// One shape for each statement of the text, in order; none for white space and comments.
    ///
    /// Texts of up to `limit` bytes (1 MiB). Throws what PostgreSQL's parser (grammar of version 15) refuses.
    package static func read(
        _ sql: String,
        limit: Int = SQLParser.defaultLimit
    ) throws(SQLSyntaxError) -> [StatementShape] {
        var shapes: [StatementShape] = []
        var tokens = LazyTokens()
        for statement in try SQLParser.parse(sql, limit: limit) {
            shapes.append(try shape(of: statement, &tokens))
        }
        return shapes
    }

    /// What `PREPARE name (types) AS query` prepares.
    ///
    /// - Returns: nil for a text that does not prepare this name, or does so twice, or that PostgreSQL's parser refuses.
    package static func preparedQuery(named name: String, in sql: String) -> String? {
        let statements = (try? SQLParser.parse(sql)) ?? []
        let found = statements.filter { $0.kind == "PrepareStmt" && $0.node["name"]?.string == name }
        guard found.count == 1, let statement = found.first else { return nil }
        var tokens = LazyTokens()
        guard let start = try? StatementPlaces(statement, &tokens).preparedQuery else { return nil }
        return statement.source.text(start..<statement.range.upperBound)
    }

    private static func shape(
        of statement: ParsedStatement,
        _ tokens: inout LazyTokens
    ) throws(SQLSyntaxError) -> StatementShape {
        var walk = StatementWalk(statement.node)
        walk.run()
        var kinds = StatementKinds(statement: statement, walk: walk, tokens: tokens)
        let shape = try kinds.shape()
        tokens = kinds.tokens
        return shape
    }
}

/// The text's tokens, cut only when a place is asked for, and once for all statements.
struct LazyTokens {
    private var known: SQLTokens?

    mutating func of(_ source: SourceText) throws(SQLSyntaxError) -> SQLTokens {
        if let known { return known }
        let tokens = SQLTokens(source: source, tokens: try SQLScanner.tokens(of: source))
        known = tokens
        return tokens
    }
}
