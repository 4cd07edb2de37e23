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
            case .identifier: hash.add(0x69, scanned.name(token).utf8)
            case .keyword: hash.add(0x6B, scanned.name(token).utf8)
            case .string: hash.add(0x73, scanned.source.bytes[token.range])
            case .number: hash.add(0x6E, scanned.source.bytes[token.range])
            case .parameter: hash.add(0x70, scanned.source.bytes[token.range])
            case .symbol: hash.add(0x6F, scanned.source.bytes[token.range])
            }
        }
        return "v1:" + hash.hexadecimal
    }
}

/// Fowler-Noll-Vo 1a with 128 bits, as in the IETF draft "The FNV Non-Cryptographic Hash Algorithm".
private struct FNV1a128 {
    private var value: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    private static let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B

    mutating func add(_ kind: UInt8, _ bytes: some Sequence<UInt8>) {
        add(kind)
        for byte in bytes { add(byte) }
        add(0)
    }

    private mutating func add(_ byte: UInt8) {
        value = (value ^ UInt128(byte)) &* Self.prime
    }

    var hexadecimal: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}
