import Foundation
import Synchronization

/// How many have come together lately: whether those who wait are all, or a moment brings more of them. No clock.
///
/// Who sends one request after the other comes back as soon as it is answered; so of those who share a call, nearly all come
/// again within a few milliseconds. One call for them costs hardly more than one for the first of them.
struct Crowd: Sendable {
    /// Fewer are not worth waiting for: who is alone does not wait, but for the first few calls after a crowd has gone.
    static let least = 4
    /// More of them make a call hardly cheaper for each.
    static let most = 128

    private(set) var size = 0

    /// So many were there for one call, or came while it was under way.
    mutating func saw(_ count: Int) {
        // Where it was a crowd it is forgotten slowly, for some of it may be late; else soon.
        size = min(max(count, count < Self.least ? size / 2 : size * 7 / 8), Self.most)
    }

    /// - Parameter waiting: how many there are.
    func isExpected(beyond waiting: Int) -> Bool { waiting > 0 && size >= Self.least && waiting < size }
}

/// A wait that ends after its time, or when somebody says so. For one that waits at a time.
final class Moment: Sendable {
    private struct State {
        var number = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func wait(_ time: Duration) async {
        await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                state.number += 1
                state.waiter = continuation
                return state.number
            }
            // One timer, and no task that sleeps: there are hundreds of these in a second.
            DispatchQueue.global().asyncAfter(deadline: .now() + .nanoseconds(Int(time / .nanoseconds(1)))) {
                self.end(number)
            }
        }
    }

    func end() { end(nil) }

    private func end(_ number: Int?) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard number == nil || number == state.number else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
