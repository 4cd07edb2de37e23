/// What a JSON text may be at most.
package struct JSONLimits: Sendable, Hashable {
    /// Arrays and objects within each other (1 to 256).
    package var depth: Int
    /// Bytes of the whole text.
    package var bytes: Int
    /// Characters of one number.
    package var numberCharacters: Int
    /// An exponent's distance from zero, as it is written (up to 10,000).
    package var exponent: Int
    /// Whether strings may contain the character NUL, which PostgreSQL's jsonb cannot hold.
    package var allowsNulCharacter: Bool

    package init(
        depth: Int = 64, bytes: Int = 1 << 20, numberCharacters: Int = 1_000, exponent: Int = 1_000,
        allowsNulCharacter: Bool = false
    ) {
        self.depth = min(max(depth, 1), 256)
        self.bytes = max(bytes, 0)
        self.numberCharacters = max(numberCharacters, 1)
        self.exponent = min(max(exponent, 0), 10_000)
        self.allowsNulCharacter = allowsNulCharacter
    }
}
