package import Logging
package import Planning
package import PostgresDriver

/// What a proxy is started with, decoded from the layout.
package struct ProxyConfiguration: Sendable {
    package struct DatabaseSettings: Sendable {
        /// The name in the layout; clients may also use the name that the database has on its server.
        package var name: String
        /// The primary first, then the replicas.
        package var nodes: [NodeEndpoint]
        package var limits: PoolLimits

        package init(name: String, nodes: [NodeEndpoint], limits: PoolLimits) {
            self.name = name
            self.nodes = nodes
            self.limits = limits
        }
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
    package var users: Users
    package var tls: TLS?
    package var freshness: Routing.Freshness = .table
    package var routes: [Routing.Route] = []
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
    /// Users that may use the admin database `strata`, and those that may only SHOW there.
    package var administrators: Set<String> = []
    package var observers: Set<String> = []
    package var logger: Logger

    var requiresTLS: Bool { tls?.isRequired ?? false || login == .certificate }

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
