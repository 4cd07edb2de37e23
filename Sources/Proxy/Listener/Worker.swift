internal import Foundation
internal import PostgresDriver
internal import PostgresWire
internal import SQLSyntax
internal import Synchronization

/// All that one event loop owns: its clients, pools and caches. Used on the loop's thread only.
final class Worker {
    static let adminDatabase = "strata"
    /// How often time-outs are looked at.
    private static let tendInterval = Duration.milliseconds(250)
    /// For connections that are being made when it begins to drain; newcomers repeat their SYN after a second.
    private static let drainTime = Duration.milliseconds(200)

    let loop: EventLoop
    let shared: SharedState
    private(set) var configuration: ProxyConfiguration
    let log: ProxyLog
    let mockSecret: [UInt8]
    private(set) var clients: [Int32: ClientSession] = [:]
    private(set) var databases: [String: WorkerDatabase] = [:]
    /// As in the layout; the first is the main one.
    private(set) var inOrder: [WorkerDatabase] = []
    /// Clients whose statements name what no catalog has, while one of them is out of date.
    private var catalogWaiters: [Int32] = []
    /// Schemas whose statements wait, and who waits, oldest first.
    var pausedSchemas: [String: SchemaPause] = [:]
    var heldClients: [ClientSession] = []
    private var startups: [StartupParameters: StartupParameters] = [:]
    private var initialSettings: [String: SessionSettings] = [:]
    private var verifiers: [String: UserSecret] = [:]
    private var listeners: [Acceptor] = []
    private var timer: LoopTimer?
    private var closing: LoopTimer?
    private var scratch = MessageWriter()
    private var serial: UInt64 = 0
    private static let firstRouterNumber: UInt16 = 16_384
    private var routerNumber = firstRouterNumber
    let registry = StatementRegistry()
    var unitDecisions: ContiguousArray<Decision> = []
    /// What the unit at hand counts as, while a split is observed.
    var crossingSteps: ContiguousArray<CrossingStep> = []
    /// What has crossed since it was handed over last.
    var crossings = CrossingTable()
    /// Statements of the unit whose rows have been described to somebody.
    var neededStatements: [NamedStatement] = []
    private(set) var isDraining = false

    init(configuration: ProxyConfiguration, shared: SharedState) throws(SocketError) {
        loop = try EventLoop()
        self.configuration = configuration
        self.shared = shared
        log = ProxyLog(logger: configuration.logger)
        mockSecret = shared.mockSecret
        for (number, database) in shared.databases.enumerated() {
            let made = WorkerDatabase(database, configuration: configuration, number: number, worker: self)
            databases[database.settings.name] = made
            inOrder.append(made)
        }
        renewPlacement()
        timer = LoopTimer(on: loop) { [unowned self] in tend() }
    }

    /// Takes clients from a listening socket, until the loop ends.
    func listen(on descriptor: Int32, isUnix: Bool) {
        listeners.append(
            Acceptor(loop: loop, descriptor: descriptor, isUnix: isUnix) { [unowned self] in accept($0, $1) })
    }

    func run() {
        timer?.start(after: Self.tendInterval)
        loop.run()
        handOverCrossings()
        closeAll()
    }

    /// The loop has ended: nobody is served any more, and a process that goes on keeps no sockets.
    private func closeAll() {
        for client in clients.values { client.stream.end() }
        for database in databases.values {
            for pool in database.pools.values { for server in pool.servers.values { server.stream.end() } }
        }
    }

    func change(_ new: ProxyConfiguration) {
        configuration = new
        verifiers = [:]
    }

    // MARK: Clients

    private func accept(_ descriptor: Int32, _ peer: String) {
        let address = peer == "unix" ? ClientAddress.unix : .ip(peer)
        let stream = ByteStream(loop: loop, descriptor: descriptor)
        var id = shared.nextClientID()
        while clients[id] != nil { id = shared.nextClientID() }
        let client = ClientSession(
            stream: stream, worker: self, processID: id, secret: randomBytes(4), address: address)
        clients[id] = client
        // Both are counted first: `ended` takes both back.
        let count = shared.clientCount.wrappingAdd(1, ordering: .relaxed).newValue
        if shared.logins.began(address) > configuration.maximumLoginsPerAddress {
            return client.end(
                with: ErrorFields(
                    code: "53300", message: "too many connections from \(address) that have not logged in"))
        }
        if count > configuration.maximumClients {
            return client.end(
                with: ErrorFields(
                    code: "53300", message: "sorry, too many clients already",
                    detail: "The proxy accepts \(configuration.maximumClients) clients (max_client_conn)."))
        }
        stream.resume()
    }

    func ended(_ client: ClientSession) {
        guard clients.removeValue(forKey: client.processID) != nil else { return }
        shared.clientCount.wrappingSubtract(1, ordering: .relaxed)
        if client.isCounted { client.database?.left() } else { leftLogin(client) }
        if isDraining, listeners.isEmpty, clients.isEmpty { loop.stop() }
    }

    func leftLogin(_ client: ClientSession) {
        shared.logins.ended(client.address)
    }

    /// - Returns: why this client cannot be taken into its database.
    func admit(_ client: ClientSession) -> ErrorFields? {
        guard let database = client.database else { return nil }
        leftLogin(client)
        client.isCounted = true
        guard database.entered() > database.limits.maximumClients else { return nil }
        return ErrorFields(
            code: "53300", message: "sorry, too many clients already",
            detail: "Database \"\(database.name)\" accepts \(database.limits.maximumClients) clients (max_clients).",
            hint: "Raise pool.max_clients of the database in the layout.")
    }

    /// Session mode: the client is told the number of its server's process, which pg_backend_pid() shows as well. The
    /// numbers that we make up are larger than any process has.
    func adopt(_ processID: Int32, for client: ClientSession) {
        guard clients[processID] == nil, processID < SharedState.firstClientID else { return }
        clients[client.processID] = nil
        client.processID = processID
        clients[processID] = client
        if let server = client.server {
            if server.sequenceOwner == server.lastClient { server.sequenceOwner = processID }
            server.lastClient = processID
        }
    }

    /// Clients that have logged in, and those that were refused before, by SQLSTATE.
    private(set) var logins = 0
    private(set) var refusedLogins: [String: Int] = [:]

    func loggedIn(_ client: ClientSession) {
        logins += 1
        log.clientLoggedIn(client)
    }

    func refused(_ client: ClientSession, _ error: ErrorFields) {
        log.clientRefused(client, error)
        guard client.phase != .ready, client.phase != .admin else { return }
        // Servers may have codes of their own; they do not make us hold more.
        let isKnown = refusedLogins[error.code] != nil || refusedLogins.count < 100
        refusedLogins[isKnown ? error.code : "other", default: 0] += 1
    }

    /// What this client has to prove; nil: a rule refuses it whatever it proves.
    func loginMethod(of user: String, from address: ClientAddress) -> LoginMethod? {
        switch configuration.login(of: user, from: address) {
        case .trust?: .trust
        case .md5?: .md5
        case .scram?: .scram
        case .certificate?: .certificate
        case nil: nil
        }
    }

    /// nil: clients are not encrypted.
    func clientTLS() -> TLSEngine? { shared.tls.flatMap { TLSEngine($0, isServer: true) } }

    /// A password in clear text becomes a verifier once: making one takes a millisecond.
    func secret(of user: String, for method: LoginMethod) -> UserSecret? {
        guard case .password(let password)? = configuration.users.secret(of: user), method == .scram else {
            return configuration.users.secret(of: user)
        }
        if let known = verifiers[user] { return known }
        guard let made = ScramVerifier(password: password) else { return nil }
        verifiers[user] = .verifier(made)
        return .verifier(made)
    }

    /// Whether the database has to be asked for this user's secret.
    func isToBeLookedUp(_ user: String, for method: LoginMethod) -> Bool {
        guard method == .scram || method == .md5, configuration.users.secret(of: user) == nil else { return false }
        return shared.lookup?.isWanted ?? false
    }

    /// The client hears of it in `lookedUp`, now or later.
    func lookUp(_ client: ClientSession) {
        let (id, door) = (client.processID, shared.door(of: self))
        shared.lookup?.find(client.user) { answer in
            door.post { $0.clients[id]?.lookedUp(answer) }
        }
    }

    func startupParameters(_ message: StartupMessage) -> StartupParameters {
        let made = StartupParameters(message)
        if let known = startups[made] { return known }
        // A client that invents parameters does not make us grow for ever.
        if startups.count >= 10_000 { startups.removeAll() }
        startups[made] = made
        return made
    }

    /// Clients of one application share theirs: comparing them with what a server has is comparing pointers.
    func initialSettings(applicationName: String) -> SessionSettings {
        if let known = initialSettings[applicationName] { return known }
        let made = SessionSettings(["application_name": applicationName])
        if initialSettings.count >= 1_000 { initialSettings.removeAll() }
        initialSettings[applicationName] = made
        return made
    }

    /// By the layout's name or the server's.
    func database(named name: String) -> WorkerDatabase? {
        if let known = databases[name] { return known }
        return databases.values.first { $0.nodes[0].database == name }
    }

    /// Of routers beside those of the databases that the layout lists.
    func nextRouterNumber() -> UInt16 {
        routerNumber = routerNumber == .max ? Self.firstRouterNumber : routerNumber + 1
        return routerNumber
    }

    func add(_ guest: WorkerDatabase) { databases[guest.name] = guest }
    func remove(_ guest: WorkerDatabase) { databases[guest.name] = nil }

    /// What logs in to a server for this client.
    func serverSecret(for client: ClientSession, node: NodeEndpoint) -> ServerSecret {
        if client.user == node.user, let password = node.password { return .password(password) }
        switch configuration.users.secret(of: client.user) {
        case .password(let password)?: return .password(password)
        case .md5(let stored)?: return .md5(stored)
        case .verifier?: break
        case nil:
            switch shared.lookup?.last(client.user)?.secret {
            case .password(let password)?: return .password(password)
            case .md5(let stored)?: return .md5(stored)
            case .verifier?, nil: break
            }
        }
        if let keys = client.keys ?? client.database?.keys(of: client.user) { return .keys(keys) }
        return node.settings.password(user: client.user).map { .password($0) } ?? .none
    }

    // MARK: Databases beside each other

    /// Some of the layout's schemas live in other databases than the main one.
    var routesSchemas: Bool { inOrder.first?.routesSchemas ?? false }
    var isAnyCatalogStale: Bool { inOrder.contains { $0.shared.isCatalogStale } }

    private func renewPlacement() {
        guard
            let placement = Placement(
                schemas: configuration.schemas, databases: inOrder.map(\.name), catalogs: inOrder.map(\.catalog),
                routes: shared.routes.withLock { $0.databases })
        else { return }
        inOrder.first?.take(placement)
        shared.crossings.observe(placement.stillHere)
    }

    /// The catalog of one of the databases has been read.
    func catalogChanged() { placesChanged() }

    /// What lives where may be different.
    func placesChanged() {
        renewPlacement()
        wakeCatalogWaiters()
    }

    /// They look again, and wait on or go on.
    private func wakeCatalogWaiters() {
        guard !catalogWaiters.isEmpty else { return }
        let waiting = catalogWaiters
        catalogWaiters = []
        for id in waiting { clients[id]?.unblock() }
    }

    func waitForCatalog(_ client: ClientSession) {
        catalogWaiters.append(client.processID)
        for database in inOrder where database.shared.isCatalogStale { database.shared.wantCatalog() }
    }

    func handOverCrossings() {
        guard !crossings.isEmpty else { return }
        shared.crossings.add(crossings)
        crossings = CrossingTable()
    }

    // MARK: Servers

    private var processes: [Int32: ServerConnection] = [:]

    func add(_ server: ServerConnection) { processes[server.processID] = server }

    func remove(_ server: ServerConnection) {
        if processes[server.processID] === server { processes[server.processID] = nil }
    }

    /// The number that the client has whom this process serves, or served last; the process's own for one that is not
    /// a server of this loop.
    func clientNumber(ofProcess process: Int32) -> Int32 {
        guard let last = processes[process]?.lastClient, last != 0 else { return process }
        return last
    }

    // MARK: Cancelling

    /// - Parameter done: called when the request has reached the server, or there is nothing to cancel; of a client of
    ///   another loop, at once.
    func cancel(_ key: CancelKey, done: @escaping () -> Void) {
        // Two loops may have a client of the same number: that of its server.
        if let client = clients[key.processID], client.secret == key.secret {
            guard let server = client.server else { return done() }
            server.cancelRunning(done: done)
        } else {
            shared.post { worker in
                guard let client = worker.clients[key.processID], client.secret == key.secret else { return }
                client.server?.cancelRunning {}
            }
            done()
        }
    }

    // MARK: Small things

    func takeScratch() -> MessageWriter {
        var taken = MessageWriter()
        swap(&taken, &scratch)
        return taken
    }

    func giveBackScratch(_ writer: consuming MessageWriter) {
        // Emptied while nobody else holds it: else it would be copied. One large unit is no reason to hold its room.
        var emptied = writer
        emptied.clear(keeping: 65_536)
        swap(&scratch, &emptied)
    }

    func nextSerial() -> UInt64 {
        serial += 1
        return serial
    }

    func nextServerID() -> Int { shared.nextServerID() }

    func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    // MARK: From time to time

    private func tend() {
        let now = loop.now
        for database in databases.values { database.tend(now) }
        wakeCatalogWaiters()
        tendHeld(now)
        dismissGuests(now)
        for client in clients.values where !client.isCounted && now - client.connectedAt > configuration.loginTimeout {
            client.end(with: ErrorFields(code: "08P01", message: "canceling authentication due to timeout"))
        }
        timer?.start(after: Self.tendInterval)
    }

    /// No new clients; those that are there may finish.
    func drain() {
        guard !isDraining else { return }
        isDraining = true
        shared.isDraining.store(true, ordering: .releasing)
        for listener in listeners { listener.turnAwayNewcomers() }
        // Those whose connection stands already, or is about to, are served before the socket is closed.
        closing = LoopTimer(on: loop) { [unowned self] in
            for listener in listeners { listener.takeAll() }
            listeners.removeAll()
            if clients.isEmpty { loop.stop() }
        }
        closing?.start(after: Self.drainTime)
    }

    func stop() {
        listeners.removeAll()
        loop.stop()
    }
}
