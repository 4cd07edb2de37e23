/// Which of a column's values a type takes, told from the evidence alone: what the review says will be rejected.
///
/// Exact by class; within a class the smallest and largest values tell only whether some do not fit, so that lengths and
/// ranges of a given target can reject fewer rows than is said here.
package struct TypeFit: Sendable, Hashable {
    package struct Misfit: Sendable, Hashable {
        package var kind: ValueClass
        package var count: Int
        package var reason: RejectReason
        /// Whether `count` is only a bound: some of them may fit.
        package var isAtMost = false
        /// A rowid of one, where there are rowids.
        package var example: Int64?
    }

    package let misfits: [Misfit]
    package var rejected: Int { misfits.reduce(0) { $0 + $1.count } }

    package init(_ mapping: ColumnMapping, _ evidence: ColumnEvidence) {
        misfits = ValueClass.allCases.compactMap { kind in
            let count = evidence[kind]
            guard count > 0, let (reason, isAtMost) = Self.refusal(kind, mapping, evidence) else { return nil }
            return Misfit(
                kind: kind, count: count, reason: reason, isAtMost: isAtMost, example: evidence.examples[kind])
        }
    }

    private typealias Refusal = (reason: RejectReason, isAtMost: Bool)?

    private static func refusal(
        _ kind: ValueClass, _ mapping: ColumnMapping, _ evidence: ColumnEvidence
    ) -> Refusal {
        switch kind.storage {
        case .null: nil
        case .integer: integer(kind, mapping, evidence)
        case .real: real(kind, mapping, evidence)
        case .text: text(kind, mapping, evidence)
        case .blob:
            mapping.type == .bytea
                ? nil : mapping.type == .uuid ? kind == .blob16 ? nil : (.notAUUID, false) : (.isBlob, false)
        }
    }

    private static func integer(_ kind: ValueClass, _ mapping: ColumnMapping, _ evidence: ColumnEvidence) -> Refusal {
        let (low, high) = (evidence.smallestInteger ?? 0, evidence.largestInteger ?? 0)
        func within(_ bound: Int64, _ reason: RejectReason) -> Refusal {
            kind == .zeroOne || (low >= -bound - (reason == .outOfRange ? 1 : 0) && high <= bound)
                ? nil : (reason, true)
        }
        switch mapping.type {
        case .bigint, .text, .varchar(nil), .json, .jsonb: return nil
        case .other: return mapping.type.isInterval && mapping.unit?.intervalName == nil ? (.noUnit, false) : nil
        case .varchar(let length?):
            return max("\(low)".count, "\(high)".count) <= length ? nil : (.tooLong, true)
        case .integer: return within(Int64(Int32.max), .outOfRange)
        case .smallint: return within(Int64(Int16.max), .outOfRange)
        case .doublePrecision: return within(1 << 53, .losesDigits)
        case .real: return within(1 << 24, .losesDigits)
        case .numeric(let precision, let scale):
            guard let precision else { return nil }
            let digits = max(String(low.magnitude).count, String(high.magnitude).count)
            return digits <= precision - (scale ?? 0) ? nil : (.outOfRange, true)
        case .boolean: return kind == .zeroOne ? nil : (.notBoolean, false)
        case .timestamp, .timestamptz, .date:
            guard let unit = mapping.unit else { return (.noUnit, false) }
            guard [low, high].allSatisfy({ unit.microseconds($0).map(TimeUnit.range.contains) ?? false }) else {
                return (.outOfRange, true)
            }
            return mapping.type == .date ? (.notADate, true) : nil
        case .time: return (.notATime, false)
        case .uuid: return (.notAUUID, false)
        case .bytea: return (.notABlob, false)
        }
    }

    private static func real(_ kind: ValueClass, _ mapping: ColumnMapping, _ evidence: ColumnEvidence) -> Refusal {
        let isWhole = kind == .wholeReal || kind == .wholeJulianDay
        switch mapping.type {
        case .doublePrecision, .text, .varchar(nil): return nil
        case .other: return mapping.type.isInterval ? (.noUnit, false) : nil
        case .varchar: return (.tooLong, true)
        case .real: return kind == .infinite ? nil : (.losesDigits, true)
        case .numeric(let precision, let scale):
            if kind == .infinite { return (.infinite, false) }
            guard let precision else { return nil }
            return fits(evidence, whole: precision - (scale ?? 0), scale ?? 0) ? nil : (.losesDigits, true)
        case .json, .jsonb: return kind == .infinite ? (.notJSON, false) : nil
        case .bigint: return isWhole ? nil : (.notAnInteger, false)
        case .integer, .smallint: return isWhole ? (.outOfRange, true) : (.notAnInteger, false)
        case .timestamp, .timestamptz:
            if kind == .julianDay || kind == .wholeJulianDay { return nil }
            return kind == .infinite
                ? (.notATimestamp, false) : mapping.unit == .seconds ? (.outOfRange, true) : (.noUnit, false)
        case .date: return (kind == .infinite ? .notATimestamp : .notADate, true)
        case .boolean: return (.notBoolean, false)
        case .time: return (.notATime, false)
        case .uuid: return (.notAUUID, false)
        case .bytea: return (.notABlob, false)
        }
    }

    /// Whether no real has more digits before and behind the point.
    private static func fits(_ evidence: ColumnEvidence, whole: Int, _ fraction: Int) -> Bool {
        guard let low = evidence.smallestReal, let high = evidence.largestReal, whole >= 0, fraction >= 0 else {
            return false
        }
        let bound = (0..<min(whole, 22)).reduce(1.0) { bound, _ in bound * 10 }
        return evidence.realDigits <= fraction && max(low.magnitude, high.magnitude) < bound
    }

    private static func text(_ kind: ValueClass, _ mapping: ColumnMapping, _ evidence: ColumnEvidence) -> Refusal {
        switch mapping.type {
        case .bytea: return nil
        case .other where mapping.type.isInterval && mapping.unit != nil:
            return mapping.unit?.beginning != nil && kind == .timestampText ? nil : (.notATime, false)
        case .other where mapping.type.isInterval && kind == .timestampText: return (.noUnit, false)
        case .text, .varchar, .other:
            if kind == .nulText { return (.nul, false) }
            if kind == .invalidText { return (.invalidUTF8, false) }
            guard case .varchar(let length?) = mapping.type, evidence.longestText > length else { return nil }
            return kind == .empty ? nil : (.tooLong, true)
        default: break
        }
        if kind == .empty { return mapping.emptyIsNull ? nil : (.empty, false) }
        if mapping.type == .time, kind == .timestampText, let day = mapping.unit?.firstDay {
            return evidence.firstDay == day && evidence.lastDay == day ? nil : (.notATime, true)
        }
        return typed(kind, mapping.type, evidence)
    }

    private static func typed(_ kind: ValueClass, _ type: TargetType, _ evidence: ColumnEvidence) -> Refusal {
        switch type {
        case .bigint: return kind == .integerText ? nil : (.notAnInteger, false)
        case .integer, .smallint: return (kind == .integerText ? .outOfRange : .notAnInteger, kind == .integerText)
        case .numeric(nil, _): return kind == .integerText || kind == .decimalText ? nil : (.notANumber, false)
        case .numeric, .doublePrecision, .real:
            return kind == .integerText || kind == .decimalText ? (.losesDigits, true) : (.notANumber, false)
        case .boolean: return kind.isBooleanText ? nil : (.notBoolean, false)
        case .date:
            if kind == .dateText { return nil }
            let mayBeMidnight = kind == .timestampText || kind == .zonedTimestampText
            return (.notADate, mayBeMidnight)
        case .timestamp, .timestamptz:
            return [.dateText, .timestampText, .zonedTimestampText].contains(kind) ? nil : (.notATimestamp, false)
        case .time: return kind == .timeText ? nil : (.notATime, false)
        case .uuid: return kind == .uuidText || kind == .hexText ? nil : (.notAUUID, false)
        case .json, .jsonb:
            let isJSON = [.jsonText, .trueOrFalse, .nullText, .integerText, .decimalText].contains(kind)
            return isJSON ? nil : (.notJSON, kind == .text)
        case .text, .varchar, .bytea, .other: return nil
        }
    }
}
