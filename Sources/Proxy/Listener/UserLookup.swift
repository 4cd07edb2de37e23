internal import PostgresDriver
internal import PostgresWire
internal import Synchronization

/// Users that the users file does not have, looked up in the main database by the layout's `auth_query`. Loops ask from
/// their threads; tasks beside them do the asking.
package final class UserLookup: Sendable {
    typealias Waiter = @Sendable (UserAnswer) -> Void

    /// `auth_query: default`.
    package static let defaultQuery = """
        SELECT rolname, CASE WHEN rolvaliduntil IS NULL OR rolvaliduntil > now() THEN rolpassword END \
        FROM pg_authid WHERE rolname = $1 AND rolcanlogin
        """
    /// Connections that are held for it, at most.
    static let lanes = 2

    private let nodes: DatabaseNodes
    private let log: ProxyLog
    /// nil: nobody is looked up.
    private let query: Mutex<String?>
    private let cache: Mutex<UserCache<Waiter>>
    private let signals = (0..<UserLookup.lanes).map { _ in WakeSignal() }
    private let lastFailure = Mutex("")

    init(
        query: String?, nodes: DatabaseNodes, log: ProxyLog, limits: UserCache<Waiter>.Limits = .init()
    ) {
        self.query = Mutex(query)
        self.nodes = nodes
        self.log = log
        cache = Mutex(UserCache(limits))
    }

    var isWanted: Bool { query.withLock { $0 != nil } }

    /// - Parameter done: called at once where the answer is known, else on another thread.
    func find(_ user: String, _ done: @escaping Waiter) {
        switch cache.withLock({ $0.ask(user, at: MonotonicTime.now, done) }) {
        case .known(let answer): done(answer)
        case .waits(let isNew): if isNew { for signal in signals { signal.call() } }
        }
    }

    /// See ``UserCache/last(_:)``.
    func last(_ user: String) -> FoundUser? { cache.withLock { $0.last(user) } }

    /// For metrics.
    var figures: (hits: Int, questions: Int, failures: Int) {
        cache.withLock { ($0.hits, $0.questions, $0.failures) }
    }

    /// After a reload: another query may know others.
    func change(query new: String?) {
        query.withLock { $0 = new }
        cache.withLock { $0.forget() }
    }

    /// Until the task is cancelled; whoever waits then is answered.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for signal in signals { group.addTask { await self.serve(signal) } }
        }
        while let user = cache.withLock({ $0.next() }) { settle(user, .failed) }
    }

    private func serve(_ signal: WakeSignal) async {
        var connection = UserConnection(nodes: nodes)
        while !Task.isCancelled {
            signal.reset()
            while !Task.isCancelled, let user = cache.withLock({ $0.next() }) {
                settle(user, await answer(user, &connection))
            }
            await signal.wait()
        }
        connection.abandon()
    }

    private func settle(_ user: String, _ answer: UserAnswer) {
        for waiter in cache.withLock({ $0.settle(user, answer, at: MonotonicTime.now) }) { waiter(answer) }
    }

    private func answer(_ user: String, _ connection: inout UserConnection) async -> UserAnswer {
        guard let sql = query.withLock({ $0 }) else { return .unknown }
        do {
            let stored = try await connection.secret(of: user, by: sql)
            lastFailure.withLock { $0 = "" }
            return Self.answer(stored)
        } catch {
            note((error as? PostgresError)?.message ?? "\(error)")
            return .failed
        }
    }

    /// A password in clear text becomes a verifier here, because making one takes a millisecond.
    static func answer(_ stored: String?) -> UserAnswer {
        guard let stored, !stored.isEmpty else { return .unknown }
        let secret = UserSecret(stored: stored)
        guard case .password(let password) = secret, let verifier = ScramVerifier(password: password) else {
            return .found(FoundUser(secret: secret, verifier: secret))
        }
        return .found(FoundUser(secret: secret, verifier: .verifier(verifier)))
    }

    /// The same failure is told once, not for each login.
    private func note(_ reason: String) {
        let isNew = lastFailure.withLock { last in
            defer { last = reason }
            return last != reason
        }
        if isNew { log.usersNotLookedUp(reason) }
    }
}
