package import EventStore

/// Up to where Redis has a stream, and what comes next. No I/O: the relay does what it answers.
///
/// Redis itself is asked, and not the group, because both may stand behind the other: a relay that was killed had not
/// committed, and a Redis that was killed may have lost what it had answered.
package struct RelayCourse: Sendable {
    package enum Step: Sendable, Hashable {
        /// Redis has to be asked for its last entry.
        case look
        case send([StoredEvent])
        /// Redis stands behind the group: what it lacks is read from the store.
        case read(after: Int, upTo: Int)
        /// Redis has all of it.
        case nothing
    }

    /// Events up to here are not wanted in Redis.
    let after: Int
    /// nil: it has to be asked.
    private(set) var mark: RelayMark?

    package init(after: Int = 0) { self.after = after }

    /// Up to this position there is nothing to send.
    package var position: Int { max(mark?.position ?? 0, after) }

    /// - Parameters:
    ///   - events: those that the group has for the relay, in order.
    ///   - done: the position that the group is done with.
    package func step(_ events: [StoredEvent], done: Int) -> Step {
        guard mark != nil else { return .look }
        if position < done { return .read(after: position, upTo: done) }
        let left = events.drop { $0.position <= position }
        return left.isEmpty ? .nothing : .send(Array(left))
    }

    /// Redis has said what its last entry is.
    package mutating func looked(_ found: RelayMark) { mark = found }

    /// Events were sent.
    ///
    /// - Returns: whether Redis has them; if not, it stands elsewhere and has to be asked.
    package mutating func sent(_ events: [StoredEvent], answer: RelayMark?) -> Bool {
        guard let last = events.last, answer == RelayMark(last) else {
            mark = nil
            return false
        }
        mark = answer
        return true
    }

    /// The connection is lost, or time has passed: what was so need not be so any more.
    package mutating func forget() { mark = nil }
}
