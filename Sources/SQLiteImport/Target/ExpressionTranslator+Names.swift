import SQLSyntax

extension ExpressionTranslator {
    /// The column that a name means, if its table's name is right.
    func column(_ parts: [String]) -> TranslatedColumn? {
        guard hasColumns, let name = parts.last else { return nil }
        let table = translation.table
        if parts.count > 1, parts[parts.count - 2].asciiLowercased != table.name.asciiLowercased { return nil }
        let isRowid = ["rowid", "_rowid_", "oid"].contains(name.asciiLowercased)
        guard let source = table.column(name) ?? (isRowid ? table.rowidAlias.flatMap { table.column($0) } : nil),
            let mapping = translation.mapping.column(source.name)
        else { return nil }
        return TranslatedColumn(source: source, mapping: mapping)
    }

    func name(_ parts: [String], _ kind: SQLiteToken.Kind) throws(NotTranslated) -> TargetPiece {
        if let column = column(parts) {
            guard hasGenerated || column.source.generation == nil else {
                throw NotTranslated("it is made of \(column.source.name), which is generated itself")
            }
            return piece(column)
        }
        guard parts.count == 1 else { throw NotTranslated("it names \(parts.joined(separator: "."))") }
        let name = parts[0]
        if hasColumns, let source = translation.table.column(name) {
            throw NotTranslated("column \(source.name) is not carried over")
        }
        if kind == .word, let value = ["true": 1, "false": 0][name.asciiLowercased] {
            return TargetPiece(sql: "\(value)", kind: .integer, literal: .integer(Int64(value)))
        }
        // SQLite takes what is in double quotes for a string where no column has the name; in a DEFAULT any name.
        guard kind == .quotedName || !hasColumns else { throw NotTranslated("nothing in the table is called \(name)") }
        return TargetPiece(sql: try literal(name), kind: .text, literal: .text(name))
    }

    func piece(_ column: TranslatedColumn) -> TargetPiece {
        TargetPiece(
            sql: SQL.identifier(column.mapping.name), kind: TargetPiece.Kind(column.mapping.type), column: column,
            affinity: column.source.affinity, collation: .init(name: column.source.collation))
    }

    mutating func collated(_ operand: SQLiteExpression, _ name: String) throws(NotTranslated) -> TargetPiece {
        var piece = try piece(operand)
        piece.collation = .init(name: name, isExplicit: true)
        return piece
    }

    /// A COLLATE within an operand decides how SQLite compares the whole, however deep it is.
    func demandNoCollate(_ expressions: [SQLiteExpression], _ what: String) throws(NotTranslated) {
        guard expressions.contains(where: { hasCollate($0) }) else { return }
        throw NotTranslated("it has COLLATE within \(what)")
    }

    private func hasCollate(_ expression: SQLiteExpression) -> Bool {
        if case .collate = expression { return true }
        return expression.parts.contains { hasCollate($0) }
    }

    /// The key of an index: with the collation of its own folded in, since PostgreSQL has none that ignores case.
    mutating func key(_ expression: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        let piece = try piece(expression)
        guard let collation = piece.collation, piece.kind == .text else { return piece }
        return try folded(piece, collation.name)
    }

    /// The text as SQLite's collation compares it: in small letters (ASCII's only) for NOCASE, without spaces at the end for RTRIM.
    func folded(_ piece: TargetPiece, _ collation: String) throws(NotTranslated) -> TargetPiece {
        switch collation.asciiLowercased {
        case "binary": return piece
        case "nocase" where piece.literal != nil:
            guard case .text(let text)? = piece.literal else { return piece }
            return TargetPiece(sql: SQL.literal(text.asciiLowercased), kind: .text)
        case "nocase": return .function("lower(\(piece.operand) COLLATE \"C\")", .text)
        case "rtrim": return .function("rtrim(\(piece.operand), ' ')", .text)
        default: throw NotTranslated("it compares by the application's collation \(collation)")
        }
    }
}
