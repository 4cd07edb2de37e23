import SQLSyntax

/// SQLite's expressions in PostgreSQL's words: only what is known to mean the same; the rest with the reason why it is not.
///
/// One difference stays: where a sum, a product or a CAST goes beyond 64 bits, SQLite goes on with a real number or stops at
/// the last integer, and PostgreSQL refuses the row.
package struct ExpressionTranslation: Sendable {
    package enum Result: Sendable, Hashable {
        /// The expression, and what a user should know of it.
        case sql(String, notes: [String])
        /// Always true with the target's types, such as `active IN (0, 1)` of a boolean: needs no statement.
        case implied(String)
        /// It would not be known to mean the same; names the thing.
        case left(String)
    }

    package enum Purpose: Sendable, Hashable {
        /// NULL counts as true.
        case check
        /// Of a partial index: NULL counts as false.
        case condition
        /// The key of an index; a unique one decides what may be stored.
        case key(isUnique: Bool)
    }

    let table: SourceTable
    let mapping: TableMapping

    package init(_ table: SourceTable, _ mapping: TableMapping) { (self.table, self.mapping) = (table, mapping) }

    package func translate(_ expression: String, for purpose: Purpose) -> Result {
        result { () throws(NotTranslated) in
            var translator = ExpressionTranslator(self, purpose)
            let tree = try Self.read(expression)
            let piece: TargetPiece
            switch purpose {
            case .check, .condition: piece = try translator.condition(tree, isPositive: purpose == .check)
            case .key: piece = try translator.key(tree)
            }
            return (piece, translator.notes)
        }
    }

    /// The expression of a generated column, in the type of its column.
    package func generated(_ column: SourceColumn) -> Result {
        result { () throws(NotTranslated) in
            guard let expression = column.generationSQL, let target = mapping.column(column.name) else {
                throw NotTranslated("its expression could not be read")
            }
            var translator = ExpressionTranslator(self, .key(isUnique: true))
            translator.hasGenerated = false
            let piece = try translator.assigned(
                try Self.read(expression), to: TranslatedColumn(source: column, mapping: target))
            return (piece, translator.notes)
        }
    }

    static func read(_ expression: String) throws(NotTranslated) -> SQLiteExpression {
        do {
            return try SQLiteExpressionReader.read(expression)
        } catch {
            throw NotTranslated("it cannot be read: \(error)")
        }
    }

    /// Runs a translation; what comes out is read once more by PostgreSQL's own parser.
    func result(_ body: () throws(NotTranslated) -> (TargetPiece, [String])) -> Result {
        do throws(NotTranslated) {
            let (piece, notes) = try body()
            guard !piece.isImplied else { return .implied("the type of the column sees to it") }
            do {
                guard try SQLParser.parse("SELECT (\(piece.sql))").count == 1 else {
                    return .left("it is no expression")
                }
            } catch {
                return .left("PostgreSQL's parser does not take it: \(error)")
            }
            return .sql(piece.sql, notes: notes)
        } catch {
            return .left(error.reason)
        }
    }
}
