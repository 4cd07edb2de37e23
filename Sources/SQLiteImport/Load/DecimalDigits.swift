/// How many digits a number has before and behind its point, without leading and trailing zeros.
struct DecimalDigits: Equatable {
    var whole: Int
    var fraction: Int

    /// Of the shortest text that reads as the same double.
    init(_ value: Double) {
        var text = value.magnitude.description
        self = text.withUTF8 { Self(text: UnsafeRawBufferPointer($0)) }
    }

    /// Of a number in decimals, with or without an exponent.
    init(text: UnsafeRawBufferPointer) {
        var exponent = 0
        var mantissa = text[...]
        if let mark = text.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            exponent = Int(String(decoding: text[(mark + 1)...], as: UTF8.self)) ?? 0
            mantissa = text[..<mark]
        }
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.endIndex
        let digits = mantissa.filter { 0x30...0x39 ~= $0 }
        let before = mantissa[..<point].filter { 0x30...0x39 ~= $0 }.count + exponent
        guard let first = digits.firstIndex(where: { $0 != 0x30 }),
            let last = digits.lastIndex(where: { $0 != 0x30 })
        else {
            (whole, fraction) = (0, 0)
            return
        }
        whole = max(0, before - first)
        fraction = max(0, last + 1 - before)
    }
}
