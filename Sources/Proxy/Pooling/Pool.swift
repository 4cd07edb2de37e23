internal import PostgresWire

/// Which servers: those of one node of one database, logged in as one user.
struct PoolKey: Hashable {
    var database: String
    var node: Int
    var user: String
}

/// The server connections of one loop for one database, node and user, and the clients that wait for one.
final class Pool {
    let key: PoolKey
    var limits: PoolLimits
    let node: NodeEndpoint
    /// Both own this pool, and live until their thread ends. Not counted: each use would cost two atomic operations.
    unowned(unsafe) let worker: Worker
    unowned(unsafe) let database: WorkerDatabase

    private(set) var servers: [ObjectIdentifier: ServerConnection] = [:]
    /// The one used last is at the end and taken first, so that the others can grow old.
    private(set) var idleServers: [ServerConnection] = []
    private var waiters: [ClientSession] = []
    private var firstWaiter = 0
    private(set) var connecting = 0
    private var lastFailure: ErrorFields?
    private var failedAt: LoopTime?
    /// A server that has no connection left is asked again, less and less often.
    private var retryAt: LoopTime?
    private var retryDelay = Pool.firstRetry
    private static let firstRetry = Duration.milliseconds(250)
    private static let lastRetry = Duration.seconds(5)
    var isPaused = false

    init(key: PoolKey, limits: PoolLimits, node: NodeEndpoint, database: WorkerDatabase, worker: Worker) {
        self.key = key
        self.limits = limits
        self.node = node
        self.database = database
        self.worker = worker
    }

    var nodeName: String { node.name }
    var databaseName: String { database.name }
    var serverDatabase: String { node.database }
    var address: String { "\(node.address)" }
    var waiting: Int { waiters.count - firstWaiter }
    var active: Int { servers.count - idleServers.count - connecting }
    var oldestWaiter: ClientSession? { waiting > 0 ? waiters[firstWaiter] : nil }

    // MARK: Clients

    /// A server at once, or nil: then the client is in the queue and gets `assigned` or `refused`, or it has been
    /// refused already (`refusal`).
    func acquire(for client: ClientSession) -> ServerConnection? {
        if waiting == 0, !isPaused, let startup = client.startup, let server = takeIdle(startup) { return server }
        waiters.append(client)
        client.waitingIn = self
        grow()
        return nil
    }

    private func takeIdle(_ startup: StartupParameters) -> ServerConnection? {
        guard let last = idleServers.last else { return nil }
        if last.startup === startup { return idleServers.removeLast() }
        guard let index = idleServers.lastIndex(where: { $0.startup === startup }) else { return nil }
        return idleServers.remove(at: index)
    }

    func removeWaiter(_ client: ClientSession) {
        guard let index = waiters[firstWaiter...].firstIndex(where: { $0 === client }) else { return }
        waiters.remove(at: index)
    }

    private func nextWaiter() -> ClientSession? {
        guard waiting > 0 else { return nil }
        let client = waiters[firstWaiter]
        firstWaiter += 1
        if firstWaiter == waiters.count {
            waiters.removeAll(keepingCapacity: waiters.count < 64)
            firstWaiter = 0
        } else if firstWaiter > 64, firstWaiter * 2 > waiters.count {
            waiters.removeFirst(firstWaiter)
            firstWaiter = 0
        }
        return client
    }

    /// Opens connections for those who wait, as far as the limits let it.
    private func grow() {
        guard !isPaused else { return }
        if let retryAt, worker.loop.now < retryAt { return }
        while connecting < waiting, servers.count < limits.size + reserveNow {
            let client = waiters[firstWaiter + connecting]
            guard let startup = client.startup, connect(startup, client) else { return }
        }
        // All are open, but for clients of another kind: one of those makes room.
        if waiting > connecting, servers.count >= limits.size, let other = idleServers.first { retire(other) }
    }

    /// How many of the reserve may be used now.
    private var reserveNow: Int {
        guard limits.reserve > 0, let oldest = oldestWaiter,
            worker.loop.now - oldest.waitingSince >= limits.reserveTimeout
        else {
            return 0
        }
        return limits.reserve
    }

    private func connect(_ startup: StartupParameters, _ client: ClientSession) -> Bool {
        let stream: ByteStream
        do {
            stream = ByteStream(loop: worker.loop, descriptor: try node.address.connect())
        } catch {
            let fields = ServerConnection.unreachable(self, error.reason)
            failed(fields)
            return false
        }
        let server = ServerConnection(
            pool: self, startup: startup, stream: stream, secret: worker.serverSecret(for: client, node: node),
            id: worker.nextServerID())
        servers[ObjectIdentifier(server)] = server
        connecting += 1
        stream.waitForConnection()
        return true
    }

    // MARK: Servers

    func connected(_ server: ServerConnection) {
        connecting -= 1
        lastFailure = nil
        retryAt = nil
        retryDelay = Self.firstRetry
        server.startup.welcome = server.startup.welcome ?? server.reported
        database.reached(node: key.node)
        idle(server)
    }

    /// It owes nothing and belongs to nobody: it goes to whoever has waited longest, or back.
    func idle(_ server: ServerConnection) {
        guard server.phase == .ready else { return }
        guard server.cancelling == 0 else { return }
        if server.isRetired || worker.loop.now > server.oldAt || server.hasServed
            || servers.count > limits.size + limits.reserve
        {
            return retire(server)
        }
        if waiting > 0, !isPaused {
            if waiters[firstWaiter].startup === server.startup {
                if let client = nextWaiter() { client.assigned(server) }
                return
            }
            // The oldest is of another kind: it gets a server of its own in place of this one.
            return retire(server)
        }
        server.idleSince = worker.loop.now
        idleServers.append(server)
    }

    private func retire(_ server: ServerConnection) {
        idleServers.removeAll { $0 === server }
        server.sayGoodbye()
    }

    /// A connection is over; with an error where it never stood.
    func ended(_ server: ServerConnection, _ error: ErrorFields?) {
        guard servers.removeValue(forKey: ObjectIdentifier(server)) != nil else { return }
        idleServers.removeAll { $0 === server }
        if let error {
            connecting -= 1
            if Self.isOfParameters(error) { refuse(clientsOf: server.startup, error) } else { failed(error) }
        } else {
            grow()
        }
    }

    /// The node has stopped to answer, but perhaps without a word: nobody waits for it any longer.
    func abandon() {
        let error = ServerConnection.unreachable(self, "it does not answer")
        while let client = nextWaiter() { client.refused(error, node: key.node) }
        for server in servers.values { server.abandon() }
    }

    /// What a server says of startup parameters (unknown, wrong, not allowed) is for those who sent them.
    private static func isOfParameters(_ error: ErrorFields) -> Bool {
        error.code.hasPrefix("22") || error.code.hasPrefix("42")
    }

    private func refuse(clientsOf startup: StartupParameters, _ error: ErrorFields) {
        for client in waiters[firstWaiter...] where client.startup === startup {
            removeWaiter(client)
            client.refused(error, node: key.node)
        }
        grow()
    }

    /// Those who wait hear why, unless servers of this pool are still at work and will be free.
    private func failed(_ error: ErrorFields) {
        lastFailure = error
        failedAt = worker.loop.now
        if servers.count > connecting, error.code == "53300" {
            // It is full, not gone: those that are open will be free, or it has room again. One that is idle now is for
            // clients of another kind, and makes room.
            if retryDelay == Self.firstRetry { worker.log.nodeFailed(databaseName, nodeName, error) }
            retryAt = worker.loop.now + retryDelay
            retryDelay = min(retryDelay * 2, Self.lastRetry)
            if let other = idleServers.first { retire(other) }
            return
        }
        database.failed(node: key.node, error)
        // Those that are idle are for clients of another kind, and of no use to who waits.
        guard active == 0 else { return }
        while let client = nextWaiter() { client.refused(error, node: key.node) }
    }

    // MARK: From time to time

    func tend(_ now: LoopTime) {
        if limits.queryWaitTimeout > .zero {
            while let oldest = oldestWaiter, now - oldest.waitingSince > limits.queryWaitTimeout {
                _ = nextWaiter()
                oldest.refused(waitedTooLong(), node: key.node)
            }
        }
        for server in idleServers
        where now - server.idleSince > limits.idleTimeout || now - server.createdAt > limits.maximumAge
            || server.isRetired
        {
            retire(server)
        }
        for server in servers.values where server.phase != .ready && now - server.createdAt > limits.connectTimeout {
            server.timedOut()
        }
        if limits.queryTimeout > .zero {
            for server in servers.values {
                guard let client = server.client, !server.queue.isEmpty,
                    now - client.unitStartedAt > limits.queryTimeout
                else { continue }
                client.end(
                    with: ErrorFields(
                        code: "57014", message: "canceling statement due to query_timeout",
                        hint: "The proxy ends what runs longer than \(limits.queryTimeout)."))
            }
        }
        if waiting > 0 { grow() }
    }

    private func waitedTooLong() -> ErrorFields {
        ErrorFields(
            code: "53300",
            message: "no server connection became free within \(limits.queryWaitTimeout) (query_wait_timeout)",
            detail:
                "All \(servers.count) connections of user \"\(key.user)\" to \(nodeName) of database \"\(databaseName)\" are busy, \(waiting) clients wait.",
            hint: "Look for long transactions (SHOW SERVERS in the admin database), or raise pool size in the layout.")
    }

    /// RECONNECT: what is idle ends now, the rest when it is free.
    func reconnect() {
        for server in servers.values { server.isRetired = true }
        for server in idleServers { retire(server) }
    }

    func resumePaused() {
        isPaused = false
        while waiting > 0, let startup = waiters[firstWaiter].startup, let server = takeIdle(startup) {
            guard let client = nextWaiter() else { break }
            client.assigned(server)
        }
        grow()
    }
}
