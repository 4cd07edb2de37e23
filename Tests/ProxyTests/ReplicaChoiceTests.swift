import PostgresDriver
import Synchronization
import Testing

@testable import Proxy

/// Which replica a read goes to.
@Suite struct ReplicaChoiceTests {
    @Test("No replica in use and no replica fresh enough are told apart")
    func answers() throws {
        let nodes = try nodes()
        #expect(nodes.chooseReplica(required: 1) == .none)
        primary(nodes, 100)
        replica(nodes, 1, 100)
        #expect(nodes.chooseReplica(required: 1) == .replica(1))
        let mark = nodes.freshness.noteWrite(slots: [3])
        let required = nodes.freshness.required(reads: [3])
        #expect(required == mark)
        #expect(nodes.chooseReplica(required: required) == .stale)
        #expect(nodes.chooseReplica(required: nodes.freshness.required(reads: [4])) == .replica(1))
        primary(nodes, 110)
        #expect(nodes.chooseReplica(required: required) == .stale)
        replica(nodes, 1, 110)
        #expect(nodes.chooseReplica(required: required) == .replica(1))
        nodes.failed(1, "refused")
        #expect(nodes.chooseReplica(required: 0) == .none)
    }

    @Test("A read that finds no fresh replica has the position sampled")
    func wants() throws {
        let nodes = try nodes()
        primary(nodes, 100)
        replica(nodes, 1, 100)
        #expect(!nodes.freshness.isSampleWanted)
        #expect(nodes.chooseReplica(required: nodes.freshness.now()) == .stale)
        #expect(nodes.freshness.isSampleWanted)
    }

    @Test("S4.59 The least busy by weight; equals take turns")
    func balance() throws {
        let nodes = try nodes(weights: [1, 3])
        primary(nodes, 100)
        for index in 1...2 { replica(nodes, index, 100) }
        var counts = [0, 0, 0]
        for _ in 0..<40 {
            guard case .replica(let index) = nodes.chooseReplica(required: 1) else { continue }
            nodes.began(index)
            counts[index] += 1
        }
        #expect(counts == [0, 10, 30])
        for _ in 0..<30 { nodes.ended(2) }
        #expect(nodes.chooseReplica(required: 1) == .replica(2))

        let equal = try self.nodes(weights: [1, 1, 1])
        primary(equal, 100)
        for index in 1...3 { replica(equal, index, 100) }
        var turns = [0, 0, 0, 0]
        for _ in 0..<30 {
            if case .replica(let index) = equal.chooseReplica(required: 1) { turns[index] += 1 }
        }
        #expect(turns == [0, 10, 10, 10])
    }

    @Test("A client stays where it reads; elsewhere it needs what it may have seen")
    func monotonic() throws {
        let nodes = try nodes(weights: [1, 1])
        primary(nodes, 100)
        for index in 1...2 { replica(nodes, index, 100) }
        for _ in 0..<9 { nodes.began(1) }
        #expect(nodes.chooseReplica(required: 1, preferred: 1, mark: 1) == .replica(1))
        let mark = nodes.freshness.now()
        #expect(nodes.chooseReplica(required: 1, preferred: 1, mark: mark) == .replica(1))
        nodes.failed(1, "gone")
        #expect(nodes.chooseReplica(required: 1, preferred: 1, mark: mark) == .stale)
        primary(nodes, 100)
        #expect(nodes.chooseReplica(required: 1, preferred: 1, mark: mark) == .replica(2))
    }

    @Test("at_most: what a replica has must have been sampled within the bound")
    func bound() throws {
        let nodes = try nodes()
        let began = MonotonicTime.now
        primary(nodes, 100, began: began - 3_000_000_000)
        replica(nodes, 1, 100)
        #expect(nodes.isWithin(.seconds(60), replica: 1))
        #expect(!nodes.isWithin(.seconds(2), replica: 1))
        #expect(nodes.chooseReplica(required: 0, within: .seconds(60)) == .replica(1))
        #expect(nodes.chooseReplica(required: 0, within: .seconds(2)) == .stale)
        primary(nodes, 200, began: began)
        #expect(!nodes.isWithin(.seconds(2), replica: 1))
        replica(nodes, 1, 200)
        #expect(nodes.isWithin(.seconds(60), replica: 1))
    }

    @Test("A new connection may lead to a server that came back older: nothing is fresh there before the next sample")
    func newConnection() throws {
        let nodes = try nodes()
        primary(nodes, 100)
        replica(nodes, 1, 100)
        let underWay = nodes.nodes[1].beginSample()
        nodes.didConnect(to: 1)
        #expect(nodes.chooseReplica(required: 1) == .stale)
        #expect(!nodes.isFresh(1, for: 1))
        nodes.nodes[1].endSample(underWay)
        #expect(!nodes.isFresh(1, for: 1), "that sample began before the connection")
        replica(nodes, 1, 100)
        #expect(nodes.isFresh(1, for: 1))
    }

    @Test("Three failures that loops report suspend a replica, whatever samples say")
    func failures() throws {
        let nodes = try nodes()
        primary(nodes, 100)
        replica(nodes, 1, 100)
        nodes.reportFailure(1, reason: "reset by peer")
        nodes.reportSuccess(1)
        for _ in 0..<2 { nodes.reportFailure(1, reason: "reset by peer") }
        replica(nodes, 1, 100)
        #expect(nodes.isUsable(1))
        nodes.reportFailure(1, reason: "reset by peer")
        #expect(!nodes.isUsable(1))
        replica(nodes, 1, 100)
        #expect(!nodes.isUsable(1))
        #expect(nodes.status()[1].state.description == "suspended: reset by peer")
    }

    @Test("The status shows lag in bytes and time")
    func status() throws {
        let nodes = try nodes()
        #expect(nodes.status()[1].lag == nil)
        primary(nodes, 100)
        replica(nodes, 1, 100)
        #expect(nodes.status()[1].lag == .zero)
        primary(nodes, 160)
        nodes.began(1)
        let status = nodes.status()[1]
        #expect(status.lagBytes == 60)
        #expect(try #require(status.lag) > .zero)
        #expect(status.active == 1)
        #expect(nodes.status()[0].state.kind == .primary)
        #expect(nodes.status()[0].position == WALPosition(bytes: 160))
    }

    // MARK: Nodes

    private func nodes(weights: [Int] = [1]) throws -> DatabaseNodes {
        let settings = try ConnectionSettings("host=127.0.0.1 port=1")
        return DatabaseNodes(
            primary: NodeDescription(name: "p", settings: settings),
            replicas: weights.enumerated().map { index, weight in
                NodeDescription(name: "r\(index + 1)", settings: settings, weight: weight)
            })
    }

    private func primary(_ nodes: DatabaseNodes, _ position: UInt64, began: UInt64 = MonotonicTime.now) {
        let details = NodeDetails(systemIdentifier: "42", timeline: 1, receiver: .absent)
        nodes.sampled(
            0, NodeSample(isInRecovery: false, position: WALPosition(bytes: position), details: details),
            tick: nodes.freshness.beginSample(), began: began)
    }

    private func replica(_ nodes: DatabaseNodes, _ index: Int, _ position: UInt64) {
        let number = nodes.nodes[index].beginSample()
        let details = NodeDetails(systemIdentifier: "42", timeline: 1, receiver: .status("streaming"))
        nodes.sampled(
            index, NodeSample(isInRecovery: true, position: WALPosition(bytes: position), details: details),
            tick: nil, began: MonotonicTime.now)
        nodes.nodes[index].endSample(number)
    }
}
