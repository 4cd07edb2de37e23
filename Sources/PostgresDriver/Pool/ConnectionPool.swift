/// Why a pool has no connection to give.
package enum PoolError: Error, Sendable, Hashable, CustomStringConvertible {
    /// All connections stayed in use for the whole time.
    case timedOut(size: Int, waited: Duration)
    /// As many wait as may wait.
    case tooManyWaiting(Int)
    case closed

    package var description: String {
        switch self {
        case .timedOut(let size, let waited): "all \(size) connections of the pool were in use for \(waited)"
        case .tooManyWaiting(let count): "\(count) already wait for a connection of the pool"
        case .closed: "the pool is closed"
        }
    }
}

/// What a pool bounds besides its size; nil: nothing.
package struct PoolBounds: Sendable, Hashable {
    /// A connection older than this is not lent again; zero: each is lent once.
    package var lifetime: Duration?
    /// A connection that nobody has wanted for so long is closed.
    package var idleTimeout: Duration?
    /// How many may wait; further ones get `PoolError.tooManyWaiting` at once.
    package var waiting: Int
    /// Whether a connection that comes back loses its settings, locks and cached plans. Where all who borrow it call functions
    /// only that leave nothing behind, it need not: no round trip more, and plans stay.
    package var discards: Bool

    package init(
        lifetime: Duration? = nil, idleTimeout: Duration? = nil, waiting: Int = 10_000, discards: Bool = true
    ) {
        self.lifetime = lifetime
        self.idleTimeout = idleTimeout
        self.waiting = waiting
        self.discards = discards
    }
}

/// At most `size` connections to one database, opened when needed. Those who wait are served in the order of asking.
package actor ConnectionPool {
    package nonisolated let settings: ConnectionSettings
    package nonisolated let size: Int
    package nonisolated let acquireTimeout: Duration
    package nonisolated let bounds: PoolBounds

    /// The one used last is the last, and is lent first: those not needed grow old.
    var idle: [Member] = []
    /// Open connections and those being opened.
    private var total = 0
    private var waiters: [Waiter] = []
    private var nextWaiter = 0
    private var isClosed = false
    /// Runs while connections are idle.
    var reaper: Task<Void, Never>?

    struct Member: Sendable {
        let connection: Connection
        let opened: ContinuousClock.Instant
        var idleSince: ContinuousClock.Instant
        /// Opened for the one who has it now.
        var isNew = true

        init(_ connection: Connection) {
            self.connection = connection
            opened = .now
            idleSince = opened
        }
    }

    private enum Grant: Sendable {
        case member(Member)
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
    package init(
        _ settings: ConnectionSettings, size: Int = 8, acquireTimeout: Duration = .seconds(30),
        bounds: PoolBounds = PoolBounds()
    ) {
        self.settings = settings
        self.size = max(size, 1)
        self.acquireTimeout = acquireTimeout
        self.bounds = bounds
    }

    /// Lends a connection. Afterwards it is rolled back if necessary and reset with DISCARD ALL (unless `discards` is off), so
    /// that no setting, lock or prepared statement reaches the next user.
    ///
    /// - Parameter preparation: statements to run before `body`. One that finds its connection gone, although it looked
    ///   alive, is run on another.
    /// - Throws: `PoolError`, `CancellationError`, what opening and `preparation` throw, and what `body` throws.
    package nonisolated(nonsending) func withConnection<T>(
        timeout: Duration? = nil, preparation: String? = nil, _ body: (Connection) async throws -> T
    ) async throws -> T {
        let member = try await acquire(timeout ?? acquireTimeout, preparation)
        do {
            let value = try await body(member.connection)
            await release(member)
            return value
        } catch {
            await release(member)
            throw error
        }
    }

    /// Ends idle connections now and borrowed ones when they come back. Those who wait get `PoolError.closed`.
    package func close() async {
        isClosed = true
        reaper?.cancel()
        let waiting = waiters
        waiters = []
        for waiter in waiting {
            waiter.timer.cancel()
            waiter.continuation.resume(throwing: PoolError.closed)
        }
        let members = idle
        idle = []
        await end(members)
    }

    package var waitingCount: Int { waiters.count }
    package var openCount: Int { total }
    package var idleCount: Int { idle.count }

    /// Closes connections that are in nobody's hands, and gives their places free.
    func end(_ members: [Member]) async {
        total -= members.count
        for member in members { await member.connection.close() }
    }

    private func acquire(_ timeout: Duration, _ preparation: String?) async throws -> Member {
        var member = try await borrow(timeout)
        if !member.isNew, await !member.connection.isAlive { member = try await another(for: member) }
        if let preparation { member = try await prepare(member, preparation) }
        return member
    }

    /// Without a look at whether it is alive, where it is not new.
    func borrow(_ timeout: Duration? = nil) async throws -> Member {
        try Task.checkCancellation()
        guard !isClosed else { throw PoolError.closed }
        switch try await grant(timeout ?? acquireTimeout) {
        case .slot: return try await open()
        case .member(let lent): return isExpired(lent) ? try await another(for: lent) : lent
        }
    }

    private func another(for member: Member) async throws -> Member {
        await member.connection.close()
        return try await open()
    }

    private func prepare(_ member: Member, _ statements: String) async throws -> Member {
        do {
            try await member.connection.execute(statements)
            return member
        } catch let error as PostgresError where error.isConnectionLost && !member.isNew {
            return try await prepare(try await another(for: member), statements)
        } catch {
            await release(member)
            throw error
        }
    }

    private func grant(_ timeout: Duration) async throws -> Grant {
        // Nobody is idle while somebody waits: what comes back is handed on at once.
        if let member = idle.popLast() { return .member(member) }
        if total < size {
            total += 1
            return .slot
        }
        guard waiters.count < bounds.waiting else { throw PoolError.tooManyWaiting(waiters.count) }
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
    private func open() async throws -> Member {
        do {
            return Member(try await Connection.open(settings))
        } catch {
            handOn(.slot)
            throw error
        }
    }

    func release(_ member: Member) async {
        guard await member.connection.reset(discards: bounds.discards) else {
            await member.connection.close()
            return handOn(.slot)
        }
        await giveBack(member)
    }

    /// One that is as good as new.
    func giveBack(_ member: Member) async {
        guard !isClosed, !isExpired(member) else {
            await member.connection.close()
            return handOn(.slot)
        }
        var member = member
        member.isNew = false
        member.idleSince = .now
        handOn(.member(member))
    }

    private func handOn(_ grant: Grant) {
        guard waiters.isEmpty else {
            let waiter = waiters.removeFirst()
            waiter.timer.cancel()
            return waiter.continuation.resume(returning: grant)
        }
        switch grant {
        case .slot: total -= 1
        case .member(let member):
            idle.append(member)
            watchIdle()
        }
    }
}
