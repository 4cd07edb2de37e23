package import Planning

/// How a database's server connections are shared. The names are PgBouncer's.
package struct PoolLimits: Sendable, Equatable {
    package var mode: Database.Pool.Mode = .transaction { didSet { noteMode() } }
    /// Both are kept, since they are asked for with each transaction and the modes are compared as text.
    private(set) var isSession = false
    private(set) var isStatement = false
    /// `default_pool_size`: server connections for each node and user.
    package var size = 20
    /// `reserve_pool_size`: more of them, once a client has waited for `reserveTimeout`.
    package var reserve = 0
    /// `reserve_pool_timeout`.
    package var reserveTimeout: Duration = .seconds(5)
    /// `server_lifetime`: an older one is closed when it is idle. Zero: each serves once, and then is closed.
    package var serverLifetime: Duration = .seconds(3600)
    var servesOnce: Bool { serverLifetime == .zero }
    /// From which age on one is closed. One that serves once and has not yet is closed by `idleTimeout`.
    var maximumAge: Duration { servesOnce ? .seconds(30 * 86_400) : serverLifetime }
    /// `server_idle_timeout`.
    package var idleTimeout: Duration = .seconds(600)
    /// `server_connect_timeout`.
    package var connectTimeout: Duration = .seconds(15)
    /// `query_wait_timeout`: how long a client waits for a server before it gets an error; zero: for ever.
    package var queryWaitTimeout: Duration = .seconds(120)
    /// `query_timeout`: how long a unit may run; zero: for ever.
    package var queryTimeout: Duration = .zero
    /// `max_client_conn` of this database.
    package var maximumClients = 100
    /// `max_prepared_statements` of one server connection.
    package var maximumPreparedStatements = 200

    package init() {}

    package init(_ pool: Database.Pool?) {
        guard let pool else { return }
        mode = pool.mode
        noteMode()
        size = pool.size
        reserve = pool.reserve
        reserveTimeout = pool.reserveTimeout
        serverLifetime = pool.serverLifetime
        idleTimeout = pool.idleTimeout
        connectTimeout = pool.connectTimeout
        queryWaitTimeout = pool.queryWaitTimeout
        queryTimeout = pool.queryTimeout
        maximumPreparedStatements = pool.maxPreparedStatements
        maximumClients = pool.maxClients
    }

    private mutating func noteMode() {
        isSession = mode == .session
        isStatement = mode == .statement
    }
}
