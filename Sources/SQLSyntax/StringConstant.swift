/// Finds places of a string constant's value again in the text that spells it.
enum StringConstant {
    /// The offset in the text of the value's byte with this number, for the constant that starts at `start`.
    ///
    /// Exact for plain and dollar-quoted constants, also when they are joined over several lines; in `E''` constants
    /// each escape counts as one byte.
    static func offset(ofValueByte number: Int, at start: Int, in bytes: [UInt8]) -> Int {
        guard start < bytes.count else { return start }
        var position = start
        var hasEscapes = false
        switch bytes[start] {
        case 0x24:
            let tag = bytes[(start + 1)...].firstIndex(of: 0x24) ?? start
            return min(tag + 1 + number, bytes.count)
        case 0x27: position += 1
        default:
            guard let quote = bytes[start...].firstIndex(of: 0x27), quote - start <= 2 else { return start }
            hasEscapes = bytes[start] | 0x20 == 0x65
            position = quote + 1
        }
        for _ in 0..<number {
            guard let next = afterOneByte(position, hasEscapes, in: bytes) else { return position }
            position = next
        }
        return skipJoints(position, in: bytes)
    }

    private static func afterOneByte(_ position: Int, _ hasEscapes: Bool, in bytes: [UInt8]) -> Int? {
        let position = skipJoints(position, in: bytes)
        guard position < bytes.count else { return nil }
        let isPair = bytes[position] == 0x27 || (hasEscapes && bytes[position] == 0x5C)
        return position + (isPair ? 2 : 1)
    }

    /// Past a closing quote, white space and comments, and the next opening quote, when the constant goes on there.
    private static func skipJoints(_ position: Int, in bytes: [UInt8]) -> Int {
        guard position < bytes.count, bytes[position] == 0x27 else { return position }
        var next = position + 1
        guard next < bytes.count, bytes[next] != 0x27 else { return position }
        while next < bytes.count {
            if bytes[next] == 0x27 { return skipJoints(next + 1, in: bytes) }
            if bytes[next] == 0x2D, next + 1 < bytes.count, bytes[next + 1] == 0x2D {
                next = bytes[next...].firstIndex(of: 0x0A) ?? bytes.count
            } else if bytes[next] == 0x20 || (0x09...0x0D).contains(bytes[next]) {
                next += 1
            } else {
                return position
            }
        }
        return position
    }
}
