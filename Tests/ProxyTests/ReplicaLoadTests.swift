import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// What happens to replicas while many clients read: no read fails, none is stale, and who is well again gets reads.
@Suite("Proxy: replicas that fail under load", .serialized)
struct ReplicaLoadTests {
    typealias Setup = ProxyReplicaTests.Setup

    enum Fault: String, CaseIterable, Sendable {
        case killed, frozen, disconnected

        func begin(_ cluster: ReplicationCluster, _ replica: Int) async throws {
            switch self {
            case .killed: try await cluster.kill(replica)
            case .frozen: try await cluster.freeze(replica)
            case .disconnected: try await cluster.disconnect(replica)
            }
        }

        func end(_ cluster: ReplicationCluster, _ replica: Int) async throws {
            switch self {
            case .killed: try await cluster.startAgain(replica)
            case .frozen: await cluster.thaw(replica)
            case .disconnected: try await cluster.reconnect(replica)
            }
        }
    }

    /// How many reads each port answered, and each reader got.
    private final class Answers: Sendable {
        private struct State {
            var byPort: [String: Int] = [:]
            var byReader: [Int: Int] = [:]
        }
        private let state = Mutex(State())

        func add(_ reader: Int, _ port: String) {
            state.withLock {
                $0.byPort[port, default: 0] += 1
                $0.byReader[reader, default: 0] += 1
            }
        }
        func of(_ port: Int) -> Int { state.withLock { $0.byPort["\(port)", default: 0] } }
        var byReader: [Int: Int] { state.withLock { $0.byReader } }

        /// Waits until each reader has got some more.
        func allGoOn() async throws {
            let before = byReader
            try await eventually("each reader gets answers", within: .seconds(60)) {
                let now = byReader
                return before.allSatisfy { now[$0.key, default: 0] > $0.value + 5 }
            }
        }
    }

    /// Runs the load for as long as the body does.
    private func underLoad(
        _ setup: Setup, _ fault: Fault, _ what: String, _ body: (Answers) async throws -> Void
    ) async throws {
        let answers = Answers()
        let isOver = Flag()
        var load = FreshnessLoad(primaryPort: setup.cluster.port(of: 0)) { try setup.wire() }
        load.writers = 3
        load.readers = 15
        load.begins = ["BEGIN READ ONLY"]
        load.pause = 50...150
        load.answered = { answers.add($0, $1) }
        let running = load
        async let results = running.run(seconds: 900, on: running.board) { isOver.isSet }
        do {
            try await body(answers)
        } catch {
            isOver.set()
            _ = try? await results
            throw error
        }
        isOver.set()
        let result = try await results
        print("replicas, \(what): \(result.summary); \(result.reading.lateFailures) COMMITs failed")
        #expect(result.reading.failures == 0, "\(what): \(result.reading.firstFailure ?? "")")
        #expect(result.reading.stale == 0, "\(what)")
        #expect(result.reading.onReplicas > 0)
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
        func set() { value.store(true, ordering: .releasing) }
    }

    private static let pause = Duration.milliseconds(Int(TestLength.load * 1000 / 4))

    private func becomesUsed(_ answers: Answers, _ port: Int) async throws {
        let before = answers.of(port)
        try await eventually("port \(port) is read from", within: .seconds(120)) { answers.of(port) > before + 20 }
    }

    @Test("A replica goes under load: no read fails, none is stale, and it is used again", arguments: Fault.allCases)
    func one(_ fault: Fault) async throws {
        try await ProxyReplicaTests().withReplicas(
            setup: FreshnessLoadTables.setup(rows: 3), configure: { $0.suspension = .seconds(1) }
        ) { setup in
            let cluster = setup.cluster
            try await underLoad(setup, fault, fault.rawValue) { answers in
                for replica in [1, 2] {
                    try await becomesUsed(answers, cluster.port(of: replica))
                    try await fault.begin(cluster, replica)
                    try await Task.sleep(for: Self.pause)
                    try await answers.allGoOn()
                    try await fault.end(cluster, replica)
                    try await becomesUsed(answers, cluster.port(of: replica))
                }
            }
        }
    }

    @Test("Both replicas go at once: the primary answers", arguments: Fault.allCases)
    func both(_ fault: Fault) async throws {
        try await ProxyReplicaTests().withReplicas(
            setup: FreshnessLoadTables.setup(rows: 3), configure: { $0.suspension = .seconds(1) }
        ) { setup in
            let cluster = setup.cluster
            try await underLoad(setup, fault, "both \(fault.rawValue)") { answers in
                for replica in [1, 2] { try await becomesUsed(answers, cluster.port(of: replica)) }
                for replica in [1, 2] { try await fault.begin(cluster, replica) }
                try await answers.allGoOn()
                for replica in [1, 2] { try await fault.end(cluster, replica) }
                for replica in [1, 2] { try await becomesUsed(answers, cluster.port(of: replica)) }
            }
        }
    }
}
