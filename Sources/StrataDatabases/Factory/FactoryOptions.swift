/// How a factory uses its databases. Values out of their bounds are brought into them.
public struct FactoryOptions: Sendable {
    /// Connections of each pool (nil: the layout's `pool.size` of the database, else 10; 1 to 1,000). A process opens at
    /// most this many to each database, however many schemas live there, and as many for each URL that a schema has of its
    /// own.
    public var poolSize: Int?
    /// How long a use waits for a connection (nil: the layout's `pool.query_wait_timeout`, else 30 s; zero in the layout
    /// means an hour; 1 ms to 1 h). Waiting for a switch does not count.
    public var acquireTimeout: Duration?
    /// A connection older than this is closed when it comes back (nil: the layout's `pool.server_lifetime`, else 1 h).
    public var lifetime: Duration?
    /// A connection that nobody has wanted for so long is closed (nil: the layout's `pool.idle_timeout`, else 10 min).
    public var idleTimeout: Duration?
    /// How many uses may wait for a connection of one pool (default 10,000, at least 0).
    public var maxWaiting = 10_000
    /// How much longer than a switch allows itself new uses wait for word of its end (default 2 s, 0 to 60 s).
    public var holdGrace: Duration = .seconds(2)
    /// What `strata.followers` and `pg_stat_activity` call this process (default: the program's name; at most 63 bytes).
    public var name: String?
    /// Called for what an application may want to log, from any task; must return soon.
    public var onEvent: (@Sendable (FactoryEvent) -> Void)?

    public init() {}
}
