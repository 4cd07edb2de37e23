/// A moment as a loop sees it: that of the turn that it is in. For time-outs and statistics, of which each statement asks
/// several times; a number of 64 bits, since `Duration` counts in 128.
struct LoopTime: Comparable, Sendable {
    let nanoseconds: Int64

    /// Reads the clock.
    static var current: LoopTime { LoopTime(nanoseconds: Int64(MonotonicTime.now)) }

    static func < (left: LoopTime, right: LoopTime) -> Bool { left.nanoseconds < right.nanoseconds }
    static func - (left: LoopTime, right: LoopTime) -> Duration { .nanoseconds(left.nanoseconds - right.nanoseconds) }
    /// So late that it never comes, for what is too long to be counted.
    static func + (left: LoopTime, right: Duration) -> LoopTime {
        let (seconds, attoseconds) = right.components
        let (added, isTooLong) = left.nanoseconds.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !isTooLong, abs(seconds) < 1 << 32 else { return LoopTime(nanoseconds: .max) }
        return LoopTime(nanoseconds: added + seconds * 1_000_000_000)
    }
    /// The time between both, in nanoseconds.
    func since(_ other: LoopTime) -> Int64 { nanoseconds - other.nanoseconds }
}
