/// Whether a server may answer reads as a replica, from what samples and loops tell; no clock, no connection.
///
/// How a *disconnected* standby is noticed, which has replayed all that it received and looks healthy: its receiver is
/// gone (any role sees whether there is one). Where the network is cut without a word, the receiver notices only after
/// `wal_receiver_timeout` (60 s). Until then the primary's position runs ahead with the first write, the replica does
/// not follow, and it is lagging after `lagLimit`; tables written through the proxy are kept away from it at once, by
/// their marks. While nothing is written, it misses nothing.
struct ReplicaHealth: Equatable, Sendable {
    enum State: String, Equatable, Sendable {
        /// Not sampled yet.
        case unknown
        case healthy
        /// Further behind than `lagLimit`.
        case lagging
        /// No WAL receiver, although there is a primary.
        case disconnected
        /// The last sample failed.
        case failing
        /// The breaker is open.
        case suspended
        /// Not in recovery, and not the primary of this database.
        case promoted
        /// Not a copy of this database's primary, or on another timeline.
        case refused
    }

    /// What is known of the others when a sample arrives.
    struct Surroundings: Equatable, Sendable {
        /// Nil as long as no primary was seen.
        var systemIdentifier: String?
        var timeline: UInt32?
        var isPrimaryUp: Bool
        /// For how long the replica lacks a sampled position; 0 when it lacks none. Nanoseconds.
        var behind: UInt64
    }

    private(set) var state = State.unknown
    /// For people; empty where the state says it all.
    private(set) var reason = ""
    private(set) var breaker: Breaker
    /// Nanoseconds.
    let lagLimit: UInt64
    private var details: NodeDetails?

    init(_ settings: FreshnessSettings) {
        breaker = Breaker(limit: settings.failures, rest: settings.suspension)
        lagLimit = settings.lagLimit.nanoseconds
    }

    var isUsable: Bool { state == .healthy }

    mutating func sampled(_ sample: NodeSample, _ surroundings: Surroundings) {
        breaker.succeeded(.sampler)
        // A sample that was under way when the loops' failures opened it.
        if case .open = breaker.state { return }
        if let details = sample.details { self.details = details }
        (state, reason) = judge(sample, surroundings)
    }

    /// A sample failed, or a statement because of the server. `reason` has no secrets.
    mutating func failed(_ witness: Breaker.Witness, _ reason: String, at now: UInt64) {
        if breaker.failed(witness, at: now) {
            state = .suspended
            self.reason = reason
        } else if witness == .sampler, state != .suspended {
            state = .failing
            self.reason = reason
        }
    }

    mutating func succeededForLoops() { breaker.succeeded(.loops) }

    mutating func mayTry(at now: UInt64) -> UInt64? { breaker.mayTry(at: now) }

    private func judge(_ sample: NodeSample, _ around: Surroundings) -> (State, String) {
        guard let details else { return (.unknown, "") }
        if let known = around.systemIdentifier, known != details.systemIdentifier {
            return (
                .refused,
                "it belongs to another database cluster: its system identifier is \(details.systemIdentifier), that "
                    + "of the primary is \(known)"
            )
        }
        guard sample.isInRecovery else { return (.promoted, "it is not a standby any more") }
        if let known = around.timeline, known != details.timeline {
            return (.refused, Self.timelineReason(details, primary: known))
        }
        // Without a primary nobody has a receiver, and nobody falls behind.
        guard around.isPrimaryUp else { return (.healthy, "") }
        switch details.receiver {
        case .absent:
            return (.disconnected, "it has no connection to its primary")
        case .status(let status) where status != "streaming":
            return (.disconnected, "its WAL receiver is \(status)")
        case .hidden, .status: break
        }
        guard sample.position != nil else { return (.lagging, "it has replayed nothing yet") }
        guard around.behind <= lagLimit else {
            return (.lagging, "it lacks what the primary had \(around.behind / 1_000_000_000) s ago")
        }
        return (.healthy, "")
    }

    private static func timelineReason(_ details: NodeDetails, primary: UInt32) -> String {
        let text = "it is on timeline \(details.timeline), the primary on \(primary)"
        guard details.timeline < primary, details.receiver == .hidden else { return text }
        // What an ordinary role is told of the timeline is as old as the last restart point.
        return text + " (as far as this role can see; with pg_read_all_stats it would see more at once)"
    }
}
