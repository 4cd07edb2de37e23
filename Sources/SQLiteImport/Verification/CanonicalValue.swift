import GRDBSQLite
import JSONSchemas

/// A value of the file in a form that PostgreSQL computes from what it holds, by `sql`: the two are equal exactly where the
/// value arrived. Not made of what is sent by COPY.
struct CanonicalValue {
    let type: TargetType
    let unit: TimeUnit?
    let emptyIsNull: Bool
    /// False for types of the target's own whose text PostgreSQL changes, such as inet.
    let isCompared: Bool

    init(_ mapping: ColumnMapping, isCompared: Bool) {
        (type, unit, emptyIsNull) = (mapping.type, mapping.unit, mapping.emptyIsNull)
        self.isCompared = isCompared
    }

    /// The same of a column of PostgreSQL, as text; NULL for NULL.
    func sql(_ column: String) -> String {
        guard isCompared else { return "CASE WHEN \(column) IS NULL THEN NULL ELSE '' END" }
        switch type {
        case .doublePrecision: return "encode(float8send(\(column)), 'hex')"
        case .real: return "encode(float4send(\(column)), 'hex')"
        case .numeric: return "trim_scale(\(column))::text"
        case .bytea: return "encode(\(column), 'hex')"
        case .date: return "(\(column) - date '1970-01-01')::text"
        case .time: return "(extract(epoch FROM \(column)) * 1000000)::bigint::text"
        case .timestamp, .timestamptz: return "(extract(epoch FROM \(column)) * 1000000)::bigint::text"
        case .other where type.isInterval: return "(extract(epoch FROM \(column)) * 1000000)::bigint::text"
        case .other(let name) where name.hasPrefix("character("): return "rtrim(\(column)::text, ' ')"
        default: return "\(column)::text"
        }
    }

    /// Appends the form; false for NULL. The row has been found loadable.
    func append(_ statement: OpaquePointer, _ column: Int32, to out: CopyBuffer) -> Bool {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_NULL: return false
        case SQLITE_INTEGER:
            guard isCompared else { return true }
            append(sqlite3_column_int64(statement, column), out)
        case SQLITE_FLOAT:
            guard isCompared else { return true }
            append(sqlite3_column_double(statement, column), out)
        case SQLITE_TEXT:
            let start = sqlite3_column_text(statement, column)
            let bytes = UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column)))
            if bytes.isEmpty, emptyIsNull, !type.isText { return false }
            guard isCompared else { return true }
            append(text: bytes, out)
        default:
            guard isCompared else { return true }
            let start = sqlite3_column_blob(statement, column)
            append(
                hex: UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))), out)
        }
        return true
    }

    private func append(_ value: Int64, _ out: CopyBuffer) {
        switch type {
        case .boolean: out.append(plain: value == 0 ? "false" : "true")
        case .doublePrecision: append(bits: Double(value).bitPattern, 16, out)
        case .real: append(bits: UInt64(Float(value).bitPattern), 8, out)
        case .other where type.isInterval: out.append(unit?.microseconds(value) ?? 0)
        case .date: out.append((unit?.microseconds(value) ?? 0) / 86_400_000_000)
        case .timestamp, .timestamptz: out.append(rounded(unit?.microseconds(value) ?? 0))
        default: out.append(value)
        }
    }

    private func append(_ value: Double, _ out: CopyBuffer) {
        switch type {
        case .doublePrecision: append(bits: value.bitPattern, 16, out)
        case .real: append(bits: UInt64(Float(value).bitPattern), 8, out)
        case .numeric: out.append(plain: PlainDecimal.text(value.description, keepsScale: false))
        case .jsonb: out.append(plain: PlainDecimal.text(value.description, keepsScale: true))
        case .bigint, .integer, .smallint: out.append(Int64(value))
        case .date, .timestamp, .timestamptz:
            let isDay = value >= 1_721_059.5 && value <= 5_373_484.5
            let microseconds =
                isDay ? TimeUnit.microseconds(julianDay: value) ?? 0 : Int64((value * 1_000_000).rounded())
            out.append(type == .date ? microseconds / 86_400_000_000 : rounded(microseconds))
        default: out.append(plain: value.isFinite ? value.description : value < 0 ? "-Infinity" : "Infinity")
        }
    }

    private func append(text bytes: UnsafeRawBufferPointer, _ out: CopyBuffer) {
        switch type {
        case .bytea: append(hex: bytes, out)
        case .boolean: out.append(plain: TextClass.boolean(bytes) == true ? "true" : "false")
        case .doublePrecision: append(bits: (Double(string(bytes)) ?? 0).bitPattern, 16, out)
        case .real: append(bits: UInt64((Float(string(bytes)) ?? 0).bitPattern), 8, out)
        case .numeric: out.append(plain: PlainDecimal.text(string(bytes), keepsScale: false))
        case .other where type.isInterval: out.append(unit?.microseconds(TimeText(bytes)) ?? 0)
        case .date: out.append((TimeText(bytes)?.epoch ?? 0) / 86_400_000_000)
        case .time: out.append(TimeText(bytes)?.microseconds ?? 0)
        case .timestamp, .timestamptz: out.append(rounded(TimeText(bytes)?.epoch ?? 0))
        case .uuid: appendUUID(bytes, out)
        case .jsonb:
            let value = try? JSONParser.parse(bytes, limits: TextClass.jsonLimits)
            out.append(plain: value.map(JSONBText.text) ?? "")
        case .other(let name) where name.hasPrefix("character("):
            out.append(raw: UnsafeRawBufferPointer(rebasing: bytes[..<((bytes.lastIndex { $0 != 0x20 } ?? -1) + 1)]))
        case .bigint, .integer, .smallint, .text, .varchar, .json, .other: out.append(raw: bytes)
        }
    }

    private func string(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

    /// In lower case with its four hyphens.
    private func appendUUID(_ bytes: UnsafeRawBufferPointer, _ out: CopyBuffer) {
        var digits = 0
        for byte in bytes where byte != UInt8(ascii: "-") {
            if [8, 12, 16, 20].contains(digits) { out.append(UInt8(ascii: "-")) }
            out.append(0x41...0x46 ~= byte ? byte | 0x20 : byte)
            digits += 1
        }
    }

    private func append(hex bytes: UnsafeRawBufferPointer, _ out: CopyBuffer) {
        guard type == .uuid else { return out.append(hex: bytes) }
        let digits = bytes.flatMap { [Self.digit($0 >> 4), Self.digit($0 & 15)] }
        digits.withUnsafeBytes { appendUUID($0, out) }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    private func append(bits: UInt64, _ digits: Int, _ out: CopyBuffer) {
        for place in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            out.append(Self.digit(UInt8(bits >> UInt64(place) & 15)))
        }
    }

    /// As PostgreSQL rounds to the type's digits: halves away from zero (AdjustTimestampForTypmod).
    private func rounded(_ microseconds: Int64) -> Int64 {
        let digits: Int? =
            switch type {
            case .timestamp(let digits), .timestamptz(let digits): digits
            default: nil
            }
        guard let digits, digits < 6 else { return microseconds }
        var unit: Int64 = 1
        for _ in digits..<6 { unit *= 10 }
        return microseconds >= 0
            ? (microseconds + unit / 2) / unit * unit : -((-microseconds + unit / 2) / unit * unit)
    }
}

extension TargetType {
    /// '' is a value of it.
    var isText: Bool {
        switch self {
        case .text, .varchar, .bytea, .other: true
        default: false
        }
    }
}
