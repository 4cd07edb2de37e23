/// One entry of `exemptions:`: something that crosses the cut of a split, and may for a while.
package struct Exemption: Sendable, Equatable {
    /// 16 hexadecimal digits, as `strata split observe` shows them.
    package var fingerprint: String
    package var reason: String
    /// The last day on which it counts.
    package var until: CalendarDate
    package var place: SourcePlace

    package init(fingerprint: String, reason: String, until: CalendarDate, place: SourcePlace) {
        self.fingerprint = fingerprint
        self.reason = reason
        self.until = until
        self.place = place
    }
}
