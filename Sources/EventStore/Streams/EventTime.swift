package import Foundation
import JSONSchemas

/// Times of events as text: RFC 3339, UTC, to the millisecond.
package enum EventTime {
    /// `2026-11-22T07:15:03.042Z`. A format style would cut what a `Date` cannot hold exactly, and be a millisecond early.
    package static func text(_ date: Date) -> String {
        text(milliseconds: Int((date.timeIntervalSince1970 * 1_000).rounded()))
    }

    /// - Parameter milliseconds: since 1970; of the years 0 to 9999.
    package static func text(milliseconds: Int) -> String {
        let (days, rest) = floored(milliseconds, 86_400_000)
        let (year, month, day) = date(days)
        let clock = [rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60].map { padded($0, 2) }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(clock.joined(separator: ":"))"
            + ".\(padded(rest % 1_000, 3))Z"
    }

    /// Of RFC 3339, with any offset; what is finer than a millisecond is cut, and a leap second is the one before it.
    ///
    /// - Returns: nil: it is no such time.
    package static func date(_ text: String) -> Date? {
        // From here on digits are where they belong.
        guard DateTimeText.isDateTime(text) else { return nil }
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int { bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) } }
        let zone = bytes[19...].firstIndex { !(0x30...0x39 ~= $0 || $0 == UInt8(ascii: ".")) } ?? bytes.count
        let fraction = (String(decoding: bytes[19..<zone].dropFirst().prefix(3), as: UTF8.self) + "000").prefix(3)
        var offset = 0
        if bytes[zone] | 0x20 != UInt8(ascii: "z") {
            let minutes = number(zone + 1..<zone + 3) * 60 + number(zone + 4..<zone + 6)
            offset = bytes[zone] == UInt8(ascii: "-") ? -minutes : minutes
        }
        let minutes = number(11..<13) * 60 + number(14..<16) - offset
        let seconds =
            days(number(0..<4), number(5..<7), number(8..<10)) * 86_400 + minutes * 60 + min(number(17..<19), 59)
        return Date(timeIntervalSince1970: Double(seconds * 1_000 + (Int(fraction) ?? 0)) / 1_000)
    }

    // MARK: The Gregorian calendar, in years that begin in March, which puts the odd day at the end

    /// Of days since 1970.
    private static func date(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = floored(days + 719_468, 146_097)
        let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        return (
            era * 400 + year + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9,
            dayOfYear - (153 * month + 2) / 5 + 1
        )
    }

    /// Since 1970.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (year, month) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        let leaps = floored(year, 4).0 - floored(year, 100).0 + floored(year, 400).0
        return year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
    }

    private static func floored(_ value: Int, _ divisor: Int) -> (Int, Int) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
