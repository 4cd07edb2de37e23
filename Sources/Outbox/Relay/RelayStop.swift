import EventStore

/// Why a relay does not go on by itself.
package enum RelayStop: Error, Sendable, Hashable, CustomStringConvertible {
    /// The key has something else than a stream.
    case notAStream(key: String)
    /// The last entry is no event of this stream.
    case foreign(entry: String, key: String)
    /// Redis lacks events that are gone.
    case archived(position: Int, floor: Int)
    /// Redis will not do it, now or later.
    case refused(message: String)
    /// The group divides its keys, and so the stream's order.
    case divided(group: String, slots: Int)
    /// Another relay works in the group.
    case busy(stream: String)
    /// It has been tried again for as long as was said.
    case gaveUp(reason: String)

    package var description: String {
        switch self {
        case .notAStream(let key): "\(key) is there in Redis, and no stream"
        case .foreign(let entry, let key):
            "the last entry of \(key) in Redis, \(entry), is no event of this stream: somebody else writes there, it is another "
                + "stream's, or the database was set back to an earlier time"
        case .archived(let position, let floor):
            "Redis has the events up to \(position), and those up to \(floor) are archived and gone"
        case .refused(let message): message
        case .divided(let group, let slots):
            "group \(group) has \(slots) slots; a relay's group has one, for the order of the stream"
        case .busy(let stream): "another relay is at work with \(stream) in this group"
        case .gaveUp(let reason): "not done yet: \(reason)"
        }
    }

    /// What to do next.
    package var next: String {
        switch self {
        case .notAStream, .foreign: "choose another --key, one that nobody else writes to, or delete it in Redis"
        case .archived(_, let floor): "--after \(floor) goes on behind them"
        case .refused: "look at the URL, the user's rights and the server; then start it again"
        case .divided: "name another --group, which is made if need be"
        case .busy: "let it do the work, or end it: its lease is over a moment later"
        case .gaveUp: "the same command goes on where this one ended"
        }
    }

    init(_ failure: RedisFailure, key: String) {
        switch failure {
        case .refused("WRONGTYPE", _): self = .notAStream(key: key)
        case .refused("NOAUTH", _): self = .refused(message: "Redis wants a password, and the URL has none")
        case .refused("MOVED", let message):
            self = .refused(message: "this node of a Redis Cluster does not have \(key): \(message)")
        default: self = .refused(message: failure.description)
        }
    }
}
