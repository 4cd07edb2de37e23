/// `routing:` – decoded and checked here, used by the proxy.
package struct Routing: Sendable {
    package enum AuthType: String, Sendable, CaseIterable { case trust, scram, md5, cert }
    package enum Freshness: Sendable, Equatable {
        case table, session
        case atMost(Duration)
    }
    /// Where a transaction begins that does not say READ ONLY.
    package enum Transactions: String, Sendable, CaseIterable { case primary, optimistic }

    package struct Route: Sendable {
        /// sqlcommenter tags that a statement must carry, for example `route: "GET /api/projects"`.
        package var tags: [String: String] = [:]
        /// `application_name` that the client must have.
        package var application: String?
        /// `schema.table` whose statements this rule is for.
        package var table: String?
        package var toReplica: Bool
        package var place: SourcePlace

        package init(toReplica: Bool, place: SourcePlace) {
            self.toReplica = toReplica
            self.place = place
        }
    }

    /// One entry of `auth.rules`.
    package struct AuthRule: Sendable, Equatable {
        package enum Kind: String, Sendable, CaseIterable { case trust, scram, md5, cert, reject }
        package enum Origin: Sendable, Equatable {
            case all
            /// A unix socket.
            case local
            case range(IPRange)
        }

        package var origin = Origin.all
        /// nil: every user.
        package var user: String?
        package var kind: Kind
        package var place: SourcePlace

        package init(kind: Kind, place: SourcePlace) {
            self.kind = kind
            self.place = place
        }

        /// - Parameter address: nil for a unix socket.
        package func fits(_ address: IPAddress?, user: String) -> Bool {
            guard self.user == nil || self.user == user else { return false }
            switch (origin, address) {
            case (.all, _), (.local, nil): return true
            case (.range(let range), let address?): return range.contains(address)
            case (.local, _), (.range, nil): return false
            }
        }
    }

    /// `tls:` – paths as written, relative to the layout's folder.
    package struct TLS: Sendable {
        package var certificate: String
        package var key: String
        package var authorities: String?
        package var isRequired = false
        package var place: SourcePlace

        package init(certificate: String, key: String, place: SourcePlace) {
            self.certificate = certificate
            self.key = key
            self.place = place
        }
    }

    package var listen: String?
    package var tls: TLS?
    package var authType: AuthType?
    package var authUsersFile: String?
    package var authQuery: String?
    /// The first that fits decides; `authType` where none does.
    package var authRules: [AuthRule] = []
    /// Users of the admin database that may do everything there, and those that may only SHOW.
    package var admins: [String] = []
    package var observers: [String] = []
    package var freshness: Freshness = .table
    package var transactions: Transactions = .primary
    package var routes: [Route] = []
    /// Threads that serve clients: 1 to 64.
    package var eventLoops = 1
    /// Clients of all databases together: 1 to 1,000,000.
    package var maxClients = 10_000
    package var loginTimeout: Duration = .seconds(60)
    /// `host:port` where metrics are read; nil: nowhere.
    package var metrics: String?
    /// Databases that the layout does not list are looked for on the main one's server.
    package var anyDatabase = false
    package var place: SourcePlace

    package init(place: SourcePlace) { self.place = place }
}
