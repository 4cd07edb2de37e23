/// What a node is to the proxy, and why.
package struct NodeState: Sendable, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable, Equatable {
        case primary
        /// Writes go to it, and it does not answer.
        case primaryDown = "primary down"
        /// A replica that is not sampled yet.
        case unknown
        /// A replica in use.
        case healthy
        case lagging, disconnected, failing, suspended, promoted, refused
    }

    package let kind: Kind
    /// For people, without secrets; may be empty.
    package let reason: String

    package var description: String { reason.isEmpty ? kind.rawValue : "\(kind.rawValue): \(reason)" }

    init(kind: Kind, reason: String) {
        self.kind = kind
        self.reason = reason
    }

    init(replica: ReplicaHealth) {
        kind =
            switch replica.state {
            case .unknown: .unknown
            case .healthy: .healthy
            case .lagging: .lagging
            case .disconnected: .disconnected
            case .failing: .failing
            case .suspended: .suspended
            case .promoted: .promoted
            case .refused: .refused
            }
        reason = replica.reason
    }
}

/// A node is something else now.
package struct NodeChange: Sendable, Equatable {
    package let index: Int
    package let node: String
    package let state: NodeState
}

/// A node as SHOW and the metrics print it.
package struct NodeStatus: Sendable, Equatable {
    package let name: String
    package let state: NodeState
    package let isUsable: Bool
    package let weight: Int
    /// Statements that run there.
    package let active: Int
    /// On the primary the end of its log, else what has been replayed; nil when unknown.
    package let position: WALPosition?
    /// Bytes of log between the newest sample of the primary and what has been replayed; nil when unknown.
    package let lagBytes: UInt64?
    /// How old what the replica has may be: 0 where it lacks nothing that was sampled; nil when unknown.
    package let lag: Duration?
}
