import PostgresDriver
import Synchronization
import TestSupport

@testable import Proxy

/// A cluster and the proxy's view of it, watched while the body runs.
struct ReplicaWatching {
    let cluster: ReplicationCluster
    let nodes: DatabaseNodes
    let log: ChangeLog

    /// - Parameter role: who watches; nil: a superuser.
    static func with(
        _ cluster: ReplicationCluster, _ settings: FreshnessSettings = FreshnessSettings(heartbeat: .milliseconds(100)),
        role: String? = nil, _ body: (ReplicaWatching) async throws -> Void
    ) async throws {
        let overrides = role.map { ["user": $0, "password": "ordinary"] } ?? [:]
        let descriptions = try (0..<cluster.count).map {
            NodeDescription(name: "node\($0)", settings: try cluster.settings(of: $0, overrides))
        }
        try await with(cluster, descriptions, settings, body)
    }

    static func with(
        _ cluster: ReplicationCluster, _ descriptions: [NodeDescription], _ settings: FreshnessSettings,
        _ body: (ReplicaWatching) async throws -> Void
    ) async throws {
        let log = ChangeLog()
        let nodes = DatabaseNodes(
            primary: descriptions[0], replicas: Array(descriptions.dropFirst()), settings: settings
        ) { log.add($0) }
        let watcher = Task { await nodes.run() }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(ReplicaWatching(cluster: cluster, nodes: nodes, log: log)))
        } catch {
            result = .failure(error)
        }
        watcher.cancel()
        await watcher.value
        try result.get()
    }

    /// A role without any right but to connect.
    static func makeOrdinaryRole(_ cluster: ReplicationCluster) async throws {
        try await cluster.execute(0, "CREATE ROLE ordinary LOGIN PASSWORD 'ordinary'")
        for replica in cluster.replicas { try await cluster.catchUp(replica) }
    }

    func becomes(_ kind: NodeState.Kind, _ node: Int) async throws {
        try await eventually("node \(node) is \(kind), not \(nodes.status()[node].state)") {
            nodes.status()[node].state.kind == kind
        }
    }

    func becomesFresh(_ node: Int, _ tick: UInt64) async throws {
        try await eventually("node \(node) has tick \(tick)") { nodes.isFresh(node, for: tick) }
    }
}

/// What was told of the nodes.
final class ChangeLog: Sendable {
    private let entries = Mutex<[NodeChange]>([])

    func add(_ change: NodeChange) { entries.withLock { $0.append(change) } }
    var all: [NodeChange] { entries.withLock { $0 } }
    func kinds(_ node: Int) -> [NodeState.Kind] { all.filter { $0.index == node }.map(\.state.kind) }
}
