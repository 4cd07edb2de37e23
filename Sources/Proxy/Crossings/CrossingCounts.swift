internal import Engine
internal import Planning
internal import Synchronization

/// What all loops of a proxy have counted: in all, and what is not written down yet.
final class CrossingCounts: Sendable {
    /// What is written down in one go. It keeps its number until that is known to have been done, so that nothing is
    /// added twice.
    struct Batch: Sendable {
        var number = 1
        var crossings: [Crossing] = []
        var schemas: [String] = []
        var dropped = 0
    }

    private struct State {
        var schemas: Set<String> = []
        var totals = CrossingTable()
        var unsaved = CrossingTable()
        /// Under way, or to be tried again.
        var batch: Batch?
        var nextBatch = 1
        /// What will never be written down.
        var lost = 0
    }

    private let state = Mutex(State())

    /// Schemas whose leaving is observed.
    func observe(_ schemas: Set<String>) { state.withLock { $0.schemas = schemas } }

    var isObserving: Bool { state.withLock { !$0.schemas.isEmpty || !$0.unsaved.isEmpty || $0.batch != nil } }

    func add(_ counted: CrossingTable) {
        state.withLock { state in
            state.totals.add(counted)
            state.unsaved.add(counted)
        }
    }

    /// Since the proxy was started.
    var totals: CrossingTable { state.withLock { $0.totals } }

    /// What is to be written down next: the last one again, where that is not known to have been done.
    func begin() -> Batch {
        state.withLock { state in
            if let open = state.batch { return open }
            state.lost += state.unsaved.dropped
            let batch = Batch(
                number: state.nextBatch, crossings: state.unsaved.sorted, schemas: state.schemas.sorted(),
                dropped: state.lost)
            state.nextBatch += 1
            state.unsaved = CrossingTable()
            state.batch = batch
            return batch
        }
    }

    /// - Parameter isLost: the server cannot take it, now or ever.
    func end(_ batch: Batch, isLost: Bool = false) {
        state.withLock { state in
            guard state.batch?.number == batch.number else { return }
            state.batch = nil
            if isLost { state.lost += batch.crossings.count }
        }
    }
}
