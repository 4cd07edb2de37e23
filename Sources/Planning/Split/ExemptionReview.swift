/// The layout's exemptions beside those that were accepted and beside what crosses. They can only become fewer unnoticed.
/// Pure.
package struct ExemptionReview: Sendable, Equatable {
    /// What nobody has accepted: new ones, and those that are to last longer than was accepted.
    package struct Addition: Sendable, Equatable {
        package var exemption: Exemption
        /// Until when it was accepted; nil: not at all.
        package var acceptedUntil: CalendarDate?
    }

    package var additions: [Addition] = []
    /// Past their day: they cover nothing.
    package var expired: [Exemption] = []
    /// Nothing that they are for has been seen for a week.
    package var removable: [Exemption] = []
    /// Accepted ones that the layout has no longer, or for a shorter time.
    package var hasShrunk = false
    /// What may cross: accepted, and not expired.
    package var valid: [String: Exemption] = [:]

    private static let week = 7 * 86_400

    /// - Parameter accepts: the layout's exemptions are being accepted.
    package init(_ exemptions: [Exemption], record: CrossingRecord, accepts: Bool = false) {
        let accepted = Dictionary(record.accepted.map { ($0.fingerprint, $0) }, uniquingKeysWith: { first, _ in first })
        let seen = Dictionary(
            record.crossings.map { ($0.fingerprint, $0.lastSeen) }, uniquingKeysWith: { max($0, $1) })
        for exemption in exemptions {
            let known = accepted[exemption.fingerprint]
            let isAccepted = accepts || known.map { exemption.until <= $0.until } ?? false
            if !isAccepted { additions.append(Addition(exemption: exemption, acceptedUntil: known?.until)) }
            if let today = record.today, exemption.until < today {
                expired.append(exemption)
            } else if isAccepted {
                valid[exemption.fingerprint] = exemption
            }
            if Self.isUnused(exemption, since: known?.at, seen[exemption.fingerprint], record) {
                removable.append(exemption)
            }
        }
        let kept = Dictionary(exemptions.map { ($0.fingerprint, $0.until) }, uniquingKeysWith: { first, _ in first })
        hasShrunk = record.accepted.contains { known in kept[known.fingerprint].map { $0 < known.until } ?? true }
    }

    /// It has been there for a week, somebody has looked for a week, and has not seen it for a week.
    private static func isUnused(
        _ exemption: Exemption, since accepted: Int?, _ seen: Int?, _ record: CrossingRecord
    ) -> Bool {
        guard let accepted, let begun = record.observers.map(\.since).min(),
            let heard = record.observers.map(\.last).max(), heard >= record.now - week
        else { return false }
        return max(accepted, begun, seen ?? 0, record.resets.values.max() ?? 0) <= record.now - week
    }
}
