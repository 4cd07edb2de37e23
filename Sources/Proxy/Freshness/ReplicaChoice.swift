import Synchronization

/// Where a read may go.
package enum ReplicaChoice: Equatable, Sendable {
    /// That node.
    case replica(Int)
    /// Replicas are in use, and each would give an answer older than is allowed. The primary has it now; a replica will
    /// after the next sample, which has been asked for, and its lag.
    case stale
    /// No replica is in use.
    case none
}

extension DatabaseNodes {
    /// The least busy replica (statements per weight) that is fresh enough; among equals they take turns.
    ///
    /// With the primary gone, a read of tables not written since its last sample still finds a replica. One of tables
    /// written since gets `.stale` for as long as there is no primary, because no replica is known to have that write:
    /// it waits or fails, rather than to be wrong.
    ///
    /// - Parameters:
    ///   - required: of ``Freshness/required(reads:anything:)``, and the client's own mark under `session`.
    ///   - preferred: the replica that the client read from last. It is kept while it is fresh enough, because a later
    ///     read there cannot be older than an earlier one.
    ///   - mark: ``Freshness/now()`` when the client read last: what any other replica must have.
    ///   - bound: of `at_most`.
    package func chooseReplica(
        required: UInt64, preferred: Int? = nil, mark: UInt64 = 0, within bound: Duration? = nil
    ) -> ReplicaChoice {
        let now = bound == nil ? 0 : MonotonicTime.now
        let limit = bound?.nanoseconds
        let primary = primary
        if let preferred, preferred != primary, isUsable(preferred), nodes[preferred].has(required),
            limit.map({ nodes[preferred].isWithin($0, at: now) }) ?? true
        {
            return .replica(preferred)
        }
        let needed = max(required, mark)
        var best: (index: Int, active: Int, weight: Int)?
        var isAnyUsable = false
        let others = nodes.count - 1
        let first = others > 1 ? nextTurn() : 0
        for step in 0..<others {
            // All but the primary, which would otherwise give its turn to whoever comes behind it.
            let index = (primary + 1 + (first + step) % others) % nodes.count
            guard isUsable(index) else { continue }
            isAnyUsable = true
            let node = nodes[index]
            guard node.has(needed), limit.map({ node.isWithin($0, at: now) }) ?? true else { continue }
            let (active, weight) = (node.active.load(ordering: .relaxed), node.weight.load(ordering: .relaxed))
            // active/weight < best.active/best.weight, without a division; one more, so that weights count at rest.
            if let best, (active + 1) * best.weight >= (best.active + 1) * weight { continue }
            best = (index, active, weight)
        }
        if let best { return .replica(best.index) }
        guard isAnyUsable else { return .none }
        freshness.want(needed)
        return .stale
    }
}
