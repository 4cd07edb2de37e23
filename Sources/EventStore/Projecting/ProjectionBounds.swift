import SQLSyntax

/// Which tables the statements of a projection may touch, so that it can be rebuilt beside the live read model: what names no
/// schema means the copy that is being made, what names one means the same table always.
package struct ProjectionBounds: Sendable {
    let schema: String
    let tables: Set<String>

    package init(schema: String, tables: some Sequence<String>) { (self.schema, self.tables) = (schema, Set(tables)) }

    /// - Throws: a table of the read model with its schema, and whatever writes into another table.
    func check(_ statement: ParsedStatement) throws(ProjectionMistake) {
        for relation in StatementReferences.collect(in: statement).relations {
            if relation.schema == schema {
                throw ProjectionMistake(
                    line: relation.line,
                    message:
                        "leave the schema of \(schema).\(relation.name) out: a rebuild runs the same statements on tables beside the live ones"
                )
            }
            guard relation.access != .read else { continue }
            guard relation.schema == nil, tables.contains(relation.name) else {
                throw ProjectionMistake(
                    line: relation.line,
                    message:
                        "it writes into \(relation.qualifiedName), which is no table of this projection: a rebuild would do that once more"
                )
            }
        }
    }
}
