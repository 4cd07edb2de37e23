/// How long to wait before a step is tried again: doubling from 100 ms to 5 s, each between half and the whole of it, so
/// that several waiters do not come back together. Pure: the random number is the caller's.
package struct Backoff: Sendable, Equatable {
    package static let first = Duration.milliseconds(100)
    package static let longest = Duration.seconds(5)

    /// `attempt` counts from 1; `random` is in 0..<1.
    package static func delay(attempt: Int, random: Double) -> Duration {
        let doublings = min(max(attempt - 1, 0), 16)
        let whole = min(first * (1 << doublings), longest)
        return whole * (0.5 + min(max(random, 0), 1) / 2)
    }
}
