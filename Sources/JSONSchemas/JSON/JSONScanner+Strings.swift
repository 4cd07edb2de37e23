extension JSONScanner {
    /// A string at whose opening quote the scanner stands.
    mutating func string() throws(JSONError) -> String {
        let first = offset + 1
        offset = first
        var isASCII = true
        while let byte = peek {
            switch byte {
            case 0x22:
                if !isASCII { try checkEncoding(first..<offset) }
                let text = String(decoding: bytes[first..<offset], as: UTF8.self)
                offset += 1
                return text
            case 0x5C: return try escapedString(from: first)
            case 0..<0x20: throw controlCharacter()
            default:
                if byte >= 0x80 { isASCII = false }
                offset += 1
            }
        }
        throw error(.endOfText, "the text ends within a string")
    }

    /// The rest of a string from its first backslash on, at which the scanner stands.
    private mutating func escapedString(from first: Int) throws(JSONError) -> String {
        try checkEncoding(first..<offset)
        var text = String(decoding: bytes[first..<offset], as: UTF8.self)
        var plain = offset
        while let byte = peek {
            switch byte {
            case 0x22, 0x5C:
                try checkEncoding(plain..<offset)
                text += String(decoding: bytes[plain..<offset], as: UTF8.self)
                if byte == 0x22 {
                    offset += 1
                    return text
                }
                text.unicodeScalars.append(try escape())
                plain = offset
            case 0..<0x20: throw controlCharacter()
            default: offset += 1
            }
        }
        throw error(.endOfText, "the text ends within a string")
    }

    private func controlCharacter() -> JSONError {
        error(.syntax, "a control character has to be written with a backslash in a string")
    }

    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let place = offset
        offset += 1
        guard let byte = peek else { throw error(.endOfText, "the text ends within a string") }
        offset += 1
        switch byte {
        case 0x22: return "\""
        case 0x5C: return "\\"
        case 0x2F: return "/"
        case 0x62: return "\u{8}"
        case 0x66: return "\u{C}"
        case 0x6E: return "\n"
        case 0x72: return "\r"
        case 0x74: return "\t"
        case 0x75: return try unicodeEscape(at: place)
        default: throw error(.syntax, "there is no such escape in JSON", at: place)
        }
    }

    private mutating func unicodeEscape(at place: Int) throws(JSONError) -> Unicode.Scalar {
        let unit = try hexDigits()
        if unit == 0, !limits.allowsNulCharacter {
            throw error(.nulCharacter, "the character NUL (\\u0000) cannot be stored", at: place)
        }
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, offset + 1 < bytes.count, bytes[offset] == 0x5C, bytes[offset + 1] == 0x75 else {
            throw loneSurrogate(at: place)
        }
        offset += 2
        let low = try hexDigits()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        else { throw loneSurrogate(at: place) }
        return scalar
    }

    private func loneSurrogate(at place: Int) -> JSONError {
        error(.loneSurrogate, "half of a surrogate pair stands alone, which is no character", at: place)
    }

    private mutating func hexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek else { throw error(.endOfText, "the text ends within a string") }
            guard let digit = hexDigitValue(byte) else { throw error(.syntax, "four hexadecimal digits follow \\u") }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private func checkEncoding(_ range: Range<Int>) throws(JSONError) {
        guard let wrong = UTF8Check.firstInvalid(bytes[range]) else { return }
        throw error(.encoding, "these bytes are not UTF-8", at: wrong)
    }
}

func hexDigitValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
