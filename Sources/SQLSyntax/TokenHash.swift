extension SQLScanner {
    /// A hash of what the text says, for recognising a changed migration or statement.
    ///
    /// Comments and white space do not count; key words and unquoted names count in lower case and names as
    /// PostgreSQL stores them (`"id"` equals `ID`); a key word and a quoted name of the same letters differ;
    /// constants count byte by byte. The answer is `v1:` and 32 hexadecimal digits of FNV-1a with 128 bits over,
    /// for each token, one byte for its kind, its bytes, and a zero byte. The formula behind a prefix never changes;
    /// another formula gets another prefix. The hash recognises changes, it does not withstand forgery.
    package static func normalisedTokenHash(
        _ sql: String,
        limit: Int = SQLParser.defaultLimit
    ) throws(SQLSyntaxError) -> String {
        let scanned = try scan(sql, limit: limit)
        var hash = FNV1a128()
        for token in scanned.tokens {
            switch token.kind {
            case .comment: continue
            case .identifier: hash.add(token: 0x69, scanned.name(token).utf8)
            case .keyword: hash.add(token: 0x6B, scanned.name(token).utf8)
            case .string: hash.add(token: 0x73, scanned.source.bytes[token.range])
            case .number: hash.add(token: 0x6E, scanned.source.bytes[token.range])
            case .parameter: hash.add(token: 0x70, scanned.source.bytes[token.range])
            case .symbol: hash.add(token: 0x6F, scanned.source.bytes[token.range])
            }
        }
        return "v1:" + hash.hexadecimal
    }
}

extension FNV1a128 {
    fileprivate mutating func add(token kind: UInt8, _ bytes: some Sequence<UInt8>) {
        add(CollectionOfOne(kind))
        add(bytes)
        add(CollectionOfOne(0))
    }
}
