package import SQLSyntax

/// Decisions by statement, for one event loop. Bounded by entries and by text; what was not asked for since the hand of
/// the clock last passed goes first.
package final class DecisionCache {
    /// A statement's hash and the search path it was read by. Keys that differ by their hash alone never meet: 128 bits.
    package struct Key: Hashable {
        package let high: UInt64
        package let low: UInt64
        package let path: UInt32

        package init(high: UInt64, low: UInt64, path: UInt32) {
            self.high = high
            self.low = low
            self.path = path
        }

        package init(_ statement: StatementKey, path: UInt32) {
            self.init(high: statement.high, low: statement.low, path: path)
        }
    }

    package struct Limits: Sendable {
        /// 1 to 1,000,000; 10,000 by default. 100 bytes each are set aside.
        package var entries = 10_000
        /// Bytes of text and lists; 16 MiB by default.
        package var bytes = 16 << 20

        package init() {}
    }

    /// For SHOW ROUTES.
    package struct Sample {
        package let text: String
        package let decision: Decision
        package let uses: UInt64
    }

    private struct Entry {
        let key: Key
        let decision: Decision
        let text: String
        let bytes: Int
        var uses: UInt64 = 0
        var wasUsed = false
    }

    private let limits: Limits
    private let places: DecisionTable
    /// `count` of them are there.
    private let entries: UnsafeMutablePointer<Entry>
    private let hitCount: UnsafeMutablePointer<UInt64>
    package private(set) var count = 0
    private var hand = 0
    private(set) var bytes = 0
    package private(set) var misses: UInt64 = 0

    package init(limits: Limits = Limits()) {
        var limits = limits
        limits.entries = min(max(limits.entries, 1), 1_000_000)
        self.limits = limits
        places = DecisionTable(capacity: limits.entries)
        entries = .allocate(capacity: limits.entries)
        hitCount = .allocate(capacity: 1)
        hitCount.initialize(to: 0)
    }

    deinit {
        entries.deinitialize(count: count)
        entries.deallocate()
        hitCount.deallocate()
    }

    package var hits: UInt64 { hitCount.pointee }

    /// On the way of every statement: no hashing, no copies.
    @inline(__always)
    package func find(_ key: Key) -> Decision? {
        guard let place = places.place(of: key) else { return nil }
        entries[place].wasUsed = true
        entries[place].uses &+= 1
        hitCount.pointee &+= 1
        return entries[place].decision
    }

    /// - Parameter text: the statement without its constants, kept up to 1,000 bytes to be shown.
    package func insert(_ key: Key, _ decision: Decision, text: String) {
        misses &+= 1
        guard places.place(of: key) == nil else { return }
        let shown = text.utf8.count <= 1_000 ? text : String(decoding: text.utf8.prefix(1_000), as: UTF8.self)
        let size =
            shown.utf8.count + 64 + (decision.reads.count + decision.writes.count) * 4 + decision.crossing.byteCount
        let entry = Entry(key: key, decision: decision, text: shown, bytes: size)
        if count < limits.entries {
            (entries + count).initialize(to: entry)
            places.set(key, place: count)
            count += 1
        } else {
            let place = victim()
            entries[place] = entry
            places.set(key, place: place)
        }
        bytes += size
        while bytes > limits.bytes, count > 1 { shrink(keeping: key) }
    }

    package func removeAll() {
        places.removeAll()
        entries.deinitialize(count: count)
        (count, hand, bytes) = (0, 0, 0)
    }

    /// The most used first.
    package func samples(limit: Int = 100) -> [Sample] {
        let all = UnsafeBufferPointer(start: entries, count: count)
        let sorted = all.sorted { $0.uses > $1.uses }.prefix(limit)
        return sorted.map { Sample(text: $0.text, decision: $0.decision, uses: $0.uses) }
    }

    /// The place of an entry that may go; its key is gone already. Ends, for a second round finds no mark.
    private func victim() -> Int {
        while entries[hand].wasUsed {
            entries[hand].wasUsed = false
            hand = (hand + 1) % count
        }
        let place = hand
        places.remove(entries[place].key)
        bytes -= entries[place].bytes
        hand = (hand + 1) % count
        return place
    }

    private func shrink(keeping key: Key) {
        // The new one is not to be its own victim.
        if let own = places.place(of: key) {
            entries[own].wasUsed = true
            if own == hand { hand = (hand + 1) % count }
        }
        let place = victim()
        count -= 1
        let last = (entries + count).move()
        if place < count {
            places.set(last.key, place: place)
            entries[place] = last
        }
        if hand >= count { hand = 0 }
    }
}
