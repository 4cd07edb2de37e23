/// What a number in a column of times counts (Prisma writes milliseconds, strftime('%s') seconds, julianday() days).
package enum TimeUnit: String, Sendable, Codable, CaseIterable {
    case seconds, milliseconds, microseconds
    case julianDays = "julian-days"

    /// As an interval of PostgreSQL has it behind the number.
    var intervalName: String? { self == .julianDays ? nil : " " + rawValue }

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
