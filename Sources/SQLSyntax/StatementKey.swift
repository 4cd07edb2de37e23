/// 128 bits that stand for a text: all of it, or all but its constants, so that what was decided for one text is found
/// again for the next one without reading it.
///
/// Both halves depend on a secret seed, by multiplications that are independent of each other: who writes statements cannot
/// make two of them meet on purpose.
package struct StatementKey: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The bits are well mixed already.
    package func hash(into hasher: inout Hasher) { hasher.combine(low) }

    /// The secret that keys are made with: one for a process.
    package struct Seed: Sendable, Equatable {
        package let high: UInt64
        package let low: UInt64

        package init(high: UInt64, low: UInt64) {
            self.high = high
            self.low = low
        }

        package static func random() -> Seed {
            var generator = SystemRandomNumberGenerator()
            return Seed(high: generator.next(), low: generator.next())
        }
    }

    /// The longest text that `of` reads, in bytes: 16 KiB. What is longer holds data, and hardly comes twice.
    package static let limit = 16 << 10

    /// The key of a text without its constants.
    ///
    /// Texts with the same key differ only in numbers, string constants, white space, comments, the case of unquoted words
    /// and a semicolon at the end, and have the same `StatementShape`; directives in comments are not part of the key.
    /// - Returns: nil where constants may decide, or where the text cannot be cut without knowing more: a first word other
    ///   than SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES and TABLE; a word of `StatementKeyWords.refused`; several
    ///   statements; a backslash in '…'; something unterminated; a text over `limit`. The caller then uses `exact`.
    ///   `isLiteralFree`: there was no constant, so that only spelling differs between texts with this key.
    ///   `hasDirectives`: a comment may have something for `StatementDirectives.read`.
    package static func of(
        _ text: UnsafeRawBufferPointer, seed: Seed
    ) -> (key: StatementKey, isLiteralFree: Bool, hasDirectives: Bool)? {
        guard text.count <= limit else { return nil }
        var scanner = StatementKeyScanner(text, seed)
        guard scanner.run() else { return nil }
        return (scanner.hash.finished(scanner.tokens), !scanner.hasConstants, scanner.hasDirectives)
    }

    /// The key of all bytes of a text, of any length. No key of this kind equals one of the other kind but by chance.
    package static func exact(_ text: UnsafeRawBufferPointer, seed: Seed) -> StatementKey {
        var hash = StatementHash(seed, domain: 0x9E6C_63D0_876A_9A35)
        var position = 0
        while position + 16 <= text.count {
            hash.mix(
                text.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian,
                text.loadUnaligned(fromByteOffset: position + 8, as: UInt64.self).littleEndian)
            position += 16
        }
        var rest: (UInt64, UInt64) = (0, 0)
        for offset in position..<text.count {
            rest.1 = rest.1 << 8 | rest.0 >> 56
            rest.0 = rest.0 << 8 | UInt64(text[offset])
        }
        hash.mix(rest.0, rest.1)
        return hash.finished(text.count)
    }
}

/// Two lanes of multiply and fold, each with a key of its own.
struct StatementHash {
    private var high: UInt64
    private var low: UInt64
    private let highKey: UInt64
    private let lowKey: UInt64

    init(_ seed: StatementKey.Seed, domain: UInt64) {
        highKey = seed.high ^ 0xA076_1D64_78BD_642F
        lowKey = seed.low ^ 0xE703_7ED1_A0B4_28DB
        high = Self.fold(seed.low ^ domain, highKey)
        low = Self.fold(seed.high &+ domain, lowKey)
    }

    @inline(__always)
    mutating func mix(_ word: UInt64) {
        high = Self.fold(high ^ word, highKey)
        low = Self.fold(low &+ (word << 32 | word >> 32), lowKey)
    }

    /// Both words go into both lanes.
    @inline(__always)
    mutating func mix(_ first: UInt64, _ second: UInt64) {
        high = Self.fold(first ^ highKey, second ^ high)
        low = Self.fold(first &+ low, second ^ lowKey)
    }

    func finished(_ count: Int) -> StatementKey {
        let count = UInt64(truncatingIfNeeded: count)
        return StatementKey(
            high: Self.fold(high ^ count, highKey ^ 0x8EBC_6AF0_9C88_C6E3),
            low: Self.fold(low &+ count, lowKey ^ 0x5899_65CC_7537_4CC3))
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
