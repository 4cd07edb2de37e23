/// What a split takes, as a person reads it. No line break at the end.
package struct SplitText: Sendable {
    package var style: TextStyle

    package init(style: TextStyle) { self.style = style }

    package func render(_ report: SplitReport) -> String {
        var lines = [heading(report), tables(report)]
        if !report.crossings.isEmpty { lines += ["  Crosses the cut:"] + report.crossings.map(crossing) }
        if !report.needs.isEmpty { lines.append(needs(report)) }
        let requirements = report.requirements ?? []
        if !requirements.isEmpty { lines += ["  The servers:"] + requirements.map(requirement) }
        return lines.joined(separator: "\n")
    }

    private func heading(_ report: SplitReport) -> String {
        let blocking = report.obstacles
        let state =
            blocking == 0
            ? style.green("nothing stands in the way")
            : style.red("\(counted(blocking, "obstacle"))") + " to clear away first"
        return style.bold("Split") + ": schema \(report.schema) goes to database \(report.database); " + state
    }

    private func tables(_ report: SplitReport) -> String {
        var table = TextTable([.left, .right, .right, .left])
        for entry in report.tables {
            table.add([
                entry.name, entry.rows.map { "\(grouped($0)) rows" } ?? "not analysed", sized(entry.bytes),
                entry.identity ?? "no key",
            ])
        }
        let known = report.tables.compactMap(\.rows).reduce(0, +)
        let sum = style.wrap(
            "\(counted(report.tables.count, "table")), about \(grouped(known)) rows: \(sized(report.bytes)) of disk there, "
                + "and WAL here for as long as the copy takes", indentation: 4, first: 2)
        return report.tables.isEmpty ? sum : sum + "\n" + table.render(indentation: 4)
    }

    private func crossing(_ crossing: SplitReport.Crossing) -> String {
        let mark = crossing.isBlocking ? style.red("✗") : "·"
        var lines = ["    \(mark) \(crossing.object)", style.wrap(crossing.message, indentation: 6)]
        if let replacement = crossing.replacement {
            lines.append(style.wrap("instead: " + replacement, indentation: 15, first: 6))
        }
        if let next = crossing.nextStep {
            lines.append(style.dim(style.wrap("try: " + next, indentation: 11, first: 6)))
        }
        return lines.joined(separator: "\n")
    }

    private func requirement(_ requirement: SplitReport.Requirement) -> String {
        let mark = requirement.isBlocking ? style.red("✗") : "·"
        // Behind the mark, which is as wide as two letters, coloured or not.
        let text = style.wrap("database \(requirement.database): \(requirement.message)", indentation: 6)
            .drop { $0 == " " }
        guard let next = requirement.nextStep else { return "    \(mark) \(text)" }
        return "    \(mark) \(text)\n" + style.dim(style.wrap("try: " + next, indentation: 11, first: 6))
    }

    private func needs(_ report: SplitReport) -> String {
        let groups = SplitReport.Need.Kind.allCases.compactMap { kind -> String? in
            let names = report.needs.filter { $0.kind == kind }.map(\.name)
            guard !names.isEmpty else { return nil }
            return (names.count == 1 ? kind.rawValue : kind.rawValue + "s") + " " + names.joined(separator: ", ")
        }
        return style.wrap(
            "Needed on \(report.database): " + groups.joined(separator: "; "), indentation: 4, first: 2)
    }
}
