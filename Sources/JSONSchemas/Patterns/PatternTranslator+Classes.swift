extension PatternTranslator {
    /// What one element of a class stands for: a character, or a set as it is written within brackets.
    enum Element {
        case scalar(Unicode.Scalar)
        case set(String)
    }

    /// A character that means nothing but itself, within a class or not.
    static func written(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": String(scalar)
        case _ where scalar.value >= 0xA0: String(scalar)
        default: "\\x{\(String(scalar.value, radix: 16))}"
        }
    }

    static func written(_ ranges: [ClosedRange<UInt32>]) -> String {
        ranges.map { "\\x{\(String($0.lowerBound, radix: 16))}-\\x{\(String($0.upperBound, radix: 16))}" }.joined()
    }

    /// Everything but these, which are in order.
    static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var rest: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { rest.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        // Surrogates are no characters; PCRE2 refuses them as the ends of ranges only.
        rest.append(next...0x10FFFF)
        return rest
    }

    /// A class at whose opening bracket the translator stands.
    mutating func characterClass() throws(Failure) -> String {
        position += 1
        var text = take("^") ? "[^" : "["
        while let next = peek, next != "]" {
            let first = try element()
            guard isNext("-"), position + 1 < scalars.count, scalars[position + 1] != "]" else {
                text += written(first)
                continue
            }
            position += 1
            let second = try element()
            guard case .scalar(let low) = first, case .scalar(let high) = second else {
                // A set cannot be the end of a range: the hyphen stands for itself.
                text += written(first) + "\\x{2d}" + written(second)
                continue
            }
            guard low <= high else { throw failure("a range of a class is in the wrong order") }
            text += "\(PatternTranslator.written(low))-\(PatternTranslator.written(high))"
        }
        guard take("]") else { throw failure("a bracket is not closed") }
        return text + "]"
    }

    private func written(_ element: Element) -> String {
        switch element {
        case .scalar(let scalar): PatternTranslator.written(scalar)
        case .set(let text): text
        }
    }

    private mutating func element() throws(Failure) -> Element {
        guard let next = peek else { throw failure("a bracket is not closed") }
        position += 1
        guard next == "\\" else { return .scalar(next) }
        if take("b") { return .scalar("\u{8}") }
        return try classEscape()
    }

    /// What stands behind a backslash, and means the same within a class and outside.
    mutating func classEscape() throws(Failure) -> Element {
        guard let next = peek else { throw failure("it ends with a backslash") }
        position += 1
        switch next {
        case "d", "D", "w", "W": return .set("\\\(next)")
        case "s": return .set(PatternTranslator.written(PatternTranslator.space))
        case "S": return .set(PatternTranslator.written(PatternTranslator.complement(PatternTranslator.space)))
        case "p", "P": return .set(try property(isNegated: next == "P"))
        case "t": return .scalar("\t")
        case "n": return .scalar("\n")
        case "v": return .scalar("\u{B}")
        case "f": return .scalar("\u{C}")
        case "r": return .scalar("\r")
        case "c": return .scalar(try controlLetter())
        case "0": return .scalar(try zero())
        case "x": return .scalar(try scalar(try hexDigits(2)))
        case "u": return .scalar(try unicodeEscape())
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": return .scalar(next)
        default: throw failure("ECMA-262 has no escape \\\(next)")
        }
    }

    private mutating func controlLetter() throws(Failure) -> Unicode.Scalar {
        guard let letter = peek, ("a"..."z").contains(letter) || ("A"..."Z").contains(letter) else {
            throw failure("a letter follows \\c")
        }
        position += 1
        return try scalar(letter.value % 32)
    }

    private func zero() throws(Failure) -> Unicode.Scalar {
        if let digit = peek, ("0"..."9").contains(digit) { throw failure("octal escapes are not allowed") }
        return "\0"
    }

    private func scalar(_ value: UInt32) throws(Failure) -> Unicode.Scalar {
        guard let scalar = Unicode.Scalar(value) else { throw failure("an escape stands for no character") }
        return scalar
    }

    private mutating func hexDigits(_ count: Int) throws(Failure) -> UInt32 {
        let digits = scalars[position...].prefix(count)
        guard digits.count == count, digits.allSatisfy(\.properties.isASCIIHexDigit),
            let value = UInt32(String(String.UnicodeScalarView(digits)), radix: 16)
        else { throw failure("\(count) hexadecimal digits are missing in an escape") }
        position += count
        return value
    }

    private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
        if take("{") {
            guard let end = scalars[position...].firstIndex(of: "}"), (1...8).contains(end - position) else {
                throw failure("\\u{ is not closed")
            }
            let value = try hexDigits(end - position)
            position = end + 1
            return try scalar(value)
        }
        let high = try hexDigits(4)
        guard (0xD800...0xDBFF).contains(high), take("\\u") else { return try scalar(high) }
        let low = try hexDigits(4)
        guard (0xDC00...0xDFFF).contains(low) else { throw failure("half of a surrogate pair stands alone") }
        return try scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    }

    private mutating func property(isNegated: Bool) throws(Failure) -> String {
        guard take("{"), let end = scalars[position...].firstIndex(of: "}") else {
            throw failure("a property follows \\p in braces")
        }
        let name = String(String.UnicodeScalarView(scalars[position..<end]))
        position = end + 1
        guard let property = UnicodeProperty.named(name) else { throw failure("there is no property \\p{\(name)}") }
        return "\\\(isNegated != property.isNegated ? "P" : "p"){\(property.name)}"
    }
}
