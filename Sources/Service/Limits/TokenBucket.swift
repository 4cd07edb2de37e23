/// So many a second on average, and a burst of so many at once. No clock: whoever asks says what time it is.
struct TokenBucket: Sendable, Equatable {
    let rate: Double
    let burst: Double
    private var tokens: Double
    private var at: Double

    /// - Parameters:
    ///   - rate: a second, above 0.
    ///   - burst: 1 or more.
    ///   - now: seconds of a clock that does not go back.
    init(rate: Double, burst: Double, now: Double) {
        (self.rate, self.burst, tokens, at) = (rate, max(burst, 1), max(burst, 1), now)
    }

    /// - Returns: nil: granted; otherwise the seconds until it would be.
    mutating func take(_ count: Double, now: Double) -> Double? {
        tokens = min(burst, tokens + max(0, now - at) * rate)
        at = max(at, now)
        // What is more than the burst is granted when it is full, and paid for afterwards.
        let needed = min(count, burst)
        guard tokens >= needed else { return (needed - tokens) / rate }
        tokens -= count
        return nil
    }

    var remaining: Int { max(0, Int(tokens)) }
    /// Nobody has asked for so long that it is full.
    func isFull(now: Double) -> Bool { tokens + max(0, now - at) * rate >= burst }
}
