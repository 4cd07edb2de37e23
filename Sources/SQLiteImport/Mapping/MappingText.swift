import Planning

/// The mapping as YAML that the user edits and passes back; what each type rests on stands behind it as a comment.
package enum MappingText {
    /// - Parameter comments: without them the text is the same for the same mapping: the journal's.
    package static func render(_ mapping: ImportMapping, source: String, comments: Bool = true) -> String {
        var text = comments ? head(source) : "strata_import: 1\n"
        if let orm = mapping.orm { text += "orm: \(orm.rawValue)\n" }
        text += "tables:\n"
        for table in mapping.tables { text += render(table, comments) }
        return text
    }

    private static func head(_ source: String) -> String {
        """
        # Written by: strata import sqlite \(DiagnosticText.printable(source)) --review --write-mapping FILE
        # Edit it, and pass it back with --mapping FILE.
        #   type:    any type of PostgreSQL
        #   unit:    seconds | milliseconds | microseconds, of numbers in a column of times; since-1970 | since-2000, of days
        #            with times, where the type is interval or time
        #   invalid: reject | null | text | fail, for values that the type cannot hold
        #   empty:   reject | null, for '' where the type is not text
        #   sequence: one that only the application takes numbers of this column from
        #   skip:    true, or a reason: is not imported
        strata_import: 1

        """
    }

    private static func render(_ table: TableMapping, _ comments: Bool) -> String {
        var text = "  \(YamlText.key(table.source)):\n"
        text += "    schema: \(YamlText.key(table.schema))\n    name: \(YamlText.key(table.name))\n"
        if let reason = table.skipped {
            return text + "    skip: \(YamlText.key(reason))\n"
        }
        text += "    columns:\n"
        let lines = table.columns.map { (line(of: $0), comments ? $0.why : "") }
        let width = min(lines.map(\.0.count).max() ?? 0, 60)
        for (line, why) in lines {
            let comment = DiagnosticText.printable(why)
            text += "      " + line + (comment.isEmpty ? "" : pad(line, width) + "  # " + comment) + "\n"
        }
        return text
    }

    private static func pad(_ line: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - line.count))
    }

    private static func line(of column: ColumnMapping) -> String {
        var parts = ["type: \(typeText(column.type))"]
        if column.name != column.source { parts.insert("name: \(YamlText.key(column.name))", at: 0) }
        if let unit = column.unit { parts.append("unit: \(unit.rawValue)") }
        if column.invalid != .reject { parts.append("invalid: \(column.invalid.rawValue)") }
        if column.emptyIsNull { parts.append("empty: null") }
        if let sequence = column.sequence { parts.append("sequence: \(YamlText.key(sequence))") }
        if column.isGenerated { parts.append("generated: true") }
        if column.isSkipped { parts.append("skip: true") }
        return "\(YamlText.key(column.source)): { \(parts.joined(separator: ", ")) }"
    }

    /// In quotes where YAML would read a comma or a quote as its own.
    static func typeText(_ type: TargetType) -> String {
        switch type {
        case .numeric(.some, _): "\"\(type.sql)\""
        case .other(let name): YamlText.key(name)
        default: typeName(type)
        }
    }

    /// Short, as people write it.
    static func typeName(_ type: TargetType) -> String {
        switch type {
        case .timestamp(let digits): "timestamp\(digits.map { "(\($0))" } ?? "")"
        case .timestamptz(let digits): "timestamptz\(digits.map { "(\($0))" } ?? "")"
        case .varchar(let length): "varchar\(length.map { "(\($0))" } ?? "")"
        case .time: "time"
        default: type.sql
        }
    }
}
