import TestSupport
import Testing

@testable import SQLiteImport

/// What the review says of a value, the loader does: over every type and values of every class.
@Suite struct TypeFitTests {
    private enum Value: CustomStringConvertible {
        case integer(Int64), real(Double), text([UInt8]), blob([UInt8])

        var description: String {
            switch self {
            case .integer(let value): "\(value)"
            case .real(let value): "\(value)"
            case .text(let bytes): "'\(String(decoding: bytes, as: UTF8.self))'"
            case .blob(let bytes): "x'\(bytes)'"
            }
        }
    }

    private static let types: [TargetType] = [
        .boolean, .smallint, .integer, .bigint, .real, .doublePrecision, .numeric(precision: nil, scale: nil),
        .numeric(precision: 5, scale: 2), .text, .varchar(nil), .varchar(4), .bytea, .uuid, .json, .jsonb, .date, .time,
        .timestamp(3), .timestamptz(nil), .other("citext"), .other("interval"),
    ]

    private static let values: [Value] =
        [
            0, 1, 2, -5, 32_768, 3_000_000_000, 1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, .max, .min,
            1 << 53 + 1,
        ]
        .map { .integer($0) }
        + [
            0.5, 3, 123.45, -999.99, 999.995, 1000, -0.005, 1e300, -.infinity, 2_459_580.25, 2_459_580, 0.1, 1e-7,
            1_700_000_000.5,
        ].map { .real($0) }
        + [
            "", "x", "hello", "Ünï", "12", "-7", "00123", "12.50", "1e5", "9223372036854775808", "true", "No",
            "2024-02-29",
            "2023-02-29", "2024-02-29 12:00", "2024-02-29T12:00:00.5Z", "2024-02-29 00:00:00", "12:00", "24:00",
            "{\"a\":1}",
            "[1,", "\"s\"", "null", "True", "2000-01-01 23:59:59.999999", "1969-12-31 23:59:59.5",
            "123e4567-e89b-12d3-a456-426614174000", "d41d8cd98f00b204e9800998ecf8427e",
            "a\u{0}b",
        ].map { .text(Array($0.utf8)) }
        + [
            .text([0xFF, 0x41]), .text([0xED, 0xA0, 0x80]), .blob([]), .blob([0, 255]),
            .blob([UInt8](repeating: 7, count: 16)),
        ]

    @Test(arguments: types, [nil, .seconds, .milliseconds, .since1970, .since2000] as [TimeUnit?])
    func sameAsTheLoader(_ type: TargetType, _ unit: TimeUnit?) {
        for emptyIsNull in [false, true] {
            let takesUnit = type.isTime || type.isInterval || type == .time
            let mapping = ColumnMapping("c", type, unit: takesUnit ? unit : nil, emptyIsNull: emptyIsNull)
            for value in Self.values {
                let refusal = refusal(value, ValueEncoder(mapping))
                let misfit = TypeFit(mapping, evidence(value)).misfits.first
                // A bound may count a value that fits; what is said exactly, is so.
                if let misfit, !misfit.isAtMost {
                    #expect(refusal == misfit.reason, "\(value) as \(type)")
                } else if misfit == nil {
                    #expect(refusal == nil, "\(value) as \(type)")
                }
            }
        }
    }

    private func refusal(_ value: Value, _ encoder: ValueEncoder) -> RejectReason? {
        let buffer = CopyBuffer()
        do throws(RejectReason) {
            switch value {
            case .integer(let value): try encoder.append(value, to: buffer)
            case .real(let value): try encoder.append(value, to: buffer)
            case .text(let bytes):
                try withBytes(bytes) { (bytes) throws(RejectReason) in try encoder.append(text: bytes, to: buffer) }
            case .blob(let bytes):
                try withBytes(bytes) { (bytes) throws(RejectReason) in try encoder.append(blob: bytes, to: buffer) }
            }
            return nil
        } catch {
            return error
        }
    }

    private func withBytes(
        _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(RejectReason) -> Void
    ) throws(RejectReason) {
        let result = bytes.withUnsafeBytes { raw in Result { () throws(RejectReason) in try body(raw) } }
        try result.get()
    }

    private func evidence(_ value: Value) -> ColumnEvidence {
        var evidence = ColumnEvidence()
        switch value {
        case .integer(let value):
            evidence[.of(integer: value)] = 1
            (evidence.smallestInteger, evidence.largestInteger) = (value, value)
        case .real(let value):
            evidence[.of(real: value)] = 1
            (evidence.smallestReal, evidence.largestReal) = (value, value)
            evidence.realDigits = value.decimals
        case .text(let bytes):
            bytes.withUnsafeBytes { raw in
                let scan = TextScan(raw)
                evidence[TextClass.of(raw, scan)] = 1
                evidence.longestText = scan.characters
                if evidence[.timestampText] > 0 {
                    let day = Int(String(decoding: bytes.prefix(10).filter { $0 != UInt8(ascii: "-") }, as: UTF8.self))
                    (evidence.firstDay, evidence.lastDay) = (day, day)
                }
            }
        case .blob(let bytes): evidence[.of(blobBytes: bytes.count)] = 1
        }
        return evidence
    }
}

@Suite struct TextClassTests {
    @Test(
        arguments: [
            ("", .empty), ("12", .integerText), ("-0", .text), ("+1", .text), ("00123", .text), ("0", .integerText),
            ("0.50", .decimalText), ("1234567890123456789", .decimalText), ("1.", .text), (".5", .text), ("1e5", .text),
            ("true", .trueOrFalse), ("True", .booleanText), ("null", .nullText), ("NULL", .text), ("Off", .booleanText),
            ("maybe", .text), ("2024-02-29", .dateText),
            ("2023-02-29", .text),
            ("0000-01-01", .text), ("2024-02-29 23:59:59.999999999", .timestampText),
            ("2024-02-29T23:59Z", .zonedTimestampText),
            ("2024-02-29 10:00:00+05:30", .zonedTimestampText), ("2024-02-29 10:00:00 +05:30", .text),
            ("10:11", .timeText),
            ("10:60", .text), ("{}", .jsonText), ("{\"a\":1,\"a\":2}", .text), ("\"s\"", .jsonText), ("[1] x", .text),
            ("123E4567-e89b-12d3-a456-426614174000", .uuidText), ("d41d8cd98f00b204e9800998ecf8427e", .hexText),
        ] as [(String, ValueClass)])
    func kind(_ text: String, _ expected: ValueClass) {
        let kind = Array(text.utf8).withUnsafeBytes { TextClass.of($0, TextScan($0)) }
        #expect(kind == expected)
    }

    /// Swift's own reading of UTF-8 is the judge.
    @Test func validity() {
        var random = SeededRandom(SeededRandom.seed(for: "TextClassTests", usual: 3))
        for _ in 0..<20_000 {
            let bytes = (0..<random.below(14)).map { _ in
                random.once(in: 2)
                    ? UInt8(random.below(128))
                    : random.pick([0xC3, 0xA4, 0xE2, 0x98, 0x83, 0xF0, 0x9F, 0x80, 0xED, 0xA0, 0xFF])
            }
            let scan = bytes.withUnsafeBytes { TextScan($0) }
            let valid = String(validating: bytes, as: UTF8.self)
            #expect(scan.isValid == (valid != nil))
            #expect(scan.hasNUL == bytes.contains(0))
            if let valid { #expect(scan.characters == valid.unicodeScalars.count) }
        }
    }
}

@Suite struct RealDigitsTests {
    @Test func `Digits behind the point are those of the shortest text that is the same number`() {
        var random = SeededRandom(SeededRandom.seed(for: "RealDigitsTests", usual: 1))
        for _ in 0..<2_000 {
            let digits = random.below(8)
            let text =
                "\(random.below(10_000_000)).\(String(repeating: "0", count: random.below(3)))\(random.below(100_000_000))"
            let value = Double(text.prefix { $0 != "." } + text.drop { $0 != "." }.prefix(digits + 1)) ?? 0
            #expect(value.decimals == DecimalDigits(value).fraction, "\(value)")
            #expect((-value).decimals == value.decimals)
        }
        for _ in 0..<2_000 {
            let value = Double(bitPattern: UInt64(truncatingIfNeeded: random.next() as UInt64))
            guard value.isFinite, value.decimals < Double.mostDecimals else { continue }
            #expect(value.decimals >= DecimalDigits(value).fraction, "\(value)")
        }
        #expect(Double.infinity.decimals == Double.mostDecimals && 5e-324.decimals == Double.mostDecimals)
    }
}

@Suite struct ChunkTests {
    @Test func `What the journal has is not loaded again, and all else is`() {
        var random = SeededRandom(SeededRandom.seed(for: "ChunkTests", usual: 5))
        for _ in 0..<2000 {
            let low = Int64(random.below(50)) - 25
            let high = low + Int64(random.below(60))
            let done = (0..<random.below(5)).map { _ -> ClosedRange<Int64> in
                let start = low + Int64(random.below(Int(high - low) + 1))
                return start...min(high, start + Int64(random.below(9)))
            }
            var evidence = TableEvidence()
            evidence.rows = 200_000
            (evidence.smallestRowid, evidence.largestRowid) = (low, high)
            evidence.boundaries = (low...high).filter { _ in random.once(in: 3) }
            var table = SourceTable("t", sql: "")
            table.rowidName = "rowid"
            let chunks = Chunk.remaining(table, evidence, done: done).compactMap(\.rowids)
            var seen: [Int64: Int] = [:]
            for rowid in (chunks + []).flatMap({ Array($0) }) { seen[rowid, default: 0] += 1 }
            for rowid in low...high {
                #expect(seen[rowid] == (done.contains { $0.contains(rowid) } ? nil : 1))
            }
        }
    }
}
