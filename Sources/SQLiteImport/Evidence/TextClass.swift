import JSONSchemas

/// The class of a text, by its first byte and length first, so that prose costs one pass.
enum TextClass {
    static func of(_ bytes: UnsafeRawBufferPointer, _ scan: TextScan) -> ValueClass {
        guard let first = bytes.first else { return .empty }
        guard scan.isValid else { return .invalidText }
        guard !scan.hasNUL else { return .nulText }
        switch first {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): return ofDigits(bytes)
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""): return isJSON(bytes) ? .jsonText : .text
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
            if isUUID(bytes) { return .uuidText }
            if isHex(bytes) { return .hexText }
            return ofLetters(bytes)
        default: return ofLetters(bytes)
        }
    }

    private static func ofLetters(_ bytes: UnsafeRawBufferPointer) -> ValueClass {
        guard bytes.count <= 5 else { return .text }
        if boolean(bytes) != nil { return bytes.count >= 4 && isJSON(bytes) ? .trueOrFalse : .booleanText }
        return bytes.elementsEqual("null".utf8) ? .nullText : .text
    }

    private static func ofDigits(_ bytes: UnsafeRawBufferPointer) -> ValueClass {
        if isUUID(bytes) { return .uuidText }
        if isHex(bytes) { return .hexText }
        if let time = TimeText(bytes) {
            guard time.days != nil else { return .timeText }
            guard time.microseconds != nil else { return .dateText }
            return time.offset == nil ? .timestampText : .zonedTimestampText
        }
        return number(bytes)
    }

    /// A number keeps its digits only without leading zeros: 00123 is a text.
    private static func number(_ bytes: UnsafeRawBufferPointer) -> ValueClass {
        var index = bytes[0] == UInt8(ascii: "-") ? 1 : 0
        let start = index
        guard bytes.count <= 130 else { return .text }
        func digits() -> Int {
            let from = index
            while index < bytes.count, 0x30...0x39 ~= bytes[index] { index += 1 }
            return index - from
        }
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[start] != UInt8(ascii: "0") else { return .text }
        if index == bytes.count {
            let isNegativeZero = start == 1 && bytes[1] == UInt8(ascii: "0")
            guard whole <= 18, !isNegativeZero else { return isNegativeZero ? .text : .decimalText }
            return .integerText
        }
        guard bytes[index] == UInt8(ascii: ".") else { return .text }
        index += 1
        return digits() > 0 && index == bytes.count ? .decimalText : .text
    }

    static func isUUID(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == 36 else { return false }
        for (index, byte) in bytes.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                if byte != UInt8(ascii: "-") { return false }
            } else if !isHex(byte) {
                return false
            }
        }
        return true
    }

    static func isHex(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.count == 32 && bytes.allSatisfy(isHex) }

    @inline(__always)
    private static func isHex(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte || 0x61...0x66 ~= byte | 0x20 }

    /// Nil for a text that is no word for true or false. The words are those that PostgreSQL takes.
    static func boolean(_ bytes: UnsafeRawBufferPointer) -> Bool? {
        guard bytes.count <= 5 else { return nil }
        switch String(decoding: bytes, as: UTF8.self).lowercased() {
        case "true", "t", "yes", "y", "on", "1": return true
        case "false", "f", "no", "n", "off", "0": return false
        default: return nil
        }
    }

    /// As strict as what loads it: no key twice, no half surrogates, no \u0000.
    static func isJSON(_ bytes: UnsafeRawBufferPointer) -> Bool {
        (try? JSONParser.parse(bytes, limits: jsonLimits)) != nil
    }

    /// PostgreSQL's own bounds are wider or the same: it takes what passes here.
    static let jsonLimits = JSONLimits(depth: 256, bytes: 200 << 20)
}
