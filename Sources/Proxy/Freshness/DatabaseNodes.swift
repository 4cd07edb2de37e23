package import PostgresDriver
import Synchronization

/// The primary and the replicas of one database: who is in use, who is how fresh, who is least busy. Loops ask and
/// report from any thread; ``run()`` watches the servers. Nodes are numbered: 0 is the configured primary.
package final class DatabaseNodes: Sendable {
    package let freshness = Freshness()
    package let settings: FreshnessSettings
    let nodes: [DatabaseNode]
    private let view: Mutex<ClusterView>
    private let primaryIndex = Atomic<Int>(0)
    private let turn = Atomic<Int>(0)
    private let onChange: @Sendable (NodeChange) -> Void

    /// - Parameter onChange: called once when a node has become something else (to log it, or to move statements that
    ///   wait for a node that is gone), on the monitor's or a loop's thread: must return soon.
    package init(
        primary: NodeDescription, replicas: [NodeDescription], settings: FreshnessSettings = FreshnessSettings(),
        onChange: @escaping @Sendable (NodeChange) -> Void = { _ in }
    ) {
        self.settings = settings
        self.onChange = onChange
        nodes = ([primary] + replicas).map(DatabaseNode.init)
        view = Mutex(ClusterView(names: nodes.map(\.description.name), settings: settings))
    }

    package var count: Int { nodes.count }
    package func name(of node: Int) -> String { nodes[node].description.name }
    package func connectionSettings(of node: Int) -> ConnectionSettings { nodes[node].description.settings }

    /// - Parameter weight: taken to the nearest of 1 to 1000.
    func setWeight(_ weight: Int, of node: Int) {
        nodes[node].weight.store(min(max(weight, 1), 1000), ordering: .relaxed)
    }

    // MARK: For the loops, lock-free

    /// The node that writes go to; ``isUsable(_:)`` says whether it answers.
    package var primary: Int { primaryIndex.load(ordering: .acquiring) }

    package func isUsable(_ node: Int) -> Bool { nodes[node].isUsable.load(ordering: .acquiring) }

    /// Whether a replica has everything up to a tick.
    package func isFresh(_ node: Int, for tick: UInt64) -> Bool { nodes[node].has(tick) }

    /// Whether a replica has everything that the primary had that long ago. Reads the clock.
    package func isWithin(_ bound: Duration, replica node: Int) -> Bool {
        nodes[node].isWithin(bound.nanoseconds, at: MonotonicTime.now)
    }

    /// Call around each statement that runs on a node.
    package func began(_ node: Int) { nodes[node].active.wrappingAdd(1, ordering: .relaxed) }
    package func ended(_ node: Int) { nodes[node].active.wrappingSubtract(1, ordering: .relaxed) }

    /// Call when a new server connection to a replica is ready, before it is used: nothing is taken for fresh there
    /// until the next sample, which begins at once. Then ask ``isFresh(_:for:)`` again.
    package func didConnect(to node: Int) { nodes[node].holdUntilNextSample() }

    /// One atomic read unless failures were reported before.
    package func reportSuccess(_ node: Int) {
        guard nodes[node].reported.load(ordering: .relaxed) != 0 else { return }
        nodes[node].reported.store(0, ordering: .relaxed)
        view.withLock { $0.succeededForLoops(node) }
    }

    // MARK: Events

    /// A connection to the node was refused or broke, or a statement hung. Takes a lock: not on the path of a statement
    /// that succeeds. The monitor looks at the node at once, and until then nothing is taken for fresh there.
    /// - Parameter reason: for people, without secrets.
    package func reportFailure(_ node: Int, reason: String) {
        nodes[node].reported.wrappingAdd(1, ordering: .relaxed)
        tell { $0.failed(node, reason, .loops, now: MonotonicTime.now) }
        if node == primary { freshness.want(freshness.now()) } else { nodes[node].holdUntilNextSample() }
    }

    func sampled(_ node: Int, _ sample: NodeSample, tick: UInt64?, began: UInt64) {
        tell { $0.sampled(node, sample, tick: tick, began: began, now: MonotonicTime.now) }
    }

    func failed(_ node: Int, _ reason: String) {
        tell { $0.failed(node, reason, now: MonotonicTime.now) }
    }

    /// - Returns: nil when the node may be sampled now, else the nanosecond from when on.
    func mayTry(_ node: Int, at now: UInt64) -> UInt64? { view.withLock { $0.mayTry(node, at: now) } }

    /// The newest tick that has a position; 0 for none.
    var newestTick: UInt64 { view.withLock { $0.positions.newest?.tick ?? 0 } }

    private func tell(_ event: (inout ClusterView) -> ClusterView.Outcome) {
        let before = primary
        let outcome = view.withLock { view in
            let outcome = event(&view)
            publish(view)
            return outcome
        }
        if outcome.isVoid { freshness.forgetSamples() }
        if primary != before {
            // Whoever waits now waits for the wrong thing.
            freshness.wanted.call()
            for node in nodes { node.signal.call() }
        }
        for change in outcome.changes { onChange(change) }
    }

    /// With the lock, so that two events do not publish in the wrong order.
    private func publish(_ view: borrowing ClusterView) {
        for (index, node) in nodes.enumerated() {
            let usable = view.isUsable(index)
            // First what takes away, last what gives.
            if !usable { node.isUsable.store(false, ordering: .releasing) }
            let covered = view.covered(index)
            node.replayedTick.store(covered?.tick ?? 0, ordering: .releasing)
            node.coveredSince.store(covered?.began ?? 0, ordering: .releasing)
            if usable { node.isUsable.store(true, ordering: .releasing) }
        }
        primaryIndex.store(view.primary, ordering: .releasing)
    }

    // MARK: For people

    package func status() -> [NodeStatus] {
        let now = MonotonicTime.now
        return view.withLock { view in
            nodes.indices.map { index in
                let covered = view.covered(index)
                let position = view.nodes[index].sample?.position
                let newest = view.positions.newest?.position
                let isPrimary = index == view.primary
                let missing = position.flatMap { view.positions.missing(at: $0) }
                let lag = covered.map { missing == nil || now < $0.began ? 0 : now - $0.began }
                return NodeStatus(
                    name: name(of: index), state: view.state(index), isUsable: view.isUsable(index),
                    weight: nodes[index].weight.load(ordering: .relaxed),
                    active: nodes[index].active.load(ordering: .relaxed),
                    position: position,
                    lagBytes: isPrimary ? nil : Self.distance(from: position, to: newest),
                    lag: isPrimary ? nil : lag.map { .nanoseconds($0) })
            }
        }
    }

    private static func distance(from replayed: WALPosition?, to newest: WALPosition?) -> UInt64? {
        guard let replayed, let newest else { return nil }
        return newest > replayed ? newest.bytes - replayed.bytes : 0
    }

    /// Where the next choice among equals begins.
    func nextTurn() -> Int { turn.wrappingAdd(1, ordering: .relaxed).oldValue & 0xFFFF }
}
