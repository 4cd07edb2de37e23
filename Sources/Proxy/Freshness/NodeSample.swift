/// What one question to a server told.
struct NodeSample: Equatable, Sendable {
    /// A standby. False on a primary, and on a standby from the moment it is promoted.
    var isInRecovery: Bool
    /// In recovery what has been replayed (nil: nothing yet), else the end of the last record written.
    var position: WALPosition?
    /// Asked for on each new connection and at each heartbeat; nil at the samples between.
    var details: NodeDetails?
}

/// What does not change from one sample to the next.
struct NodeDetails: Equatable, Sendable {
    /// Of `pg_control_system()`: the same on a primary and all that was ever copied from it.
    var systemIdentifier: String
    /// Raised by each promotion. On a standby the newest that it is known to follow.
    var timeline: UInt32
    var receiver: WALReceiver
    /// As `server_version_num`.
    var version = 0
}

/// The process of a standby that fetches the log.
enum WALReceiver: Equatable, Sendable {
    /// There is none, or it has no connection.
    case absent
    /// It is connected. An ordinary role sees that much in `pg_stat_wal_receiver`, and all else only with the rights
    /// of `pg_read_all_stats`.
    case hidden
    /// Its status, such as `streaming`.
    case status(String)
}
