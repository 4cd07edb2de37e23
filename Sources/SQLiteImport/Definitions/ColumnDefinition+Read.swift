extension TokenCursor {
    mutating func column() throws(DefinitionProblem) -> ColumnDefinition {
        var column = ColumnDefinition(try name())
        column.type = try type()
        var pendingName: String?
        while let token = current, !token.isSymbol(","), !token.isSymbol(")") {
            if take("CONSTRAINT") {
                pendingName = try name()
            } else if isAt("DEFERRABLE") || isAt("NOT", "DEFERRABLE") {
                // SQLite reads it as a constraint of its own that is about the last reference.
                let isDeferred = try deferral()
                for index in column.constraints.indices.reversed() {
                    guard case .references(var reference) = column.constraints[index].rule else { continue }
                    reference.isDeferred = isDeferred
                    column.constraints[index].rule = .references(reference)
                    break
                }
            } else {
                column.constraints.append(try columnConstraint(named: pendingName))
                pendingName = nil
            }
        }
        return column
    }

    /// Any words up to a constraint, then what is in brackets: `UNSIGNED BIG INT`, `DECIMAL(10, 5)`.
    private mutating func type() throws(DefinitionProblem) -> String {
        var words: [String] = []
        while let token = current, token.isName, !isAtColumnConstraint {
            words.append(text(token.range))
            position += 1
        }
        guard !words.isEmpty, isAt(symbol: "(") else { return words.joined(separator: " ") }
        let range = try bracketed()
        return words.joined(separator: " ") + "(" + text(ofTokens: range) + ")"
    }

    private var isAtColumnConstraint: Bool {
        guard let current, current.kind == .word else { return false }
        let keywords = [
            "CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "AS",
            "DEFERRABLE", "ON",
        ]
        return keywords.contains { current.isWord($0) } || isAt("GENERATED", "ALWAYS", "AS")
    }

    private mutating func columnConstraint(named name: String?) throws(DefinitionProblem) -> ConstraintDefinition {
        func constraint(_ rule: ConstraintDefinition.Rule, _ conflict: String? = nil) -> ConstraintDefinition {
            ConstraintDefinition(rule, name: name, conflict: conflict)
        }
        if take("PRIMARY", "KEY") {
            let isDescending = take("DESC")
            if !isDescending { _ = take("ASC") }
            let conflict = try self.conflict()
            return constraint(.primaryKey([], isAutoincrement: take("AUTOINCREMENT")), conflict)
        }
        if take("NOT", "NULL") { return constraint(.notNull, try conflict()) }
        if take("NULL") { return constraint(.null, try conflict()) }
        if take("UNIQUE") { return constraint(.unique([]), try conflict()) }
        if take("CHECK") { return constraint(.check(text(ofTokens: try bracketed())), try conflict()) }
        if take("DEFAULT") { return constraint(.defaultValue(try defaultValue())) }
        if take("COLLATE") { return constraint(.collate(try self.name())) }
        if take("GENERATED", "ALWAYS", "AS") || take("AS") {
            let expression = text(ofTokens: try bracketed())
            let isStored = take("STORED")
            if !isStored { _ = take("VIRTUAL") }
            return constraint(.generated(expression, isStored: isStored))
        }
        try expect(word: "REFERENCES")
        var reference = ReferenceDefinition()
        try self.reference(into: &reference)
        return constraint(.references(reference))
    }

    private mutating func defaultValue() throws(DefinitionProblem) -> String {
        if isAt(symbol: "(") { return text(ofTokens: try bracketed()) }
        let start = position
        if !take(symbol: "-") { _ = take(symbol: "+") }
        guard let token = current, token.kind != .symbol, token.kind != .variable else { throw unexpected("a value") }
        position += 1
        return text(ofTokens: start..<position)
    }

    mutating func conflict() throws(DefinitionProblem) -> String? {
        guard take("ON", "CONFLICT") else { return nil }
        return try name().uppercased()
    }

    /// What stands behind REFERENCES.
    mutating func reference(into reference: inout ReferenceDefinition) throws(DefinitionProblem) {
        reference.parent = try name()
        if isAt(symbol: "(") { reference.parentColumns = try names() }
        while true {
            if take("ON", "DELETE") {
                reference.onDelete = try action()
            } else if take("ON", "UPDATE") {
                reference.onUpdate = try action()
            } else if take("ON", "INSERT") {
                _ = try action()
            } else if take("MATCH") {
                reference.match = try name().uppercased()
            } else if isAt("DEFERRABLE") || isAt("NOT", "DEFERRABLE") {
                reference.isDeferred = try deferral()
            } else {
                return
            }
        }
    }

    private mutating func action() throws(DefinitionProblem) -> String {
        if take("SET", "NULL") { return "SET NULL" }
        if take("SET", "DEFAULT") { return "SET DEFAULT" }
        if take("CASCADE") { return "CASCADE" }
        if take("RESTRICT") { return "RESTRICT" }
        guard take("NO", "ACTION") else { throw unexpected("what becomes of the rows") }
        return "NO ACTION"
    }

    /// True for INITIALLY DEFERRED; NOT DEFERRABLE INITIALLY DEFERRED is immediate in SQLite, too.
    private mutating func deferral() throws(DefinitionProblem) -> Bool {
        let isNot = take("NOT")
        try expect(word: "DEFERRABLE")
        guard take("INITIALLY") else { return false }
        if take("DEFERRED") { return !isNot }
        try expect(word: "IMMEDIATE")
        return false
    }
}
