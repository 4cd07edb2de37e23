/// What running a function, reading a view or writing a table does directly; what those things do in turn is found by
/// `TouchWalk`.
struct Touches: Sendable, Equatable {
    /// Relations, by OID.
    var reads: [UInt32] = []
    var writes: [UInt32] = []
    /// Functions, by OID.
    var calls: [UInt32] = []
    var effects: Decision.Effects = []
    var locksRows = false
    /// Something in it cannot be read: it may look at, or write, everything.
    var readsAnything = false
    var writesAnything = false

    var isEmpty: Bool { self == Touches() }

    mutating func add(_ other: Touches) {
        reads += other.reads
        writes += other.writes
        calls += other.calls
        effects.formUnion(other.effects)
        locksRows = locksRows || other.locksRows
        readsAnything = readsAnything || other.readsAnything
        writesAnything = writesAnything || other.writesAnything
    }

    /// What code may do that nobody can read: all that a session could be left with, short of what PostgreSQL forbids
    /// inside functions (LISTEN is allowed there, cursors WITH HOLD need a commit, which procedures have).
    static let unknownEffects: Decision.Effects = [
        .settings, .temporary, .listen, .heldCursor, .advisoryLock, .primaryOnly,
    ]

    /// Code that cannot be read and may write.
    static let anything = Touches(effects: unknownEffects, readsAnything: true, writesAnything: true)
    /// Code that cannot be read and has promised not to write (STABLE).
    static let readsAnything = Touches(readsAnything: true)
}
