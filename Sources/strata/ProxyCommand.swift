import ArgumentParser
import Dispatch
import Engine
import Foundation
import Logging
import Planning
import PostgresDriver
import Proxy

/// `strata proxy`: a PostgreSQL server in front of the layout's databases.
struct ProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proxy",
        abstract: "Serves applications in front of the layout's databases: pools, replicas for reads, routing.",
        discussion: """
            Clients connect to it as to PostgreSQL, with the name of a database of the layout. It runs until it is told to
            end: at the first SIGTERM or SIGINT it takes no new clients and waits for those that are there, at the second
            it ends at once.

            Example:
              strata proxy --listen 127.0.0.1:6432
              psql -h 127.0.0.1 -p 6432 main
            """)

    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("Where to listen, instead of the layout's routing.listen.", valueName: "host:port"))
    var listen: String?

    @Option(help: ArgumentHelp("Threads that serve clients, 1 to 64.", valueName: "n"))
    var loops: Int = 1

    @Option(help: ArgumentHelp("What is logged to stderr: debug, info, notice, warning.", valueName: "level"))
    var logLevel: LogLevelArgument?

    func validate() throws {
        guard 1...64 ~= loops else { throw ValidationError("--loops must be from 1 to 64") }
    }

    func run() async throws {
        let workplace = Workplace(global)
        let configuration = try await ProxySetup(
            workplace: workplace, listen: listen, loops: loops, level: logLevel?.level
        )
        .configuration()
        let server = try await ProxyServer.start(configuration)
        let names = configuration.databases.map { database in
            let replicas = database.nodes.count - 1
            return replicas == 0 ? database.name : "\(database.name) (\(replicas) replica\(replicas == 1 ? "" : "s"))"
        }
        workplace.say("listening on \(server.address) for \(names.joined(separator: ", "))")
        let signals = Self.endOnSignals(server)
        await server.waitUntilEnded()
        for signal in signals { signal.cancel() }
        workplace.say("ended")
    }

    private static func endOnSignals(_ server: ProxyServer) -> [any DispatchSourceSignal] {
        let counter = SignalCounter()
        return [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                if counter.next() == 1 {
                    Console.shared.error(
                        "no new clients; waiting for those that are connected (again to end at once)\n")
                    server.drain()
                } else {
                    server.stop()
                }
            }
            source.resume()
            return source
        }
    }
}

private final class SignalCounter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}

/// From the layout to what the proxy is started with.
struct ProxySetup {
    let workplace: Workplace
    let listen: String?
    let loops: Int
    let level: Logger.Level?

    func configuration() async throws -> ProxyConfiguration {
        let layout = try workplace.layout()
        let routing = layout.routing ?? Routing(place: SourcePlace(file: layout.file, line: 1, column: 1))
        guard let text = listen ?? routing.listen, let address = SocketAddress(hostAndPort: text) else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "no-listen", "the layout does not say where the proxy listens",
                    nextStep: "add routing: { listen: 127.0.0.1:6432 }, or --listen 127.0.0.1:6432"))
        }
        var logger = Logger(label: "strata.proxy") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level ?? .notice
        var databases: [ProxyConfiguration.DatabaseSettings] = []
        for (index, database) in layout.databases.enumerated() {
            databases.append(try await settings(database, isMain: index == 0, layout))
        }
        if databases.isEmpty { databases.append(try await settings(nil, isMain: true, layout)) }
        var configuration = ProxyConfiguration(
            listen: address, databases: databases, users: try users(routing), logger: logger)
        configuration.login = try login(routing)
        configuration.freshness = routing.freshness
        configuration.routes = routing.routes
        configuration.eventLoops = loops
        return configuration
    }

    private func settings(
        _ database: Database?, isMain: Bool, _ layout: Layout
    ) async throws -> ProxyConfiguration.DatabaseSettings {
        let name = database?.name ?? "main"
        var main = isMain ? try await workplace.settings(layout) : nil
        if main == nil {
            guard let url = database?.url else { throw Self.unreachable(name, database?.urlVariable) }
            main = try Workplace.parse(url, from: "databases.\(name).url")
        }
        guard let main else { throw Self.unreachable(name, database?.urlVariable) }
        var nodes = [try NodeEndpoint(name: "primary", settings: main)]
        for replica in database?.replicas ?? [] {
            guard let url = replica.url else {
                // As the seed's factory: without a URL for readers, the primary reads.
                workplace.say(
                    "replica \(replica.name) of \(name) is left out: \(replica.urlVariable ?? "its url") is not set")
                continue
            }
            let settings = try Workplace.parse(url, from: "databases.\(name).replicas.\(replica.name).url")
            nodes.append(try NodeEndpoint(name: replica.name, settings: settings))
        }
        return .init(name: name, nodes: nodes, limits: PoolLimits(database?.pool))
    }

    private static func unreachable(_ name: String, _ variable: String?) -> DiagnosticsError {
        DiagnosticsError(
            Diagnostic(
                .error, "unset-url",
                "database \(name) is not reachable: \(variable.map { "the environment variable \($0)" } ?? "its url") is not set",
                nextStep: "export \(variable ?? "\(name.uppercased())_URL")=postgresql://..."))
    }

    private func users(_ routing: Routing) throws -> Users {
        guard let file = routing.authUsersFile else { return .everybody }
        let folder = URL(fileURLWithPath: workplace.options.layout).deletingLastPathComponent()
        return try Users(file: file.hasPrefix("/") ? file : folder.appending(path: file).path)
    }

    /// Nobody gets in because something was forgotten.
    private func login(_ routing: Routing) throws -> ProxyConfiguration.Login {
        switch routing.authType {
        case .trust: .trust
        case .md5: .md5
        case .scram: .scram
        case .cert:
            throw DiagnosticsError(
                Diagnostic(
                    .error, "no-cert", "authentication by certificate is not there yet",
                    nextStep: "write auth: { type: scram, users: users.txt }"))
        case nil:
            throw DiagnosticsError(
                Diagnostic(
                    .error, "no-auth", "the layout does not say how clients prove who they are",
                    nextStep: "add routing.auth: { type: scram, users: users.txt }, or { type: trust } for a test"))
        }
    }
}
