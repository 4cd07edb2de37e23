internal import Planning
internal import PostgresWire
internal import SQLSyntax

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A client: what it may do, what state it believes its session to have, and which server serves it now.
///
/// A client's messages are collected to a *unit*: what ends with Sync, Flush, a simple query or a function call. A unit is
/// what gets a server. The bytes stay in the stream until the unit goes out, so a client that waits costs nothing more.
final class ClientSession: StreamHandler {
    enum Phase { case startup, authenticating, waitingForWelcome, ready, admin, ended }

    let stream: ByteStream
    /// It owns all sessions, and lives until its thread ends. Not counted: each use would cost two atomic operations.
    unowned(unsafe) let worker: Worker
    /// The number that the client takes for its backend's process.
    var processID: Int32
    let secret: [UInt8]
    let address: ClientAddress
    let connectedAt: LoopTime
    var phase = Phase.startup
    /// It has logged in and counts among the clients of its database.
    var isCounted = false

    // From the login.
    var login: ClientLogin?
    var keys: ScramKeys?
    var user = ""
    /// What it named when it connected.
    var database: WorkerDatabase?
    /// Where the unit or transaction at hand runs: in layouts with several databases not always the one that it named.
    private(set) var current: WorkerDatabase?
    var startup: StartupParameters?
    var requestedDatabase = ""
    var applicationName = ""
    var protocolMinor = 0
    /// Where a route of the layout sends this application; nil: no route is for it.
    var applicationTarget: StatementDirectives.Target?

    // What the session has.
    var settings = SessionSettings()
    /// What `RESET` and DISCARD lead back to: the startup parameters that are set, not given at a server's start.
    var initialSettings = SessionSettings()
    var statements: [[UInt8]: NamedStatement] = [:] { didSet { lastStatement = nil } }
    /// The one that was looked for last, which most often is the next as well.
    private var lastName: [UInt8] = []
    private var lastStatement: NamedStatement?
    /// What it had before DISCARD ALL or DEALLOCATE ALL, for errors that name something of it.
    var formerStatements: [[UInt8]: NamedStatement] = [:]
    /// The text and types of the unnamed statement, as in its Parse; nil: none.
    var unnamed: UnnamedStatement?
    /// Names that were given or taken back by what is not answered up to its Sync yet, oldest first.
    var announced: [Announced] = []
    /// Messages without Sync stand before the query at hand.
    var isQueryWithinBatch = false
    /// What was changed in the text of the query that runs.
    var textChanges = TextChanges()
    /// What stands for statements of the unit at hand whose text names others.
    var resolvedStatements: [[UInt8]: NamedStatement] = [:]
    /// Statements that it asked to be described and has no answer for yet, oldest first.
    var describing: [NamedStatement] = []
    var syncsSent: UInt32 = 0
    var syncsAnswered: UInt32 = 0
    /// Why it keeps its server between transactions.
    var pins: Decision.Effects = []
    var pathID: UInt32 = 0 {
        didSet { if !foreignPaths.isEmpty { foreignPaths = [:] } }
    }
    /// Session mode: it has set something, and is not asked what.
    var isPathUnknown = false

    // What goes on.
    var server: ServerConnection?
    /// The pool in whose queue it stands.
    var waitingIn: Pool?
    var waitingSince: LoopTime
    var isBlocked = false
    /// It has said goodbye, and what it asked before is still running.
    var isTerminating = false
    /// Since when it waits for a catalog to have a table that it names.
    var catalogMissedAt: LoopTime?
    /// Since when its unit waits for RESUME SCHEMA.
    var heldSince: LoopTime?
    /// Schemas that its transaction has touched, as `Decision.schemaBits`.
    var touched: UInt64 = 0
    /// What its transaction would cross, while a split is observed.
    var watch: TransactionWatch?
    /// A query of ours runs on its server, before or after its own.
    var isArranging = false
    /// What the next unit is answered with instead of being done.
    var refusal: ErrorFields? { didSet { isRefused = refusal != nil } }
    /// The same, for each statement to look at: the fields themselves would be copied.
    private(set) var isRefused = false
    /// After an error that no server knows of: everything up to Sync is skipped.
    var isSkippingToSync = false
    var passThrough = 0
    /// A copy of the unit on a replica, until something of its answer has gone out.
    var isOnReplica = false
    var avoidsReplicas = false
    /// When the unit that runs was sent, and when its server was taken.
    var unitStartedAt: LoopTime
    var takenAt: LoopTime

    // A transaction that has not written yet.
    var deferred: DeferredTransaction
    /// What is to be done with the unit at the front; nil: not decided yet.
    var step: DeferredTransaction.Step?
    /// The BEGIN, and what has to be done again, in SQL, if the transaction moves.
    var beginning: [[UInt8]] = []
    /// Its statements all see what the first one saw, so the replica has to have everything at the start.
    var requiresEverything = false
    /// The server at hand has not heard of the beginning.
    var startsTransactionAnew = false

    // What the transaction has done so far.
    var pendingEffects: Decision.Effects = []
    var pendingUnlisted: [String] = []
    var written: [UInt32] = []
    var hasWrittenAnything = false
    /// How many of `written` count as on their way, and whether others do.
    var flown = 0
    var fliesAnything = false
    /// The sample from which on a replica has all that this client has seen.
    var seenTick: UInt64 = 0
    /// The sample that any other replica than the preferred one must have replayed.
    var readTick: UInt64 = 0
    var preferredReplica: Int?
    /// The same three, of the databases that it was in before.
    private var seen: [ObjectIdentifier: (seenTick: UInt64, readTick: UInt64, preferredReplica: Int?)] = [:]
    /// What `search_path` and role mean in databases other than its own; emptied when they change.
    var foreignPaths: [ObjectIdentifier: UInt32] = [:]

    struct UnnamedStatement {
        var query: [UInt8]
        var parameterTypes: [UInt8]
        var serial: UInt64
        /// EXECUTE or DEALLOCATE of a statement that servers know by another name.
        var namesOthers = false
    }

    init(stream: ByteStream, worker: Worker, processID: Int32, secret: [UInt8], address: ClientAddress) {
        self.stream = stream
        self.worker = worker
        connectedAt = worker.loop.now
        // Logging in, it waits for a server without having asked for anything.
        (waitingSince, unitStartedAt, takenAt) = (connectedAt, connectedAt, connectedAt)
        self.processID = processID
        self.secret = secret
        self.address = address
        deferred = DeferredTransaction(
            isOptimistic: worker.configuration.transactions == .optimistic, isPlaced: worker.routesSchemas)
        super.init()
        stream.handler = self
    }

    /// Samples and replicas are counted by each database for itself.
    func enter(_ database: WorkerDatabase) {
        guard current !== database else { return }
        if let current { seen[ObjectIdentifier(current)] = (seenTick, readTick, preferredReplica) }
        (seenTick, readTick, preferredReplica) = seen[ObjectIdentifier(database)] ?? (0, 0, nil)
        current = database
    }

    func statement(named name: UnsafeRawBufferPointer) -> NamedStatement? {
        if let lastStatement, lastName.withUnsafeBytes({ Self.areEqual($0, name) }) { return lastStatement }
        let name = Array(name)
        guard let found = statements[name] else { return nil }
        (lastName, lastStatement) = (name, found)
        return found
    }

    private static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count, let one = left.baseAddress, let other = right.baseAddress else { return false }
        return memcmp(one, other, left.count) == 0
    }

    var hasWritten: Bool { hasWrittenAnything || !written.isEmpty || pendingEffects.contains(.catalog) }
    /// The server could not take all that came: the client is read again when it has.
    var isHeldBack: Bool { !stream.isReading && !isBlocked }

    // MARK: Stream

    override func received(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch phase {
        case .startup: return receivedStartup(bytes)
        case .authenticating: return receivedPassword(bytes)
        case .waitingForWelcome: return 0
        case .ready: return receivedRequests(bytes)
        case .admin: return receivedAdmin(bytes)
        case .ended: return bytes.count
        }
    }

    override func drained() { server?.stream.resume() }

    /// The server's queue is short again.
    func serverDrained() { stream.resume() }

    func block() {
        isBlocked = true
        stream.pause()
    }

    func unblock() {
        guard isBlocked else { return }
        isBlocked = false
        guard phase != .ended else { return }
        stream.resumeWithLeftover()
    }

    override func finished(_ end: StreamEnd) {
        guard phase != .ended else { return }
        phase = .ended
        waitingIn?.removeWaiter(self)
        if heldSince != nil { worker.heldClients.removeAll { $0 === self } }
        waitingIn = nil
        let isFinishing = isTerminating && !isArranging && !(server?.queue.isEmpty ?? true)
        if let server, !isFinishing || server.queue.isCopyingIn {
            letGo()
            leave(server)
        }
        for statement in statements.values { worker.registry.release(statement) }
        for entry in announced where entry.isTaking { release(entry) }
        (statements, announced) = ([:], [])
        worker.ended(self)
    }

    /// What becomes of a server whose client has gone.
    func leave(_ server: ServerConnection) {
        if hasWritten || !server.queue.isEmpty { noteWrites() }
        // What LOAD has brought stays in a server, whatever is discarded.
        let isStained = pins.contains(.keepsServer) || pendingEffects.contains(.keepsServer)
        guard server.queue.isBetweenUnits, server.phase == .ready, !isArranging, passThrough == 0, !isStained else {
            // In the middle of something: the server rolls back when the connection ends. It would not hear of a query
            // behind an error, and a Sync of ours would commit what its client has not ended.
            server.cancelRunning {}
            return server.close()
        }
        // Nothing has to be put in order for who comes next. What is open is rolled back.
        if server.hasServed { return server.sayGoodbye() }
        let isUsed = !pins.isEmpty || !pendingEffects.isEmpty || server.pool.limits.isSession
        if server.queue.transaction != .idle {
            server.ask("ROLLBACK") { _ in if isUsed { Self.discard(server) } }
        } else if isUsed {
            Self.discard(server)
        } else {
            server.pool.idle(server)
        }
    }

    private static func discard(_ server: ServerConnection) {
        server.statements.doubtAll()
        server.unnamedOwner = 0
        server.strayNames = []
        server.ask("DISCARD ALL") { result in
            if case .failure = result { server.isRetired = true }
            server.settings = SessionSettings()
            server.sequenceOwner = -1
        }
    }

    // MARK: Errors

    /// Says why, and ends the session.
    func end(with error: ErrorFields) {
        guard phase != .ended else { return }
        var writer = MessageWriter(reserving: 256)
        var fatal = error
        fatal.severity = "FATAL"
        fatal.write(to: &writer)
        stream.write(writer.bytes)
        worker.refused(self, fatal)
        stream.endAfterFlush()
    }

    func violation(_ what: String) {
        end(with: ErrorFields(severity: "FATAL", code: "08P01", message: what))
    }
}
