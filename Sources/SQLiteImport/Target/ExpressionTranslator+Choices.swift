extension ExpressionTranslator {
    mutating func choice(
        _ base: SQLiteExpression?, _ branches: [SQLiteExpression.Branch], _ otherwise: SQLiteExpression?
    ) throws(NotTranslated) -> TargetPiece {
        let all =
            (base.map { [$0] } ?? []) + branches.flatMap { [$0.condition, $0.value] } + (otherwise.map { [$0] } ?? [])
        try demandNoCollate(all, "CASE")
        let (values, kind) = try unified(branches.map(\.value) + (otherwise.map { [$0] } ?? []))
        var sql = "CASE"
        for (branch, value) in zip(branches, values) {
            let test =
                if let base { try comparison("=", base, branch.condition) } else { try condition(branch.condition) }
            sql += " WHEN \(test.sql) THEN \(value)"
        }
        if otherwise != nil, let last = values.last { sql += " ELSE \(last)" }
        return kind == .null ? try piece(.null) : .function(sql + " END", kind)
    }

    /// Values of one type: of CASE, coalesce() and the like.
    mutating func unified(_ values: [SQLiteExpression]) throws(NotTranslated) -> ([String], TargetPiece.Kind) {
        var pieces: [TargetPiece] = []
        for value in values {
            pieces.append(try piece(value))
            try demandOneClass(pieces[pieces.count - 1])
        }
        let firm = pieces.filter { $0.literal == nil }
        let kinds = Set((firm.isEmpty ? pieces : firm).map(\.kind)).subtracting([.null])
        if kinds == [.boolean, .integer] {
            return (try numbers(pieces), .integer)
        }
        guard kinds.count <= 1 else {
            throw NotTranslated("it gives \(kinds.map(\.words).sorted().joined(separator: " or "))")
        }
        let kind = kinds.first ?? .null
        var texts: [String] = []
        for piece in pieces {
            if piece.kind == .null {
                texts.append("NULL")
            } else if piece.literal == nil || firm.isEmpty {
                texts.append(piece.operand)
            } else {
                texts.append(try taking(piece, kind))
            }
        }
        return (texts, kind)
    }

    private func numbers(_ pieces: [TargetPiece]) throws(NotTranslated) -> [String] {
        var texts: [String] = []
        for piece in pieces { texts.append(piece.kind == .null ? "NULL" : try number(piece).operand) }
        return texts
    }

    /// A literal beside values of a kind.
    private func taking(_ piece: TargetPiece, _ kind: TargetPiece.Kind) throws(NotTranslated) -> String {
        switch (kind, piece.literal) {
        case (.boolean, .integer(let value)?) where value == 0 || value == 1: return value == 1 ? "true" : "false"
        case (.integer, .integer?), (.text, .text?), (.bytes, .blob?), (.double, .real?): return piece.operand
        case (.date, .text(let text)?) where TimeLiteral.isDate(text): return "\(piece.operand)::date"
        default: throw NotTranslated("it gives \(kind.words) or \(piece.sql)")
        }
    }

    mutating func cast(_ operand: SQLiteExpression, to type: String) throws(NotTranslated) -> TargetPiece {
        try demandNoCollate([operand], "CAST")
        let piece = try piece(operand)
        var result: TargetPiece
        switch (SourceAffinity(declared: type), piece.kind) {
        case (.integer, .integer), (.integer, .boolean): result = .function(wide(try number(piece)), .integer)
        // Cut off in SQLite, rounded by PostgreSQL's cast.
        case (.integer, .double): result = .function("trunc(\(try number(piece).operand))::bigint", .integer)
        case (.text, .text), (.text, .integer), (.text, .boolean), (.text, .null):
            result = .function(try text(piece, "CAST"), .text)
        case (.real, .integer), (.real, .double), (.real, .boolean):
            result = .function("\(try number(piece).operand)::double precision", .double)
        default: throw NotTranslated("CAST(\(piece.shown) AS \(type)) of \(piece.kind.words)")
        }
        result.affinity = SourceAffinity(declared: type)
        // A CAST compares as what is cast.
        result.collation = piece.collation
        return result
    }

    /// PostgreSQL looks whether a generated column is immutable before it has decided on collations, and fails where it could
    /// reckon with texts at once: "could not determine which collation to use".
    private func hasConstantPart(_ expression: SQLiteExpression) -> Bool {
        let parts = expression.parts
        guard !parts.isEmpty else { return false }
        return hasText(expression) && !namesColumn(expression) || parts.contains { hasConstantPart($0) }
    }

    private func hasText(_ expression: SQLiteExpression) -> Bool {
        switch expression {
        case .text, .call, .matches, .collate, .binary("||", _, _): true
        case .name(let names, _): column(names) == nil
        default: expression.parts.contains { hasText($0) }
        }
    }

    private func namesColumn(_ expression: SQLiteExpression) -> Bool {
        if case .name(let names, _) = expression { return column(names) != nil }
        return expression.parts.contains { namesColumn($0) }
    }

    /// The value of a generated column, with what the column's affinity makes of it.
    mutating func assigned(
        _ expression: SQLiteExpression, to column: TranslatedColumn
    ) throws(NotTranslated) -> TargetPiece {
        if !hasGenerated, hasConstantPart(expression) {
            throw NotTranslated(
                "it has an operation on constants alone, which PostgreSQL refuses in a generated column")
        }
        let piece = try piece(expression)
        let affinity = column.source.affinity
        func refusal() -> NotTranslated {
            NotTranslated("it gives \(piece.kind.words), and the column becomes \(column.mapping.type.sql)")
        }
        switch (TargetPiece.Kind(column.mapping.type), piece.kind) {
        case (.boolean, .boolean), (.text, .text), (.bytes, .bytes), (.date, .date), (.integer, .integer): return piece
        case (.integer, .boolean) where affinity != .text: return try number(piece)
        case (.double, .double), (.double, .integer), (.double, .boolean):
            return .function("\(try number(piece).operand)::double precision", .double)
        case (.text, .integer) where affinity == .text, (.text, .boolean) where affinity == .text:
            return .composed(try text(piece, "its column"), .text)
        case (.other(let one), .other(let other)) where one == other && one != "json": return piece
        default: throw refusal()
        }
    }
}
