extension RelationSlot {
    /// What a write through a table with children marks for all of them, so that a write of a table with thousands of
    /// partitions marks two slots. OIDs this high are not given out within the first two thousand million objects; one
    /// that is given out shares a slot, and that only makes a read wait for a write that does not concern it.
    static func descendants(of oid: UInt32) -> UInt32 { slot(of: oid ^ 0x8000_0000) }

    /// Sorted, each once.
    static func sorted(_ slots: some Sequence<UInt32>) -> [UInt32] {
        var list = Array(slots)
        guard list.count > 1 else { return list }
        list.sort()
        var unique = [list[0]]
        unique.reserveCapacity(list.count)
        for slot in list.dropFirst() where slot != unique[unique.count - 1] { unique.append(slot) }
        return unique
    }
}
