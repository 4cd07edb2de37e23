import CLibPQ

/// What NOTIFY sent.
package struct ServerNotification: Sendable, Hashable {
    package let channel: String
    package let payload: String
    /// The server process that sent it.
    package let senderPID: Int32
}

/// Notifications that have arrived; of too many, the oldest are dropped.
struct NotificationQueue {
    static let limit = 10_000
    private var queue: [ServerNotification] = []
    private var start = 0

    mutating func collect(from connection: OpaquePointer) {
        while let notify = PQnotifies(connection) {
            queue.append(
                ServerNotification(
                    channel: String(cString: notify.pointee.relname),
                    payload: notify.pointee.extra.map { String(cString: $0) } ?? "",
                    senderPID: notify.pointee.be_pid))
            PQfreemem(notify)
            if queue.count - start > Self.limit { start += 1 }
        }
    }

    mutating func take() -> ServerNotification? {
        guard start < queue.count else { return nil }
        defer {
            start += 1
            // Moves the rest only once as much has been taken, so that each is moved once on average.
            if start * 2 >= queue.count {
                queue.removeFirst(start)
                start = 0
            }
        }
        return queue[start]
    }
}

extension Connection {
    /// The next notification on the channels that this connection LISTENs to; nil once `timeout` has passed.
    ///
    /// Holds the connection while it waits. At most 10,000 that arrived meanwhile are kept. Throws `CancellationError`,
    /// or `PostgresError` when the connection is lost.
    package nonisolated func waitForNotification(timeout: Duration) async throws -> ServerNotification? {
        let deadline = ContinuousClock.now + timeout
        return try await exclusive(wakeOnly: true) { session in
            try session.requireReady()
            return try session.nextNotification(until: deadline)
        }
    }
}
