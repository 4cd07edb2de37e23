import BigInt

extension JSONNumber {
    /// The number that a text is, which has to be one by RFC 8259 and keep to the limits.
    package init?(_ text: String, limits: JSONLimits = JSONLimits()) {
        var text = text
        let found: JSONNumber? = text.withUTF8 { bytes in
            var scanner = JSONScanner(UnsafeRawBufferPointer(bytes), limits: limits)
            guard let number = try? scanner.number(), scanner.offset == bytes.count else { return nil }
            return number
        }
        guard let found else { return nil }
        self = found
    }

    /// What the scanner found between the signs: digits before and behind the point, and the exponent as it was written.
    struct Scanned {
        var isNegative = false
        var whole: Slice<UnsafeRawBufferPointer>
        var fraction: Slice<UnsafeRawBufferPointer>
        var exponent = 0
    }

    /// A number of digits that were checked; `written` gives the text, and is asked only where it is to be kept.
    init(_ scanned: Scanned, written: () -> String) {
        if scanned.fraction.isEmpty, scanned.exponent == 0, scanned.whole.count <= 18 {
            var value: Int64 = 0
            for digit in scanned.whole { value = value * 10 + Int64(digit - 0x30) }
            let isMinusZero = scanned.isNegative && value == 0
            self.init(
                storage: .whole(scanned.isNegative ? -value : value), written: isMinusZero ? written() : "")
            return
        }
        self.init(storage: JSONNumber.storage(scanned), written: written())
    }

    private static func storage(_ scanned: Scanned) -> Storage {
        var digits = Array(scanned.whole) + Array(scanned.fraction)
        var exponent = scanned.exponent - scanned.fraction.count
        while digits.last == 0x30 {
            digits.removeLast()
            exponent += 1
        }
        let significant = digits.drop { $0 == 0x30 }
        guard !significant.isEmpty else { return .whole(0) }
        // Back to a whole number where it is one of 64 bits, so that each value has one form.
        if exponent >= 0, significant.count + exponent <= 19 {
            let text = String(decoding: significant, as: UTF8.self) + String(repeating: "0", count: exponent)
            if let value = Int64((scanned.isNegative ? "-" : "") + text) { return .whole(value) }
        }
        let text = (scanned.isNegative ? "-" : "") + String(decoding: significant, as: UTF8.self)
        if let coefficient = Int64(text) { return .decimal(coefficient: coefficient, exponent: exponent) }
        return .large(coefficient: BigInt(text) ?? 0, exponent: exponent)
    }
}
