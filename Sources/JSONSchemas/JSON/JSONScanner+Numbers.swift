extension JSONScanner {
    /// A number at which the scanner stands.
    mutating func number() throws(JSONError) -> JSONNumber {
        let first = offset
        let isNegative = take(0x2D)
        let whole = try digits("a digit")
        if whole.count > 1, bytes[whole.startIndex] == 0x30 {
            throw error(.syntax, "a number does not begin with 0 and further digits", at: whole.startIndex)
        }
        var scanned = JSONNumber.Scanned(isNegative: isNegative, whole: whole, fraction: bytes[offset..<offset])
        if take(0x2E) { scanned.fraction = try digits("a digit behind the point") }
        if take(0x65) || take(0x45) { scanned.exponent = try exponent() }
        guard offset - first <= limits.numberCharacters else {
            throw error(
                .numberTooLong, "a number has \(offset - first) characters, \(limits.numberCharacters) are allowed",
                at: first)
        }
        // PostgreSQL writes numbers without exponents: a few bytes that come would be a thousand that go.
        expansion += abs(scanned.exponent)
        guard expansion <= limits.bytes else {
            throw error(.tooLong, "the numbers have too many digits when they are written without exponents", at: first)
        }
        let text = bytes[first..<offset]
        return JSONNumber(scanned) { String(decoding: text, as: UTF8.self) }
    }

    private mutating func exponent() throws(JSONError) -> Int {
        let place = offset
        let isNegative = take(0x2D)
        if !isNegative { _ = take(0x2B) }
        let written = try digits("a digit of the exponent")
        let significant = written.drop { $0 == 0x30 }
        // Seven digits are more than any limit, and fit.
        let value = significant.prefix(7).reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard significant.count <= 7, value <= limits.exponent else {
            throw error(
                .exponentTooLarge, "an exponent has to be between -\(limits.exponent) and \(limits.exponent)", at: place
            )
        }
        return isNegative ? -value : value
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        offset += 1
        return true
    }

    private mutating func digits(_ wanted: String) throws(JSONError) -> Slice<UnsafeRawBufferPointer> {
        let first = offset
        while let byte = peek, (0x30...0x39).contains(byte) { offset += 1 }
        guard offset > first else { throw unexpected(wanted) }
        return bytes[first..<offset]
    }
}
