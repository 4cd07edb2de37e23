import Foundation
import Logging
import Planning
import PostgresDriver
import PostgresWire
import TestSupport

@testable import Proxy

/// A proxy in front of a database of the test's own.
struct ProxyFixture: Sendable {
    let server: ProxyServer
    let port: UInt16
    let database: TestDatabase

    var user: String { database.settings.user }

    /// A client that speaks bytes, logged in unless told otherwise.
    func wire(
        user: String? = nil, database name: String = "main", parameters: [(String, String)] = [], login: Bool = true
    ) throws -> WireClient {
        let client = try WireClient(port: port)
        if login {
            let messages = try client.start(user: user ?? self.user, database: name, parameters: parameters)
            if let error = messages.last(where: { $0.tag == "E" })?.error { throw LoginFailure(error: error.message) }
        }
        return client
    }

    struct LoginFailure: Error { var error: String }

    /// A client on libpq.
    func connect(_ overrides: [String: String] = [:]) async throws -> Connection {
        try await Connection.open(
            ConnectionSettings("host=127.0.0.1 port=\(port) user=\(user) dbname=main").settings(overrides))
    }
}

/// - Parameters:
///   - configure: changes what the proxy is started with.
func withProxy<T>(
    size: Int = 3, mode: Database.Pool.Mode = .transaction, setup: String = "",
    configure: (inout ProxyConfiguration) -> Void = { _ in }, limits: (inout PoolLimits) -> Void = { _ in },
    _ body: (ProxyFixture) async throws -> T
) async throws -> T {
    try await withTestDatabase("proxy") { database in
        if !setup.isEmpty { try await database.execute(setup) }
        var bounds = PoolLimits()
        bounds.size = size
        bounds.mode = mode
        limits(&bounds)
        var logger = Logger(label: "proxy") { StreamLogHandler.standardError(label: $0) }
        let level = ProcessInfo.processInfo.environment["STRATA_TEST_LOG"].flatMap { Logger.Level(rawValue: $0) }
        logger.logLevel = level ?? .critical
        let node = try NodeEndpoint(name: "primary", settings: database.settings)
        var configuration = ProxyConfiguration(
            listen: .tcp(host: "127.0.0.1", port: 0), databases: [.init(name: "main", nodes: [node], limits: bounds)],
            users: .everybody, logger: logger)
        configuration.login = .trust
        configure(&configuration)
        let server = try await ProxyServer.start(configuration)
        guard case .tcp(_, let port) = server.address else { fatalError("a TCP address was asked for") }
        // On a busy machine the five seconds that a start waits are not enough; until then all goes to the primary.
        for _ in 0..<6000 where !server.shared.databases.allSatisfy(\.isCatalogKnown) {
            try await Task.sleep(for: .milliseconds(10))
        }
        do {
            let fixture = ProxyFixture(server: server, port: port, database: database)
            let value = try await blocking { try await body(fixture) }
            server.stop()
            await server.waitUntilEnded()
            return value
        } catch {
            server.stop()
            await server.waitUntilEnded()
            throw error
        }
    }
}
