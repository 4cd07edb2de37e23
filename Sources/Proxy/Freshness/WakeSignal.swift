import Synchronization

/// Wakes one waiting task from any thread. A call that nobody waits for is remembered for the next wait; the call is
/// one atomic read when it has been made already. Where a second task begins to wait, the first wait ends.
final class WakeSignal: Sendable {
    private enum Phase {
        static let busy: UInt8 = 0
        static let waiting: UInt8 = 1
        static let called: UInt8 = 2
    }

    private let phase = Atomic<UInt8>(Phase.busy)
    private let waiter = Mutex<CheckedContinuation<Void, Never>?>(nil)

    func call() {
        guard phase.load(ordering: .sequentiallyConsistent) != Phase.called else { return }
        let before = phase.exchange(Phase.called, ordering: .sequentiallyConsistent)
        if before == Phase.waiting { install(nil) }
    }

    /// Forgets earlier calls. Before each wait; look at what the caller announced *after* this.
    func reset() { phase.store(Phase.busy, ordering: .sequentiallyConsistent) }

    /// Returns at a call (also one made since `reset`), or when the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                install(continuation)
                let (exchanged, _) = phase.compareExchange(
                    expected: Phase.busy, desired: Phase.waiting, ordering: .sequentiallyConsistent)
                if !exchanged || Task.isCancelled { install(nil) }
            }
        } onCancel: {
            call()
        }
    }

    /// Ends the wait that is there.
    private func install(_ continuation: CheckedContinuation<Void, Never>?) {
        let earlier = waiter.withLock { waiter in
            defer { waiter = continuation }
            return waiter
        }
        earlier?.resume()
    }
}
