internal import SQLSyntax

/// Where a transaction runs that has not written yet. Pure: told what a unit contains, it says what to do with it.
///
/// BEGIN alone does not say where a transaction belongs. It is held until the first statement does. One that only reads may
/// run on a replica; where a later statement cannot be answered there, the transaction moves to the primary: it is ended
/// on the replica, where it has done nothing, and begun anew with its savepoints and settings.
struct DeferredTransaction: Equatable {
    /// What a unit says of transactions, from its statements.
    struct Content: Equatable {
        /// The whole unit is one BEGIN.
        var isBegin = false
        /// It begins with BEGIN, and there is more.
        var startsWithBegin = false
        /// The whole unit is one COMMIT or ROLLBACK (not AND CHAIN), which ends a transaction.
        var end: End?
        var modes = StatementShape.TransactionModes()
        /// SET TRANSACTION: what it says of the transaction that is open.
        var changedModes: StatementShape.TransactionModes?
        /// Something that has to be done again where the transaction moves to: savepoints and settings.
        var isReplayed = false
        /// Something that ties it to its server or cannot be done again: cursors, portals with a name, temporary tables.
        var isTied = false
        /// Transaction control that is none of the above: two-phase commit, BEGIN in the middle, AND CHAIN.
        var isOther = false
        /// Which database of the layout it needs; nil: any will do, or there is only one.
        var database: Int?

        fileprivate var isBegun: Bool { isBegin || startsWithBegin }
    }

    enum End: Equatable { case commit, rollback }

    enum Step: Equatable {
        /// It goes its way without us.
        case none
        /// Kept; the client is told that the transaction has begun.
        case hold
        /// The transaction that was held ends without a server having heard of it.
        case endHere(End)
        /// To a replica that has what is read, with BEGIN before it where it was held; else to the primary.
        case replica(required: Requirement)
        case primary
        /// To the primary of the client's own database, until a statement says which database it needs.
        case roam
        /// It goes on where it is.
        case stay
        /// The transaction has failed before any server had it: nothing but its end is heard.
        case aborted
    }

    enum Requirement: Equatable {
        /// What this unit reads.
        case reads
        /// All that was written so far: later statements see what the first one saw.
        case everything
        /// Nothing more: it has its snapshot.
        case nothing
    }

    enum Place: Equatable {
        case none, held, replica, failed
        /// On the primary of the client's own database, and could be anywhere else.
        case roaming
    }

    private(set) var place = Place.none
    private(set) var modes = StatementShape.TransactionModes()
    /// `transactions: optimistic`: also those that do not say that they only read.
    let isOptimistic: Bool
    /// The layout has schemas in several databases: BEGIN does not even say in which one.
    let isPlaced: Bool
    /// The database that its statements have named so far.
    private(set) var database: Int?
    /// REPEATABLE READ: a statement has run that all later ones see the same as.
    private var hasSnapshot = false

    init(isOptimistic: Bool, isPlaced: Bool = false) {
        self.isOptimistic = isOptimistic
        self.isPlaced = isPlaced
    }

    /// It has a server and could still go to another database.
    var isUnbound: Bool { (place == .roaming || place == .replica) && database == nil }

    /// Whether one with these modes may run on a replica.
    private func mayRead(_ modes: StatementShape.TransactionModes) -> Bool {
        guard modes.isReadOnly != false, modes.isolation != .serializable, !modes.importsSnapshot else { return false }
        if modes.isReadOnly == true { return true }
        // A REPEATABLE READ transaction that writes later would have to begin anew with another snapshot.
        return isOptimistic && (modes.isolation == nil || modes.isolation == .readCommitted)
    }

    private mutating func requirement(_ content: Content) -> Requirement {
        guard modes.isolation == .repeatableRead else { return .reads }
        guard !hasSnapshot else { return .nothing }
        // SET TRANSACTION and its like take none.
        hasSnapshot = !content.isReplayed && !content.isBegin
        return .everything
    }

    private mutating func take(_ changed: StatementShape.TransactionModes?) {
        guard let changed else { return }
        if let isolation = changed.isolation { modes.isolation = isolation }
        if let isReadOnly = changed.isReadOnly { modes.isReadOnly = isReadOnly }
        if changed.importsSnapshot { modes.importsSnapshot = true }
    }

    /// - Parameters:
    ///   - access: what the unit needs.
    ///   - isFree: the client has no server and may get a replica.
    mutating func next(_ content: Content, access: Decision.Access, isFree: Bool) -> Step {
        switch place {
        case .none:
            guard content.isBegun, isFree, !content.isTied, !content.isOther else { return .none }
            modes = content.modes
            database = nil
            hasSnapshot = false
            take(content.changedModes)
            guard content.isBegin else { return first(content, access) ?? .none }
            guard mayRead(modes) || isPlaced else { return .none }
            place = .held
            return .hold
        case .held:
            if let end = content.end {
                place = .none
                return .endHere(end)
            }
            take(content.changedModes)
            guard !content.isTied, !content.isOther, !content.isBegun, let step = first(content, access) else {
                place = .none
                database = content.database
                return .primary
            }
            return step
        case .roaming: return roaming(content, access)
        case .failed:
            guard content.end != nil else { return .aborted }
            place = .none
            return .endHere(.rollback)
        case .replica:
            if content.end != nil { return .replica(required: .reads) }
            // What has run here named no database: the transaction can begin anew in the right one.
            let leaves = database == nil && content.database ?? 0 != 0
            database = database ?? content.database
            take(content.changedModes)
            guard access != .primary, mayRead(modes), !content.isTied, !content.isOther, !content.isBegun, !leaves
            else {
                place = .none
                return .primary
            }
            return .replica(required: requirement(content))
        }
    }

    /// Where the first statements lead. nil: to the primary, for good.
    private mutating func first(_ content: Content, _ access: Decision.Access) -> Step? {
        if access != .primary, mayRead(modes) {
            database = content.database
            place = .replica
            return .replica(required: requirement(content))
        }
        guard isPlaced, content.database == nil, access == .anywhere else { return nil }
        place = .roaming
        return .roam
    }

    private mutating func roaming(_ content: Content, _ access: Decision.Access) -> Step {
        if content.end != nil || content.isBegun || content.isOther {
            place = .none
            return .stay
        }
        if content.database == nil, access == .anywhere, !content.isTied { return .roam }
        place = .none
        database = content.database
        return content.database ?? 0 == 0 ? .stay : .primary
    }

    /// No replica is fresh enough, or the one that ran it failed: it is the primary's now.
    /// - Parameter isNeutral: what runs there names nothing of any database, so that it may still go to another one.
    mutating func moved(isNeutral: Bool = false) {
        place = isNeutral && isPlaced && database == nil ? .roaming : .none
    }

    /// It stays on its server, whatever comes.
    mutating func bound() { if place == .roaming || place == .replica { place = .none } }

    /// No server could be had for it.
    mutating func failed() { place = .failed }

    /// The server is in no transaction any more.
    mutating func ended() {
        place = .none
        database = nil
    }
}

extension DeferredTransaction.Content {
    /// - Parameter count: how many statements the unit has in all; those without effects are not among `statements`.
    init(_ statements: [StatementShape], count: Int) {
        for (index, statement) in statements.enumerated() {
            let isFirst = index == 0
            switch statement.kind {
            case .begin(let modes):
                if isFirst, count == 1 {
                    isBegin = true
                } else if isFirst {
                    startsWithBegin = true
                } else {
                    isOther = true
                }
                self.modes = modes
            case .commit(let chain), .rollback(let chain):
                guard count == 1, !chain else {
                    isOther = true
                    continue
                }
                if case .commit = statement.kind { end = .commit } else { end = .rollback }
            case .setTransaction(let modes):
                isReplayed = true
                changedModes = modes
            case .savepoint, .release, .rollbackTo, .set, .reset, .setConstraints: isReplayed = true
            case .select, .show, .explain: if !statement.configuredSettings.isEmpty { isReplayed = true }
            case .declareCursor, .fetch, .closeCursor, .prepare, .execute, .deallocate, .createTemporary, .listen,
                .unlisten:
                isTied = true
            default: isOther = true
            }
        }
    }
}
