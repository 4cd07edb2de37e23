package import Logging
package import Planning
internal import SQLSyntax

/// What a proxy is started with, decoded from the layout.
package struct ProxyConfiguration: Sendable {
    package struct DatabaseSettings: Sendable {
        /// The name in the layout; clients may also use the name that the database has on its server.
        package var name: String
        /// The primary first, then the replicas.
        package var nodes: [NodeEndpoint]
        package var limits: PoolLimits
        /// How many statements each node gets compared to the others, as `nodes`: 1 to 1,000.
        package var weights: [Int] = []

        package init(name: String, nodes: [NodeEndpoint], limits: PoolLimits) {
            self.name = name
            self.nodes = nodes
            self.limits = limits
        }

        /// 1 for a node of which nothing is said.
        func weight(of node: Int) -> Int { node < weights.count ? weights[node] : 1 }
    }

    package enum Login: Sendable { case trust, md5, scram, certificate }

    /// `routing.tls`: files in PEM form, read at the start and at each reload.
    package struct TLS: Sendable {
        package var certificate: String
        package var key: String
        /// Who signs the certificates of clients.
        package var authorities: String?
        /// Clients that do not encrypt are refused.
        package var isRequired = false

        package init(certificate: String, key: String, authorities: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.authorities = authorities
        }
    }

    /// Where clients connect.
    package var listen: SocketAddress
    /// The first is the main one.
    package var databases: [DatabaseSettings]
    package var login: Login = .scram
    /// By address and user; the first that fits goes before `login`.
    package var loginRules: [Routing.AuthRule] = []
    package var users: Users
    /// Gives the secret of a user that is not among `users`: SQL with the user as `$1`.
    package var authQuery: String?
    package var tls: TLS?
    package var freshness: Routing.Freshness = .table
    package var transactions: Routing.Transactions = .primary
    package var routes: [Routing.Route] = []
    /// The database of each schema that the layout lists, by their names in the layout.
    package var schemas: [String: String] = [:]
    /// Threads that serve clients: 1 to 64.
    package var eventLoops = 1
    /// Clients of all databases: `max_client_conn`.
    package var maximumClients = 10_000
    /// Connections of one address that have not logged in yet.
    package var maximumLoginsPerAddress = 256
    /// `client_login_timeout`.
    package var loginTimeout: Duration = .seconds(60)
    /// How often the tables and functions of a database are compared with what is known.
    package var catalogInterval: Duration = .seconds(2)
    /// How often counts of what would cross a split are written down.
    package var crossingInterval: Duration = .seconds(10)
    /// For how long a replica rests after three failures in a row.
    package var suspension: Duration = .seconds(30)
    /// Users that may use the admin database `strata`, and those that may only SHOW there.
    package var administrators: Set<String> = []
    package var observers: Set<String> = []
    /// Databases that the layout does not list are looked for on the main one's primary.
    package var anyDatabase = false
    /// A database that nobody has used for so long is forgotten, and its servers are closed.
    package var guestPatience = GuestDatabases.patience
    /// Where metrics are read; nil: nowhere.
    package var metrics: SocketAddress?
    package var logger: Logger
    /// Reads the layout and its files again, for RELOAD and SIGHUP; nil: there is nothing to read.
    package var reload: (@Sendable () async throws -> ProxyConfiguration)?

    var requiresTLS: Bool { tls?.isRequired ?? false }

    /// Of routes that are for an application and nothing else; `RoutingRules` has the others, and all of an application
    /// that has others, because the first that fits wins.
    func target(ofApplication name: String) -> StatementDirectives.Target? {
        guard !applicationsWithRules.contains(name) else { return nil }
        return routes.first { $0.application == name }.map { $0.toReplica ? .replica : .primary }
    }

    /// What a client has to prove; nil: it is refused whatever it proves.
    func login(of user: String, from address: ClientAddress) -> Login? {
        var numeric: IPAddress?
        if case .ip(let text) = address {
            numeric = IPAddress(text)
            // Not to be taken for a unix socket, nor to get past a rule.
            if numeric == nil, !loginRules.isEmpty { return nil }
        }
        guard let rule = loginRules.first(where: { $0.fits(numeric, user: user) }) else { return login }
        return switch rule.kind {
        case .trust: .trust
        case .scram: .scram
        case .md5: .md5
        case .cert: .certificate
        case .reject: nil
        }
    }

    /// For SHOW CONFIG: names as PgBouncer has them.
    var listing: [(String, String)] {
        [
            ("listen_addr", "\(listen)"), ("auth_type", "\(login)"), ("max_client_conn", "\(maximumClients)"),
            ("client_login_timeout", "\(loginTimeout)"), ("event_loops", "\(eventLoops)"),
        ]
    }

    package init(listen: SocketAddress, databases: [DatabaseSettings], users: Users, logger: Logger) {
        self.listen = listen
        self.databases = databases
        self.users = users
        self.logger = logger
    }
}
