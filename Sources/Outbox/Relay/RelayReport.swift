package import Foundation

/// How far a relay is: what to show, and to measure.
package struct RelayProgress: Sendable, Hashable {
    /// Redis has the events up to here.
    package var position = 0
    /// The stream's last one when it was looked at.
    package var lastPosition = 0
    /// Events that Redis has taken from this relay.
    package var events = 0
    /// Of them, those that the group was done with already: Redis had lost them.
    package var sentAgain = 0
    /// How often something failed and was tried again.
    package var failures = 0
    /// When the last event that Redis has happened; nil: none was sent yet.
    package var lastEvent: Date?

    package init() {}

    /// Events that Redis does not have.
    package var lag: Int { max(0, lastPosition - position) }

    /// For how long, about, the events that Redis does not have are there; zero where it has all.
    package func lagTime(at now: Date = Date()) -> Duration {
        guard lag > 0, let lastEvent else { return .zero }
        return .milliseconds(Int(max(0, now.timeIntervalSince(lastEvent)) * 1_000))
    }
}

/// What a relay tells whoever watches it.
package enum RelayReport: Sendable, Hashable {
    /// Redis has taken events, or was found to have all of them.
    case progress(RelayProgress)
    /// Another relay has the lease.
    case standsBy
    /// Redis does not have what the group is done with.
    case sendsAgain(after: Int, upTo: Int)
    /// It failed, and is tried again after the pause.
    case failed(reason: String, pause: Duration)
}
