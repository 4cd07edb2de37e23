/// When definitions that have changed are worth reading. Pure; times are `MonotonicTime`.
///
/// A snapshot keeps VACUUM, in its whole database, from removing what died since and from marking as visible what was
/// written since. So the statements of a migration are read together, and not each on its own.
struct CatalogPace {
    /// Without a change for this long, they are read.
    static let quiet = Duration.milliseconds(100)
    /// After the first change they are read at the latest, however many follow.
    static let longest = Duration.seconds(1)

    private let start: UInt64
    private var changes: UInt64
    private var changedAt: UInt64

    /// - Parameter changes: how many there have been.
    init(now: UInt64, changes: UInt64) {
        start = now
        changedAt = now
        self.changes = changes
    }

    /// - Parameter isWanted: somebody waits for it, or goes to the primary until it is read.
    mutating func isDue(now: UInt64, changes: UInt64, isWanted: Bool) -> Bool {
        if changes != self.changes {
            self.changes = changes
            changedAt = now
        }
        return isWanted || now >= changedAt + Self.quiet.nanoseconds || now >= start + Self.longest.nanoseconds
    }
}
