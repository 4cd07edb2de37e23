internal import Planning
internal import PostgresWire
internal import SQLSyntax
internal import Synchronization

/// One database as a loop sees it: its pools, and its way to decide where statements go.
final class WorkerDatabase {
    let name: String
    let shared: ProxyDatabase
    private(set) var limits: PoolLimits
    /// It owns this database, and lives until its thread ends. Not counted: each use would cost two atomic operations.
    unowned(unsafe) let worker: Worker
    /// The layout does not list it.
    var isGuest = false
    /// A server has let somebody into it.
    private(set) var isProved = false
    /// Since when a guest has had no client.
    var unusedSince: LoopTime?
    private let routers: ApplicationRouters
    private var freshness: Routing.Freshness
    private(set) var pools: [PoolKey: Pool] = [:]
    private var lastPool: Pool?
    private(set) var clients = 0
    var counters = Counters()
    /// PAUSE: no unit gets a server.
    private(set) var isPaused = false
    private var scramKeys: [String: ScramKeys] = [:]

    init(_ shared: ProxyDatabase, configuration: ProxyConfiguration, number: Int, worker: Worker) {
        self.shared = shared
        name = shared.settings.name
        limits = shared.settings.limits
        freshness = configuration.freshness
        hasReplicas = shared.nodes.count > 1
        self.worker = worker
        routers = ApplicationRouters(configuration, number: UInt16(number), worker: worker)
        routers.renew(catalog: shared.catalog)
    }

    /// After a reload.
    func take(_ settings: ProxyConfiguration.DatabaseSettings, _ configuration: ProxyConfiguration) {
        limits = settings.limits
        freshness = configuration.freshness
        for pool in pools.values { pool.limits = limits }
        routers.take(configuration)
        renewPaths()
    }

    var nodes: [NodeEndpoint] { shared.settings.nodes }
    var primary: Int { shared.nodes.primary }
    let hasReplicas: Bool

    func pool(node: Int, user: String) -> Pool {
        if let last = lastPool, last.key.node == node, last.key.user == user { return last }
        let key = PoolKey(database: name, node: node, user: user)
        if let known = pools[key] {
            lastPool = known
            return known
        }
        let made = Pool(key: key, limits: limits, node: nodes[node], database: self, worker: worker)
        made.isPaused = isPaused
        pools[key] = made
        lastPool = made
        return made
    }

    /// Of servers of the primary.
    var primaryProcesses: [Int32] {
        pools.values.filter { $0.key.node == primary }.flatMap { $0.servers.values.map(\.processID) }.filter { $0 != 0 }
    }

    /// The keys of a user's last login log in to servers, also for clients whose own login gave none.
    func remember(keys: ScramKeys, of user: String) { scramKeys[user] = keys }
    func keys(of user: String) -> ScramKeys? { scramKeys[user] }

    /// - Returns: how many clients all loops have in this database now.
    func entered() -> Int {
        clients += 1
        return shared.clients.wrappingAdd(1, ordering: .relaxed).newValue
    }

    func left() {
        clients -= 1
        shared.clients.wrappingSubtract(1, ordering: .relaxed)
    }

    /// For SHOW ROUTES.
    var routes: (samples: [DecisionCache.Sample], unparsed: [UnparsedStatements.Item]) {
        (routers.all.flatMap { $0.cache.samples(limit: RouteRows.limit) }, routers.all.flatMap(\.unparsed.items))
    }

    // MARK: Routing

    func takeCatalog() {
        routers.renew(catalog: shared.catalog)
        worker.catalogChanged()
        worker.registry.renew()
        renewPaths()
    }

    private func renewPaths() {
        for client in worker.clients.values where client.database === self { client.pathID = pathID(for: client) }
    }

    func decision(for text: UnsafeRawBufferPointer, client: ClientSession) -> Decision {
        routers[client.applicationName].decision(for: text, path: path(of: client))
    }

    func decision(for statement: NamedStatement, client: ClientSession) -> Decision {
        let path = path(of: client)
        let router = routers[client.applicationName]
        if let known = statement.decision, statement.decisionStamp == router.stamp, statement.decisionPath == path {
            return known
        }
        let made = statement.query.withUnsafeBytes { router.decision(for: $0, path: path) }
        statement.decision = made
        statement.decisionStamp = router.stamp
        statement.decisionPath = path
        return made
    }

    /// Between a SET and the answer to what is set now, names may mean anything.
    @inline(__always)
    private func path(of client: ClientSession) -> Router.SearchPathID {
        if client.pendingEffects.contains(.settings) { return Router.unknownPath }
        return client.database === self ? client.pathID : foreignPath(of: client)
    }

    private func foreignPath(of client: ClientSession) -> Router.SearchPathID {
        if let known = client.foreignPaths[ObjectIdentifier(self)] { return known }
        let made = pathID(for: client)
        client.foreignPaths[ObjectIdentifier(self)] = made
        return made
    }

    /// Whether what its clients ask for may live in other databases of the layout: the main one's do.
    var routesSchemas: Bool { routers.placement != nil }
    var placement: Placement? { routers.placement }
    var catalog: RoutingCatalog { routers.catalog }
    func take(_ placement: Placement) { routers.renew(placement: placement) }

    /// The sample that a replica must have replayed to answer.
    func required(_ decision: Decision) -> UInt64 {
        guard !decision.ignoresFreshness else { return 0 }
        return switch freshness {
        case .table: shared.nodes.freshness.required(reads: decision.reads, anything: decision.readsAnything)
        case .session: shared.nodes.freshness.arrival
        default: 0
        }
    }

    func chooseReplica(_ plan: UnitPlan, for client: ClientSession) -> Int? {
        guard hasReplicas, plan.required != Freshness.never, !isCatalogStale else { return nil }
        var bound: Duration?
        if case .atMost(let limit) = freshness, client.applicationTarget != .replica { bound = limit }
        // Its own route: replicas whatever they lack, or never.
        if client.applicationTarget == .primary { return nil }
        let isLifted = client.applicationTarget == .replica
        var required = isLifted ? 0 : max(plan.required, client.seenTick)
        if client.requiresEverything {
            required = max(required, shared.nodes.freshness.required(reads: [], anything: true))
            if required == Freshness.never { return nil }
        }
        let choice = shared.nodes.chooseReplica(
            required: required, preferred: client.preferredReplica, mark: client.readTick,
            within: bound)
        guard case .replica(let node) = choice else { return nil }
        return node
    }

    /// Asked where the answer decides.
    private var isCatalogStale: Bool {
        guard shared.isCatalogStale else { return false }
        shared.wantCatalog()
        return true
    }

    /// Whether the replica that a transaction runs on can answer its next statement as well.
    /// - Parameter everything: not only what this one reads.
    func isFresh(_ node: Int, _ plan: UnitPlan, everything: Bool) -> Bool {
        guard !isCatalogStale, shared.nodes.isUsable(node) else { return false }
        if case .atMost(let limit) = freshness { return shared.nodes.isWithin(limit, replica: node) }
        var required = plan.required
        if everything, freshness == .table {
            required = max(required, shared.nodes.freshness.required(reads: [], anything: true))
        }
        return required == 0 || shared.nodes.isFresh(node, for: required)
    }

    var hasUnusualIsolation: Bool { shared.hasUnusualIsolation }

    /// Names mean different things by search_path, role and user: a number for each such combination.
    func pathID(for client: ClientSession) -> UInt32 {
        if client.isPathUnknown { return Router.unknownPath }
        let router = routers[client.applicationName]
        let catalog = router.catalog
        let role = client.settings.values["role"] ?? client.settings.values["session_authorization"] ?? client.user
        let path =
            client.settings.values["search_path"] ?? client.startup?["search_path"]
            ?? catalog.searchPaths.value(for: client.user)
        return router.pathID(searchPath: path, role: role)
    }

    var cacheFigures: WorkerFigures.Cache {
        var figures = WorkerFigures.Cache()
        for router in routers.all {
            figures.hits += router.cache.hits
            figures.misses += router.cache.misses
            figures.entries += router.cache.count
            figures.unparsed += router.unparsed.total
        }
        return figures
    }

    // MARK: What happened

    /// Writes of this client are known to the servers, and about to be to the client.
    func noteWrites(_ client: ClientSession) {
        if client.pendingEffects.contains(.catalog) {
            shared.catalogChanged()
            worker.registry.renew()
        }
        guard hasReplicas else { return }
        let tick = shared.nodes.freshness.noteWrite(slots: client.written, anything: client.hasWrittenAnything)
        if freshness == .session { client.seenTick = tick }
    }

    /// What this client writes may be committed, and seen by others, before its answer comes.
    func takeOff(_ client: ClientSession) {
        let new = client.written[client.flown...]
        let isAnything = client.hasWrittenAnything || client.pendingEffects.contains(.catalog)
        let isNewlyAnything = isAnything && !client.fliesAnything
        guard hasReplicas, freshness == .table, !new.isEmpty || isNewlyAnything else { return }
        shared.nodes.freshness.takeOff(slots: new, anything: isNewlyAnything)
        client.flown = client.written.count
        client.fliesAnything = client.fliesAnything || isNewlyAnything
    }

    /// The answer has come, and has been noted, or none will come.
    func land(_ client: ClientSession) {
        guard client.flown > 0 || client.fliesAnything else { return }
        shared.nodes.freshness.land(slots: client.written[..<client.flown], anything: client.fliesAnything)
        (client.flown, client.fliesAnything) = (0, false)
    }

    /// A replica has answered this client: another one may not answer with less.
    func hasRead(_ client: ClientSession) {
        if shared.nodes.count > 2 { client.readTick = shared.nodes.freshness.now() }
        shared.nodes.reportSuccess(client.preferredReplica ?? 0)
    }

    func began(node: Int) { if hasReplicas { shared.nodes.began(node) } }
    func ended(node: Int) { if hasReplicas { shared.nodes.ended(node) } }

    /// An error of a replica: only those that speak of the server itself count against it.
    func replicaRefused(node: Int, _ error: ErrorFields) {
        if error.code.hasPrefix("57P") || error.code.hasPrefix("08") || error.code.hasPrefix("53") {
            shared.nodes.reportFailure(node, reason: error.message)
        }
    }

    func reached(node: Int) {
        isProved = true
        if hasReplicas { shared.nodes.didConnect(to: node) }
    }

    func failed(node: Int, _ error: ErrorFields) {
        worker.log.nodeFailed(name, nodes[node].name, error)
        if hasReplicas { shared.nodes.reportFailure(node, reason: error.message) }
    }

    /// A replica does not answer: what waits for it is asked elsewhere.
    func abandon(node: Int) {
        guard node != primary, !shared.nodes.isUsable(node) else { return }
        for pool in pools.values where pool.key.node == node { pool.abandon() }
    }

    // MARK: Commands

    func pause() {
        isPaused = true
        for pool in pools.values { pool.isPaused = true }
    }

    func resume() {
        isPaused = false
        for pool in pools.values { pool.resumePaused() }
    }

    /// Ends all clients and servers of this database.
    func kill() {
        for client in worker.clients.values where client.database === self {
            client.end(with: ErrorFields(code: "57P01", message: "terminating connection due to administrator command"))
        }
        for pool in pools.values { pool.reconnect() }
    }

    func tend(_ now: LoopTime) { for pool in pools.values { pool.tend(now) } }
}

extension Worker {
    /// DROP DATABASE and its kin of the unit at hand fail as long as somebody is connected; PostgreSQL waits some seconds
    /// for them. Connections that no client uses go now.
    func freeClaimedDatabases() {
        for case let name? in unitDecisions.flatMap(\.statements).map(\.claimedDatabase) {
            let claimed = (shared.databases + shared.guests.databases).filter { database in
                database.settings.nodes[database.nodes.primary].database == name && database.stepAside()
            }
            guard !claimed.isEmpty else { continue }
            shared.post { worker in
                for pool in worker.databases.values.flatMap(\.pools.values) where pool.serverDatabase == name {
                    pool.reconnect()
                }
            }
        }
    }
}
