/// What only a table's statement tells, brought together with what the pragmas told.
struct StatementParts {
    private let definition: TableDefinition

    init(_ definition: TableDefinition) { self.definition = definition }

    func join(_ table: inout SourceTable) throws(DefinitionProblem) {
        try checkColumns(table)
        for (column, constraint) in definition.allConstraints {
            if let conflict = constraint.conflict {
                table.conflicts.append("\(words(constraint, column)) ON CONFLICT \(conflict)")
            }
            switch constraint.rule {
            case .check(let expression):
                table.checks.append(SourceCheck(expression, name: constraint.name, column: column))
            case .generated(let expression, _):
                guard let index = table.columns.firstIndex(where: { same($0.name, column) }) else { continue }
                table.columns[index].generationSQL = expression
            case .primaryKey: table.keyName = constraint.name
            case .unique, .notNull, .null, .defaultValue, .collate, .references: continue
            }
        }
        nameKeys(&table)
        try nameReferences(&table)
    }

    /// A statement that was changed with writable_schema may not be the table's any more.
    private func checkColumns(_ table: SourceTable) throws(DefinitionProblem) {
        let (read, known) = (definition.columns.map(\.name.asciiLowercased), table.columns.map(\.name.asciiLowercased))
        guard read != known else { return }
        throw DefinitionProblem("its columns are read as \(read.joined(separator: ", "))", at: 0)
    }

    /// Each UNIQUE takes the first index of its columns that has no name yet; two of the same columns share one index.
    private func nameKeys(_ table: inout SourceTable) {
        for (column, constraint) in definition.allConstraints {
            guard let name = constraint.name else { continue }
            let (keys, origin): ([KeyDefinition], SourceIndex.Origin)
            switch constraint.rule {
            case .unique(let columns): (keys, origin) = (columns, .unique)
            case .primaryKey(let columns, _): (keys, origin) = (columns, .primaryKey)
            default: continue
            }
            let names = (keys.isEmpty ? [column ?? ""] : keys.map(\.text)).map(\.asciiLowercased)
            let index = table.indexes.firstIndex {
                $0.origin == origin && $0.constraint == nil
                    && $0.keys.map { ($0.column ?? "").asciiLowercased } == names
            }
            if let index { table.indexes[index].constraint = name }
        }
    }

    private func nameReferences(_ table: inout SourceTable) throws(DefinitionProblem) {
        let read: [(ConstraintDefinition, ReferenceDefinition)] = definition.allConstraints.compactMap {
            guard case .references(var reference) = $0.constraint.rule else { return nil }
            if let column = $0.column { reference.columns = [column] }
            return ($0.constraint, reference)
        }
        let known = table.foreignKeys.map { $0.columns.map(\.asciiLowercased) }
        guard read.map({ $0.1.columns.map(\.asciiLowercased) }) == known else {
            throw DefinitionProblem("its references are read as others than SQLite's own list has", at: 0)
        }
        for (index, (constraint, reference)) in read.enumerated() {
            table.foreignKeys[index].name = constraint.name
            table.foreignKeys[index].isDeferred = reference.isDeferred
        }
    }

    private func same(_ name: String, _ other: String?) -> Bool { name.asciiLowercased == other?.asciiLowercased }

    private func words(_ constraint: ConstraintDefinition, _ column: String?) -> String {
        func list(_ keys: [KeyDefinition]) -> String {
            " (\((column.map { [$0] } ?? keys.map(\.text)).joined(separator: ", ")))"
        }
        return switch constraint.rule {
        case .primaryKey(let keys, _): "PRIMARY KEY" + list(keys)
        case .unique(let keys): "UNIQUE" + list(keys)
        case .notNull: "NOT NULL" + list([])
        case .null: "NULL" + list([])
        case .check(let expression): "CHECK (\(expression))"
        default: "a constraint"
        }
    }
}
