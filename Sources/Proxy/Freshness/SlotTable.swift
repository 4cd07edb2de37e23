import Synchronization

/// 65,536 numbers in one block of memory (512 kB), for all threads.
///
/// `@unchecked`: the pointer is made once and freed with the last reference, and what it points to is atomic.
final class SlotTable: @unchecked Sendable {
    private let slots: UnsafeMutablePointer<Atomic<UInt64>>

    init() {
        slots = .allocate(capacity: RelationSlot.count)
        for index in 0..<RelationSlot.count { (slots + index).initialize(to: Atomic(0)) }
    }

    deinit {
        slots.deinitialize(count: RelationSlot.count)
        slots.deallocate()
    }

    subscript(slot: UInt32) -> UInt64 {
        slots[Int(slot) & (RelationSlot.count - 1)].load(ordering: .acquiring)
    }

    func raise(_ slot: UInt32, to tick: UInt64) {
        slots[Int(slot) & (RelationSlot.count - 1)].raise(to: tick)
    }

    func add(_ change: Int64, to slot: UInt32) {
        slots[Int(slot) & (RelationSlot.count - 1)]
            .wrappingAdd(UInt64(bitPattern: change), ordering: .sequentiallyConsistent)
    }
}

extension Atomic where Value == UInt64 {
    /// Makes it `value` where it is less. Usually another write of the same tick has done so already, and then reading
    /// it is all there is to do: the cache line stays shared.
    borrowing func raise(to value: UInt64) {
        guard load(ordering: .acquiring) < value else { return }
        _ = max(value, ordering: .sequentiallyConsistent)
    }
}
