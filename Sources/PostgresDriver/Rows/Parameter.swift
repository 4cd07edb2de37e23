/// A value for `$1`, `$2`, …: always sent beside the statement, in text form, never spliced into it.
package enum Parameter: Sendable, Hashable {
    case null
    /// Sent without a type, so that the server takes it for whatever the place needs.
    case text(String)
    /// As bigint.
    case int(Int)
    case bool(Bool)
    /// As double precision; NaN and infinities included.
    case double(Double)
    /// As bytea.
    case bytes([UInt8])
    case oid(UInt32)
    /// As text[]; nil is NULL.
    case textArray([String?])
    /// As bigint[].
    case intArray([Int])
    /// As oid[].
    case oidArray([UInt32])
    /// Text in the server's input syntax for the type with that oid; 0 leaves the type to the server.
    case typed(String?, type: UInt32)

    /// The type that is named to the server; 0 for "find out".
    package var typeOID: UInt32 {
        switch self {
        case .null, .text: 0
        case .int: 20
        case .bool: 16
        case .double: 701
        case .bytes: 17
        case .oid: 26
        case .textArray: 1009
        case .intArray: 1016
        case .oidArray: 1028
        case .typed(_, let type): type
        }
    }

    /// The text form; nil for NULL.
    package var encoded: String? {
        switch self {
        case .null: nil
        case .text(let value): value
        case .int(let value): String(value)
        case .bool(let value): value ? "t" : "f"
        case .double(let value): Self.encode(value)
        case .bytes(let value): Self.encode(value)
        case .oid(let value): String(value)
        case .textArray(let values): ArrayLiteral.encode(values)
        case .intArray(let values): ArrayLiteral.encode(values.map { String($0) })
        case .oidArray(let values): ArrayLiteral.encode(values.map { String($0) })
        case .typed(let value, _): value
        }
    }

    private static func encode(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return value.description
    }

    private static func encode(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = [UInt8(ascii: "\\"), UInt8(ascii: "x")]
        text.reserveCapacity(2 + 2 * bytes.count)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension Parameter: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(nilLiteral: ()) { self = .null }
}
