/// A day of the Gregorian calendar. Written as `2027-01-31`.
package struct CalendarDate: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let year: Int
    package let month: Int
    package let day: Int

    /// nil: there is no such day, or it is not from 1970 to 9999.
    package init?(year: Int, month: Int, day: Int) {
        guard (1970...9999).contains(year), (1...12).contains(month),
            (1...Self.days(of: month, in: year)).contains(day)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// nil: the text is not of this form, or there is no such day.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.utf8.count) == [4, 2, 2], text.utf8.allSatisfy({ $0 == 0x2D || (0x30...0x39).contains($0) }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    package var description: String { "\(year)-\(Self.padded(month))-\(Self.padded(day))" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    private static func days(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// `2026-11-21 20:38:07Z` of seconds since 1970.
    package static func utc(_ seconds: Int) -> String {
        let seconds = min(max(seconds, 0), 250_000_000_000)
        var (days, year, month) = (seconds / 86_400, 1970, 1)
        while true {
            let length = Self.days(of: 2, in: year) == 29 ? 366 : 365
            guard days >= length else { break }
            days -= length
            year += 1
        }
        while days >= Self.days(of: month, in: year) {
            days -= Self.days(of: month, in: year)
            month += 1
        }
        let clock = seconds % 86_400
        let time = [clock / 3600, clock / 60 % 60, clock % 60].map(padded).joined(separator: ":")
        return "\(year)-\(padded(month))-\(padded(days + 1)) \(time)Z"
    }
}
