package import EventStore
import Foundation

/// The id of a relay's entry in a Redis stream: the milliseconds of the event's time, and its position.
///
/// Neither ever goes back from one event of a stream to the next, so Redis takes each id once and in order only, and the last
/// one says up to where a stream has come. The time stands first because Redis takes it for the entry's: `XRANGE` and
/// `XTRIM MINID` by time work as they do with ids that Redis makes.
package struct RelayMark: Sendable, Hashable, CustomStringConvertible {
    package let milliseconds: Int
    package let position: Int

    /// Before the first entry.
    package static let start = RelayMark(milliseconds: 0, position: 0)

    init(milliseconds: Int, position: Int) { (self.milliseconds, self.position) = (milliseconds, position) }

    package init(_ event: StoredEvent) {
        milliseconds = Int((event.at.timeIntervalSince1970 * 1_000).rounded())
        position = event.position
    }

    /// nil: no relay made it.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let time = Int(parts[0]), let position = Int(parts[1]), time >= 0, position >= 0 else {
            return nil
        }
        self.init(milliseconds: time, position: position)
    }

    package var description: String { "\(milliseconds)-\(position)" }
}
