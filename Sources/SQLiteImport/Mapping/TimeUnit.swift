/// What a number in a column of times counts (Prisma writes milliseconds, strftime('%s') seconds, julianday() days); or since
/// when a text has counted that says a day and a time, where a duration or a time of day is meant.
package enum TimeUnit: String, Sendable, Codable, CaseIterable {
    case seconds, milliseconds, microseconds
    case julianDays = "julian-days"
    /// SQLAlchemy's durations.
    case since1970 = "since-1970"
    /// Rails' times of day.
    case since2000 = "since-2000"

    /// As an interval of PostgreSQL has it behind the number.
    var intervalName: String? {
        switch self {
        case .seconds, .milliseconds, .microseconds: " " + rawValue
        case .julianDays, .since1970, .since2000: nil
        }
    }

    /// Midnight of the day that a text counts from, in microseconds since 1970; nil where it is numbers that count.
    var beginning: Int64? {
        switch self {
        case .since1970: 0
        case .since2000: 946_684_800_000_000
        case .seconds, .milliseconds, .microseconds, .julianDays: nil
        }
    }

    /// That day, as evidence has it.
    var firstDay: Int? {
        switch self {
        case .since1970: 19_700_101
        case .since2000: 20_000_101
        case .seconds, .milliseconds, .microseconds, .julianDays: nil
        }
    }

    /// Microseconds from the beginning to a text's day and time; nil where it says no such, or a zone.
    func microseconds(_ time: TimeText?) -> Int64? {
        guard let beginning, let time, time.microseconds != nil, time.offset == nil else { return nil }
        return time.epoch.map { $0 - beginning }
    }

    /// 0001-01-01 to the end of 9999, in microseconds since 1970: what has four digits of a year.
    static let range = Int64(-62_135_596_800_000_000)...Int64(253_402_300_799_999_999)

    /// Nil where it overflows.
    func microseconds(_ value: Int64) -> Int64? {
        let factor: Int64
        switch self {
        case .seconds: factor = 1_000_000
        case .milliseconds: factor = 1_000
        case .microseconds: factor = 1
        case .julianDays: return Self.microseconds(julianDay: Double(value))
        case .since1970, .since2000: return nil
        }
        let (result, overflow) = value.multipliedReportingOverflow(by: factor)
        return overflow ? nil : result
    }

    /// SQLite counts in milliseconds, and so are its julian days exact to a millisecond at most.
    static func microseconds(julianDay value: Double) -> Int64? {
        let milliseconds = ((value - 2_440_587.5) * 86_400_000).rounded()
        guard milliseconds.magnitude < 1e15 else { return nil }
        return Int64(milliseconds) * 1_000
    }
}
