internal import Logging
internal import Planning
internal import PostgresDriver
internal import PostgresWire
internal import Synchronization

/// One database of the layout as all loops share it: who is fresh, and what it has in it. Its watchers run as tasks.
final class ProxyDatabase: Sendable {
    let settings: ProxyConfiguration.DatabaseSettings
    let nodes: DatabaseNodes
    let catalogInterval: Duration
    /// Clients of all loops.
    let clients = Atomic<Int>(0)
    private let log: ProxyLog
    private let known = Mutex(Known())
    /// Definitions changed, or may have, since the catalog was read last: no replica until it is read again.
    private let changes = Atomic<UInt64>(1)
    private let read = Atomic<UInt64>(0)
    private let changed = WakeSignal()
    /// When the catalog watcher's server answered last.
    private let answered = Atomic<UInt64>(0)
    /// Without an answer for so long, the server counts as gone; a large catalog takes seconds to be read.
    private static let patience = Duration.seconds(90)

    private let suspended: SuspensionNotice

    /// Who is to hear of a replica that is not used any more: the loops, once they run.
    private final class SuspensionNotice: Sendable {
        private let receiver = Mutex<(@Sendable (Int) -> Void)?>(nil)

        func set(_ receive: @escaping @Sendable (Int) -> Void) { receiver.withLock { $0 = receive } }
        func call(_ node: Int) { receiver.withLock { $0 }?(node) }
    }

    private struct Known {
        var catalog = RoutingCatalog.unknown
        var version: UInt64 = 0
        var failure: String?
        var hasUnusualIsolation = false
    }

    init(_ settings: ProxyConfiguration.DatabaseSettings, _ configuration: ProxyConfiguration) {
        self.settings = settings
        let log = ProxyLog(logger: configuration.logger)
        self.log = log
        catalogInterval = configuration.catalogInterval
        let name = settings.name
        var atMost: Duration?
        if case Routing.Freshness.atMost(let bound) = configuration.freshness { atMost = bound }
        let described = settings.nodes.enumerated().map { index, node in
            NodeDescription(name: node.name, settings: node.settings, weight: settings.weight(of: index))
        }
        let suspended = SuspensionNotice()
        self.suspended = suspended
        nodes = DatabaseNodes(
            primary: described[0], replicas: Array(described.dropFirst()),
            settings: FreshnessSettings(suspension: configuration.suspension, atMost: atMost),
            onChange: { change in
                log.nodeChanged(name, change)
                if change.state.kind == .suspended { suspended.call(change.index) }
            })
    }

    /// - Parameter receive: gets the number of a replica that has failed too often, on any thread.
    func onSuspended(_ receive: @escaping @Sendable (Int) -> Void) { suspended.set(receive) }

    var catalog: RoutingCatalog { known.withLock { $0.catalog } }

    /// Whether it has been read, or tried: a server that is not there is not waited for.
    var isCatalogKnown: Bool { known.withLock { $0.version > 0 || $0.failure != nil } }

    /// Why the catalog watcher has no answer from its server; nil: it has.
    var trouble: String? {
        if let failure = known.withLock({ $0.failure }) { return failure }
        let last = answered.load(ordering: .relaxed)
        if last == 0 { return "it has not answered yet" }
        let isLate = MonotonicTime.now > last + (Self.patience + catalogInterval).nanoseconds
        return isLate ? "no answer for more than \(Self.patience)" : nil
    }

    /// Whether what is known of tables and functions may be out of date.
    var isCatalogStale: Bool { read.load(ordering: .acquiring) < changes.load(ordering: .acquiring) }

    /// Definitions are different, or may be: to be called before a client hears so.
    func catalogChanged() {
        changes.wrappingAdd(1, ordering: .sequentiallyConsistent)
        changed.call()
    }

    /// Somebody waits for the catalog, or went to the primary for want of it, since it was read last.
    private let isWanted = Atomic<Bool>(false)

    /// The catalog is not up to date, and whoever calls would go elsewhere, or go on, if it were: it is read at once.
    func wantCatalog() {
        if !isWanted.load(ordering: .relaxed) { isWanted.store(true, ordering: .relaxed) }
    }

    /// How often it is looked whether definitions that have changed are to be read.
    private static let look = Duration.milliseconds(10)

    /// Waits until what has changed is worth reading, or the watcher is to step aside.
    private func settle() async {
        guard isCatalogStale, known.withLock({ $0.version }) > 0 else { return }
        var pace = CatalogPace(now: MonotonicTime.now, changes: changes.load(ordering: .acquiring))
        while !Task.isCancelled {
            let now = MonotonicTime.now
            let isDue = pace.isDue(
                now: now, changes: changes.load(ordering: .acquiring), isWanted: isWanted.load(ordering: .relaxed))
            if isDue || now < asideUntil.load(ordering: .acquiring) { return }
            try? await Task.sleep(for: Self.look)
        }
    }

    private let asideUntil = Atomic<UInt64>(0)
    /// PostgreSQL waits 5 s for others to go.
    private static let aside = Duration.seconds(10)

    /// Somebody wants the database without anybody else in it: for a while the catalog watcher has no connection.
    /// - Returns: false where that was so a moment ago. Anybody can say DROP DATABASE, allowed or not, and nobody shall
    ///   keep the catalog from being read by saying it again and again.
    func stepAside() -> Bool {
        let (now, last) = (MonotonicTime.now, asideUntil.load(ordering: .acquiring))
        guard now > last + Self.aside.nanoseconds || last == 0 else { return false }
        asideUntil.store(now + Self.aside.nanoseconds, ordering: .releasing)
        changed.call()
        return true
    }

    /// Until the task is cancelled.
    /// - Parameter publish: hands a new catalog to the loops.
    func run(_ publish: @escaping @Sendable () -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            if nodes.count > 1 { group.addTask { await self.nodes.run() } }
            group.addTask { await self.watchCatalog(publish) }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: self.catalogInterval)
                    self.changed.call()
                }
            }
        }
    }

    private func watchCatalog(_ publish: @Sendable () -> Void) async {
        var connection: Connection?
        while !Task.isCancelled {
            changed.reset()
            await settle()
            let (now, until) = (MonotonicTime.now, asideUntil.load(ordering: .acquiring))
            if now < until {
                await connection?.close()
                connection = nil
                try? await Task.sleep(for: .nanoseconds(until - now))
                continue
            }
            do {
                let open: Connection
                if let connection { open = connection } else { open = try await connect() }
                connection = open
                try await refresh(open, publish)
            } catch {
                await connection?.close()
                connection = nil
                noteFailure(error)
            }
            if !isCatalogStale || connection == nil { await changed.wait() }
        }
        await connection?.close()
    }

    private func connect() async throws -> Connection {
        let settings = try nodes.connectionSettings(of: nodes.primary).settings([
            "application_name": "strata proxy", "connect_timeout": "5",
            "options": "-c statement_timeout=60s -c lock_timeout=5s -c default_transaction_read_only=on",
        ])
        return try await Connection.open(settings)
    }

    private func refresh(_ connection: Connection, _ publish: @Sendable () -> Void) async throws {
        // Read before the catalog: what changes from now on counts anew, and so does who wants it.
        isWanted.store(false, ordering: .sequentiallyConsistent)
        let seen = changes.load(ordering: .sequentiallyConsistent)
        let token = try await RoutingCatalog.token(connection)
        if token != known.withLock({ $0.catalog.token }) {
            let catalog = try await RoutingCatalog.load(connection)
            let isUnusual = try await connection.query(Self.isolationQuery).only().bool(0)
            known.withLock { known in
                known.catalog = catalog
                known.hasUnusualIsolation = isUnusual
                known.version += 1
                known.failure = nil
            }
            publish()
        }
        read.store(seen, ordering: .releasing)
        answered.store(MonotonicTime.now, ordering: .relaxed)
        // Also where nothing has changed since the server was gone.
        known.withLock { $0.failure = nil }
    }

    /// Somebody gets another isolation level than READ COMMITTED without asking for it.
    var hasUnusualIsolation: Bool { known.withLock { $0.hasUnusualIsolation } }

    private static let isolationQuery = """
        SELECT pg_catalog.current_setting('default_transaction_isolation') <> 'read committed'
            OR EXISTS (SELECT 1 FROM pg_catalog.pg_db_role_setting s
                       WHERE array_to_string(s.setconfig, ',') LIKE '%default_transaction_isolation%')
        """

    private func noteFailure(_ error: any Error) {
        let text = (error as? PostgresError)?.message ?? "\(error)"
        let isNew = known.withLock { known in
            defer { known.failure = text }
            return known.failure != text
        }
        if isNew { log.catalogNotRead(settings.name, text) }
    }
}
