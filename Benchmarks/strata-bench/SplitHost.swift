import Engine
import Foundation
import PostgresDriver

/// A server of our own, durable, whose changes can be followed; gone with its folder.
final class SplitHost {
    /// Small enough that two of them and their peers fit into any machine; the same for all that is measured.
    private static let settings = [
        "wal_level=logical", "max_wal_senders=20", "max_replication_slots=20", "max_worker_processes=20",
        "shared_buffers=256MB", "maintenance_work_mem=128MB", "max_wal_size=4GB", "listen_addresses=127.0.0.1",
        "unix_socket_directories=", "log_min_messages=error",
    ]

    let server: BenchServer
    let port: Int
    private let password = UUID().uuidString
    private let process: BackgroundProcess

    /// - Parameter folder: where its files go, which another account may enter.
    init(_ name: String, folder: String) async throws {
        let installation = try await PostgresInstallation.find(environment: ProcessInfo.processInfo.environment)
        let programs = "\(installation.programs)"
        let home = "\(folder)/\(name)"
        // PostgreSQL refuses to run as root.
        let isRoot = geteuid() == 0
        let account = isRoot ? ["-o", "postgres", "-g", "postgres"] : []
        try ChildRun.mustRun(["install", "-d", "-m", "700"] + account + [home])
        let secret = "\(home)/password"
        try Data((password + "\n").utf8).write(to: URL(fileURLWithPath: secret))
        if isRoot { try ChildRun.mustRun(["chown", "postgres", secret]) }
        func command(_ words: [String]) -> [String] {
            let other = isRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : []
            return ["/bin/sh", "-c", "cd / && exec \"$@\"", "sh"] + other + words
        }
        try ChildRun.mustRun(
            command([
                "\(programs)/initdb", "-D", "\(home)/data", "-U", Self.user, "--pwfile=\(secret)", "-A",
                "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8",
            ]))
        port = try WireClient.freePort()
        let words = ["\(programs)/postgres", "-D", "\(home)/data", "-p", "\(port)"]
        // What it holds is thrown away: it need not take its time to end.
        process = try BackgroundProcess(
            name, command(words + Self.settings.flatMap { ["-c", $0] }), folder: folder, ending: SIGQUIT)
        server = BenchServer(url: Self.url("postgres", port, password))
        try await process.waitUntilListening(port: port)
        try await waitUntilReady()
    }

    private static let user = "strata_bench"

    private static func url(_ database: String, _ port: Int, _ password: String) -> String {
        "postgresql://\(user):\(password)@127.0.0.1:\(port)/\(database)?sslmode=disable"
    }

    func url(_ database: String) -> String { Self.url(database, port, password) }

    /// For programs of PostgreSQL that find their server in the environment.
    func environment(port: Int? = nil, _ database: String) -> [String: String] {
        [
            "PGHOST": "127.0.0.1", "PGPORT": "\(port ?? self.port)", "PGUSER": Self.user, "PGPASSWORD": password,
            "PGDATABASE": database, "PGSSLMODE": "disable",
        ]
    }

    /// It listens before it takes connections.
    private func waitUntilReady() async throws {
        for _ in 0..<200 {
            if let connection = try? await server.connect("postgres") { return await connection.close() }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw BenchFailure("a server of our own does not take connections")
    }

    /// Processor time of all its processes, also of sessions that have ended, in seconds.
    func processorTime() throws -> Double { try process.usage(includingEnded: true).total }

    func run(_ database: String, _ statements: [String]) async throws {
        let connection = try await server.connect(database)
        for statement in statements { try await connection.execute(statement) }
        await connection.close()
    }

    func stop() { process.stop() }
}
