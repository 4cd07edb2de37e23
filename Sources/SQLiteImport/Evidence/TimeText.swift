/// Days and times as SQLite and ISO 8601 write them, strictly: what is read here, PostgreSQL reads as the same moment.
///
/// `YYYY-MM-DD`, then a space or T, `HH:MM`, `:SS`, `.` and 1 to 9 digits, then Z, `±HH`, `±HHMM` or `±HH:MM`. Years 0001 to
/// 9999. A second of 60 and an hour of 24 are refused: PostgreSQL would move them to another minute or day.
struct TimeText: Equatable {
    /// Days since 1970-01-01; nil for a time alone.
    var days: Int?
    /// Microseconds since midnight, rounded half up where there are more digits; nil for a day alone.
    var microseconds: Int64?
    /// Seconds east of UTC; nil where no zone is said.
    var offset: Int?

    /// Microseconds since 1970 in UTC; a day counts from its midnight, a text without zone as UTC.
    var epoch: Int64? {
        guard let days else { return nil }
        return Int64(days) * 86_400_000_000 + (microseconds ?? 0) - Int64(offset ?? 0) * 1_000_000
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard 5...40 ~= bytes.count else { return nil }
        var reader = DigitReader(bytes)
        if bytes.count >= 10, bytes[4] == UInt8(ascii: "-") {
            guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
                let day = reader.number(2), 1...9999 ~= year, 1...12 ~= month,
                1...Self.length(ofMonth: month, year) ~= day
            else { return nil }
            days = Self.days(year, month, day)
            if reader.isAtEnd { return }
            guard reader.take(" ") || reader.take("T") else { return nil }
        }
        guard let time = Self.time(&reader) else { return nil }
        microseconds = time
        if reader.isAtEnd { return }
        guard days != nil, let offset = Self.offset(&reader), reader.isAtEnd else { return nil }
        self.offset = offset
    }

    private static func time(_ reader: inout DigitReader) -> Int64? {
        guard let hour = reader.number(2), hour < 24, reader.take(":"), let minute = reader.number(2), minute < 60
        else { return nil }
        var microseconds = Int64(hour * 3600 + minute * 60) * 1_000_000
        guard reader.take(":") else { return microseconds }
        guard let second = reader.number(2), second < 60 else { return nil }
        microseconds += Int64(second) * 1_000_000
        guard reader.take(".") else { return microseconds }
        guard let nanoseconds = reader.fraction() else { return nil }
        return microseconds + Int64((nanoseconds + 500) / 1000)
    }

    private static func offset(_ reader: inout DigitReader) -> Int? {
        if reader.take("Z") || reader.take("z") { return 0 }
        let sign = reader.take("+") ? 1 : reader.take("-") ? -1 : 0
        guard sign != 0, let hours = reader.number(2), hours < 16 else { return nil }
        if reader.isAtEnd { return sign * hours * 3600 }
        _ = reader.take(":")
        guard let minutes = reader.number(2), minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    private static func length(ofMonth month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, days_from_civil).
    static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// Digits and marks, one after the other.
private struct DigitReader {
    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: mark) else { return false }
        index += 1
        return true
    }

    /// Exactly `count` digits.
    mutating func number(_ count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for place in index..<index + count {
            guard 0x30...0x39 ~= bytes[place] else { return nil }
            value = value * 10 + Int(bytes[place] - 0x30)
        }
        index += count
        return value
    }

    /// 1 to 9 digits as nanoseconds.
    mutating func fraction() -> Int? {
        var value = 0
        var digits = 0
        while index < bytes.count, 0x30...0x39 ~= bytes[index], digits < 9 {
            value = value * 10 + Int(bytes[index] - 0x30)
            digits += 1
            index += 1
        }
        guard digits > 0 else { return nil }
        for _ in digits..<9 { value *= 10 }
        return value
    }
}
