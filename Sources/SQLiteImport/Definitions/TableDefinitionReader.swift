/// Reads a `CREATE TABLE` as SQLite keeps it (https://www.sqlite.org/lang_createtable.html).
package enum TableDefinitionReader {
    package static func read(_ statement: String) throws(DefinitionProblem) -> TableDefinition {
        var cursor = try TokenCursor(Array(statement.utf8))
        var table = TableDefinition()
        try cursor.expect(word: "CREATE")
        if !cursor.take("TEMP") { _ = cursor.take("TEMPORARY") }
        try cursor.expect(word: "TABLE")
        _ = cursor.take("IF", "NOT", "EXISTS")
        table.name = try cursor.qualifiedName()
        try cursor.expect(symbol: "(")
        try cursor.elements(of: &table)
        try cursor.options(of: &table)
        return table
    }

    /// The module of a `CREATE VIRTUAL TABLE`, such as fts5; nil where it is none.
    package static func module(of statement: String) -> String? {
        guard var cursor = try? TokenCursor(Array(statement.utf8)), cursor.take("CREATE", "VIRTUAL", "TABLE")
        else { return nil }
        _ = cursor.take("IF", "NOT", "EXISTS")
        guard (try? cursor.qualifiedName()) != nil, cursor.take("USING") else { return nil }
        return try? cursor.name()
    }
}

extension TokenCursor {
    /// The name itself, without that of a database before it.
    mutating func qualifiedName() throws(DefinitionProblem) -> String {
        let first = try name()
        return take(symbol: ".") ? try name() : first
    }

    /// Columns, then constraints, between which SQLite does not ask for commas.
    fileprivate mutating func elements(of table: inout TableDefinition) throws(DefinitionProblem) {
        var pendingName: String?
        while !take(symbol: ")") {
            if take(symbol: ",") {
                pendingName = nil
            } else if take("CONSTRAINT") {
                pendingName = try name()
            } else if isAtTableConstraint {
                table.constraints.append(try tableConstraint(named: pendingName))
                pendingName = nil
            } else if table.constraints.isEmpty, pendingName == nil {
                table.columns.append(try column())
            } else {
                throw unexpected("a constraint of the table")
            }
        }
    }

    private var isAtTableConstraint: Bool {
        isAt("PRIMARY") || isAt("UNIQUE") || isAt("CHECK") || isAt("FOREIGN")
    }

    private mutating func tableConstraint(named name: String?) throws(DefinitionProblem) -> ConstraintDefinition {
        if take("PRIMARY") {
            try expect(word: "KEY")
            let start = position
            let keys = try self.keys()
            let isAutoincrement = tokens[start..<position].dropLast().last?.isWord("AUTOINCREMENT") == true
            return ConstraintDefinition(
                .primaryKey(keys, isAutoincrement: isAutoincrement), name: name, conflict: try conflict())
        }
        if take("UNIQUE") {
            return ConstraintDefinition(.unique(try keys()), name: name, conflict: try conflict())
        }
        if take("CHECK") {
            let expression = text(ofTokens: try bracketed())
            return ConstraintDefinition(.check(expression), name: name, conflict: try conflict())
        }
        try expect(word: "FOREIGN")
        try expect(word: "KEY")
        var reference = ReferenceDefinition()
        reference.columns = try names()
        try expect(word: "REFERENCES")
        try self.reference(into: &reference)
        return ConstraintDefinition(.references(reference), name: name)
    }

    fileprivate mutating func options(of table: inout TableDefinition) throws(DefinitionProblem) {
        while !isAtEnd {
            if take("WITHOUT", "ROWID") {
                table.isWithoutRowid = true
            } else if take("STRICT") {
                table.isStrict = true
            } else if !take(symbol: ","), !take(symbol: ";") {
                throw unexpected("WITHOUT ROWID or STRICT")
            }
        }
    }
}
