/// One pass over the bytes of a text.
struct TextScan {
    /// Unicode scalars; what is no UTF-8 counts by byte.
    var characters = 0
    var isValid = true
    var hasNUL = false

    /// Eight bytes at a time while they are ASCII.
    init(_ bytes: UnsafeRawBufferPointer) {
        let count = bytes.count
        var index = 0
        while index < count {
            if index + 8 <= count {
                let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if word & 0x8080_8080_8080_8080 == 0 {
                    // A byte of 0 borrows from its neighbour; where none has its top bit, exactly then.
                    if (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0 { hasNUL = true }
                    characters += 8
                    index += 8
                    continue
                }
            }
            let byte = bytes[index]
            if byte < 0x80 {
                if byte == 0 { hasNUL = true }
                index += 1
            } else {
                let length = Self.sequence(bytes, index)
                if length == 0 { isValid = false }
                index += max(1, length)
            }
            characters += 1
        }
    }

    /// Bytes of the character that begins here, by table 3-7 of the Unicode standard; 0 where none does.
    private static func sequence(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        let first = bytes[start]
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: length = 3
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard start + length <= bytes.count, second.contains(bytes[start + 1]) else { return 0 }
        for index in start + 2..<max(start + 2, start + length) where bytes[index] & 0xC0 != 0x80 { return 0 }
        return length
    }
}
