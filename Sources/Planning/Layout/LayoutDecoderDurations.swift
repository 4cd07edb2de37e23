extension LayoutReader {
    /// A duration such as `200ms`, `5s`, `10m`, `1h`, `30d`, `30 days`.
    mutating func duration(_ node: LayoutNode, _ key: String, in bounds: ClosedRange<Duration>) -> Duration? {
        let expected = "a duration such as 5s, 10m, 1h or 30 days"
        guard let value = text(node, "`\(key)`", expected) else { return nil }
        guard let duration = LayoutDuration.parse(value.text) else {
            let bare = !value.text.isEmpty && value.text.allSatisfy { $0.isASCII && $0.isNumber }
            let step =
                bare && value.variables.isEmpty
                ? "add the unit: \(value.text)s, \(value.text)m, \(value.text)h or \(value.text)d"
                : "write a whole number and a unit: ms, s, m, h, d or w"
            let found = bare ? "a number without a unit" : shown(value)
            error("bad-duration", "`\(key)`: expected \(expected), found \(found)", node.place, step)
            return nil
        }
        guard bounds.contains(duration) else {
            let limits = "\(LayoutDuration.text(bounds.lowerBound)) to \(LayoutDuration.text(bounds.upperBound))"
            let what = value.variables.isEmpty ? LayoutDuration.text(duration) : shown(value)
            error(
                "out-of-bounds", "`\(key)` is \(what), outside of \(limits)", node.place,
                "choose a duration from \(limits)")
            return nil
        }
        return duration
    }
}

/// Durations as the layout file writes them.
enum LayoutDuration {
    private static let units: [(names: [String], milliseconds: Int64)] = [
        (["ms", "millisecond", "milliseconds"], 1),
        (["s", "sec", "second", "seconds"], 1000),
        (["m", "min", "minute", "minutes"], 60_000),
        (["h", "hour", "hours"], 3_600_000),
        (["d", "day", "days"], 86_400_000),
        (["w", "week", "weeks"], 604_800_000),
    ]

    /// A whole number of at most nine digits and a unit, with or without a space between; nil otherwise.
    static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard (1...9).contains(digits.count), let count = Int64(digits),
            let found = units.first(where: { $0.names.contains(String(unit)) })
        else { return nil }
        return .milliseconds(count * found.milliseconds)
    }

    /// In the largest unit that divides it, for messages: `90m`, `30d`.
    static func text(_ duration: Duration) -> String {
        let parts = duration.components
        let milliseconds = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
        for unit in units.dropLast().reversed() where milliseconds != 0 && milliseconds % unit.milliseconds == 0 {
            return "\(milliseconds / unit.milliseconds)\(unit.names[0])"
        }
        return "\(milliseconds)ms"
    }
}
