import Foundation
import PostgresDriver

/// What stands between clients and server.
enum ProxyContender: String, CaseIterable, Sendable {
    case direct, pgbouncer, pgpool, strata
}

/// The server that all of them lead to, with a role and a database for the measurement.
struct ProxyTarget: Sendable {
    static let name = "strata_bench_proxy"

    let server: BenchServer
    /// A folder for unix sockets, or a name or address. Clients without anything in between use the loopback, as they do
    /// with something in between.
    let host: String
    let port: Int
    let password = UUID().uuidString

    init(_ server: BenchServer) throws {
        self.server = server
        let settings = try ConnectionSettings(server.url)
        host = settings.host
        port = settings.port
    }

    /// A role and pgbench's tables: 100,000 accounts.
    func prepare() async throws {
        try await remove()
        try await asAdministrator("CREATE ROLE \(Self.name) LOGIN PASSWORD '\(password)'")
        try await asAdministrator("CREATE DATABASE \(Self.name) OWNER \(Self.name)")
        try ChildRun.mustRun(
            ["pgbench", "-i", "-q", "-I", "dtGvp", "-s", "1", Self.name],
            environment: environment(host: host, port: port).merging(["PGOPTIONS": "-c client_min_messages=warning"]) {
                $1
            })
    }

    func remove() async throws {
        try await server.drop(Self.name)
        try await asAdministrator("DROP ROLE IF EXISTS \(Self.name)")
    }

    private func asAdministrator(_ sql: String) async throws {
        let connection = try await Connection.open(ConnectionSettings(server.url))
        try await connection.execute(sql)
        await connection.close()
    }

    /// For programs that use libpq.
    func environment(host: String, port: Int) -> [String: String] {
        [
            "PGHOST": host, "PGPORT": "\(port)", "PGUSER": Self.name, "PGPASSWORD": password,
            "PGDATABASE": Self.name, "PGSSLMODE": "disable",
        ]
    }

    var connection: String {
        "host='\(host)' port=\(port) user=\(Self.name) password='\(password)' dbname=\(Self.name)"
    }
}

/// A contender that runs, or the server itself.
final class ProxyInstance {
    let contender: ProxyContender
    let target: ProxyTarget
    let port: Int
    let process: BackgroundProcess?

    /// - Parameters:
    ///   - clients: how many it is to accept.
    ///   - loops: threads, of those that can have several.
    init(
        _ contender: ProxyContender, _ target: ProxyTarget, clients: Int = 100, loops: Int = 1, folder: String
    )
        async throws
    {
        self.contender = contender
        self.target = target
        guard contender != .direct else {
            port = target.port
            process = nil
            return
        }
        port = try WireClient.freePort()
        let own = "\(folder)/\(contender.rawValue)-\(port)"
        try FileManager.default.createDirectory(atPath: own, withIntermediateDirectories: false)
        let files = ProxyFiles(target: target, port: port, clients: clients, folder: own)
        let (arguments, environment) = try files.write(contender, loops: loops)
        let started = try BackgroundProcess(contender.rawValue, arguments, environment: environment, folder: own)
        process = started
        try await started.waitUntilListening(port: port)
    }

    func stop() { process?.stop() }

    /// - Parameter keepsServer: each client has a server of its own.
    func login(keepsServer: Bool = false) -> WireClient.Login {
        let isOther = keepsServer && contender == .pgbouncer
        return WireClient.Login(
            port: port, user: ProxyTarget.name, database: isOther ? ProxyFiles.sessionDatabase : ProxyTarget.name,
            password: target.password)
    }

    /// Runs pgbench's SELECT through it.
    /// - Returns: how many transactions were done, and how many a second.
    func select(_ mode: PgBenchMode, clients: Int, threads: Int = 1, seconds: Int, folder: String) throws -> PgBenchRun
    {
        // PgBouncer before 1.21 has no prepared statements in transaction mode: there, its clients keep their servers.
        let login = login(keepsServer: mode == .prepared)
        return try PgBenchRun(
            mode, clients: clients, threads: threads, seconds: seconds, database: login.database,
            environment: target.environment(host: "127.0.0.1", port: port), folder: folder)
    }
}

enum PgBenchMode: String, CaseIterable, Sendable { case simple, extended, prepared }

/// What `pgbench` reported.
struct PgBenchRun: Sendable {
    var transactions: Int
    var perSecond: Double

    /// - Parameter script: a file to run instead of pgbench's own SELECT.
    init(
        _ mode: PgBenchMode, clients: Int, threads: Int, seconds: Int, database: String, script: String? = nil,
        environment: [String: String], folder: String
    ) throws {
        let output = folder + "/pgbench.txt"
        let what = script.map { ["-f", $0] } ?? ["-S"]
        try ChildRun.mustRun(
            ["pgbench", "-n"] + what + [
                "-M", mode.rawValue, "-c", "\(clients)", "-j", "\(threads)", "-T", "\(seconds)", database,
            ], environment: environment, output: output)
        let text = try String(contentsOfFile: output, encoding: .utf8)
        guard let done = text.firstMatch(of: /transactions actually processed: (\d+)/).flatMap({ Int($0.1) }), done > 0,
            let failed = text.firstMatch(of: /failed transactions: (\d+)/).flatMap({ Int($0.1) }),
            let rate = text.firstMatch(of: /tps = ([0-9.]+)/).flatMap({ Double($0.1) })
        else { throw BenchFailure("pgbench reports something else than expected: \(text.suffix(200))") }
        guard failed == 0 else { throw BenchFailure("pgbench reports \(failed) failed transactions") }
        transactions = done
        perSecond = rate
    }
}
