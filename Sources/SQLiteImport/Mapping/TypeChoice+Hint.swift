import Planning

/// What the declaration does not say, and the values and the name do: told, not done.
extension TypeChoice {
    static func isNamedLikeTime(_ column: SourceColumn) -> Bool {
        let name = column.name.asciiLowercased
        return ["at", "_on", "date", "time", "expires", "timestamp"].contains { name.hasSuffix($0) }
    }

    /// Whole numbers that are all of one unit of time, in a column that is named like one.
    static func hint(_ column: SourceColumn, _ evidence: ColumnEvidence) -> String? {
        guard isNamedLikeTime(column), let (unit, count) = units(evidence).first, count == evidence.notNull else {
            return nil
        }
        let values = count == 1 ? "its value looks" : "all \(grouped(count)) values look"
        return
            "\(values) like Unix time: { type: timestamptz, unit: \(unit.rawValue) } in a mapping makes times of them"
    }
}
