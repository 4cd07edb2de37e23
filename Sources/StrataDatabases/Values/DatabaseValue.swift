/// What may be a parameter or be read from a column, by its text in PostgreSQL. Types of the application can join in.
public protocol DatabaseValue: Sendable {
    /// The type that a parameter is sent as: an oid of `pg_type`; 0, the default, leaves it to the server.
    static var databaseType: UInt32 { get }
    /// As PostgreSQL reads it.
    var databaseText: String { get }
    /// - Parameter databaseText: as PostgreSQL writes it.
    /// - Returns: nil for what is no such value.
    init?(databaseText: String)
}

extension DatabaseValue {
    public static var databaseType: UInt32 { 0 }
}

extension DatabaseValue where Self: LosslessStringConvertible {
    public var databaseText: String { description }
    public init?(databaseText: String) { self.init(databaseText) }
}

extension String: DatabaseValue {}

/// bigint.
extension Int: DatabaseValue { public static var databaseType: UInt32 { 20 } }
/// bigint.
extension Int64: DatabaseValue { public static var databaseType: UInt32 { 20 } }
/// integer.
extension Int32: DatabaseValue { public static var databaseType: UInt32 { 23 } }
/// smallint.
extension Int16: DatabaseValue { public static var databaseType: UInt32 { 21 } }

/// double precision, with NaN and infinities.
extension Double: DatabaseValue {
    public static var databaseType: UInt32 { 701 }
    public var databaseText: String {
        if isNaN { return "NaN" }
        return isInfinite ? (self < 0 ? "-Infinity" : "Infinity") : description
    }
}

extension Bool: DatabaseValue {
    public static var databaseType: UInt32 { 16 }
    public var databaseText: String { self ? "t" : "f" }
    public init?(databaseText: String) {
        switch databaseText {
        case "t": self = true
        case "f": self = false
        default: return nil
        }
    }
}

/// bytea, in the output format `hex`, which is the server's default.
extension Array: DatabaseValue where Element == UInt8 {
    public static var databaseType: UInt32 { 17 }

    public var databaseText: String {
        let digits = [UInt8]("0123456789abcdef".utf8)
        var text = [UInt8]("\\x".utf8)
        text.reserveCapacity(2 + 2 * count)
        for byte in self {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    public init?(databaseText: String) {
        let text = databaseText.utf8
        guard text.count.isMultiple(of: 2), databaseText.hasPrefix("\\x") else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var high: UInt8?
        for character in text.dropFirst(2) {
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
            if let first = high { bytes.append(first << 4 | UInt8(digit)) }
            high = high == nil ? UInt8(digit) : nil
        }
        self = bytes
    }
}
