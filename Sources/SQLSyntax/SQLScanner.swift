/// One token of a text, comments included, as PostgreSQL's scanner cuts it.
package struct SQLToken: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case identifier
        case keyword(SQLKeywordClass)
        /// Any quoted constant: plain, `E''`, dollar-quoted, bit, hexadecimal, with Unicode escapes.
        case string
        case number
        /// `$1`
        case parameter
        /// An operator or a punctuation mark.
        case symbol
        case comment
    }

    package let kind: Kind
    /// The token's bytes in the text.
    package let range: Range<Int>
}

/// A text and its tokens.
package struct SQLTokens: Sendable {
    package let source: SourceText
    package let tokens: [SQLToken]

    package func text(_ token: SQLToken) -> String { source.text(token.range) }

    /// The name an identifier or key word stands for: unquoted or folded to lower case, cut to 63 bytes.
    package func name(_ token: SQLToken) -> String {
        let bytes = source.bytes[token.range]
        if bytes.first == 0x22 {
            let body = String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
            let parts = body.split(separator: "\"\"", omittingEmptySubsequences: false)
            return SQL.truncated(parts.joined(separator: "\""))
        }
        return SQL.truncated(String(decoding: bytes.map(Self.lowercased), as: UTF8.self))
    }

    /// ASCII letters only, as PostgreSQL folds names in UTF-8 databases.
    static func lowercased(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }
}

/// PostgreSQL's scanner (version 15), which also reads texts that the parser would refuse.
package enum SQLScanner {
    /// The tokens of a text of up to `limit` bytes. Throws on what cannot be cut, such as an open quote.
    package static func scan(
        _ sql: String,
        limit: Int = SQLParser.defaultLimit
    ) throws(SQLSyntaxError) -> SQLTokens {
        let source = try ParserLibrary.source(sql, limit: limit)
        return SQLTokens(source: source, tokens: try tokens(of: source))
    }

    static func tokens(of source: SourceText) throws(SQLSyntaxError) -> [SQLToken] {
        var reader = ProtobufReader(try ParserLibrary.scan(source))
        var tokens: [SQLToken] = []
        while let field = reader.next() {
            guard field.number == 2, case .bytes(let range) = field.value else { continue }
            guard let token = token(reader.slice(range)), token.range.upperBound <= source.bytes.count else {
                throw SQLSyntaxError(reason: .parserFailure, message: "the scanner's answer cannot be read")
            }
            tokens.append(token)
        }
        guard !reader.failed else {
            throw SQLSyntaxError(reason: .parserFailure, message: "the scanner's answer cannot be read")
        }
        return tokens
    }

    /// A `ScanToken` message: 1 start, 2 end, 4 token, 5 keyword kind.
    private static func token(_ message: ProtobufReader) -> SQLToken? {
        var reader = message
        var fields: [Int] = [0, 0, 0, 0, 0, 0]
        while let field = reader.next() {
            if case .varint(let value) = field.value, field.number < fields.count {
                fields[field.number] = Int(truncatingIfNeeded: value)
            }
        }
        guard !reader.failed, fields[1] >= 0, fields[1] <= fields[2] else { return nil }
        return SQLToken(kind: kind(token: fields[4], keyword: fields[5]), range: fields[1]..<fields[2])
    }

    /// The numbers are those of `enum Token` in libpg_query's published message format.
    private static func kind(token: Int, keyword: Int) -> SQLToken.Kind {
        switch keyword {
        case 1: return .keyword(.unreserved)
        case 2: return .keyword(.columnName)
        case 3: return .keyword(.typeOrFunctionName)
        case 4: return .keyword(.reserved)
        default: break
        }
        switch token {
        case 258, 259: return .identifier
        case 260, 266: return .number
        case 261...264: return .string
        case 267: return .parameter
        case 275, 276: return .comment
        default: return .symbol
        }
    }
}
