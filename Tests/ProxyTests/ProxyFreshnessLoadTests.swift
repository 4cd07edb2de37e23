import Planning
import TestSupport
import Testing

@testable import Proxy

/// A primary and two streaming replicas, one of which applies everything late: nobody reads anything older than what
/// somebody was told is committed. `STRATA_LOAD_SECONDS=60` for a proof.
@Suite("Proxy: freshness under load", .serialized)
struct ProxyFreshnessLoadTests {
    private static let delays: [Duration?] = [nil, .milliseconds(500)]

    private func load(_ setup: ProxyReplicaTests.Setup) -> FreshnessLoad {
        FreshnessLoad(primaryPort: setup.cluster.port(of: 0)) { try setup.wire() }
    }

    private func expectNone(_ result: FreshnessLoad.Result, _ what: String) {
        print("freshness, \(what): \(result.summary)")
        #expect(result.reading.stale == 0, "\(what)")
        #expect(result.reading.failures == 0, "\(what): \(result.reading.firstFailure ?? "")")
        #expect(result.reading.lateFailures == 0)
        #expect(result.reading.onReplicas > 0, "\(what)")
        #expect(result.writes > 0)
    }

    @Test("table: no stale read; by statement type alone there would be many")
    func table() async throws {
        try await ProxyReplicaTests().withReplicas(
            delays: Self.delays, setup: FreshnessLoadTables.setup(rows: 6),
            configure: { $0.databases[0].limits.size = 20 }
        ) { setup in
            var load = load(setup)
            let board = load.board
            let fresh = try await load.run(seconds: TestLength.load, on: board)
            expectNone(fresh, "table")
            // What does not count as one statement that only reads cannot be sent anywhere by a comment.
            load.styles = [.simple, .prepared]
            load.prefix = "/* strata:replica */ "
            let round = load
            // On a machine that has other things to do, replicas may be out of use for a while.
            try await eventually("somebody reads what is stale") {
                let split = try await round.run(seconds: TestLength.load / 2, on: board)
                print("freshness, by statement type alone: \(split.summary)")
                #expect(split.reading.failures == 0, "\(split.reading.firstFailure ?? "")")
                return split.reading.stale > 0
            }
        }
    }

    @Test("table, with optimistic transactions round the reads: no stale read")
    func optimistic() async throws {
        try await ProxyReplicaTests().withReplicas(
            delays: Self.delays, setup: FreshnessLoadTables.setup(rows: 6),
            configure: {
                $0.transactions = .optimistic
                $0.databases[0].limits.size = 20
            }
        ) { setup in
            var load = load(setup)
            load.styles = [.transaction]
            load.begins = ["BEGIN", "BEGIN READ ONLY", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
            expectNone(try await load.run(seconds: TestLength.load, on: load.board), "optimistic transactions")
        }
    }

    @Test("session: no client misses what it wrote itself")
    func session() async throws {
        try await ProxyReplicaTests().withReplicas(
            delays: Self.delays, freshness: .session, setup: FreshnessLoadTables.setup(rows: 16),
            configure: { $0.databases[0].limits.size = 20 }
        ) { setup in
            var load = load(setup)
            load.writers = 16
            let result = try await load.runOwn(seconds: TestLength.load / 2)
            expectNone(result, "session, own writes")
        }
    }
}
