internal import Planning

/// What one transaction has used so far. Exact in its verdict whatever it does, bounded in what it remembers.
struct TransactionTouches {
    /// Statements that are remembered in any case; beyond, only those that bring something new.
    private static let usualMembers = 12
    private static let memberLimit = 32

    private var members: [StatementTouch] = []
    /// Of statements that stay within one database.
    private var databases: UInt64 = 0
    private var locks = false
    /// Of statements that write within one database.
    private var writes: UInt64 = 0

    var isEmpty: Bool { members.isEmpty }

    mutating func add(_ touch: StatementTouch) {
        // It is counted by itself, and nothing that others do makes it worse.
        guard touch.kind != .twoSchemaWrite else { return }
        // It is read beside what the transaction uses already.
        if touch.copies != 0, databases != 0, databases & ~touch.copies == 0 { return }
        var bringsNew = touch.writes & ~writes != 0
        writes |= touch.writes
        if touch.kind == nil {
            bringsNew = bringsNew || touch.databases & ~databases != 0 || touch.locks && !locks
            databases |= touch.databases
            locks = locks || touch.locks
        }
        guard members.count < Self.usualMembers || bringsNew && members.count < Self.memberLimit else { return }
        if members.last === touch || members.contains(where: { $0.fingerprint == touch.fingerprint }) { return }
        members.append(touch)
    }

    /// What its statements are only together.
    func verdict() -> TransactionCrossing? {
        if writes.nonzeroBitCount > 1 { return TransactionCrossing(.twoSchemaWrite, members) }
        guard databases.nonzeroBitCount > 1 else { return nil }
        return TransactionCrossing(locks ? .locking : .transaction, members.filter { $0.kind == nil })
    }
}

/// A transaction whose statements together use several databases.
struct TransactionCrossing {
    let kind: Crossing.Kind
    let members: [StatementTouch]

    init(_ kind: Crossing.Kind, _ members: [StatementTouch]) {
        self.kind = kind
        self.members = members
    }

    /// Of its statements in their order, and of which of them write.
    var fingerprint: String { Crossing.fingerprint(of: members.map(\.mention.description).joined(separator: ",")) }

    var example: String { Crossing.bounded(members.map(\.shape).joined(separator: "; ")) }
}
