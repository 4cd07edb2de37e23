/// What a value is, so finely that it can be said of every type how many values of a column it takes. Each value is of
/// exactly one class.
package enum ValueClass: Int, Sendable, Codable, CaseIterable {
    case null
    /// 0 or 1.
    case zeroOne
    /// Any other whole number that counts no known unit of time.
    case integer
    /// 1e8 to 1e10: seconds since 1970, from 1973 to 2286.
    case seconds
    /// 1e11 to 1e13: milliseconds, from 1973 to 2286.
    case milliseconds
    /// 1e14 to 1e16: microseconds.
    case microseconds
    /// 1721059.5 to 5373484.5: days of SQLite's julianday(), from year 0 to 9999.
    case julianDay
    /// The same without a fraction: a noon, or just a number.
    case wholeJulianDay
    /// Without a fraction and below 2^53, so that it is an integer too.
    case wholeReal
    case real
    /// Infinity, of either sign. (SQLite stores NaN as NULL.)
    case infinite
    /// ''.
    case empty
    /// A whole number of 64 bits as one writes it: no sign +, no leading zeros.
    case integerText
    /// Any other number in decimals that keeps its digits as a number, such as 12.50.
    case decimalText
    /// Just so: words of JSON and of PostgreSQL's boolean.
    case trueOrFalse
    /// null, which is JSON's: as SQLAlchemy writes None.
    case nullText
    /// t, f, yes, no, on, off, y, n, and true and false with capitals; in any case of letters.
    case booleanText
    /// A day that there is: 2024-02-29.
    case dateText
    /// A day and a time without a zone, apart by a space or T.
    case timestampText
    /// The same with Z or an offset.
    case zonedTimestampText
    case timeText
    /// 36 characters of a UUID.
    case uuidText
    /// 32 hexadecimal digits, as Django writes UUIDs, and others hashes.
    case hexText
    /// An object, an array or a quoted string, valid by RFC 8259.
    case jsonText
    /// Any other valid UTF-8 without NUL.
    case text
    /// Valid UTF-8 with NUL, which PostgreSQL's text cannot hold.
    case nulText
    /// Not UTF-8.
    case invalidText
    case emptyBlob
    /// 16 bytes, as a UUID has.
    case blob16
    case blob

    package enum Storage: String, Sendable, Codable, CaseIterable { case null, integer, real, text, blob }

    /// The storage class that SQLite's typeof() says.
    package var storage: Storage {
        switch self {
        case .null: .null
        case .zeroOne, .integer, .seconds, .milliseconds, .microseconds: .integer
        case .julianDay, .wholeJulianDay, .wholeReal, .real, .infinite: .real
        case .emptyBlob, .blob16, .blob: .blob
        default: .text
        }
    }

    var isBooleanText: Bool { self == .trueOrFalse || self == .booleanText }

    @inline(__always)
    static func of(integer value: Int64) -> ValueClass {
        if value == 0 || value == 1 { return .zeroOne }
        switch value {
        case 100_000_000...10_000_000_000: return .seconds
        case 100_000_000_000...10_000_000_000_000: return .milliseconds
        case 100_000_000_000_000...10_000_000_000_000_000: return .microseconds
        default: return .integer
        }
    }

    @inline(__always)
    static func of(real value: Double) -> ValueClass {
        guard value.isFinite else { return .infinite }
        let isWhole = value.rounded(.towardZero) == value && value.magnitude <= 9_007_199_254_740_992
        if value >= 1_721_059.5, value <= 5_373_484.5 { return isWhole ? .wholeJulianDay : .julianDay }
        return isWhole ? .wholeReal : .real
    }

    @inline(__always)
    static func of(blobBytes count: Int) -> ValueClass { count == 16 ? .blob16 : count == 0 ? .emptyBlob : .blob }
}
