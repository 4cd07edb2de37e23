/// Dates, times and durations by RFC 3339.
package enum DateTimeText {
    package static func isDateTime(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count > 11, bytes[10] | 0x20 == 0x74 else { return false }
        return isDate(bytes[..<10]) && isTime(bytes[11...])
    }

    static func isDate(_ text: String) -> Bool { isDate(Array(text.utf8)[...]) }
    static func isTime(_ text: String) -> Bool { isTime(Array(text.utf8)[...]) }

    private static func isDate(_ bytes: ArraySlice<UInt8>) -> Bool {
        var reader = Reader(bytes)
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.isAtEnd, (1...12).contains(month)
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }

    private static func isTime(_ bytes: ArraySlice<UInt8>) -> Bool {
        var reader = Reader(bytes)
        guard let hour = reader.number(2), reader.take(":"), let minute = reader.number(2), reader.take(":"),
            let second = reader.number(2), hour < 24, minute < 60, second <= 60
        else { return false }
        if reader.take(".") {
            guard reader.digits() > 0 else { return false }
        }
        guard let offset = offset(&reader), reader.isAtEnd else { return false }
        // A leap second is the last of a day of UTC.
        guard second == 60 else { return true }
        return (hour * 60 + minute - offset + 2_880) % 1_440 == 1_439
    }

    /// Minutes that a zone is ahead of UTC.
    private static func offset(_ reader: inout Reader) -> Int? {
        if reader.take("Z") || reader.take("z") { return 0 }
        let isBehind = reader.take("-")
        guard isBehind || reader.take("+"), let hour = reader.number(2), reader.take(":"),
            let minute = reader.number(2),
            hour < 24, minute < 60
        else { return nil }
        return (hour * 60 + minute) * (isBehind ? -1 : 1)
    }

    /// Appendix A: units follow each other without a gap, weeks stand alone.
    static func isDuration(_ text: String) -> Bool {
        var reader = Reader(Array(text.utf8)[...])
        guard reader.take("P"), !reader.isAtEnd else { return false }
        let date = reader.units("YMD")
        guard let date else { return false }
        if reader.isAtEnd { return true }
        if date == 0, reader.isWeeks() { return true }
        guard reader.take("T"), !reader.isAtEnd, let time = reader.units("HMS") else { return false }
        return time > 0 && reader.isAtEnd
    }

    private struct Reader {
        private var rest: ArraySlice<UInt8>

        init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

        var isAtEnd: Bool { rest.isEmpty }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard let first = rest.first, UInt32(first) == character.value else { return false }
            rest = rest.dropFirst()
            return true
        }

        mutating func number(_ count: Int) -> Int? {
            let digits = rest.prefix(count)
            guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(count)
            return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }

        mutating func digits() -> Int {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            return digits.count
        }

        /// How many numbers with units are next, each unit the one behind the last; nil if they are not so.
        mutating func units(_ names: String) -> Int? {
            var expected = Array(names.utf8)[...]
            var count = 0
            while let first = rest.first, (0x30...0x39).contains(first) {
                let before = rest
                _ = digits()
                guard let unit = rest.first else { return nil }
                guard let place = expected.firstIndex(of: unit), count == 0 || place == expected.startIndex else {
                    rest = before
                    return count == 0 && unit == 0x57 ? 0 : nil
                }
                rest = rest.dropFirst()
                expected = expected[(place + 1)...]
                count += 1
            }
            return count
        }

        mutating func isWeeks() -> Bool { digits() > 0 && take("W") && isAtEnd }
    }
}
