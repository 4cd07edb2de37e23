/// A suggestion for people: the groups, why each is one, and what stays.
package struct SuggestionText {
    package static func render(_ suggestion: ContextSuggestion, style: TextStyle) -> String {
        SuggestionText(suggestion: suggestion, style: style).text
    }

    private let suggestion: ContextSuggestion
    private let style: TextStyle

    private var text: String {
        var parts = [summary]
        if !suggestion.groups.isEmpty { parts.append(overview) }
        parts += suggestion.groups.map(section)
        if !suggestion.staying.isEmpty { parts.append(staying) }
        if !notes.isEmpty { parts.append(notes.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var tableCount: Int { suggestion.groups.reduce(0) { $0 + $1.tables.count } }

    private var summary: String {
        let pile = suggestion.pile.isEmpty ? "public" : SuggestionWords.list(suggestion.pile)
        guard !suggestion.groups.isEmpty else {
            return style.wrap(
                "No groups found in \(pile): the tables are too few, or nothing ties them.", indentation: 0)
        }
        let groups = style.bold(counted(suggestion.groups.count, "schema"))
        let sentence =
            "\(groups) proposed for \(counted(tableCount, "table")) of \(pile). "
            + "\(grouped(suggestion.crossingKeys)) of \(counted(suggestion.foreignKeys, "foreign key")) would lead from one to another."
        return style.wrap(sentence, indentation: 0)
    }

    private var overview: String {
        var table = TextTable([.left, .right, .right, .right])
        table.add(["schema", "tables", "keys inside", "crossing"])
        for group in suggestion.groups {
            table.add([
                group.name, grouped(group.tables.count), grouped(group.keysInside), grouped(group.keysCrossing),
            ])
        }
        return table.render()
    }

    private func section(_ group: ContextSuggestion.Group) -> String {
        var lines = [style.bold(group.name)]
        lines.append(entry("tables", names(group.tables)))
        for (label, objects) in [
            ("views", group.views), ("functions", group.functions), ("types", group.types),
            ("sequences", group.sequences),
        ] where !objects.isEmpty {
            lines.append(entry(label, names(objects)))
        }
        for (position, reason) in group.reasons.enumerated() { lines.append(entry(position == 0 ? "why" : "", reason)) }
        if !group.crossings.isEmpty {
            let others = group.crossings.map { "\(display($0.other)) (\(grouped($0.keys)))" }
            lines.append(entry("keys to", SuggestionWords.list(others, most: 6)))
        }
        if !group.appendOnlyCandidates.isEmpty {
            lines.append(
                entry("perhaps", "append_only: \(names(group.appendOnlyCandidates)), if rows are only ever added"))
        }
        return lines.joined(separator: "\n")
    }

    private func entry(_ label: String, _ text: String) -> String {
        let head = "  " + label + String(repeating: " ", count: max(1, 11 - label.count))
        let body = style.wrap(text, indentation: head.count)
        return style.dim(head) + body.dropFirst(head.count)
    }

    private var staying: String {
        var byReason: [(reason: String, tables: [ContextSuggestion.Object])] = []
        for entry in suggestion.staying {
            if let found = byReason.firstIndex(where: { $0.reason == entry.reason }) {
                byReason[found].tables.append(entry.table)
            } else {
                byReason.append((entry.reason, [entry.table]))
            }
        }
        let lines = byReason.map { style.wrap("\(names($0.tables)): \($0.reason)", indentation: 4, first: 2) }
        return ([style.bold("Staying")] + lines).joined(separator: "\n")
    }

    private var notes: [String] {
        var notes = suggestion.notes
        if !suggestion.usesStatements {
            notes.append("use was not looked at: pg_stat_statements is not installed, or may not be read")
        }
        return notes.map { style.wrap("note: \($0)", indentation: 6, first: 0) }
    }

    /// Names that several of the pile's tables have are written with their schema.
    private func names(_ objects: [ContextSuggestion.Object]) -> String {
        objects.map { suggestion.pile.count > 1 && $0.schema != "public" ? "\($0.schema).\($0.name)" : $0.name }
            .map(display).joined(separator: ", ")
    }

    /// Control characters would change the terminal.
    private func display(_ name: String) -> String { YamlText.printable(name) }
}
