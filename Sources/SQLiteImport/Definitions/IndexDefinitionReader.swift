/// Reads a `CREATE INDEX` as SQLite keeps it (https://www.sqlite.org/lang_createindex.html).
package enum IndexDefinitionReader {
    package static func read(_ statement: String) throws(DefinitionProblem) -> IndexDefinition {
        var cursor = try TokenCursor(Array(statement.utf8))
        var index = IndexDefinition()
        try cursor.expect(word: "CREATE")
        index.isUnique = cursor.take("UNIQUE")
        try cursor.expect(word: "INDEX")
        _ = cursor.take("IF", "NOT", "EXISTS")
        index.name = try cursor.qualifiedName()
        try cursor.expect(word: "ON")
        index.table = try cursor.name()
        index.keys = try cursor.keys()
        if cursor.take("WHERE") {
            var end = cursor.tokens.count
            while end > cursor.position, cursor.tokens[end - 1].isSymbol(";") { end -= 1 }
            guard end > cursor.position else { throw cursor.unexpected("a condition") }
            index.condition = cursor.text(ofTokens: cursor.position..<end)
        } else if !cursor.isAtEnd, !cursor.take(symbol: ";") {
            throw cursor.unexpected("WHERE")
        }
        return index
    }
}
