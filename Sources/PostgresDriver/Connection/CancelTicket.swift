import CLibPQ
import Foundation

/// What a cancel request needs; libpq allows it from any thread.
final class CancelKey: @unchecked Sendable {
    // Only PQcancel reads it, and libpq documents that as thread-safe.
    private let key: OpaquePointer

    init?(connection: OpaquePointer) {
        guard let key = PQgetCancel(connection) else { return nil }
        self.key = key
    }

    deinit { PQfreeCancel(key) }

    /// Blocks until the server has taken the request. A failure is not reported: the statement then just goes on.
    func send() {
        var buffer = [CChar](repeating: 0, count: 256)
        _ = PQcancel(key, &buffer, Int32(buffer.count))
    }
}

/// Connects one operation on the connection's thread with the cancellation of the task that waits for it.
///
/// The operation does not end before a request on its way has arrived: a late one would hit the next statement.
final class CancelTicket: @unchecked Sendable {
    /// How long a server may take to react before the connection is given up.
    static let grace: Duration = .seconds(10)

    private enum Phase { case waiting, running, finished }

    private let condition = NSCondition()
    // Guarded by `condition`.
    private var phase = Phase.waiting
    private var requested = false
    private var sending = false
    private var wake: WakePipe?
    private var key: CancelKey?

    /// - Parameter key: nil when the server has nothing to cancel and waking up is enough.
    func begin(wake: WakePipe, key: CancelKey?) throws {
        try condition.withLock {
            if requested { throw CancellationError() }
            wake.drain()
            self.wake = wake
            self.key = key
            phase = .running
        }
    }

    /// From any thread, any number of times; does not block.
    func cancel() {
        condition.withLock {
            guard !requested, phase != .finished else { return }
            requested = true
            guard phase == .running else { return }
            wake?.wake()
            send()
        }
    }

    /// For the operation itself, when its caller gives up half-way. Call on the connection's thread.
    func cancelOwnStatement() {
        condition.withLock {
            guard phase == .running, !requested else { return }
            requested = true
            send()
        }
    }

    var isRequested: Bool { condition.withLock { requested } }

    /// - Returns: false when a request may still be on its way, so that the connection must not be used again.
    func finish() -> Bool {
        condition.withLock {
            phase = .finished
            let limit = Date(timeIntervalSinceNow: Double(Self.grace.components.seconds))
            while sending {
                guard condition.wait(until: limit) else { return false }
            }
            return true
        }
    }

    /// On a thread of its own, because the request needs a connection of its own and may block. Call with the lock.
    private func send() {
        guard let key else { return }
        sending = true
        Thread.detachNewThread { [self] in
            key.send()
            condition.withLock {
                sending = false
                condition.broadcast()
            }
        }
    }
}
