import Testing

@testable import Proxy

/// The state machines of one replica, without a server.
@Suite struct ReplicaHealthTests {
    private let settings = FreshnessSettings(lagLimit: .seconds(2), failures: 3, suspension: .seconds(30))
    private let second: UInt64 = 1_000_000_000

    @Test(
        "The receiver decides whether a replica is connected",
        arguments: [
            (WALReceiver.status("streaming"), ReplicaHealth.State.healthy), (.hidden, .healthy),
            (.absent, .disconnected), (.status("waiting"), .disconnected), (.status("stopping"), .disconnected),
        ])
    func receiver(_ receiver: WALReceiver, _ expected: ReplicaHealth.State) {
        var health = ReplicaHealth(settings)
        health.sampled(sample(receiver), around())
        #expect(health.state == expected)
        #expect(health.isUsable == (expected == .healthy))
        #expect(health.reason.isEmpty == (expected == .healthy))
    }

    @Test("Without a primary no replica has a receiver, and they stay in use")
    func primaryGone() {
        var health = ReplicaHealth(settings)
        health.sampled(sample(.absent), around(isPrimaryUp: false, behind: 60))
        #expect(health.state == .healthy)
        health.sampled(sample(.absent), around())
        #expect(health.state == .disconnected)
    }

    @Test("Lag counts beyond its limit, and ends when the replica has caught up")
    func lag() {
        var health = ReplicaHealth(settings)
        health.sampled(sample(.hidden), around(behind: 2))
        #expect(health.state == .healthy)
        health.sampled(sample(.hidden), around(behind: 3))
        #expect(health.state == .lagging)
        #expect(health.reason == "it lacks what the primary had 3 s ago")
        health.sampled(sample(nil), around())
        #expect(health.state == .healthy)
    }

    @Test("A replica that has replayed nothing is not in use")
    func nothingReplayed() {
        var health = ReplicaHealth(settings)
        var first = sample(.hidden)
        first.position = nil
        health.sampled(first, around())
        #expect(health.state == .lagging)
    }

    @Test("Another cluster is refused, with both identifiers")
    func foreign() {
        var health = ReplicaHealth(settings)
        var other = sample(.hidden)
        other.details?.systemIdentifier = "777"
        health.sampled(other, around())
        #expect(health.state == .refused)
        #expect(health.reason.contains("777") && health.reason.contains("42"))
    }

    @Test("A replica on another timeline than the primary is refused until it follows")
    func timeline() {
        var health = ReplicaHealth(settings)
        health.sampled(sample(.hidden), around(timeline: 2))
        #expect(health.state == .refused)
        #expect(health.reason.hasPrefix("it is on timeline 1, the primary on 2"))
        var following = sample(.hidden)
        following.details?.timeline = 2
        health.sampled(following, around(timeline: 2))
        #expect(health.state == .healthy)
    }

    @Test("A promoted replica is not in use as a replica")
    func promoted() {
        var health = ReplicaHealth(settings)
        health.sampled(sample(.hidden), around())
        var promoted = sample(nil)
        promoted.isInRecovery = false
        health.sampled(promoted, around())
        #expect(health.state == .promoted)
    }

    @Test("Nothing is known before the first details")
    func unknown() {
        var health = ReplicaHealth(settings)
        #expect(health.state == .unknown)
        #expect(!health.isUsable)
        health.sampled(sample(nil), around())
        #expect(health.state == .unknown)
    }

    @Test("One failed sample takes a replica out, one good sample brings it back")
    func failing() {
        var health = ReplicaHealth(settings)
        health.sampled(sample(.hidden), around())
        health.failed(.sampler, "connection refused", at: 0)
        #expect(health.state == .failing)
        #expect(health.reason == "connection refused")
        health.sampled(sample(.hidden), around())
        #expect(health.state == .healthy)
        #expect(health.breaker.samplerFailures == 0)
    }

    @Test("Three failures suspend for thirty seconds; the trial decides")
    func breaker() {
        var health = ReplicaHealth(settings)
        for turn in 1...3 {
            expectTry(&health, at: UInt64(turn), nil)
            health.failed(.sampler, "no answer", at: UInt64(turn))
        }
        #expect(health.state == .suspended)
        expectTry(&health, at: second, 3 + 30 * second)
        expectTry(&health, at: 3 + 30 * second, nil)
        #expect(health.breaker.state == .halfOpen)
        health.failed(.sampler, "no answer", at: 31 * second)
        #expect(health.state == .suspended)
        expectTry(&health, at: 32 * second, 61 * second)
        expectTry(&health, at: 61 * second, nil)
        health.sampled(sample(.hidden), around())
        #expect(health.state == .healthy)
        #expect(health.breaker == Breaker(limit: 3, rest: .seconds(30)))
    }

    @Test("What loops report suspends although samples succeed; a late sample does not end it")
    func loops() {
        var health = ReplicaHealth(settings)
        health.sampled(sample(.hidden), around())
        for turn in 1...2 {
            health.failed(.loops, "too many connections", at: UInt64(turn))
            #expect(health.state == .healthy)
            health.sampled(sample(nil), around())
        }
        health.failed(.loops, "too many connections", at: 3)
        #expect(health.state == .suspended)
        health.sampled(sample(nil), around())
        #expect(health.state == .suspended)
        health.failed(.sampler, "another reason", at: 4)
        #expect(health.reason == "too many connections")
    }

    @Test("A success in between starts the count anew")
    func success() {
        var health = ReplicaHealth(settings)
        health.sampled(sample(.hidden), around())
        for turn in 1...10 {
            health.failed(.loops, "reset by peer", at: UInt64(turn))
            health.succeededForLoops()
        }
        #expect(health.state == .healthy)
    }

    @Test("Loops do not take part in the trial")
    func trial() {
        var breaker = Breaker(limit: 1, rest: .seconds(1))
        let opened = breaker.failed(.sampler, at: 0)
        #expect(opened)
        let rest = breaker.mayTry(at: second)
        #expect(rest == nil)
        let openedAgain = breaker.failed(.loops, at: second)
        #expect(!openedAgain)
        breaker.succeeded(.loops)
        #expect(breaker.state == .halfOpen)
    }

    private func expectTry(
        _ health: inout ReplicaHealth, at now: UInt64, _ expected: UInt64?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let rest = health.mayTry(at: now)
        #expect(rest == expected, sourceLocation: sourceLocation)
    }

    private func sample(_ receiver: WALReceiver?) -> NodeSample {
        NodeSample(
            isInRecovery: true, position: WALPosition(bytes: 100),
            details: receiver.map { NodeDetails(systemIdentifier: "42", timeline: 1, receiver: $0) })
    }

    private func around(
        timeline: UInt32 = 1, isPrimaryUp: Bool = true, behind: UInt64 = 0
    ) -> ReplicaHealth.Surroundings {
        ReplicaHealth.Surroundings(
            systemIdentifier: "42", timeline: timeline, isPrimaryUp: isPrimaryUp, behind: behind * second)
    }
}
