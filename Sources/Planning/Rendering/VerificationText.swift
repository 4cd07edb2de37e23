/// A verification as a person reads it: a line for each group of checks, then what is wrong and what to do.
///
/// ```
/// Nothing was lost in database shop (PostgreSQL 15).
///   ✓ placement    38 objects are where the layout says
///   ✓ objects      12 objects are the same as before run 1
/// ```
package struct VerificationText: Sendable {
    package var style: TextStyle
    /// A line for every single check that passed, too.
    package var showsPassed: Bool

    package init(style: TextStyle, showsPassed: Bool = false) {
        self.style = style
        self.showsPassed = showsPassed
    }

    /// Ends with a line break.
    package func render(_ verification: Verification) -> String {
        var parts = [heading(verification) + "\n" + summary(verification)]
        if showsPassed, let list = list("Passed", .passed, verification, paint: style.green) { parts.append(list) }
        if let list = list("Not checked", .skipped, verification, paint: style.dim) { parts.append(list) }
        if let list = list("Warnings", .warning, verification, paint: style.yellow) { parts.append(list) }
        if let list = list("Differences", .difference, verification, paint: style.red) { parts.append(list) }
        if !verification.unplaced.isEmpty { parts.append(unplaced(verification.unplaced)) }
        if verification.isClean { parts.append(conclusion(verification)) }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func heading(_ verification: Verification) -> String {
        let server = "database \(printable(verification.database)) on PostgreSQL \(verification.server)"
        let differences = verification.differences.count
        let warnings = verification.checks.count { $0.outcome == .warning }
        var counts = differences == 0 ? style.green("no difference") : style.red(counted(differences, "difference"))
        if warnings > 0 { counts += ", \(style.yellow(counted(warnings, "warning")))" }
        return style.wrap(style.bold("Verified") + " \(server): \(counts).", indentation: 2, first: 0)
    }

    // MARK: One line for each group

    private func summary(_ verification: Verification) -> String {
        let groups = Dictionary(grouping: verification.checks, by: \.group)
        let width = Verification.Check.Group.allCases.map(\.title.count).max() ?? 0
        return Verification.Check.Group.allCases.compactMap { group in
            guard let checks = groups[group] else { return nil }
            let title = group.title + String(repeating: " ", count: width - group.title.count)
            let text = style.wrap(text(group, checks, verification.figures), indentation: width + 6)
            return "  \(mark(checks)) \(title)  \(text.drop { $0 == " " })"
        }.joined(separator: "\n")
    }

    private func mark(_ checks: [Verification.Check]) -> String {
        let outcomes = Set(checks.map(\.outcome))
        if outcomes.contains(.difference) { return style.red("✗") }
        if outcomes.contains(.warning) { return style.yellow("!") }
        return outcomes.contains(.passed) ? style.green("✓") : style.dim("–")
    }

    private func text(
        _ group: Verification.Check.Group, _ checks: [Verification.Check], _ figures: Verification.Figures
    ) -> String {
        var parts = [figures.sentence(group, checks)]
        let wrong = checks.count { $0.outcome == .difference }
        let warnings = checks.count { $0.outcome == .warning }
        let skipped = checks.count { $0.outcome == .skipped }
        if wrong > 0 { parts.append(counted(wrong, "difference")) }
        if warnings > 0 { parts.append(counted(warnings, "warning")) }
        if skipped > 0 { parts.append("\(grouped(skipped)) not checked") }
        return parts.filter { !$0.isEmpty }.joined(separator: "; ")
    }

    // MARK: Lists

    private func list(
        _ title: String, _ outcome: Verification.Check.Outcome, _ verification: Verification, paint: (String) -> String
    ) -> String? {
        let checks = verification.checks.filter { $0.outcome == outcome }
        guard !checks.isEmpty else { return nil }
        var lines = [style.bold(title) + ":"]
        for check in checks {
            lines.append("  " + paint(check.code) + "  " + printable(check.object))
            lines.append(style.wrap(printable(check.message), indentation: 4))
            guard outcome != .passed, let next = check.nextStep else { continue }
            lines.append(style.wrap("try: " + printable(next), indentation: 9, first: 4))
        }
        return lines.joined(separator: "\n")
    }

    private func unplaced(_ objects: [String]) -> String {
        let shown = 12
        var text =
            "Unplaced (no schema lists them; they stay): "
            + objects.prefix(shown).map(printable).joined(separator: ", ")
        if objects.count > shown { text += " and \(grouped(objects.count - shown)) more (--all lists them)" }
        return style.wrap(text, indentation: 2, first: 0)
    }

    private func conclusion(_ verification: Verification) -> String {
        let figures = verification.figures
        var rows =
            figures.rowsAreExact ? counted(Int(figures.rows), "row") : "about \(counted(Int(figures.rows), "row"))"
        if figures.rowsAreExact { rows += " (counted)" }
        let kept = [
            "\(counted(figures.tables, "table")) with \(rows)", counted(figures.constraints, "constraint"),
            counted(figures.indexes, "index", "indexes"), counted(figures.sequences, "sequence"),
            counted(figures.triggers, "trigger"), counted(figures.policies, "policy", "policies"),
            counted(figures.grants, "grant"), counted(figures.functions, "function body", "function bodies"),
            counted(figures.shims, "shim"),
        ]
        let things = kept.filter { !$0.hasPrefix("0 ") }
        let list = things.dropLast().joined(separator: ", ") + (things.count > 1 ? " and " : "") + (things.last ?? "")
        let claim = figures.compared > 0 ? "Nothing was lost" : "No difference"
        return style.wrap("\(claim): \(list).", indentation: 2, first: 0)
    }

    /// Names from a database must not steer the terminal.
    private func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        return text.unicodeScalars.map { scalar in
            guard scalar.properties.generalCategory == .control else { return String(scalar) }
            return scalar == "\n" || scalar == "\t" ? " " : "<U+\(String(scalar.value, radix: 16, uppercase: true))>"
        }.joined()
    }
}

extension Verification.Check.Group {
    fileprivate var title: String { self == .appendOnly ? "append-only" : rawValue }
}

extension Verification.Figures {
    /// How much a group looked at.
    fileprivate func sentence(_ group: Verification.Check.Group, _ checks: [Verification.Check]) -> String {
        switch group {
        case .placement: return placed > 0 ? "\(counted(placed, "object")) of the layout" : ""
        case .objects:
            guard compared > 0 else { return "" }
            return "\(counted(compared, "object")) compared with how \(compared == 1 ? "it was" : "they were") before "
                + (runs > 1 ? counted(runs, "run") : "the run")
        case .constraints:
            return "\(counted(constraints, "constraint")), \(counted(foreignKeys, "foreign key")) among them, and "
                + counted(indexes, "index", "indexes")
        case .functions:
            return "\(counted(functions, "body", "bodies")) read"
                + (functionsUnread > 0 ? ", \(grouped(functionsUnread)) not readable" : "")
        case .shims: return shimSentence
        case .rows:
            let unknown = tablesWithoutRows > 0 ? ", without \(counted(tablesWithoutRows, "table"))" : ""
            return (rowsAreExact ? "\(counted(Int(rows), "row")) counted" : "about \(counted(Int(rows), "row"))")
                + " in \(counted(tables, "table"))\(unknown)"
        case .appendOnly: return counted(Set(checks.map(\.object)).count, "table")
        case .access: return "owners and callers of \(counted(tables, "table"))"
        }
    }

    private var shimSentence: String {
        var parts: [String] = []
        if shimsWithRow > 0 { parts.append("\(grouped(shimsWithRow)) with a real row") }
        if shimsWithoutRow > 0 { parts.append("\(grouped(shimsWithoutRow)) on no row") }
        if shimsPlanned > 0 { parts.append("\(grouped(shimsPlanned)) planned only") }
        return "\(counted(shims, "shim")) tried" + (parts.isEmpty ? "" : ": " + parts.joined(separator: ", "))
    }
}
