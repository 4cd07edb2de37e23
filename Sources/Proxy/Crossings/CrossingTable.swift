internal import Planning

/// Counts of crossings, bounded: where there are too many, the rarest leave, the oldest of them first.
struct CrossingTable: Sendable {
    static let usualLimit = 1_000
    private let limit: Int
    private(set) var entries: [Crossing.Key: Crossing] = [:]
    /// Entries that have left, and clients' statements that could not be followed.
    var dropped = 0

    init(limit: Int = usualLimit) { self.limit = max(limit, 10) }

    var isEmpty: Bool { entries.isEmpty && dropped == 0 }

    /// The most frequent first.
    var sorted: [Crossing] {
        entries.values.sorted {
            ($1.count, $0.fingerprint, $0.kind.rawValue) < ($0.count, $1.fingerprint, $1.kind.rawValue)
        }
    }

    /// One more.
    /// - Parameter make: called where it is new.
    mutating func note(_ key: Crossing.Key, by application: String, at now: Int, _ make: () -> Crossing) {
        if var known = entries.removeValue(forKey: key) {
            known.count += 1
            known.lastSeen = now
            if known.application != application { known.application = Crossing.bounded(application, to: 63) }
            entries[key] = known
            return
        }
        var new = make()
        (new.count, new.firstSeen, new.lastSeen) = (1, now, now)
        new.application = Crossing.bounded(application, to: 63)
        insert(new)
    }

    mutating func add(_ other: CrossingTable) {
        dropped += other.dropped
        for crossing in other.entries.values { add(crossing) }
    }

    mutating func add(_ crossing: Crossing) {
        guard var known = entries[crossing.key] else { return insert(crossing) }
        known.add(crossing)
        entries[crossing.key] = known
    }

    private mutating func insert(_ crossing: Crossing) {
        if entries.count >= limit { evict() }
        entries[crossing.key] = crossing
    }

    /// A tenth at once, so that a stream of new ones does not make each of them look through all.
    private mutating func evict() {
        let rarest = entries.values.sorted { ($0.count, $0.lastSeen) < ($1.count, $1.lastSeen) }
        for crossing in rarest.prefix(max(entries.count - limit + limit / 10, 1)) {
            entries[crossing.key] = nil
            dropped += 1
        }
    }
}
