import CLibPQ

/// Typed access by name or 0-based index. All throw `PostgresError` of kind `.decoding`; those that do not say
/// "optional" also for NULL.
extension Row {
    package func string(_ column: some ColumnKey) throws -> String {
        try required(optionalString(column), column, as: "text")
    }

    package func optionalString(_ column: some ColumnKey) throws -> String? {
        try decode(column, as: "text") { String(decoding: $0, as: UTF8.self) }
    }

    package func int(_ column: some ColumnKey) throws -> Int {
        try required(optionalInt(column), column, as: "a 64-bit integer")
    }

    package func optionalInt(_ column: some ColumnKey) throws -> Int? {
        try decode(column, as: "a 64-bit integer", Decimal.int)
    }

    /// For `oid`, `xid` and `regclass::oid`.
    package func uint32(_ column: some ColumnKey) throws -> UInt32 {
        try required(optionalUInt32(column), column, as: "an oid")
    }

    package func optionalUInt32(_ column: some ColumnKey) throws -> UInt32? {
        try decode(column, as: "an oid") { Decimal.int($0).flatMap { UInt32(exactly: $0) } }
    }

    package func bool(_ column: some ColumnKey) throws -> Bool {
        try required(optionalBool(column), column, as: "a boolean")
    }

    package func optionalBool(_ column: some ColumnKey) throws -> Bool? {
        try decode(column, as: "a boolean") { bytes in
            guard bytes.count == 1 else { return nil }
            return switch bytes[0] {
            case UInt8(ascii: "t"): true
            case UInt8(ascii: "f"): false
            default: nil
            }
        }
    }

    package func double(_ column: some ColumnKey) throws -> Double {
        try required(optionalDouble(column), column, as: "a number")
    }

    package func optionalDouble(_ column: some ColumnKey) throws -> Double? {
        try decode(column, as: "a number") { Double(String(decoding: $0, as: UTF8.self)) }
    }

    /// For bytea, in either output format.
    package func bytes(_ column: some ColumnKey) throws -> [UInt8] {
        try required(optionalBytes(column), column, as: "bytes")
    }

    package func optionalBytes(_ column: some ColumnKey) throws -> [UInt8]? {
        try decode(column, as: "bytes") { text in
            var length = 0
            guard let decoded = PQunescapeBytea(text.baseAddress, &length) else { return nil }
            defer { PQfreemem(decoded) }
            return Array(UnsafeBufferPointer(start: decoded, count: length))
        }
    }

    /// A one-dimensional array without NULL elements.
    package func textArray(_ column: some ColumnKey) throws -> [String] {
        try required(optionalTextArray(column), column, as: "a text array")
    }

    package func optionalTextArray(_ column: some ColumnKey) throws -> [String]? {
        try decode(column, as: "a text array") { bytes in
            try ArrayLiteral.decode(bytes).map { element in
                guard let element else { throw ArrayLiteral.Malformed(reason: "an element is NULL") }
                return element
            }
        }
    }

    /// A one-dimensional array whose elements may be NULL.
    package func nullableTextArray(_ column: some ColumnKey) throws -> [String?] {
        try required(decode(column, as: "a text array", ArrayLiteral.decode), column, as: "a text array")
    }

    /// For arrays of integers, and for `int2vector` and `oidvector`, whose text form has spaces and no braces.
    package func intArray(_ column: some ColumnKey) throws -> [Int] {
        try required(optionalIntArray(column), column, as: "an integer array")
    }

    package func optionalIntArray(_ column: some ColumnKey) throws -> [Int]? {
        try decode(column, as: "an integer array") { bytes in
            guard bytes.first == UInt8(ascii: "{") || bytes.first == UInt8(ascii: "[") else {
                return try numbers(String(decoding: bytes, as: UTF8.self).split(separator: " ").map { String($0) })
            }
            return try numbers(ArrayLiteral.decode(bytes))
        }
    }

    /// For arrays of oids, and `oidvector`.
    package func uint32Array(_ column: some ColumnKey) throws -> [UInt32] {
        try intArray(column).map { number in
            guard let oid = UInt32(exactly: number) else {
                throw PostgresError(.decoding, "column \(column): oids expected, an element is out of range")
            }
            return oid
        }
    }

    private func numbers(_ elements: [String?]) throws -> [Int] {
        try elements.map { element in
            guard let element, let number = Int(element) else {
                throw ArrayLiteral.Malformed(reason: "an element is not an integer")
            }
            return number
        }
    }
}

private enum Decimal {
    /// Straight from the bytes: a catalog of 50,000 tables has millions of these.
    static func int(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        let negative = bytes.first == UInt8(ascii: "-")
        let digits = bytes.dropFirst(negative ? 1 : 0)
        guard !digits.isEmpty else { return nil }
        var value = 0
        for byte in digits {
            guard byte >= 48, byte <= 57 else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, overflow2) = shifted.subtractingReportingOverflow(Int(byte) - 48)
            if overflow || overflow2 { return nil }
            value = next
        }
        // Counted downwards, because the smallest number has no positive counterpart.
        if negative { return value }
        return value == .min ? nil : -value
    }
}
