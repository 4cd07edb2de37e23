import Foundation

/// Times in requests.
enum TimeText {
    /// Of RFC 3339, to the millisecond: its years 0 to 9999, offsets up to a day; a leap second is the one before it.
    static func date(_ text: String, _ name: String) throws -> Date {
        guard let date = read(Array(text.utf8)) else {
            throw Problem(.invalid, "\(name) is a time such as 2026-11-22T06:00:00Z.")
        }
        return date
    }

    /// `2026-11-22T06:00:00.123+01:00`
    private static func read(_ text: [UInt8]) -> Date? {
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= text.count else { return nil }
            return text[range].reduce(0) { sum, byte in
                sum.flatMap { 0x30...0x39 ~= byte ? $0 * 10 + Int(byte - 0x30) : nil }
            }
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), 1...12 ~= month, 1...31 ~= day, hour < 24,
            minute < 60, second <= 60, let place = text[19...].firstIndex(where: { !(0x30...0x39 ~= $0 || $0 == 0x2E) })
        else { return nil }
        let digits = (String(decoding: text[19..<place].dropFirst().prefix(3), as: UTF8.self) + "000").prefix(3)
        var offset = 0
        if text[place] != UInt8(ascii: "Z"), text[place] != UInt8(ascii: "z") {
            guard let hours = number(place + 1..<place + 3), let minutes = number(place + 4..<place + 6) else {
                return nil
            }
            offset = (hours * 60 + minutes) * (text[place] == UInt8(ascii: "-") ? -60 : 60)
        }
        let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + min(second, 59) - offset
        return Date(timeIntervalSince1970: Double(seconds) + Double(Int(digits) ?? 0) / 1_000)
    }

    /// Since 1970, in the Gregorian calendar: years begin in March, so that a leap day is their last one.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (year, month) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        let leaps = year.floor(4) - year.floor(100) + year.floor(400)
        return year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468
    }
}

extension Int {
    fileprivate func floor(_ divisor: Int) -> Int { self >= 0 ? self / divisor : (self - divisor + 1) / divisor }
}
