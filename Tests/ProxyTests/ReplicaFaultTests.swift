import PostgresDriver
import TestSupport
import Testing

@testable import Proxy

/// Replicas that are cut off, frozen, killed, paused, promoted or not replicas at all.
@Suite(.serialized) struct ReplicaFaultTests {
    private static let quick = FreshnessSettings(
        heartbeat: .milliseconds(100), lagLimit: .seconds(1), checkTimeout: .milliseconds(500), failures: 3,
        suspension: .milliseconds(200))

    @Test("A disconnected replica looks healthy and is not", arguments: [nil, "ordinary"])
    func disconnected(_ role: String?) async throws {
        try await ReplicationCluster.with { cluster in
            try await ReplicaWatching.makeOrdinaryRole(cluster)
            try await ReplicaWatching.with(cluster, Self.quick, role: role) { watching in
                try await watching.becomes(.healthy, 1)
                try await cluster.disconnect(1)
                try await watching.becomes(.disconnected, 1)
                #expect(watching.nodes.chooseReplica(required: 0, preferred: 1) != .replica(1))
                try await watching.becomes(.healthy, 2)
                try await cluster.reconnect(1)
                try await watching.becomes(.healthy, 1)
                try await watching.becomesFresh(1, watching.nodes.freshness.noteWrite(slots: [1]))
            }
        }
    }

    @Test("S4.58 A replica whose replay is paused lags once something was written, until it has caught up")
    func paused() async throws {
        try await ReplicationCluster.with(replicas: 1) { cluster in
            try await ReplicaWatching.with(cluster, Self.quick) { watching in
                try await watching.becomes(.healthy, 1)
                try await cluster.pauseReplay(1)
                try await cluster.execute(0, "CREATE TABLE t (id int)")
                try await watching.becomes(.lagging, 1)
                let status = watching.nodes.status()[1]
                #expect(try #require(status.lagBytes) > 0)
                #expect(try #require(status.lag) >= .seconds(1))
                try await cluster.resumeReplay(1)
                try await watching.becomes(.healthy, 1)
                try await eventually("no lag is shown") { watching.nodes.status()[1].lagBytes == 0 }
            }
        }
    }

    @Test("A frozen replica is out of use when a sample gets no answer, and back when it answers")
    func frozen() async throws {
        try await ReplicationCluster.with { cluster in
            try await ReplicaWatching.with(cluster, Self.quick) { watching in
                for replica in 1...2 { try await watching.becomes(.healthy, replica) }
                try await cluster.freeze(1)
                try await eventually("it is out of use") { !watching.nodes.isUsable(1) }
                #expect(watching.nodes.status()[1].state.reason.hasPrefix("no answer within"))
                #expect(watching.nodes.chooseReplica(required: 0, preferred: 1) == .replica(2))
                try await watching.becomes(.suspended, 1)
                await cluster.thaw(1)
                try await watching.becomes(.healthy, 1)
            }
        }
    }

    @Test("S4.58 A killed replica fails, is suspended after three failures, and is found again by a trial")
    func killed() async throws {
        try await ReplicationCluster.with { cluster in
            try await ReplicaWatching.with(cluster, Self.quick) { watching in
                for replica in 1...2 { try await watching.becomes(.healthy, replica) }
                try await cluster.stop(1)
                try await watching.becomes(.suspended, 1)
                #expect(watching.nodes.chooseReplica(required: 0, preferred: 1) == .replica(2))
                #expect(watching.log.kinds(1).contains(.failing))
                let mark = watching.nodes.freshness.noteWrite(slots: [1])
                try await watching.becomesFresh(2, mark)
                #expect(!watching.nodes.isFresh(1, for: mark))
                try await cluster.start(1)
                try await watching.becomes(.healthy, 1)
                try await watching.becomesFresh(1, mark)
            }
        }
    }

    @Test("An ended monitoring connection is replaced without anybody noticing")
    func terminated() async throws {
        let patient = FreshnessSettings(heartbeat: .milliseconds(100), checkTimeout: .seconds(30))
        try await ReplicationCluster.with(replicas: 1) { cluster in
            try await ReplicaWatching.with(cluster, patient) { watching in
                try await watching.becomes(.healthy, 1)
                try await watching.becomes(.primary, 0)
                let end = """
                    SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
                    WHERE application_name = 'strata proxy monitor'
                    """
                for node in 0...1 { #expect(try await cluster.query(node, end).only().int("n") == 1) }
                try await watching.becomesFresh(1, watching.nodes.freshness.noteWrite(slots: [1]))
                #expect(watching.log.kinds(0) == [.primary])
                #expect(watching.log.kinds(1) == [.healthy])
            }
        }
    }

    @Test("Without the primary reads go on, but not those of tables written since its last sample")
    func primaryGone() async throws {
        try await ReplicationCluster.with(replicas: 1) { cluster in
            try await ReplicaWatching.with(cluster, Self.quick) { watching in
                let nodes = watching.nodes
                let sampled = nodes.freshness.noteWrite(slots: [1])
                try await watching.becomesFresh(1, sampled)
                try await cluster.stop(0)
                try await watching.becomes(.primaryDown, 0)
                #expect(!nodes.isUsable(nodes.primary))
                nodes.freshness.noteWrite(slots: [2])
                try await watching.becomes(.healthy, 1)
                #expect(nodes.chooseReplica(required: nodes.freshness.required(reads: [1])) == .replica(1))
                #expect(nodes.chooseReplica(required: nodes.freshness.required(reads: [2])) == .stale)
                try await cluster.start(0)
                try await watching.becomes(.primary, 0)
                try await watching.becomesFresh(1, nodes.freshness.required(reads: [2]))
            }
        }
    }

    @Test(
        "A promoted replica becomes the primary; the other is used again once it follows",
        arguments: [nil, "ordinary"])
    func promoted(_ role: String?) async throws {
        try await ReplicationCluster.with { cluster in
            try await ReplicaWatching.makeOrdinaryRole(cluster)
            try await ReplicaWatching.with(cluster, Self.quick, role: role) { watching in
                let nodes = watching.nodes
                for replica in 1...2 { try await watching.becomesFresh(replica, 1) }
                try await cluster.promote(1)
                try await watching.becomes(.promoted, 1)
                #expect(nodes.primary == 0)
                try await cluster.stop(0)
                try await watching.becomes(.primary, 1)
                #expect(nodes.primary == 1)
                try await watching.becomes(.refused, 2)
                #expect(nodes.status()[2].state.reason.hasPrefix("it is on timeline 1, the primary on 2"))
                #expect(!nodes.isFresh(2, for: nodes.freshness.required(reads: [])))
                try await cluster.follow(1, on: 2)
                try await cluster.execute(1, "CREATE TABLE t (id int)")
                let mark = nodes.freshness.noteWrite(slots: [1])
                if role != nil {
                    // All that an ordinary role sees of the timeline comes with the next restart point.
                    try await cluster.execute(1, "CHECKPOINT")
                    try await eventually("replica 2 has a restart point on the new timeline") {
                        try await cluster.execute(2, "CHECKPOINT")
                        return nodes.status()[2].state.kind == .healthy
                    }
                }
                // What the receiver has flushed tells the timeline: there has to be something to flush, and on a busy
                // machine the replica may need several attempts, five seconds apart, to follow.
                try await eventually("replica 2 follows the new primary", within: .seconds(120)) {
                    try await cluster.execute(1, "SELECT pg_logical_emit_message(false, 'test', 'x')")
                    return nodes.status()[2].state.kind == .healthy
                }
                try await watching.becomesFresh(2, mark)
                #expect(try await cluster.query(2, "SELECT FROM t").isEmpty)
                try await cluster.start(0)
                try await watching.becomes(.promoted, 0)
                #expect(nodes.primary == 1)
            }
        }
    }

    @Test("A standby of another cluster, and a primary in a replica's place, are refused")
    func foreign() async throws {
        try await ReplicationCluster.with(replicas: 1) { cluster in
            try await ReplicationCluster.with(replicas: 1, ownIdentity: true) { other in
                let descriptions = [
                    NodeDescription(name: "primary", settings: try cluster.settings(of: 0)),
                    NodeDescription(name: "mine", settings: try cluster.settings(of: 1)),
                    NodeDescription(name: "foreign", settings: try other.settings(of: 1)),
                    NodeDescription(name: "primary again", settings: try cluster.settings(of: 0)),
                ]
                try await ReplicaWatching.with(cluster, descriptions, Self.quick) { watching in
                    try await watching.becomes(.healthy, 1)
                    try await watching.becomes(.refused, 2)
                    try await watching.becomes(.promoted, 3)
                    #expect(watching.nodes.status()[2].state.reason.contains("system identifier"))
                    #expect(watching.nodes.chooseReplica(required: 0) == .replica(1))
                    try await cluster.stop(0)
                    try await watching.becomes(.primaryDown, 0)
                    #expect(watching.nodes.primary == 0)
                }
            }
        }
    }

    @Test("A wrong password is told by the server's words, without the password")
    func wrongPassword() async throws {
        try await ReplicationCluster.with(replicas: 1) { cluster in
            let descriptions = [
                NodeDescription(name: "primary", settings: try cluster.settings(of: 0)),
                NodeDescription(name: "r", settings: try cluster.settings(of: 1, ["password": "not-this-one"])),
            ]
            try await ReplicaWatching.with(cluster, descriptions, Self.quick) { watching in
                try await watching.becomes(.failing, 1)
                let reason = watching.nodes.status()[1].state.reason
                #expect(reason.contains("password authentication failed"))
                #expect(!reason.contains("not-this-one"))
            }
        }
    }
}
