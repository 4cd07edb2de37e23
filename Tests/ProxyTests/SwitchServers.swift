import Engine
import Logging
import Planning
import PostgresDriver
import PostgresWire
import TestSupport

@testable import Proxy

/// A main database and those that its schemas go to, each on a server of its own, and a proxy in front of all.
struct SwitchServers: Sendable {
    let server: ProxyServer
    let port: UInt16
    let main: ReplicationCluster
    let places: [String: ReplicationCluster]
    /// The database of each schema.
    let homes: [String: String]
    let layout: Layout

    /// What is different from a primary each, and a proxy as it comes.
    struct Wishes: Sendable {
        /// By database.
        var replicas: [String: Int] = [:]
        /// `recovery_min_apply_delay` of all of them.
        var delay: Duration?
        /// For `postgresql.conf` of all servers.
        var settings: [String: String] = [:]
        var freshness = Routing.Freshness.table
        var transactions = Routing.Transactions.primary
    }

    /// Tables of each schema as `SwitchLoad` uses them, beside one that stays.
    private static func setup(_ homes: [String: String]) -> String {
        "CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers VALUES (1, 'Ada');\n"
            + homes.keys.sorted().map { schema in
                """
                CREATE SCHEMA \(schema);
                CREATE TABLE \(schema).invoices (id bigserial PRIMARY KEY, client int NOT NULL, number int NOT NULL, note text, UNIQUE (client, number));
                CREATE TABLE \(schema).totals (client int PRIMARY KEY, n int NOT NULL);
                INSERT INTO \(schema).totals SELECT c, 0 FROM generate_series(0, 63) c;
                """
            }.joined(separator: "\n")
    }

    private static func layout(_ homes: [String: String]) -> String {
        let databases = Set(homes.values).sorted().map { ", \($0): { url: \"postgresql:///\($0)\" }" }.joined()
        let schemas = homes.sorted { $0.key < $1.key }.map {
            "\($0.key): { database: \($0.value), tables: [{ table: invoices, from: \($0.key) }, { table: totals, from: \($0.key) }] }"
        }
        return """
            strata: 1
            databases: { main: { url: "postgresql:///main" }\(databases) }
            schemas: { \(schemas.joined(separator: ", ")) }
            """
    }

    /// - Parameter homes: the database that each schema is to go to.
    static func with(
        _ homes: [String: String], _ wishes: Wishes = Wishes(), _ body: @Sendable (SwitchServers) async throws -> Void
    ) async throws {
        let names = ["main"] + Set(homes.values).sorted()
        try await clusters(names, wishes) { clusters in
            guard let main = clusters["main"] else { return }
            try await main.execute(0, setup(homes))
            for replica in main.replicas { try await main.catchUp(replica) }
            let server = try await ProxyServer.start(try configuration(names, homes, clusters, wishes))
            guard case .tcp(_, let port) = server.address else { fatalError("a TCP address was asked for") }
            let servers = SwitchServers(
                server: server, port: port, main: main, places: clusters.filter { $0.key != "main" }, homes: homes,
                layout: try Pipeline.decode(layout(homes), file: "strata.yaml", environment: [:]).0)
            let result: Result<Void, any Error>
            do {
                try await eventually("the catalogs are read") { server.shared.databases.allSatisfy(\.isCatalogKnown) }
                result = .success(try await blocking { try await body(servers) })
            } catch { result = .failure(error) }
            server.stop()
            await server.waitUntilEnded()
            try result.get()
        }
    }

    private static func clusters(
        _ names: [String], _ wishes: Wishes, _ found: [String: ReplicationCluster] = [:],
        _ body: ([String: ReplicationCluster]) async throws -> Void
    ) async throws {
        guard let name = names.first else { return try await body(found) }
        let settings = ["wal_level": "logical", "max_connections": "200"].merging(wishes.settings) { $1 }
        let replicas = wishes.replicas[name] ?? 0
        var delays: [Int: Duration] = [:]
        for replica in 1..<(replicas + 1) { delays[replica] = wishes.delay }
        // Two servers with one identity would count as one.
        try await ReplicationCluster.with(replicas: replicas, delays: delays, settings: settings, ownIdentity: true) {
            try await clusters(Array(names.dropFirst()), wishes, found.merging([name: $0]) { $1 }, body)
        }
    }

    private static func configuration(
        _ names: [String], _ homes: [String: String], _ clusters: [String: ReplicationCluster], _ wishes: Wishes
    ) throws -> ProxyConfiguration {
        var logger = Logger(label: "proxy") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        var limits = PoolLimits()
        limits.size = 10
        let databases = try names.map { name in
            guard let cluster = clusters[name] else { throw NoSplit() }
            let nodes = try (0..<cluster.count).map { index in
                try NodeEndpoint(name: index == 0 ? "primary" : "r\(index)", settings: cluster.settings(of: index))
            }
            return ProxyConfiguration.DatabaseSettings(name: name, nodes: nodes, limits: limits)
        }
        var configuration = ProxyConfiguration(
            listen: .tcp(host: "127.0.0.1", port: 0), databases: databases, users: .everybody, logger: logger)
        configuration.login = .trust
        configuration.schemas = homes
        configuration.eventLoops = 2
        configuration.administrators = ["boss"]
        configuration.freshness = wishes.freshness
        configuration.transactions = wishes.transactions
        return configuration
    }

    // MARK: Clients

    func wire(user: String = "strata_test", database: String = "main") throws -> WireClient {
        let client = try WireClient(port: port)
        let messages = try client.start(user: user, database: database)
        if let error = messages.last(where: { $0.tag == "E" })?.error {
            throw ProxyFixture.LoginFailure(error: error.message)
        }
        return client
    }

    /// Rows of the main database, or of one that a schema goes to, past the proxy.
    func query(_ database: String = "main", _ sql: String) async throws -> [[String]] {
        try await cluster(database).query(0, sql).map { row in
            try row.columns.indices.map { try row.optionalString($0) ?? "-" }
        }
    }

    func cluster(_ database: String) throws -> ReplicationCluster {
        guard database != "main" else { return main }
        guard let cluster = places[database] else { throw NoSplit() }
        return cluster
    }

    // MARK: Split and switch

    struct NoSplit: Error {}

    /// `strata split`, `strata split diff`, and the proxy knows of both.
    func copy(_ schema: String) async throws {
        let connection = try await Connection.open(main.settings(of: 0))
        let plan = try await LivePlanner.plan(layout, on: connection).plan
        await connection.close()
        guard let report = plan.splits?.first(where: { $0.schema == schema }) else { throw NoSplit() }
        try await SplitMove(report, mainDatabase: "main", source: main.settings(of: 0), target: target(of: schema))
            .run()
        try await compare(schema)
        try await eventually("the proxy follows") {
            let readiness = try await change(schema, .out).readiness()
            return readiness.followers.count == 1 && readiness.followers.allSatisfy { $0.problem == nil }
        }
    }

    func compare(_ schema: String) async throws {
        let report = try await SplitDiff(schema, source: main.settings(of: 0), target: target(of: schema)).run()
        guard report.isClean else { throw SwitchFixture.NotClean(report: report) }
    }

    private func target(of schema: String) throws -> ConnectionSettings {
        try cluster(homes[schema] ?? "").settings(of: 0)
    }

    func change(
        _ schema: String, _ direction: SplitRecord.Direction, configure: (inout SwitchOptions) -> Void = { _ in },
        watching listener: @escaping @Sendable (SwitchEvent) -> Void = { _ in }
    ) throws -> SchemaSwitch {
        var options = SwitchOptions()
        // Two processors, and all the other tests beside it.
        options.budget = .seconds(30)
        options.preparation = .seconds(300)
        configure(&options)
        return SchemaSwitch(
            schema, direction: direction, mainDatabase: "main", source: try main.settings(of: 0),
            target: try target(of: schema), options: options, listener: listener)
    }

    func state(of schema: String) async throws -> SplitRecord.State? {
        let connection = try await Connection.open(main.settings(of: 0))
        let record = try await SplitLedger(connection).open(schema)
        await connection.close()
        return record?.state
    }
}

/// Why a switch was not made; nil: it was.
func refusal(_ work: () async throws -> SwitchReport) async -> String? {
    do {
        _ = try await work()
        return nil
    } catch let failure as EngineFailure {
        return failure.diagnostics.map(\.message).joined(separator: "; ")
    } catch { return "\(error)" }
}
