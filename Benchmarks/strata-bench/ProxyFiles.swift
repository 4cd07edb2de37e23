import Foundation
import Planning

/// The configuration of each contender: transaction mode, 16 servers, no TLS, clients without a password.
struct ProxyFiles {
    static let sessionDatabase = "strata_bench_session"
    static let poolSize = 16
    private static let urlVariable = "STRATA_BENCH_URL"

    let target: ProxyTarget
    let port: Int
    let clients: Int
    let folder: String

    /// - Returns: the command, and what it finds in its environment.
    func write(_ contender: ProxyContender, loops: Int) throws -> ([String], [String: String]) {
        switch contender {
        case .direct: return ([], [:])
        case .pgbouncer:
            let file = try write(pgbouncer, "pgbouncer.ini")
            // It refuses to be root.
            let account = geteuid() == 0 ? ["-u", "postgres"] : []
            return ([Self.program("pgbouncer")] + account + [file], [:])
        case .pgpool:
            let file = try write(pgpool, "pgpool.conf")
            let rules = try write("local all all trust\nhost all all 127.0.0.1/32 trust\n", "pool_hba.conf")
            let control = try write("", "pcp.conf")
            _ = try write("\(ProxyTarget.name):TEXT\(target.password)\n", "pool_passwd")
            return ([Self.program("pgpool"), "-n", "-f", file, "-a", rules, "-F", control], [:])
        case .strata:
            let file = try write(layout, "strata.yaml")
            let command = [ChildRun.strataPath, "proxy", "--layout", file, "--loops", "\(loops)"]
            return (command, [Self.urlVariable: target.connection])
        }
    }

    private func write(_ text: String, _ name: String) throws -> String {
        let path = "\(folder)/\(name)"
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        else { throw BenchFailure("cannot write \(path)") }
        return path
    }

    /// Debian keeps them where only root's path leads.
    private static func program(_ name: String) -> String {
        let path = "/usr/sbin/\(name)"
        return FileManager.default.isExecutableFile(atPath: path) ? path : name
    }

    private var pgbouncer: String {
        """
        [databases]
        \(ProxyTarget.name) = \(target.connection)
        \(Self.sessionDatabase) = \(target.connection) pool_mode=session
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(port)
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        default_pool_size = \(Self.poolSize)
        max_client_conn = \(clients + 100)

        """
    }

    /// One server, whose statements pgpool reads all the same, as it does with several.
    private var pgpool: String {
        """
        backend_clustering_mode = 'streaming_replication'
        listen_addresses = '127.0.0.1'
        port = \(port)
        unix_socket_directories = '\(folder)'
        pcp_listen_addresses = ''
        pcp_socket_dir = '\(folder)'
        backend_hostname0 = '\(target.host)'
        backend_port0 = \(target.port)
        backend_weight0 = 1
        backend_flag0 = 'DISALLOW_TO_FAILOVER'
        num_init_children = \(Self.poolSize * 2)
        max_pool = 1
        connection_cache = on
        load_balance_mode = on
        statement_level_load_balance = on
        sr_check_period = 0
        sr_check_user = '\(ProxyTarget.name)'
        sr_check_database = '\(ProxyTarget.name)'
        health_check_period = 0
        enable_pool_hba = off
        pool_passwd = 'pool_passwd'
        pid_file_name = '\(folder)/pgpool.pid'
        logdir = '\(folder)'
        work_dir = '\(folder)'

        """
    }

    private var layout: String {
        """
        strata: 1
        databases:
          \(ProxyTarget.name):
            url: ${\(Self.urlVariable)}
            pool: { mode: transaction, size: \(Self.poolSize), max_clients: \(clients + 100) }
        routing:
          listen: 127.0.0.1:\(port)
          auth: { type: trust }
          max_clients: \(clients + 100)

        """
    }
}
