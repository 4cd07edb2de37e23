import SQLSyntax

/// Functions of SQLite that are known to mean the same in PostgreSQL (https://www.sqlite.org/lang_corefunc.html).
extension ExpressionTranslator {
    mutating func call(_ name: String, _ arguments: [SQLiteExpression]) throws(NotTranslated) -> TargetPiece {
        try demandNoCollate(arguments, "\(name)()")
        switch (name, arguments.count) {
        case ("lower", 1), ("upper", 1):
            // ASCII's letters only, as in SQLite.
            return .function("\(name)(\(try text(try piece(arguments[0]), "\(name)()")) COLLATE \"C\")", .text)
        case ("trim", 1...2), ("ltrim", 1...2), ("rtrim", 1...2):
            return .function("\(name == "trim" ? "btrim" : name)(\(try texts(arguments, name)))", .text)
        case ("replace", 3): return .function("replace(\(try texts(arguments, name)))", .text)
        case ("instr", 2): return .narrow("strpos(\(try texts(arguments, name)))")
        case ("length", 1): return try length(arguments[0])
        case ("substr", 2...3), ("substring", 2...3): return try part(arguments)
        case ("abs", 1):
            let operand = try number(try piece(arguments[0]))
            return .function("abs(\(wide(operand)))", operand.kind)
        case ("round", 1), ("round", 2): return try rounded(arguments)
        case ("coalesce", 2...), ("ifnull", 2):
            let (values, kind) = try unified(arguments)
            guard kind != .null else { return try piece(.null) }
            return .function("COALESCE(\(values.joined(separator: ", ")))", kind)
        case ("nullif", 2): return try nullIf(arguments)
        case ("iif", 2...3), ("if", 2...3):
            return try choice(nil, [.init(arguments[0], arguments[1])], arguments.count == 3 ? arguments[2] : nil)
        case ("likely", 1), ("unlikely", 1), ("likelihood", 2):
            var operand = try unnamed(try piece(arguments[0]))
            operand.collation = nil
            return operand
        case ("like", 2): return try matches("LIKE", arguments[1], arguments[0], nil)
        case ("like", 3): return try matches("LIKE", arguments[1], arguments[0], arguments[2])
        case ("glob", 2): return try matches("GLOB", arguments[1], arguments[0], nil)
        case ("hex", 1): return try hex(arguments[0])
        case ("json_valid", 1): return try isJSON(arguments[0])
        case ("json_extract", 2): return try member(arguments[0], arguments[1], isText: true)
        default: throw untranslated(name)
        }
    }

    private func untranslated(_ name: String) -> NotTranslated {
        switch name {
        case "typeof":
            NotTranslated("typeof() asks how SQLite stores a value, which the column's type decides in PostgreSQL")
        case "min", "max":
            NotTranslated("\(name)() of several values is NULL where one of them is; PostgreSQL's passes over NULLs")
        case "date", "time", "datetime", "julianday", "strftime", "unixepoch", "timediff":
            NotTranslated("\(name)() works on times as SQLite writes them")
        case "random", "randomblob": NotTranslated("\(name)() has no counterpart that gives the same kind of values")
        default: NotTranslated("\(name)() is not known to mean the same in PostgreSQL")
        }
    }

    private mutating func texts(_ arguments: [SQLiteExpression], _ name: String) throws(NotTranslated) -> String {
        var texts: [String] = []
        for argument in arguments { texts.append(try text(try piece(argument), "\(name)()")) }
        return texts.joined(separator: ", ")
    }

    /// Of a text its characters, of bytes their number, of a number its digits.
    private mutating func length(_ argument: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        let piece = try piece(argument)
        if piece.kind == .bytes { return .narrow("length(\(piece.operand))") }
        return .narrow("length(\(try text(piece, "length()")))")
    }

    /// From a place at or behind the first character: SQLite counts others from the end.
    private mutating func part(_ arguments: [SQLiteExpression]) throws(NotTranslated) -> TargetPiece {
        var numbers: [String] = []
        for argument in arguments.dropFirst() {
            guard case .integer(let value) = argument, (numbers.isEmpty ? 1 : 0)...1_000_000_000 ~= value else {
                throw NotTranslated("substr() with a place or a length that is no positive literal")
            }
            numbers.append("\(value)")
        }
        let subject = try text(try piece(arguments[0]), "substr()")
        return .function("substr(\(subject), \(numbers.joined(separator: ", ")))", .text)
    }

    private mutating func rounded(_ arguments: [SQLiteExpression]) throws(NotTranslated) -> TargetPiece {
        let piece = try number(try piece(arguments[0]))
        guard piece.kind == .integer, arguments.count == 1 || arguments[1] == .integer(0) else {
            throw NotTranslated("round() of a binary fraction goes to the other side at halves in PostgreSQL")
        }
        return .function("\(piece.operand)::double precision", .double)
    }

    private mutating func nullIf(_ arguments: [SQLiteExpression]) throws(NotTranslated) -> TargetPiece {
        // Without affinities: 1 is not '1' here.
        let left = try piece(arguments[0]), right = try piece(arguments[1])
        try demandOneClass(left)
        try demandOneClass(right)
        let isNull = left.kind == .null || right.kind == .null
        guard left.kind == right.kind || isNull || left.kind == .boolean && right.kind == .integer else {
            throw mixed(left, right)
        }
        // PostgreSQL would give NULL the type of the other.
        guard left.kind != .null else { return left }
        let (one, other) = try comparable(left, right, isEquality: true)
        // Folded, it would give the folded text.
        guard one == left.operand else { throw NotTranslated("nullif() by another collation than bytes") }
        return .function("NULLIF(\(one), \(other))", left.kind)
    }

    private mutating func hex(_ argument: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        if case .call("randomblob", _) = argument { throw untranslated("randomblob") }
        let piece = try piece(argument)
        guard piece.kind == .bytes else { throw NotTranslated("hex() of \(piece.shown) (\(piece.kind.words))") }
        // Of NULL it is empty in SQLite.
        return .function("COALESCE(upper(encode(\(piece.operand), 'hex')), '')", .text)
    }

    private mutating func isJSON(_ argument: SQLiteExpression) throws(NotTranslated) -> TargetPiece {
        let piece = try piece(argument)
        guard let type = piece.column?.mapping.type, type == .json || type == .jsonb else {
            throw NotTranslated("json_valid() of \(piece.shown), which does not become jsonb")
        }
        return .function("CASE WHEN \(piece.operand) IS NOT NULL THEN true END", .boolean)
    }

    /// Only in an index that refuses nothing: SQLite gives a number for a number, PostgreSQL its text.
    mutating func member(
        _ value: SQLiteExpression, _ path: SQLiteExpression, isText: Bool
    ) throws(NotTranslated) -> TargetPiece {
        let piece = try piece(value)
        guard let type = piece.column?.mapping.type, type == .json || type == .jsonb, isText,
            purpose == .key(isUnique: false), case .text(let text) = path, let members = Self.members(text)
        else { throw NotTranslated("a member of \(piece.shown) as JSON has another type in PostgreSQL") }
        note("a member of JSON is always text in PostgreSQL")
        if members.count == 1 { return .composed("\(piece.operand) ->> \(try literal(members[0]))", .text) }
        return .composed("\(piece.operand) #>> ARRAY[\(members.map(SQL.literal).joined(separator: ", "))]", .text)
    }

    /// Of `$.a.b` or `a`; nil for anything with brackets, quotes or numbers.
    private static func members(_ path: String) -> [String]? {
        let names =
            path.hasPrefix("$.")
            ? path.dropFirst(2).split(separator: ".", omittingEmptySubsequences: false) : [path[...]]
        let isPlain = names.allSatisfy { name in
            name.utf8.first.map { 0x61...0x7A ~= $0 | 0x20 || $0 == 0x5F } == true
                && name.utf8.allSatisfy { 0x61...0x7A ~= $0 | 0x20 || $0 == 0x5F || 0x30...0x39 ~= $0 }
        }
        return isPlain ? names.map(String.init) : nil
    }
}
