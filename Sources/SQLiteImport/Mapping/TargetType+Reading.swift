extension TargetType {
    /// From format_type's text, or as a user writes it in a mapping: `timestamptz`, `varchar(20)`, `numeric(10,2)`. Any other
    /// text is a type of the target's own.
    package init(sql text: String) {
        let lower = text.asciiLowercased.trimmingSpaces
        let sizes = Self.sizes(lower)
        let hasZone = lower.hasSuffix("with time zone")
        let name = lower.prefix { $0 != "(" }.trimmingSpaces
        // An array's elements have sizes, too: `varchar(20)[]`.
        if lower.hasSuffix("]") {
            self = .other(text)
            return
        }
        switch name {
        case "boolean", "bool": self = .boolean
        case "smallint", "int2": self = .smallint
        case "integer", "int", "int4": self = .integer
        case "bigint", "int8": self = .bigint
        case "real", "float4": self = .real
        case "double precision", "float8": self = .doublePrecision
        case "numeric", "decimal":
            self = .numeric(precision: sizes.first, scale: sizes.first.map { _ in sizes.dropFirst().first ?? 0 })
        case "text": self = .text
        case "character varying", "varchar": self = .varchar(sizes.first)
        case "bytea": self = .bytea
        case "uuid": self = .uuid
        case "json": self = .json
        case "jsonb": self = .jsonb
        case "date": self = .date
        case "time", "time without time zone": self = sizes.isEmpty ? .time : .other(text)
        case "timestamptz", "timestamp with time zone": self = .timestamptz(sizes.first)
        case "timestamp", "timestamp without time zone":
            self = hasZone ? .timestamptz(sizes.first) : .timestamp(sizes.first)
        default: self = .other(text)
        }
    }

    private static func sizes(_ text: String) -> [Int] {
        guard let open = text.firstIndex(of: "("), let close = text[open...].firstIndex(of: ")") else { return [] }
        return text[text.index(after: open)..<close].split(separator: ",").compactMap { Int(String($0).trimmingSpaces) }
    }
}

extension StringProtocol {
    var trimmingSpaces: String {
        var view = self[...]
        while let first = view.first, first.isWhitespace { view.removeFirst() }
        while let last = view.last, last.isWhitespace { view.removeLast() }
        return String(view)
    }
}
