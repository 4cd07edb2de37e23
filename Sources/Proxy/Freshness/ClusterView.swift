/// What is known of a primary and its replicas: a state machine that samples go into, and ticks, states and the place
/// of the primary come out of. No clock, no connection.
///
/// One node is the primary: the configured one, until it is gone and another one of the same database has been promoted
/// (which its higher timeline proves). A node that comes back as what it was before is not used for writes again.
struct ClusterView: Sendable {
    struct Node: Sendable {
        let name: String
        var health: ReplicaHealth
        /// The last sample, unless it failed.
        var sample: NodeSample?
        var details: NodeDetails?
        /// As the primary: why it is not there.
        var failure: String? = Self.untried

        static let untried = "not reached yet"
    }

    /// What events change beyond the numbers.
    struct Outcome: Equatable, Sendable {
        /// Positions sampled before mean nothing any more.
        var isVoid = false
        var changes: [NodeChange] = []
    }

    private(set) var nodes: [Node]
    /// The node that writes go to, whether or not it is there.
    private(set) var primary = 0
    private(set) var positions = SampledPositions()
    private(set) var systemIdentifier: String?
    private(set) var timeline: UInt32?
    private let settings: FreshnessSettings

    /// The first name is the configured primary's.
    init(names: [String], settings: FreshnessSettings) {
        precondition(!names.isEmpty, "a database has a primary")
        self.settings = settings
        nodes = names.map { Node(name: $0, health: ReplicaHealth(settings)) }
    }

    var isPrimaryUp: Bool { nodes[primary].failure == nil }

    // MARK: Events

    /// - Parameters:
    ///   - tick: of ``Freshness/beginSample()``, for the node that was the primary when the sample began.
    ///   - began: nanoseconds.
    mutating func sampled(
        _ index: Int, _ sample: NodeSample, tick: UInt64? = nil, began: UInt64, now: UInt64
    ) -> Outcome {
        following { view, outcome in
            view.nodes[index].sample = sample
            if let details = sample.details { view.nodes[index].details = details }
            if index == view.primary {
                view.primarySampled(sample, tick, began, &outcome)
            } else {
                view.nodes[index].health.sampled(sample, view.surroundings(index, now))
            }
            view.elect(&outcome)
        }
    }

    mutating func failed(_ index: Int, _ reason: String, _ witness: Breaker.Witness = .sampler, now: UInt64) -> Outcome
    {
        following { view, outcome in
            if index != view.primary {
                view.nodes[index].health.failed(witness, reason, at: now)
                // Where the sampler still gets answers, the node stays known.
                if witness == .sampler { view.nodes[index].sample = nil }
            } else if witness == .sampler {
                view.nodes[index].sample = nil
                view.nodes[index].failure = reason
                view.elect(&outcome)
            }
        }
    }

    mutating func succeededForLoops(_ index: Int) { nodes[index].health.succeededForLoops() }

    /// - Returns: nil when the node may be sampled now, else the nanosecond from when on.
    mutating func mayTry(_ index: Int, at now: UInt64) -> UInt64? {
        index == primary ? nil : nodes[index].health.mayTry(at: now)
    }

    // MARK: Answers

    /// The newest sample of the primary that the node has all of.
    func covered(_ index: Int) -> SampledPositions.Entry? {
        guard let sample = nodes[index].sample, sample.isInRecovery, let position = sample.position else { return nil }
        return positions.covered(by: position)
    }

    func isUsable(_ index: Int) -> Bool { index == primary ? isPrimaryUp : nodes[index].health.isUsable }

    func state(_ index: Int) -> NodeState {
        let node = nodes[index]
        guard index == primary else { return NodeState(replica: node.health) }
        if let failure = node.failure { return NodeState(kind: .primaryDown, reason: failure) }
        return NodeState(kind: .primary, reason: "")
    }

    // MARK: The primary

    private mutating func primarySampled(
        _ sample: NodeSample, _ tick: UInt64?, _ began: UInt64, _ outcome: inout Outcome
    ) {
        guard !sample.isInRecovery else {
            nodes[primary].failure = "it is a standby"
            return
        }
        if let details = sample.details, !accept(details, &outcome) { return }
        nodes[primary].failure = nil
        guard let tick, let position = sample.position else { return }
        if !positions.add(tick: tick, position: position, began: began) { void(&outcome) }
    }

    /// - Returns: false for a primary of earlier times.
    private mutating func accept(_ details: NodeDetails, _ outcome: inout Outcome) -> Bool {
        if details.systemIdentifier == systemIdentifier, let timeline, details.timeline < timeline {
            nodes[primary].failure =
                "it is on timeline \(details.timeline), and timeline \(timeline) has been seen: an earlier primary"
            return false
        }
        let isOther = details.systemIdentifier != systemIdentifier || details.timeline != timeline
        // At the first sight of a primary there is nothing yet to declare void.
        if isOther, systemIdentifier != nil { void(&outcome) }
        systemIdentifier = details.systemIdentifier
        timeline = details.timeline
        return true
    }

    private mutating func void(_ outcome: inout Outcome) {
        positions.removeAll()
        outcome.isVoid = true
    }

    /// Without a primary, the promoted node with the highest timeline becomes it.
    private mutating func elect(_ outcome: inout Outcome) {
        guard !isPrimaryUp, nodes[primary].failure != Node.untried else { return }
        let candidates = nodes.indices.filter { index in
            let node = nodes[index]
            guard index != primary, node.sample?.isInRecovery == false, let details = node.details else { return false }
            guard let systemIdentifier, let timeline else { return true }
            return details.systemIdentifier == systemIdentifier && details.timeline > timeline
        }
        guard let best = candidates.max(by: { timeline(of: $0) < timeline(of: $1) }) else { return }
        nodes[primary].health = ReplicaHealth(settings)
        primary = best
        nodes[best].failure = nil
        systemIdentifier = nodes[best].details?.systemIdentifier
        timeline = nodes[best].details?.timeline
        void(&outcome)
    }

    private func timeline(of index: Int) -> UInt32 { nodes[index].details?.timeline ?? 0 }

    // MARK: Consequences

    private func surroundings(_ index: Int, _ now: UInt64) -> ReplicaHealth.Surroundings {
        let missing = nodes[index].sample?.position.flatMap { positions.missing(at: $0) }
        return ReplicaHealth.Surroundings(
            systemIdentifier: systemIdentifier, timeline: timeline, isPrimaryUp: isPrimaryUp,
            behind: missing.map { now > $0.firstBegan ? now - $0.firstBegan : 0 } ?? 0)
    }

    private mutating func following(_ event: (inout ClusterView, inout Outcome) -> Void) -> Outcome {
        let before = nodes.indices.map { state($0) }
        var outcome = Outcome()
        event(&self, &outcome)
        for index in nodes.indices {
            let after = state(index)
            // The reason may hold figures that differ each time.
            if after.kind != before[index].kind {
                outcome.changes.append(NodeChange(index: index, node: nodes[index].name, state: after))
            }
        }
        return outcome
    }
}
