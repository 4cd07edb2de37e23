/// Where the newest write to a relation is noted: one of 65,536 places. Relations that share a place only make a read
/// wait for a write that does not concern it, never the other way round.
package enum RelationSlot {
    package static let count = 65_536

    /// - Returns: 0 ..< `count`.
    package static func slot(of oid: UInt32) -> UInt32 {
        // Oids come in runs (a table, its indexes, its TOAST table): the multiplication spreads them.
        (oid &* 0x9E37_79B1) >> 16
    }
}
