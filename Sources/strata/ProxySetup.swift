import Foundation
import Logging
import Planning
import Proxy

/// From the layout to what the proxy is started with. Whatever is missing is told before anything listens.
struct ProxySetup {
    let workplace: Workplace
    /// These go before the layout's.
    let listen: String?
    let loops: Int?
    let level: Logger.Level?

    func configuration() async throws -> ProxyConfiguration {
        let layout = try workplace.layout()
        let routing = layout.routing ?? Routing(place: SourcePlace(file: layout.file, line: 1, column: 1))
        let files = ProxyFiles(layout: workplace.options.layout, console: workplace.console)
        // What costs nothing is checked before a server is started or looked up.
        let address = try address(routing)
        let login = try login(routing)
        let users = try files.users(routing)
        let tls = try files.tls(routing)
        let databases = try await databases(layout)
        var logger = Logger(label: "strata.proxy") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level ?? .notice
        var configuration = ProxyConfiguration(listen: address, databases: databases, users: users, logger: logger)
        configuration.login = login
        configuration.loginRules = routing.authRules
        configuration.authQuery = routing.authQuery == "default" ? UserLookup.defaultQuery : routing.authQuery
        configuration.tls = tls
        configuration.freshness = routing.freshness
        configuration.transactions = routing.transactions
        configuration.routes = routing.routes
        configuration.schemas = Self.schemas(layout)
        configuration.eventLoops = loops ?? routing.eventLoops
        configuration.maximumClients = routing.maxClients
        configuration.loginTimeout = routing.loginTimeout
        configuration.administrators = Set(routing.admins)
        configuration.observers = Set(routing.observers)
        configuration.metrics = try routing.metrics.map { try Self.resolve($0, "metrics", routing.place) }
        configuration.anyDatabase = routing.anyDatabase
        let again = Again(setup: self)
        configuration.reload = { try await again.read() }
        return configuration
    }

    /// The options of the command are only read.
    private struct Again: @unchecked Sendable {
        let setup: ProxySetup

        func read() async throws -> ProxyConfiguration {
            do { return try await setup.configuration() } catch {
                let (diagnostics, _) = Failure.describe(error)
                let errors = diagnostics.filter { $0.severity == .error }
                throw ProxyError(
                    errors.map(Self.line).joined(separator: "; "),
                    next: errors.first?.nextStep ?? "correct the layout")
            }
        }

        private static func line(_ diagnostic: Diagnostic) -> String {
            diagnostic.place.map { "\($0.file):\($0.line):\($0.column): \(diagnostic.message)" } ?? diagnostic.message
        }
    }

    private func address(_ routing: Routing) throws -> SocketAddress {
        guard let text = listen ?? routing.listen else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "no-listen", "the layout does not say where the proxy listens", place: routing.place,
                    nextStep: "add routing: { listen: 127.0.0.1:6432 }, or --listen 127.0.0.1:6432"))
        }
        return try Self.resolve(text, listen == nil ? "listen" : "--listen", listen == nil ? routing.place : nil)
    }

    private static func resolve(_ text: String, _ key: String, _ place: SourcePlace?) throws -> SocketAddress {
        if let address = SocketAddress(hostAndPort: text) { return address }
        throw DiagnosticsError(
            Diagnostic(
                .error, "bad-address", "\(key) is \(text), which is no address of this machine", place: place,
                nextStep: "write host:port, for example 127.0.0.1:6432, with a host that can be looked up"))
    }

    /// Nobody gets in because something was forgotten.
    private func login(_ routing: Routing) throws -> ProxyConfiguration.Login {
        switch routing.authType {
        case .trust: return .trust
        case .md5: return .md5
        case .scram: return .scram
        case .cert: return .certificate
        case nil: break
        }
        if routing.authRules.contains(where: { $0.origin == .all && $0.user == nil }) { return .scram }
        let message =
            routing.authRules.isEmpty
            ? "the layout does not say how clients prove who they are"
            : "the layout does not say what clients prove that no rule of routing.auth fits"
        throw DiagnosticsError(
            Diagnostic(
                .error, "no-auth", message, place: routing.place,
                nextStep: "add routing.auth: { type: scram, users: users.txt }, or { type: trust } for a test"))
    }

    static func schemas(_ layout: Layout) -> [String: String] {
        Dictionary(
            layout.schemas.map { ($0.name, $0.database ?? layout.mainDatabase) },
            uniquingKeysWith: { first, _ in first }
        )
    }
}
