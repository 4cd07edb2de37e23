/// Days and times as PostgreSQL reads them whatever its DateStyle.
extension CopyBuffer {
    /// Days since 1970-01-01, within years 0001 to 9999.
    func append(day days: Int64) {
        // Hinnant, civil_from_days.
        let shifted = Int(days) + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        append(yearOfEra + era * 400 + (month >= 10 ? 1 : 0), width: 4)
        append(UInt8(ascii: "-"))
        append(month < 10 ? month + 3 : month - 9, width: 2)
        append(UInt8(ascii: "-"))
        append(day, width: 2)
    }

    /// Microseconds since 1970 in UTC.
    func append(timestamp microseconds: Int64) {
        let day: Int64 = 86_400_000_000
        var days = microseconds / day
        var rest = microseconds % day
        if rest < 0 {
            days -= 1
            rest += day
        }
        append(day: days)
        append(UInt8(ascii: " "))
        append(timeOfDay: rest)
    }

    /// Microseconds since midnight; a fraction only where there is one.
    func append(timeOfDay microseconds: Int64) {
        let seconds = Int(microseconds / 1_000_000)
        append(seconds / 3600, width: 2)
        append(UInt8(ascii: ":"))
        append(seconds / 60 % 60, width: 2)
        append(UInt8(ascii: ":"))
        append(seconds % 60, width: 2)
        let fraction = Int(microseconds % 1_000_000)
        guard fraction > 0 else { return }
        append(UInt8(ascii: "."))
        append(fraction, width: 6)
    }
}
