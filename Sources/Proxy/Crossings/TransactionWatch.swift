/// A client's statements that are on their way, and what its transaction has used. Only there while something is observed.
final class TransactionWatch {
    private struct Sent {
        /// `syncsSent` when it was sent.
        let sync: UInt32
        let step: CrossingStep
    }

    /// A client that sends more without waiting for an answer is not followed any further.
    private static let limit = 1_000

    private var sent: [Sent] = []
    private var transaction = TransactionTouches()

    /// Nothing is on its way, and no transaction has used anything.
    var isIdle: Bool { sent.isEmpty && transaction.isEmpty }

    /// - Returns: false where there are too many.
    func send(_ steps: some Sequence<CrossingStep>, sync: UInt32) -> Bool {
        for step in steps {
            guard sent.count < Self.limit else { return false }
            sent.append(Sent(sync: sync, step: step))
        }
        return true
    }

    /// What was not answered is sent again.
    func takeBack(from sync: UInt32) { sent.removeAll { !Self.isBefore($0.sync, sync) } }

    /// An answer has come.
    /// - Parameters:
    ///   - answered: how many have come in all.
    ///   - isOver: no transaction is open behind it.
    func settle(
        answered: UInt32, isOver: Bool, statement: (StatementTouch) -> Void,
        transaction over: (TransactionCrossing) -> Void
    ) {
        let count = sent.prefix { Self.isBefore($0.sync, answered) }.count
        for entry in sent[..<count] {
            switch entry.step {
            case .touch(let touch):
                if touch.kind != nil { statement(touch) }
                transaction.add(touch)
            case .ends: end(over)
            }
        }
        sent.removeSubrange(..<count)
        if isOver { end(over) }
    }

    private func end(_ over: (TransactionCrossing) -> Void) {
        if let crossing = transaction.verdict() { over(crossing) }
        if !transaction.isEmpty { transaction = TransactionTouches() }
    }

    /// Numbers go round.
    private static func isBefore(_ sync: UInt32, _ answered: UInt32) -> Bool { Int32(bitPattern: sync &- answered) < 0 }
}
