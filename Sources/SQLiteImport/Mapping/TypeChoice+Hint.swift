import Planning

/// What the declaration does not say, and the values and the name do: told, not done.
extension TypeChoice {
    static func isNamedLikeTime(_ column: SourceColumn) -> Bool {
        let name = column.name.asciiLowercased
        return ["at", "_on", "date", "time", "expires", "timestamp"].contains { name.hasSuffix($0) }
    }

    /// Days and times where the type has no days: what is meant is so far from some day.
    static func hint(_ type: TargetType, _ evidence: ColumnEvidence) -> String? {
        guard evidence[.timestampText] > 0 else { return nil }
        if type.isInterval {
            return
                "SQLAlchemy writes durations as days and times from 1970 on: unit: since-1970 in a mapping, or --orm sqlalchemy, reads them so"
        }
        guard type == .time else { return nil }
        return
            "Rails writes times of day with the day 2000-01-01: { type: time, unit: since-2000 } in a mapping, or --orm rails, reads them so"
    }

    /// Days and times that all are near 1970 may be durations.
    static func durationHint(_ evidence: ColumnEvidence, _ orm: ORMProfile?) -> String? {
        guard orm == .sqlalchemy || orm == nil, evidence.notNull > 0, evidence[.timestampText] == evidence.notNull,
            let first = evidence.firstDay, let last = evidence.lastDay, first > 1960_00_00, last < 1980_00_00
        else { return nil }
        return
            "all of its times are near 1970: if they are SQLAlchemy's durations (Interval), { type: interval, unit: since-1970 } in a mapping makes intervals of them"
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
