public import Foundation

extension UUID: DatabaseValue {
    public static var databaseType: UInt32 { 2950 }
    public var databaseText: String { uuidString }
    public init?(databaseText: String) { self.init(uuidString: databaseText) }
}

/// numeric; not its NaN and infinities.
extension Decimal: DatabaseValue {
    public static var databaseType: UInt32 { 1700 }
    public var databaseText: String { description }
    public init?(databaseText: String) {
        guard databaseText.utf8.allSatisfy({ "0123456789.-".utf8.contains($0) }) else { return nil }
        self.init(string: databaseText, locale: Locale(identifier: "en_US_POSIX"))
    }
}

/// timestamptz, to the microsecond, in DateStyle ISO, which is the server's default; not `infinity` and years BC.
extension Date: DatabaseValue {
    public static var databaseType: UInt32 { 1184 }

    public var databaseText: String {
        // As seconds since 1970, which PostgreSQL's input does not know: so days and seconds are written out.
        let microseconds = Int((timeIntervalSince1970 * 1_000_000).rounded())
        let (day, rest) = microseconds.flooredDivision(by: 86_400_000_000)
        let (year, month, date) = CivilDate.from(day: day)
        let second = rest / 1_000_000
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let clock = "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60))"
        let fraction = String(1_000_000 + rest % 1_000_000).dropFirst()
        // A year of less than four digits would be taken for a day or a month.
        let digits = String(repeating: "0", count: max(0, 4 - String(abs(year)).count)) + "\(abs(year))"
        return "\(digits)-\(two(month))-\(two(date)) \(clock).\(fraction)+00"
    }

    public init?(databaseText: String) {
        let pattern =
            #/(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?/#
        guard let match = databaseText.wholeMatch(of: pattern)?.output else { return nil }
        func number(_ text: Substring?) -> Int { text.flatMap { Int($0) } ?? 0 }
        let day = CivilDate.day(year: number(match.1), month: number(match.2), date: number(match.3))
        let clock = number(match.4) * 3600 + number(match.5) * 60 + number(match.6)
        let east = number(match.9) * 3600 + number(match.10) * 60 + number(match.11)
        let digits = match.7 ?? ""
        let fraction = number(digits + String(repeating: "0", count: 6 - digits.count))
        let seconds = day * 86_400 + clock - (match.8 == "-" ? -east : east)
        self.init(timeIntervalSince1970: Double(seconds) + Double(fraction) / 1_000_000)
    }
}

/// Days since 1970-01-01 of the Gregorian calendar, which PostgreSQL uses for all times. Source of the two formulas: Howard
/// Hinnant, "chrono-Compatible Low-Level Date Algorithms".
private enum CivilDate {
    static func day(year: Int, month: Int, date: Int) -> Int {
        let years = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = years.flooredDivision(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    static func from(day: Int) -> (year: Int, month: Int, date: Int) {
        let (era, dayOfEra) = (day + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

extension Int {
    /// Quotient and remainder, the remainder never negative.
    fileprivate func flooredDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
