/// Why a pool has no connection to give.
package enum PoolError: Error, Sendable, Hashable, CustomStringConvertible {
    /// All connections stayed in use for the whole time.
    case timedOut(size: Int, waited: Duration)
    case closed

    package var description: String {
        switch self {
        case .timedOut(let size, let waited): "all \(size) connections of the pool were in use for \(waited)"
        case .closed: "the pool is closed"
        }
    }
}

/// At most `size` connections to one database, opened when needed. Those who wait are served in the order of asking.
package actor ConnectionPool {
    package nonisolated let settings: ConnectionSettings
    package nonisolated let size: Int
    package nonisolated let acquireTimeout: Duration

    private var idle: [Connection] = []
    /// Open connections and those being opened.
    private var total = 0
    private var waiters: [Waiter] = []
    private var nextWaiter = 0
    private var isClosed = false

    private enum Grant: Sendable {
        case connection(Connection)
        /// The right to open one.
        case slot
    }

    private struct Waiter {
        var id: Int
        var continuation: CheckedContinuation<Grant, any Error>
        var timer: Task<Void, Never>
    }

    /// - Parameters:
    ///   - size: 1 or more.
    ///   - acquireTimeout: How long `withConnection` waits for its turn; opening is bounded by `connect_timeout`.
    package init(_ settings: ConnectionSettings, size: Int = 8, acquireTimeout: Duration = .seconds(30)) {
        self.settings = settings
        self.size = max(size, 1)
        self.acquireTimeout = acquireTimeout
    }

    /// Lends a connection. Afterwards it is rolled back if necessary and reset with DISCARD ALL, so that no setting,
    /// lock or prepared statement reaches the next user.
    ///
    /// Throws `PoolError`, `CancellationError`, what opening throws, and what `body` throws.
    package nonisolated(nonsending) func withConnection<T>(
        timeout: Duration? = nil, _ body: (Connection) async throws -> T
    ) async throws -> T {
        let connection = try await acquire(timeout ?? acquireTimeout)
        do {
            let value = try await body(connection)
            await release(connection)
            return value
        } catch {
            await release(connection)
            throw error
        }
    }

    /// Ends idle connections now and borrowed ones when they come back. Those who wait get `PoolError.closed`.
    package func close() async {
        isClosed = true
        let waiting = waiters
        waiters = []
        for waiter in waiting {
            waiter.timer.cancel()
            waiter.continuation.resume(throwing: PoolError.closed)
        }
        let connections = idle
        idle = []
        total -= connections.count
        for connection in connections { await connection.close() }
    }

    package var waitingCount: Int { waiters.count }
    package var openCount: Int { total }
    package var idleCount: Int { idle.count }

    private func acquire(_ timeout: Duration) async throws -> Connection {
        try Task.checkCancellation()
        guard !isClosed else { throw PoolError.closed }
        switch try await grant(timeout) {
        case .slot: return try await open()
        case .connection(let connection):
            if await connection.isAlive { return connection }
            await connection.close()
            return try await open()
        }
    }

    private func grant(_ timeout: Duration) async throws -> Grant {
        // Nobody is idle while somebody waits: what comes back is handed on at once.
        if let connection = idle.popLast() { return .connection(connection) }
        if total < size {
            total += 1
            return .slot
        }
        nextWaiter += 1
        let id = nextWaiter
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                let timer = Task { [size] in
                    guard (try? await Task.sleep(for: timeout)) != nil else { return }
                    self.giveUp(id, PoolError.timedOut(size: size, waited: timeout))
                }
                waiters.append(Waiter(id: id, continuation: continuation, timer: timer))
            }
        } onCancel: {
            Task { await self.giveUp(id, CancellationError()) }
        }
    }

    private func giveUp(_ id: Int, _ error: any Error) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        let waiter = waiters.remove(at: index)
        waiter.timer.cancel()
        waiter.continuation.resume(throwing: error)
    }

    /// For the holder of a slot, which is handed on when opening fails.
    private func open() async throws -> Connection {
        do {
            return try await Connection.open(settings)
        } catch {
            handOn(.slot)
            throw error
        }
    }

    private func release(_ connection: Connection) async {
        let usable = await connection.reset()
        guard usable, !isClosed else {
            await connection.close()
            return handOn(.slot)
        }
        handOn(.connection(connection))
    }

    private func handOn(_ grant: Grant) {
        guard waiters.isEmpty else {
            let waiter = waiters.removeFirst()
            waiter.timer.cancel()
            return waiter.continuation.resume(returning: grant)
        }
        switch grant {
        case .slot: total -= 1
        case .connection(let connection): idle.append(connection)
        }
    }
}

extension Connection {
    /// Makes the connection as good as new, also when the task is cancelled. False when that is not possible.
    nonisolated func reset() async -> Bool {
        guard await isAlive else { return false }
        do {
            let status = await transactionStatus
            if status == .inTransaction || status == .inFailedTransaction { try await executeShielded("ROLLBACK") }
            try await executeShielded("DISCARD ALL")
            return await transactionStatus == .idle
        } catch {
            return false
        }
    }
}
