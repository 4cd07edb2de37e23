/// UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Check {
    /// The index of the first byte that does not belong there.
    static func firstInvalid(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let first = bytes[index]
            if first < 0x80 {
                index += 1
                continue
            }
            guard let (count, second) = continuation(of: first), index + count <= bytes.endIndex,
                second.contains(bytes[index + 1]),
                bytes[(index + 2)..<(index + count)].allSatisfy({ (0x80...0xBF).contains($0) })
            else { return index }
            index += count
        }
        return nil
    }

    /// How many bytes a character has that begins so, and what its second one may be.
    private static func continuation(of first: UInt8) -> (count: Int, second: ClosedRange<UInt8>)? {
        switch first {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE, 0xEF: (3, 0x80...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
