import Synchronization

/// What a read must have seen, as plain numbers that any thread can compare.
///
/// Time is counted in *ticks*: tick n is the n-th sample of the primary's position, and `nextTick` is the number of the
/// next sample to begin. A write that was acknowledged while `nextTick` was n is covered by sample n, because that
/// sample asks the primary after the write was done: a replica that has replayed the position of sample n has the
/// write. So a write costs no round trip; it only marks its tables with a number that is already there.
///
/// Why that holds across threads: the sampler raises `nextTick` to n + 1 *before* it sends sample n, with a full fence
/// between; a loop reads `nextTick` *after* it received the acknowledgement, with a full fence between. If the loop
/// read n, its read came before the raise, hence the acknowledgement before the sample was sent. The mark is in place
/// (again a fence) before the acknowledgement goes on to the client, and so before anybody can know of the write.
///
/// A sample may need more than the writes it has to cover: the insert position includes what open transactions and
/// page pruning have written, and replicas get only what the primary has flushed. At the latest the next commit does
/// that, or the end of the page, or the background writer's record every 15 s. Until then a replica counts as not
/// fresh although it is: a read goes to the primary for nothing, but never to a replica that lacks something.
///
/// All calls are lock-free; those on the path of a statement cost some nanoseconds.
package final class Freshness: Sendable {
    private let nextTick = Atomic<UInt64>(1)
    /// The newest tick that somebody waits for. Wanted and not yet begun: `wantedTick >= nextTick`.
    private let wantedTick = Atomic<UInt64>(1)
    private let slots = SlotTable()
    /// Counts for every read. Begins with the first tick: what an earlier process of this program acknowledged, or
    /// somebody else wrote, is covered by the first sample, and by nothing before it.
    private let everythingTick = Atomic<UInt64>(1)
    /// The newest moment when a schema came here from another database: counts for every read, also of clients that need no
    /// more than their own writes, which were made elsewhere.
    private let arrivalTick = Atomic<UInt64>(0)
    /// The newest write at all, for reads whose tables are not known.
    private let anyTick = Atomic<UInt64>(1)
    /// Writes that the primary may have done already and that nobody has been told of: by table, of tables that are not
    /// known, and all together.
    private let flights = SlotTable()
    private let flightsAnywhere = Atomic<UInt64>(0)
    private let flying = Atomic<UInt64>(0)
    /// Called when a tick is wanted that has not begun.
    let wanted = WakeSignal()

    package init() {}

    // MARK: For the loops

    /// Notes a write that the server has acknowledged. Call after reading the acknowledgement (of the commit, or of a
    /// statement outside a transaction) and before passing it on; also when it is unknown whether the commit was done.
    ///
    /// - Parameters:
    ///   - slots: of ``RelationSlot``: the tables that may be different now.
    ///   - anything: the tables are not known, or not only these: every later read needs this write.
    /// - Returns: the mark; what a client that may not read behind its own writes needs (`session`).
    @discardableResult
    package func noteWrite(slots written: [UInt32], anything: Bool = false) -> UInt64 {
        let tick = now()
        for slot in written { slots.raise(slot, to: tick) }
        anyTick.raise(to: tick)
        if anything { everythingTick.raise(to: tick) }
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        want(tick)
        return tick
    }

    /// A schema lives here from now on, with all that was written elsewhere.
    package func noteArrival() { arrivalTick.raise(to: noteWrite(slots: [], anything: true)) }

    /// The tick that a replica must have replayed to have what was written elsewhere.
    package var arrival: UInt64 { arrivalTick.load(ordering: .acquiring) }

    /// To be called before a write that may be committed at once is sent, or a COMMIT. Until it has landed no replica
    /// answers for these tables: who has seen it on the primary, before its client hears of it, would see less there.
    package func takeOff(slots written: ArraySlice<UInt32>, anything: Bool) {
        for slot in written { flights.add(1, to: slot) }
        if anything { flightsAnywhere.wrappingAdd(1, ordering: .sequentiallyConsistent) }
        flying.wrappingAdd(UInt64(written.count) + (anything ? 1 : 0), ordering: .sequentiallyConsistent)
    }

    /// It has been answered, and noted (``noteWrite(slots:anything:)``), or will not be.
    package func land(slots written: ArraySlice<UInt32>, anything: Bool) {
        flying.wrappingSubtract(UInt64(written.count) + (anything ? 1 : 0), ordering: .sequentiallyConsistent)
        for slot in written { flights.add(-1, to: slot) }
        if anything { flightsAnywhere.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
    }

    private func isFlying(to reads: [UInt32], anything: Bool) -> Bool {
        guard flying.load(ordering: .acquiring) > 0 else { return false }
        if anything || flightsAnywhere.load(ordering: .acquiring) > 0 { return true }
        return reads.contains { flights[$0] > 0 }
    }

    /// The tick that covers everything that anybody was told until now, by the primary or by any replica: a client's
    /// mark after a read, so that its next read elsewhere is not older. Asks for no sample; ``want(_:)`` does, once
    /// the mark is in somebody's way.
    package func now() -> UInt64 {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return nextTick.load(ordering: .sequentiallyConsistent)
    }

    /// The tick that a replica must have replayed to answer a read of these tables. 1 at least; ``never`` while a write of
    /// them is on its way.
    ///
    /// - Parameter anything: what is read is not known to the end.
    package func required(reads: [UInt32], anything: Bool = false) -> UInt64 {
        if isFlying(to: reads, anything: anything) { return Self.never }
        var tick = everythingTick.load(ordering: .acquiring)
        if anything { return max(tick, anyTick.load(ordering: .acquiring)) }
        for slot in reads { tick = max(tick, slots[slot]) }
        return tick
    }

    /// A tick that does not come.
    package static let never = UInt64.max

    /// Has the position sampled soon. One atomic read when that was asked for already.
    package func want(_ tick: UInt64) {
        guard wantedTick.load(ordering: .sequentiallyConsistent) < tick else { return }
        if wantedTick.max(tick, ordering: .sequentiallyConsistent).oldValue < tick { wanted.call() }
    }

    // MARK: For the sampler

    /// Begins a sample. Send it after this call.
    func beginSample() -> UInt64 {
        let tick = nextTick.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return tick
    }

    /// Whether somebody waits for a sample that has not begun.
    var isSampleWanted: Bool {
        wantedTick.load(ordering: .sequentiallyConsistent) >= nextTick.load(ordering: .sequentiallyConsistent)
    }

    /// The newest tick that somebody waits for.
    var newestWanted: UInt64 { wantedTick.load(ordering: .sequentiallyConsistent) }

    /// Another primary, or another history: positions sampled until now mean nothing, so every read needs a new one.
    func forgetSamples() {
        let tick = now()
        everythingTick.raise(to: tick)
        want(tick)
    }
}
