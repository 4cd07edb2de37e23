/// Counts durations in logarithmic buckets, 32 for each doubling: a percentile is at most 3 % too high, and the size is
/// fixed however many are counted. From 1 µs to 12 days.
struct Histogram: Sendable {
    private static let perDoubling = 32
    private static let size = perDoubling * 37

    private var counts = [Int](repeating: 0, count: size)
    private(set) var total = 0
    private(set) var longest = Duration.zero

    mutating func add(_ duration: Duration) {
        counts[min(Self.bucket(duration.microseconds), Self.size - 1)] += 1
        total += 1
        longest = max(longest, duration)
    }

    mutating func merge(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        total += other.total
        longest = max(longest, other.longest)
    }

    /// The duration that the given share (0 to 1) of all does not exceed; zero when nothing was counted.
    func percentile(_ share: Double) -> Duration {
        let wanted = Int((Double(total) * share).rounded(.up))
        var seen = 0
        for (index, count) in counts.enumerated() where count > 0 {
            seen += count
            if seen >= wanted { return min(.microseconds(Self.upperBound(index)), longest) }
        }
        return longest
    }

    private static func bucket(_ value: Int64) -> Int {
        let value = max(Int(value), 0)
        guard value >= perDoubling * 2 else { return value }
        let shift = Int.bitWidth - 1 - value.leadingZeroBitCount - 5
        return shift * perDoubling + (value >> shift)
    }

    private static func upperBound(_ bucket: Int) -> Int64 {
        guard bucket >= perDoubling * 2 else { return Int64(bucket) }
        let shift = bucket / perDoubling - 1
        return Int64((bucket - shift * perDoubling + 1) << shift) - 1
    }
}

extension Duration {
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }

    /// As a number of milliseconds, for reports.
    var inMilliseconds: Double { Double(microseconds) / 1000 }
    var inSeconds: Double { Double(microseconds) / 1_000_000 }
}
