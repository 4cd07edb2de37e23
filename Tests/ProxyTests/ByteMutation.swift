import TestSupport

/// Bytes that are nearly right, and bytes that are not.
enum ByteMutation {
    static func random(_ count: Int, _ random: inout SeededRandom) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    /// Some mistakes in these bytes.
    /// - Parameter other: something else that pieces are taken from.
    static func mutated(_ bytes: [UInt8], _ other: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(4) { change(&bytes, other, &random) }
        return bytes
    }

    private static let telling: [UInt8] = [
        0, 1, 4, 5, 0x27, 0x22, 0x24, 0x2A, 0x2D, 0x2F, 0x3B, 0x5C, 0x7F, 0x80, 0xC3, 0xFF,
    ]
    private static let lengths: [UInt32] = [0, 1, 3, 4, 5, 8, 255, 65_536, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF]

    private static func change(_ bytes: inout [UInt8], _ other: [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else {
            bytes = other
            return
        }
        let place = random.below(bytes.count)
        let end = min(place + 1 + random.below(12), bytes.count)
        switch random.below(9) {
        case 0: bytes[place] ^= 1 << UInt8(random.below(8))
        case 1: bytes[place] = random.pick(telling)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(random.pick(telling), at: place)
        case 4: bytes.removeSubrange(place..<end)
        case 5: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 6: bytes.removeLast(bytes.count - place)
        case 7:
            // A length where one may be.
            let length = random.pick(lengths)
            for offset in 0..<4 where place + offset < bytes.count {
                bytes[place + offset] = UInt8(truncatingIfNeeded: length >> UInt32(24 - 8 * offset))
            }
        default:
            guard !other.isEmpty else { return }
            let from = random.below(other.count)
            bytes.insert(contentsOf: other[from..<min(from + 1 + random.below(60), other.count)], at: place)
        }
    }
}
