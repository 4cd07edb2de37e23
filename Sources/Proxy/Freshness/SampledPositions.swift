/// Which position of the primary belongs to which tick, for as long back as memory is kept: 4,096 entries.
///
/// Ticks without a write between them have one position and share an entry. When it is full, every second entry of the
/// older half goes: a replica far behind is then told an older tick than it has, never a newer one.
struct SampledPositions: Equatable {
    static let capacity = 4096

    struct Entry: Equatable {
        let position: WALPosition
        /// The newest sample that found this position.
        var tick: UInt64
        /// Nanoseconds of the monotonic clock, when that sample began.
        var began: UInt64
        /// When the first sample that found this position began.
        let firstBegan: UInt64
    }

    private(set) var entries: [Entry] = []

    var newest: Entry? { entries.last }

    /// Adds a sample. One whose tick is not newer than the last was overtaken, and is ignored.
    /// - Returns: false when the position is behind that of the last sample: another history has begun.
    mutating func add(tick: UInt64, position: WALPosition, began: UInt64) -> Bool {
        if let last = entries.last {
            guard tick > last.tick else { return true }
            guard position >= last.position else { return false }
            if position == last.position {
                entries[entries.count - 1].tick = tick
                entries[entries.count - 1].began = began
                return true
            }
        }
        if entries.count == Self.capacity { thinOut() }
        entries.append(Entry(position: position, tick: tick, began: began, firstBegan: began))
        return true
    }

    /// The newest sample that a replica at `replayed` has all of.
    func covered(by replayed: WALPosition) -> Entry? {
        let next = firstIndex(beyond: replayed)
        return next == 0 ? nil : entries[next - 1]
    }

    /// The oldest sample known that a replica at `replayed` does not have all of; nil when it is up to date.
    func missing(at replayed: WALPosition) -> Entry? {
        let next = firstIndex(beyond: replayed)
        return next == entries.count ? nil : entries[next]
    }

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    private func firstIndex(beyond position: WALPosition) -> Int {
        // Most replicas are at the end.
        if let last = entries.last, last.position <= position { return entries.count }
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].position <= position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private mutating func thinOut() {
        let half = Self.capacity / 2
        entries =
            entries.prefix(half).enumerated().compactMap { $0.isMultiple(of: 2) ? $1 : nil }
            + entries.suffix(from: half)
    }
}
