/// Cuts SQLite's SQL into tokens as SQLite's own tokenizer does (https://www.sqlite.org/lang_keywords.html, tokenize.c).
///
/// Takes any bytes; what SQLite would refuse is a `DefinitionProblem`. Statements are at most `limit` bytes long.
package struct SQLiteTokenizer {
    /// What SQLite itself takes unless it was built otherwise.
    package static let limit = 1_000_000

    private let bytes: [UInt8]
    private var position = 0

    package static func tokens(of statement: [UInt8]) throws(DefinitionProblem) -> [SQLiteToken] {
        guard statement.count <= limit else {
            throw DefinitionProblem("the statement is longer than \(limit) bytes", at: limit)
        }
        var tokenizer = SQLiteTokenizer(bytes: statement)
        var tokens: [SQLiteToken] = []
        while let token = try tokenizer.next() { tokens.append(token) }
        return tokens
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// 0 behind the end: SQLite's statements end at their first NUL.
    private func byte(_ ahead: Int = 0) -> UInt8 {
        position + ahead < bytes.count ? bytes[position + ahead] : 0
    }

    private mutating func next() throws(DefinitionProblem) -> SQLiteToken? {
        skipSpace()
        let start = position
        switch byte() {
        case 0:
            guard start >= bytes.count else { throw DefinitionProblem("a NUL", at: start) }
            return nil
        case UInt8(ascii: "'"): return try quoted(.string, from: start)
        case UInt8(ascii: "\""): return try quoted(.quotedName, from: start)
        case UInt8(ascii: "`"): return try quoted(.bracketedName, from: start)
        case UInt8(ascii: "["): return try bracketed(from: start)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            return byte(1) == UInt8(ascii: "'") ? try blob(from: start) : word(from: start)
        case let first where first.isDigit || first == UInt8(ascii: ".") && byte(1).isDigit:
            return try number(from: start)
        case let first where first.startsName: return word(from: start)
        case UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "#"), UInt8(ascii: "$"):
            position += 1
            while byte().continuesName { position += 1 }
            return token(.variable, from: start)
        default: return try symbol(from: start)
        }
    }

    private func token(_ kind: SQLiteToken.Kind, from start: Int, _ content: Range<Int>? = nil) -> SQLiteToken {
        let text = String(decoding: bytes[content ?? start..<position], as: UTF8.self)
        return SQLiteToken(kind: kind, text: text, range: start..<position)
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            if byte().isSQLiteSpace {
                position += 1
            } else if byte() == 0xEF, byte(1) == 0xBB, byte(2) == 0xBF {
                position += 3
            } else if byte() == UInt8(ascii: "-"), byte(1) == UInt8(ascii: "-") {
                while position < bytes.count, byte() != 0x0A { position += 1 }
            } else if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                skipComment()
            } else {
                return
            }
        }
    }

    /// A comment that nothing ends reaches to the end of the statement.
    private mutating func skipComment() {
        position += 2
        while position < bytes.count, !(byte() == UInt8(ascii: "*") && byte(1) == UInt8(ascii: "/")) { position += 1 }
        position = min(position + 2, bytes.count)
    }

    private mutating func word(from start: Int) -> SQLiteToken {
        while byte().continuesName { position += 1 }
        return token(.word, from: start)
    }

    private mutating func quoted(_ kind: SQLiteToken.Kind, from start: Int) throws(DefinitionProblem) -> SQLiteToken {
        let mark = byte()
        var content: [UInt8] = []
        position += 1
        while position < bytes.count {
            if byte() == mark {
                guard byte(1) == mark else {
                    position += 1
                    return SQLiteToken(
                        kind: kind, text: String(decoding: content, as: UTF8.self), range: start..<position)
                }
                position += 1
            }
            content.append(byte())
            position += 1
        }
        throw DefinitionProblem("a quote that is never closed", at: start)
    }

    private mutating func bracketed(from start: Int) throws(DefinitionProblem) -> SQLiteToken {
        while position < bytes.count, byte() != UInt8(ascii: "]") { position += 1 }
        guard position < bytes.count else { throw DefinitionProblem("a bracket that is never closed", at: start) }
        position += 1
        return token(.bracketedName, from: start, start + 1..<position - 1)
    }

    private mutating func blob(from start: Int) throws(DefinitionProblem) -> SQLiteToken {
        position += 2
        while byte().isHexDigit { position += 1 }
        guard byte() == UInt8(ascii: "'"), (position - start) % 2 == 0 else {
            throw DefinitionProblem("a blob that is not of pairs of hexadecimal digits", at: start)
        }
        position += 1
        return token(.blob, from: start, start + 2..<position - 1)
    }

    private mutating func number(from start: Int) throws(DefinitionProblem) -> SQLiteToken {
        if byte() == UInt8(ascii: "0"), byte(1) | 0x20 == UInt8(ascii: "x"), byte(2).isHexDigit {
            position += 2
            while byte().isHexDigit { position += 1 }
        } else {
            decimal()
        }
        guard !byte().continuesName else { throw DefinitionProblem("a number with letters behind it", at: start) }
        return token(.number, from: start)
    }

    private mutating func decimal() {
        while byte().isDigit { position += 1 }
        if byte() == UInt8(ascii: ".") {
            position += 1
            while byte().isDigit { position += 1 }
        }
        let sign = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-") ? 1 : 0
        guard byte() | 0x20 == UInt8(ascii: "e"), byte(1 + sign).isDigit else { return }
        position += 1 + sign
        while byte().isDigit { position += 1 }
    }

    /// The longest first.
    private static let symbols: [[UInt8]] = [
        "->>", "->", "==", "<=", "<>", "<<", ">=", ">>", "!=", "||", "(", ")", ",", ";", "+", "-", "*", "/", "%", "=",
        "<",
        ">", "|", "&", "~", ".",
    ].map { Array($0.utf8) }

    private mutating func symbol(from start: Int) throws(DefinitionProblem) -> SQLiteToken {
        guard let found = Self.symbols.first(where: { bytes[start...].starts(with: $0) }) else {
            throw DefinitionProblem("a character that SQL does not have", at: start)
        }
        position += found.count
        return token(.symbol, from: start)
    }
}

extension UInt8 {
    fileprivate var isSQLiteSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0C || self == 0x0D }
    fileprivate var isDigit: Bool { 0x30...0x39 ~= self }
    fileprivate var isHexDigit: Bool { isDigit || 0x61...0x66 ~= self | 0x20 }
    fileprivate var startsName: Bool { 0x61...0x7A ~= self | 0x20 || self == 0x5F || self >= 0x80 }
    fileprivate var continuesName: Bool { startsName || isDigit || self == 0x24 }
}
