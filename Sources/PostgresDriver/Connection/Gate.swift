import Synchronization

/// Exclusive use of one connection, in the order of asking. Waiting is asynchronous and ends on cancellation.
///
/// A task that holds the gate (inside `transaction`, say) passes it again without waiting.
final class Gate: Sendable {
    /// Who holds a gate. `outer` are those that the same task holds already, on other connections too.
    final class Lease: Sendable {
        let outer: Lease?
        init(outer: Lease?) { self.outer = outer }

        @TaskLocal static var current: Lease?
    }

    private struct Waiter {
        var lease: Lease
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var holder: Lease?
        var waiters: [Waiter] = []
    }

    private let state = Mutex(State())

    /// - Returns: nil if this task holds the gate already, and must not leave it.
    func enter(cancellable: Bool = true) async throws -> Lease? {
        let lease = Lease(outer: Lease.current)
        if cancellable { try Task.checkCancellation() }
        let entered: Bool? = state.withLock { state in
            guard let holder = state.holder else {
                state.holder = lease
                return true
            }
            return lease.contains(holder) ? nil : false
        }
        guard let entered else { return nil }
        if !entered { try await wait(for: lease, cancellable: cancellable) }
        return lease
    }

    func leave(_ lease: Lease) {
        let next = state.withLock { state -> Waiter? in
            precondition(state.holder === lease, "a gate is left by who holds it")
            let next = state.waiters.isEmpty ? nil : state.waiters.removeFirst()
            state.holder = next?.lease
            return next
        }
        next?.continuation.resume()
    }

    private func wait(for lease: Lease, cancellable: Bool) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    // Under the lock, so that a cancellation from here on finds the waiter in the queue.
                    if cancellable && Task.isCancelled { return .failure(CancellationError()) }
                    guard state.holder == nil else {
                        state.waiters.append(Waiter(lease: lease, continuation: continuation))
                        return nil
                    }
                    state.holder = lease
                    return .success(())
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            if cancellable { giveUp(lease) }
        }
    }

    private func giveUp(_ lease: Lease) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.lease === lease }) else { return nil }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(throwing: CancellationError())
    }
}

extension Gate.Lease {
    /// Whether `other` is among the leases that this task holds.
    func contains(_ other: Gate.Lease) -> Bool {
        var lease: Gate.Lease? = self
        while let current = lease {
            if current === other { return true }
            lease = current.outer
        }
        return false
    }
}
