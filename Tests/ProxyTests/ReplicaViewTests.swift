import Testing

@testable import Proxy

/// The primary and its replicas as one state machine: ticks, failover, the place of the primary.
@Suite struct ReplicaViewTests {
    private var view = ClusterView(names: ["p", "r1", "r2"], settings: FreshnessSettings(lagLimit: .seconds(2)))

    @Test("A replica covers the samples whose positions it has replayed")
    mutating func ticks() {
        sample(0, primary: 100, tick: 1)
        #expect(view.covered(1) == nil)
        sample(1, replayed: 99)
        #expect(view.covered(1) == nil)
        sample(1, replayed: 100)
        #expect(view.covered(1)?.tick == 1)
        sample(0, primary: 100, tick: 2)
        #expect(view.covered(1)?.tick == 2, "nothing was written in between, so there is nothing to ask the replica")
        sample(0, primary: 101, tick: 3)
        #expect(view.covered(1)?.tick == 2)
    }

    @Test("A failed sample takes away what was known")
    mutating func failed() {
        sample(0, primary: 100, tick: 1)
        sample(1, replayed: 100)
        #expect(view.isUsable(1))
        let outcome = view.failed(1, "refused", now: 0)
        #expect(outcome.changes.map(\.state.kind) == [.failing])
        #expect(view.covered(1) == nil)
        #expect(!view.isUsable(1))
    }

    @Test("A change is told once, not at every sample")
    mutating func changes() {
        let up = sample(0, primary: 100, tick: 1)
        #expect(up.changes.map(\.state.kind) == [.primary])
        let first = sample(1, replayed: 100)
        #expect(first.changes.map(\.node) == ["r1"])
        let second = sample(1, replayed: 100)
        #expect(second.changes.isEmpty)
        for turn in 0..<5 {
            let outcome = view.failed(0, "no answer", now: UInt64(turn))
            #expect(outcome.changes.count == (turn == 0 ? 1 : 0))
        }
    }

    @Test("Lag begins when the replica's first missing position was sampled")
    mutating func lag() {
        sample(0, primary: 100, tick: 1, at: 0)
        sample(0, primary: 200, tick: 2, at: 1)
        sample(0, primary: 200, tick: 3, at: 9)
        sample(1, replayed: 100, at: 3)
        #expect(view.isUsable(1))
        sample(1, replayed: 100, at: 4)
        #expect(view.state(1).kind == .lagging)
        sample(1, replayed: 200, at: 10)
        #expect(view.isUsable(1))
    }

    @Test("A disconnected replica on an idle primary has missed nothing; with the first write it falls behind")
    mutating func idle() {
        sample(0, primary: 100, tick: 1, at: 0)
        sample(1, replayed: 100, at: 0)
        sample(0, primary: 100, tick: 2, at: 50)
        sample(1, replayed: 100, at: 60, .hidden)
        #expect(view.isUsable(1))
        #expect(view.covered(1)?.tick == 2)
        sample(0, primary: 108, tick: 3, at: 61)
        sample(1, replayed: 100, at: 64, .hidden)
        #expect(view.state(1).kind == .lagging)
    }

    @Test("With the primary gone, replicas stay in use with what they are known to have")
    mutating func primaryGone() {
        sample(0, primary: 100, tick: 1)
        sample(1, replayed: 100)
        _ = view.failed(0, "connection refused", now: 1)
        #expect(view.state(0) == NodeState(kind: .primaryDown, reason: "connection refused"))
        sample(1, replayed: 100, at: 100, .absent)
        #expect(view.isUsable(1))
        #expect(view.covered(1)?.tick == 1)
        #expect(view.primary == 0)
        sample(0, primary: 100, tick: 2)
        sample(1, replayed: 100, at: 100, .absent)
        #expect(view.state(1).kind == .disconnected)
    }

    @Test("A promoted replica becomes the primary once the primary is gone, and all ticks are void")
    mutating func promotion() {
        sample(0, primary: 100, tick: 1)
        sample(1, replayed: 100)
        sample(2, replayed: 100)
        let early = sample(1, primary: 120, tick: nil, timeline: 2)
        #expect(view.state(1).kind == .promoted)
        #expect(view.primary == 0 && !early.isVoid, "two primaries: the one that is there stays")
        let outcome = view.failed(0, "gone", now: 5)
        #expect(outcome.isVoid)
        #expect(view.primary == 1)
        #expect(view.isPrimaryUp)
        #expect(view.covered(2) == nil)
        sample(1, primary: 130, tick: 7, timeline: 2)
        sample(2, replayed: 140)
        #expect(view.state(2).kind == .refused, "it may have what the new primary never had")
        sample(2, replayed: 140, timeline: 2)
        #expect(view.isUsable(2))
        #expect(view.covered(2)?.tick == 7)
        sample(0, primary: 200, tick: nil)
        #expect(view.state(0).kind == .promoted, "the old primary is not used again")
        #expect(view.primary == 1)
    }

    @Test("A promotion that is seen after the primary has gone")
    mutating func laterPromotion() {
        sample(0, primary: 100, tick: 1)
        sample(1, replayed: 100)
        _ = view.failed(0, "gone", now: 1)
        #expect(view.primary == 0)
        let stranger = sample(2, primary: 999, tick: nil, timeline: 9, identity: "other")
        #expect(view.primary == 0 && !stranger.isVoid)
        #expect(view.state(2).kind == .refused)
        let outcome = sample(1, primary: 120, tick: nil, timeline: 2)
        #expect(view.primary == 1)
        #expect(outcome.isVoid)
    }

    @Test("At the start the configured primary is asked first; of several others the newest timeline counts")
    mutating func start() {
        sample(1, primary: 100, tick: nil, timeline: 2)
        #expect(view.primary == 0)
        sample(2, primary: 100, tick: nil, timeline: 3)
        _ = view.failed(0, "refused", now: 1)
        #expect(view.primary == 2)
        #expect(view.state(1).kind == .promoted)
    }

    @Test("A configured primary that is a standby is one")
    mutating func switched() {
        sample(0, replayed: 100)
        #expect(view.state(0).kind == .primaryDown)
        sample(1, primary: 150, tick: nil, timeline: 2)
        #expect(view.primary == 1)
        sample(0, replayed: 150, timeline: 2)
        #expect(view.isUsable(0))
        #expect(view.state(0).kind == .healthy)
    }

    @Test("The same primary on another timeline, or with less of a log, makes all ticks void")
    mutating func otherHistory() {
        let first = sample(0, primary: 100, tick: 1)
        #expect(!first.isVoid)
        sample(1, replayed: 100)
        let shorter = sample(0, primary: 90, tick: 2)
        #expect(shorter.isVoid)
        #expect(view.covered(1) == nil)
        sample(0, primary: 95, tick: 3)
        let other = sample(0, primary: 99, tick: 4, timeline: 2)
        #expect(other.isVoid)
        let former = sample(0, primary: 200, tick: 5)
        #expect(!former.isVoid)
        #expect(view.state(0).kind == .primaryDown, "timeline 1 after 2 is a primary of former times")
    }

    // MARK: Events

    private let second: UInt64 = 1_000_000_000

    @discardableResult
    private mutating func sample(
        _ index: Int, primary position: UInt64, tick: UInt64?, timeline: UInt32 = 1, identity: String = "42",
        at time: UInt64 = 0
    ) -> ClusterView.Outcome {
        let details = NodeDetails(systemIdentifier: identity, timeline: timeline, receiver: .absent)
        let sample = NodeSample(isInRecovery: false, position: WALPosition(bytes: position), details: details)
        return view.sampled(index, sample, tick: tick, began: time * second, now: time * second)
    }

    @discardableResult
    private mutating func sample(
        _ index: Int, replayed position: UInt64, timeline: UInt32 = 1, at time: UInt64 = 0,
        _ receiver: WALReceiver = .status("streaming")
    ) -> ClusterView.Outcome {
        let details = NodeDetails(systemIdentifier: "42", timeline: timeline, receiver: receiver)
        let sample = NodeSample(isInRecovery: true, position: WALPosition(bytes: position), details: details)
        return view.sampled(index, sample, began: time * second, now: time * second)
    }
}
