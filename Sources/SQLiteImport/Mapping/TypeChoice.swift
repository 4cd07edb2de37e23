package import Planning

/// The type of a column in PostgreSQL, from what it was declared as and what was found in it.
///
/// The declaration wins where at least nine tenths of the values bear it out: the rest is rejected, and the review says so
/// before anything is loaded. Otherwise the type is the one that holds what is there.
package struct TypeChoice: Sendable {
    package let mapping: ColumnMapping
    /// Where nothing can be chosen without the user.
    package var question: Diagnostic?
    /// What the user may want to know or change.
    package var remarks: [String] = []

    /// The share of values that may contradict the declaration.
    package static let dissent = 0.1

    package init(_ column: SourceColumn, _ evidence: ColumnEvidence, table: SourceTable, orm: ORMProfile? = nil) {
        let declared = DeclaredType(column.declared)
        let wish = Self.wish(column, declared, evidence, table, orm)
        var chosen = Self.faithful(column, evidence)
        if var wish {
            let units = Self.units(evidence)
            if wish.isTime, wish.unit == nil, units.count > 1 {
                question = Self.mixedUnits(column, table, units, evidence)
            }
            if wish.isTime, wish.unit == nil { wish.unit = units.first?.unit ?? Self.unit(orm) }
            if wish.unit == nil { wish.unit = Self.unit(orm, of: wish.type, evidence) }
            let fit = TypeFit(ColumnMapping(column.name, wish.type, unit: wish.unit), evidence)
            let bound = Double(evidence.notNull) * Self.dissent
            // Integers of several units are asked about, and do not contradict the declaration.
            let hasQuestion = question != nil
            let against = fit.misfits.filter { !hasQuestion || $0.kind.storage != .integer }.reduce(0) {
                $0 + $1.count
            }
            if Double(against) <= bound {
                // Which of several units is meant, the user has to say.
                let isAsked = question != nil || wish.isTime && evidence.count(.integer) == 0
                chosen = (wish.type, isAsked ? nil : wish.unit, wish.why)
                remarks += Self.remarks(wish.type, evidence)
            } else {
                question = nil
                chosen.why +=
                    "; declared \(column.declared), which \(grouped(against)) of \(grouped(evidence.notNull)) values are not"
            }
        }
        mapping = ColumnMapping(
            column.name, chosen.type, unit: chosen.unit, isGenerated: column.generation != nil, why: chosen.why)
        if mapping.type == .bigint, let hint = Self.hint(column, evidence) { remarks.append(hint) }
        if declared.family == .time, mapping.type == .text, let hint = Self.hint(.time, evidence) {
            remarks.append(hint)
        }
        if mapping.type.isTime, let hint = Self.durationHint(evidence, orm) { remarks.append(hint) }
        if column.affinity == .numeric, declared.family != .boolean,
            evidence.count(.integer) + evidence.count(.real) > 0,
            [.unknown, .json, .uuid, .text].contains(declared.family)
        {
            remarks.append(
                "SQLite gives \(column.declared) NUMERIC affinity: texts that look like numbers were stored as numbers (00123 as 123, long decimals as doubles). What was lost so was lost before the import"
            )
        }
    }

    private struct Wish {
        var type: TargetType
        var unit: TimeUnit?
        var why: String
        var isTime: Bool { type.isTime }
    }

    private static func wish(
        _ column: SourceColumn, _ declared: DeclaredType, _ evidence: ColumnEvidence, _ table: SourceTable,
        _ orm: ORMProfile?
    ) -> Wish? {
        let why = "declared \(column.declared)"
        switch declared.family {
        case .boolean: return Wish(type: .boolean, why: why + ", 0 and 1")
        case .date:
            return Wish(
                type: evidence.count(of: [.milliseconds, .seconds]) > 0 ? moment(orm, declared) : .date, why: why)
        case .time: return Wish(type: .time, why: why)
        case .timestamp: return Wish(type: moment(orm, declared), why: why)
        case .json: return Wish(type: .jsonb, why: why)
        case .uuid: return Wish(type: .uuid, why: why)
        case .decimal: return Wish(type: decimal(declared, evidence), why: why)
        case .varchar: return varchar(column, declared, evidence, why, orm)
        case .real: return Wish(type: .doublePrecision, why: why)
        case .integer: return orm == .drizzle ? drizzle(column, evidence) : nil
        case .none, .text, .blob, .unknown: return nil
        }
    }

    /// These keep times in UTC without a zone; all others get what PostgreSQL advises.
    private static func moment(_ orm: ORMProfile?, _ declared: DeclaredType) -> TargetType {
        switch orm {
        case .prisma: .timestamp(3)
        case .rails: .timestamp(6)
        case .sqlalchemy: .timestamp(nil)
        case .django, .drizzle, nil: .timestamptz(nil)
        }
    }

    /// As many digits as declared where all values have no more, else as many as each has.
    private static func decimal(_ declared: DeclaredType, _ evidence: ColumnEvidence) -> TargetType {
        let (precision, scale) = (declared.sizes.first, declared.sizes.dropFirst().first ?? 0)
        guard let precision, 1...1000 ~= precision, scale <= precision else {
            return .numeric(precision: nil, scale: nil)
        }
        let type = TargetType.numeric(precision: precision, scale: scale)
        let fits = TypeFit(ColumnMapping("", type), evidence).misfits.allSatisfy { $0.kind.storage == .text }
        let whole = evidence.wholeDigits <= precision - scale && evidence.fractionDigits <= scale
        return fits && whole ? type : .numeric(precision: nil, scale: nil)
    }

    private static func varchar(
        _ column: SourceColumn, _ declared: DeclaredType, _ evidence: ColumnEvidence, _ why: String,
        _ orm: ORMProfile?
    ) -> Wish? {
        // Without values too where it is declared just so, so that a key to a UUID is one.
        if orm == .django || orm == .sqlalchemy, declared.sizes.first == 32,
            evidence.notNull > 0 || column.declared.asciiLowercased == "char(32)",
            evidence[.hexText] + evidence[.null] == evidence.total
        {
            return Wish(type: .uuid, why: why + ", 32 hexadecimal digits: UUIDs")
        }
        guard let length = declared.sizes.first, 1...10_485_760 ~= length, evidence.longestText <= length else {
            return nil
        }
        return Wish(type: .varchar(length), why: why)
    }

    /// Drizzle declares times and booleans as integers; the default and the name tell.
    private static func drizzle(_ column: SourceColumn, _ evidence: ColumnEvidence) -> Wish? {
        guard evidence.notNull > 0 else { return nil }
        let isTime =
            isNamedLikeTime(column) || column.defaultSQL?.asciiLowercased.contains("unixepoch") == true
            || column.defaultSQL?.asciiLowercased.contains("strftime") == true
        if isTime, units(evidence).count == 1 {
            return Wish(type: .timestamptz(nil), why: "named like a time, all values in one unit")
        }
        let isFlag =
            ["is_", "has_", "can_"].contains { column.name.asciiLowercased.hasPrefix($0) }
            || ["true", "false"].contains(column.defaultSQL?.asciiLowercased ?? "")
        return isFlag ? Wish(type: .boolean, why: "named like a flag, 0 and 1") : nil
    }

    /// The units of time that the column's integers may count, those with most values first.
    static func units(_ evidence: ColumnEvidence) -> [(unit: TimeUnit, count: Int)] {
        [(TimeUnit.seconds, ValueClass.seconds), (.milliseconds, .milliseconds), (.microseconds, .microseconds)]
            .map { (unit: $0.0, count: evidence[$0.1]) }.filter { $0.count > 0 }.sorted { $0.count > $1.count }
    }

    private static func unit(_ orm: ORMProfile?) -> TimeUnit? { orm == .prisma ? .milliseconds : nil }

    /// Only where there are such values: most columns need none.
    private static func unit(_ orm: ORMProfile?, of type: TargetType, _ evidence: ColumnEvidence) -> TimeUnit? {
        evidence[.timestampText] > 0 ? orm?.unit(of: type) : nil
    }

    /// The unit that the column's integers count; nil where they seem to count several.
    static func onlyUnit(_ evidence: ColumnEvidence, _ orm: ORMProfile?) -> TimeUnit? {
        let units = units(evidence)
        return units.count > 1 ? nil : units.first?.unit ?? unit(orm)
    }

    private static func mixedUnits(
        _ column: SourceColumn, _ table: SourceTable, _ units: [(unit: TimeUnit, count: Int)],
        _ evidence: ColumnEvidence
    ) -> Diagnostic {
        let counts = units.map { "\(grouped($0.count)) look like \($0.unit.rawValue)" }.joined(separator: ", ")
        return Diagnostic(
            .error, "mixed-units",
            "numbers in column \(table.name).\(column.name) count several units of time: \(counts)",
            object: "column \(table.name).\(column.name)",
            nextStep:
                "say unit: \(units[0].unit.rawValue) or type: bigint for it in a mapping; --write-mapping FILE writes one"
        )
    }

    /// The type that holds what is there, whatever was declared.
    private static func faithful(
        _ column: SourceColumn, _ evidence: ColumnEvidence
    ) -> (type: TargetType, unit: TimeUnit?, why: String) {
        let (integers, reals) = (evidence.count(.integer), evidence.count(.real))
        let (texts, blobs) = (evidence.count(.text), evidence.count(.blob))
        // Such as INTEGER_OR_TEXT, in all tables alike: keys refer from one to the other.
        if column.affinity == .integer, column.declared.asciiLowercased.contains("text"), blobs == 0 {
            return (.text, nil, "declared \(column.declared): numbers and texts")
        }
        switch (integers + reals > 0, texts > 0, blobs > 0) {
        case (false, false, false):
            return (byAffinity(column.affinity), nil, "no values; affinity \(column.affinity.rawValue)")
        case (true, false, false):
            if reals == 0, column.affinity != .real { return (.bigint, nil, "whole numbers") }
            let isExact = TypeFit(ColumnMapping("", .doublePrecision), evidence).rejected == 0
            return isExact
                ? (.doublePrecision, nil, "numbers")
                : (.numeric(precision: nil, scale: nil), nil, "numbers, some beyond what doubles hold exactly")
        case (false, true, false): return (.text, nil, "texts")
        case (false, false, true): return (.bytea, nil, "blobs")
        case (true, true, false):
            // An integer column with a few stray texts stays one.
            if column.affinity == .integer, Double(texts + reals) <= Double(evidence.notNull) * dissent {
                return (.bigint, nil, "whole numbers but for \(grouped(texts + reals))")
            }
            if column.affinity == .real, Double(texts) <= Double(evidence.notNull) * dissent {
                return (.doublePrecision, nil, "numbers but for \(grouped(texts))")
            }
            return (.text, nil, "\(counted(texts, "text")) and \(counted(integers + reals, "number"))")
        case (false, true, true):
            return column.affinity == .text && blobs * 10 <= texts
                ? (.text, nil, "texts but for \(counted(blobs, "blob"))")
                : (.bytea, nil, "\(counted(blobs, "blob")) and \(counted(texts, "text")), both as bytes")
        case (true, _, true):
            return (.text, nil, "numbers, and \(counted(blobs, "blob"))")
        }
    }

    private static func byAffinity(_ affinity: SourceAffinity) -> TargetType {
        switch affinity {
        case .integer: .bigint
        case .text: .text
        case .blob: .bytea
        case .real: .doublePrecision
        case .numeric: .numeric(precision: nil, scale: nil)
        }
    }

    static func remarks(_ type: TargetType, _ evidence: ColumnEvidence) -> [String] {
        var remarks: [String] = []
        let digits: Int? =
            switch type {
            case .timestamp(let digits), .timestamptz(let digits): digits ?? 6
            case .time: 6
            default: nil
            }
        if let digits, evidence.secondDigits > digits {
            remarks.append(
                "fractions of seconds have up to \(evidence.secondDigits) digits and are rounded to \(digits)")
        }
        if digits != nil, evidence.count(of: [.timestampText, .dateText]) > 0, type != .time {
            remarks.append("times without a zone are taken as UTC")
        }
        return remarks
    }
}
