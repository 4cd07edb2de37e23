internal import Planning
internal import PostgresWire

/// What one loop has, copied so that it can leave the loop's thread.
struct WorkerReport: Sendable {
    struct PoolRow: Sendable {
        var database: String
        var user: String
        var node: String
        var clientsActive = 0
        var clientsWaiting = 0
        var serversActive = 0
        var serversIdle = 0
        var serversLogin = 0
        var oldestWait: Duration = .zero
        var mode = ""

        /// Those of another loop or user.
        mutating func add(_ other: PoolRow) {
            clientsActive += other.clientsActive
            clientsWaiting += other.clientsWaiting
            serversActive += other.serversActive
            serversIdle += other.serversIdle
            serversLogin += other.serversLogin
            oldestWait = max(oldestWait, other.oldestWait)
        }
    }

    struct ClientRow: Sendable {
        var id: Int32
        var user: String
        var database: String
        var state: String
        var address: String
        var application: String
        var serverID: Int?
        var prepared: Int
        var waited: Duration
        var pins: String
    }

    struct ServerRow: Sendable {
        var id: Int
        var user: String
        var database: String
        var node: String
        var state: String
        var address: String
        var processID: Int32
        var clientID: Int32?
        var prepared: Int
        var age: Duration
    }

    struct DatabaseRow: Sendable {
        var name: String
        var address: String
        var serverDatabase: String
        var size: Int
        var reserve: Int
        var mode: String
        var maximumClients: Int
        var clients: Int
        var servers: Int
        var isPaused: Bool
        var nodes: Int
    }

    struct NodeRow: Sendable {
        var database: String
        var status: NodeStatus
    }

    var nodes: [NodeRow] = []
    var pools: [PoolRow] = []
    var clients: [ClientRow] = []
    var servers: [ServerRow] = []
    var databases: [DatabaseRow] = []
    var routes: [RouteRows.Row] = []
    var counters: [String: Counters] = [:]
    var waitingLogins = 0
    /// Clients whose statements wait for RESUME SCHEMA, and for which.
    var held = 0
    var pausedSchemas: [String] = []
}

extension Worker {
    func report() -> WorkerReport {
        var report = WorkerReport()
        let now = loop.now
        report.held = heldClients.count
        report.pausedSchemas = Array(pausedSchemas.keys)
        for client in clients.values {
            guard client.isCounted else {
                report.waitingLogins += 1
                continue
            }
            report.clients.append(client.row(now))
        }
        for database in databases.values {
            report.databases.append(database.row)
            report.nodes += database.shared.nodes.status().map { .init(database: database.name, status: $0) }
            report.counters[database.name] = database.counters
            for pool in database.pools.values {
                report.pools.append(pool.row(now))
                report.servers += pool.servers.values.map { $0.row(now) }
            }
        }
        return report
    }
}

extension ClientSession {
    fileprivate func row(_ now: LoopTime) -> WorkerReport.ClientRow {
        let isWaiting = waitingIn != nil
        return .init(
            id: processID, user: user, database: database?.name ?? requestedDatabase,
            state: isWaiting ? "waiting" : server == nil ? "idle" : "active", address: "\(address)",
            application: applicationName, serverID: server?.id, prepared: statements.count,
            waited: isWaiting ? now - waitingSince : .zero, pins: pins.names)
    }
}

extension Pool {
    func row(_ now: LoopTime) -> WorkerReport.PoolRow {
        .init(
            database: key.database, user: key.user, node: nodeName,
            clientsActive: servers.values.count { $0.client != nil }, clientsWaiting: waiting, serversActive: active,
            serversIdle: idleServers.count, serversLogin: connecting,
            oldestWait: oldestWaiter.map { now - $0.waitingSince } ?? .zero, mode: limits.mode.rawValue)
    }
}

extension ServerConnection {
    fileprivate func row(_ now: LoopTime) -> WorkerReport.ServerRow {
        .init(
            id: id, user: pool.key.user, database: pool.key.database, node: pool.nodeName,
            state: phase != .ready ? "login" : client == nil ? "idle" : "active", address: pool.address,
            processID: processID, clientID: client?.processID, prepared: statements.count, age: now - createdAt)
    }
}

extension WorkerDatabase {
    fileprivate var row: WorkerReport.DatabaseRow {
        .init(
            name: name, address: "\(nodes[0].address)", serverDatabase: nodes[0].database, size: limits.size,
            reserve: limits.reserve, mode: limits.mode.rawValue, maximumClients: limits.maximumClients,
            clients: clients, servers: pools.values.reduce(0) { $0 + $1.servers.count }, isPaused: isPaused,
            nodes: nodes.count)
    }
}

extension Decision.Effects {
    /// Why a client keeps its server, for people.
    var names: String {
        let all: [(Decision.Effects, String)] = [
            (.temporary, "temporary table"), (.listen, "LISTEN"), (.heldCursor, "WITH HOLD cursor"),
            (.advisoryLock, "advisory lock"), (.prepared, "PREPARE"), (.keepsServer, "session state"),
        ]
        return all.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
    }
}
