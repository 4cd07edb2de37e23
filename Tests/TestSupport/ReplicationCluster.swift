import Foundation
package import PostgresDriver
import Synchronization

/// A primary and streaming replicas of a test's own, on free ports of 127.0.0.1: node 0 is the primary, 1… the
/// replicas. They keep nothing (fsync is off), and they end with the body, or with this process.
package final class ReplicationCluster: Sendable {
    package let count: Int
    package let replicas: Range<Int>
    let shell: ClusterShell
    let folder: String
    private let password: String
    private let ports = Mutex<[Int]>([])

    private init(replicas: Int, template: ClusterTemplate) {
        count = replicas + 1
        self.replicas = 1..<(replicas + 1)
        shell = template.shell
        password = template.password
        folder = ClusterShell.newFolder()
    }

    /// Starts one, hands it to the body, and takes it away again whatever happens.
    ///
    /// - Parameters:
    ///   - delays: `recovery_min_apply_delay` by node.
    ///   - settings: for `postgresql.conf`, of all nodes.
    ///   - ownIdentity: with a system identifier of its own; otherwise all clusters of this process share one.
    package static func with<T>(
        replicas: Int = 2, delays: [Int: Duration] = [:], settings: [String: String] = [:], ownIdentity: Bool = false,
        isolation: isolated (any Actor)? = #isolation, _ body: (ReplicationCluster) async throws -> T
    ) async throws -> T {
        let template = try await ownIdentity ? ClusterTemplate.make() : ClusterTemplate.shared()
        let cluster = ReplicationCluster(replicas: replicas, template: template)
        do {
            try await cluster.create(template, delays, settings)
            if ownIdentity { await template.remove() }
            let value = try await body(cluster)
            await cluster.tearDown()
            return value
        } catch {
            await cluster.tearDown()
            throw error
        }
    }

    // MARK: Reaching a node

    package func port(of node: Int) -> Int { ports.withLock { $0[node] } }

    /// A superuser's, with its password.
    package func url(of node: Int) -> String {
        "postgresql://strata_test:\(password)@127.0.0.1:\(port(of: node))/postgres"
    }

    package func settings(of node: Int, _ overrides: [String: String] = [:]) throws -> ConnectionSettings {
        try ConnectionSettings(url(of: node)).settings(overrides)
    }

    /// Runs a query on a connection of its own.
    @discardableResult
    package func query(_ node: Int, _ sql: String) async throws -> Rows {
        let connection = try await Connection.open(try settings(of: node))
        do {
            let rows = try await connection.query(sql)
            await connection.close()
            return rows
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Runs statements on a connection of its own.
    package func execute(_ node: Int, _ sql: String) async throws {
        let connection = try await Connection.open(try settings(of: node))
        do {
            try await connection.execute(sql)
            await connection.close()
        } catch {
            await connection.close()
            throw error
        }
    }

    // MARK: Starting and ending

    func data(_ node: Int) -> String { "\(folder)/node\(node)" }

    private func create(_ template: ClusterTemplate, _ delays: [Int: Duration], _ more: [String: String]) async throws {
        try await shell.makeFolder(folder)
        try shell.watch(folder)
        for node in 0..<count {
            try await shell.run(["cp", "-a", template.data, data(node)])
            let port = try ClusterShell.freePort()
            ports.withLock { $0.append(port) }
            var settings = Self.common.merging(more) { $1 }
            settings["port"] = String(port)
            if node > 0 {
                settings["primary_conninfo"] = conninfo(port: self.port(of: 0))
                if let delay = delays[node] {
                    settings["recovery_min_apply_delay"] = "\(delay / .milliseconds(1))ms"
                }
                try await shell.run(["touch", "\(data(node))/standby.signal"])
            }
            try await shell.append(Self.lines(settings), to: "\(data(node))/postgresql.auto.conf")
            try await start(node)
        }
        for node in replicas { try await waitForStreaming(node) }
    }

    /// Starts a node that was stopped.
    package func start(_ node: Int) async throws {
        do {
            try await shell.run([
                "\(shell.programs)/pg_ctl", "-D", data(node), "-l", "\(data(node))/log", "-w", "-t", "60", "start",
            ])
        } catch {
            let log = try? await shell.run(["tail", "-n", "8", "\(data(node))/log"])
            throw ClusterShell.Failed(description: "\(error)\(log ?? "It wrote no log.")")
        }
    }

    private func waitForStreaming(_ node: Int) async throws {
        try await eventually("node \(node) streams") {
            try await self.query(node, "SELECT status FROM pg_stat_wal_receiver").first?.optionalString("status")
                == "streaming"
        }
    }

    func conninfo(port: Int) -> String {
        "host=127.0.0.1 port=\(port) user=strata_test password=\(password) connect_timeout=5"
    }

    private static let common = [
        "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "full_page_writes": "off",
        "wal_level": "replica", "max_wal_senders": "10", "wal_keep_size": "256MB", "shared_buffers": "16MB",
        "wal_retrieve_retry_interval": "100ms", "autovacuum_naptime": "10min", "log_min_messages": "warning",
        "hot_standby": "on",
    ]

    private static func lines(_ settings: [String: String]) -> String {
        settings.sorted { $0.key < $1.key }
            .map { "\($0.key) = '\($0.value.replacing("'", with: "''"))'\n" }.joined()
    }

    private func tearDown() async {
        for node in 0..<count { await end(node) }
        // The watchdog ends with the folder.
        await shell.remove(folder)
    }

    /// Whatever state it is in.
    private func end(_ node: Int) async {
        guard let pid = shell.postmaster(data(node)) else { return }
        await signalAll(node, SIGCONT)
        shell.kill(pid, SIGQUIT)
        for _ in 0..<500 where shell.isRunning(pid) { try? await Task.sleep(for: .milliseconds(10)) }
        if shell.isRunning(pid) { shell.kill(pid, SIGKILL) }
    }
}

/// Waits until the condition holds, at most `limit`.
/// - Throws: ``NotInTime``, or what the condition threw at the last attempt.
package func eventually(
    _ what: String, within limit: Duration = .seconds(120), isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    var last: (any Error)?
    repeat {
        do {
            if try await condition() { return }
            last = nil
        } catch {
            last = error
        }
        try await Task.sleep(for: .milliseconds(10))
    } while ContinuousClock.now < deadline
    throw last ?? NotInTime(what: what, limit: limit)
}

package struct NotInTime: Error, CustomStringConvertible {
    package let what: String
    package let limit: Duration

    package init(what: String, limit: Duration) {
        self.what = what
        self.limit = limit
    }

    package var description: String { "within \(limit) it did not happen that \(what)" }
}
