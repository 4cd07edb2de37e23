/// The places of decisions by key: open addressing over memory of its own, since the hash is in the key already and a
/// dictionary would make another one. At most half full.
struct DecisionTable: ~Copyable {
    private struct Slot {
        let high: UInt64
        let low: UInt64
        let path: UInt32
        /// The place plus one; 0: empty.
        let place: UInt32
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let count: Int
    private let mask: Int

    /// - Parameter capacity: the most keys it will have at one time.
    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        (count, mask) = (size, size - 1)
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Slot(high: 0, low: 0, path: 0, place: 0), count: size)
    }

    deinit { slots.deallocate() }

    @inline(__always)
    private func home(_ low: UInt64, _ path: UInt32) -> Int {
        Int(truncatingIfNeeded: low ^ UInt64(path) &* 0x9E37_79B9) & mask
    }

    @inline(__always)
    func place(of key: DecisionCache.Key) -> Int? {
        var index = home(key.low, key.path)
        while true {
            let slot = slots[index]
            if slot.place == 0 { return nil }
            if slot.low == key.low, slot.high == key.high, slot.path == key.path { return Int(slot.place) - 1 }
            index = (index + 1) & mask
        }
    }

    /// Replaces the place of a key that is there.
    func set(_ key: DecisionCache.Key, place: Int) {
        var index = home(key.low, key.path)
        while slots[index].place != 0, !isSame(slots[index], key) { index = (index + 1) & mask }
        slots[index] = Slot(high: key.high, low: key.low, path: key.path, place: UInt32(place) + 1)
    }

    /// What stands behind it moves up, so that nothing gets lost behind a hole.
    func remove(_ key: DecisionCache.Key) {
        var hole = home(key.low, key.path)
        while slots[hole].place != 0, !isSame(slots[hole], key) { hole = (hole + 1) & mask }
        guard slots[hole].place != 0 else { return }
        var next = (hole + 1) & mask
        while slots[next].place != 0 {
            let wanted = home(slots[next].low, slots[next].path)
            if (next - wanted) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = Slot(high: 0, low: 0, path: 0, place: 0)
    }

    func removeAll() { slots.update(repeating: Slot(high: 0, low: 0, path: 0, place: 0), count: count) }

    private func isSame(_ slot: Slot, _ key: DecisionCache.Key) -> Bool {
        slot.low == key.low && slot.high == key.high && slot.path == key.path
    }
}
