internal import SQLSyntax

/// A plan as a person reads it: what will happen, what to look out for, what stays.
package struct PlanText: Sendable {
    package var style: TextStyle
    /// Every statement instead of one line for each group of steps.
    package var showsStatements: Bool
    /// Every unplaced object, one a line, instead of the first dozen.
    package var showsAllUnplaced: Bool

    package init(style: TextStyle, showsStatements: Bool = false, showsAllUnplaced: Bool = false) {
        self.style = style
        self.showsStatements = showsStatements
        self.showsAllUnplaced = showsAllUnplaced
    }

    /// Ends with a line break.
    package func render(_ plan: Plan) -> String {
        var parts: [String] = [heading(plan)]
        if !plan.steps.isEmpty { parts.append(steps(plan)) }
        if !plan.hazards.isEmpty { parts.append(hazards(plan.hazards)) }
        if !plan.notes.isEmpty { parts.append(notes(plan.notes)) }
        for split in plan.splits ?? [] { parts.append(SplitText(style: style).render(split)) }
        if !plan.unplaced.isEmpty { parts.append(unplaced(plan.unplaced)) }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private func heading(_ plan: Plan) -> String {
        let server = "database \(plan.server.database) on PostgreSQL \(plan.server.major)"
        guard !plan.isEmpty else { return style.green("Nothing to do") + ": \(server) is as the layout says." }
        let transactions = plan.groups.count
        return style.bold("Plan") + " for \(server): \(counted(plan.steps.count, "step")) in "
            + "\(counted(transactions, "transaction")), \(counted(plan.hazards.count, "hazard"))."
    }

    // MARK: Steps

    private func steps(_ plan: Plan) -> String {
        let width = String(plan.steps.count).count
        return plan.groups.map { group in
            group.steps.map { step in line(step, numberWidth: width, startsGroup: step.number == group.steps[0].number)
            }
            .joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private func line(_ step: Step, numberWidth: Int, startsGroup: Bool) -> String {
        let number = String(repeating: " ", count: numberWidth - String(step.number).count) + String(step.number)
        let mark = startsGroup ? "─" : "└"
        let indentation = numberWidth + 5
        let title = "  \(number) \(mark) \(Self.title(of: step))"
        let why = style.dim(style.wrap(detail(step), indentation: indentation + 2))
        guard showsStatements else { return title + "\n" + why }
        let statements = step.statements.map { String(repeating: " ", count: indentation + 2) + $0 + ";" }
        let undo = step.undo.map { String(repeating: " ", count: indentation + 2) + style.dim("undo: \($0);") }
        return ([title, why] + statements + undo).joined(separator: "\n")
    }

    private func detail(_ step: Step) -> String {
        var parts = [step.reason]
        if !step.locks.isEmpty {
            parts.append(
                "lock: \(step.locks[0].mode)"
                    + (step.locks.count > 1 ? " (and \(counted(step.locks.count - 1, companion(step))))" : ""))
        }
        if step.duration == .scansTable { parts.append("reads the whole table, writes go on") }
        return parts.joined(separator: "; ")
    }

    /// What else is locked: a table's sequences, or an index's partitions.
    private func companion(_ step: Step) -> String { step.kind == .attachIndex ? "partition" : "sequence" }

    /// What a step does, in a few words.
    package static func title(of step: Step) -> String {
        switch step.kind {
        case .createSchema: "create \(step.object)"
        case .grant: "grant \(step.object)"
        case .defaultPrivileges: "default privileges of \(step.object)"
        case .setSearchPath: "set search_path of \(step.object)"
        case .moveTable: "move table \(step.object)\(destination(step))"
        case .moveView: "move view \(step.object)\(destination(step))"
        case .moveSequence: "move sequence \(step.object)\(destination(step))"
        case .moveType: "move type \(step.object)\(destination(step))"
        case .moveFunction: "move function \(step.object)\(destination(step))"
        case .moveStatistics: "move statistics \(step.object)\(destination(step))"
        case .createShim: "\(isNew(step) ? "leave" : "keep") \(step.object) as a compatibility \(shimWord(step))"
        case .dropShim: "drop compatibility \(dropWord(step)) \(step.object)"
        case .setForeignOptions: "keep the remote schema of \(step.object)"
        case .appendOnly: "make \(step.object) append-only"
        case .buildIndex: "build index \(step.object) concurrently"
        case .attachIndex: "put together index \(step.object)"
        case .makePart: "make \(step.object)"
        case .renewPart: "renew \(step.object)"
        }
    }

    private static func destination(_ step: Step) -> String {
        guard let pin = step.undoExpects.first else { return "" }
        return " to \(SQL.identifier(pin.schema))"
    }

    /// One of an earlier run gets another comment, or another body.
    private static func isNew(_ step: Step) -> Bool {
        step.statements.first.map { !$0.hasPrefix("COMMENT ") && !$0.hasPrefix("CREATE OR REPLACE ") } ?? true
    }

    private static func shimWord(_ step: Step) -> String {
        let words = (step.statements.first ?? "").split(separator: " ", maxSplits: 4)
        if words.contains("PROCEDURE") { return "procedure" }
        return words.contains("DOMAIN") ? "domain" : words.contains("FUNCTION") ? "function" : "view"
    }

    private static func dropWord(_ step: Step) -> String {
        let first = step.statements.first ?? ""
        if first.hasPrefix("DROP PROCEDURE") { return "procedure" }
        return first.hasPrefix("DROP DOMAIN") ? "domain" : first.hasPrefix("DROP FUNCTION") ? "function" : "view"
    }

    // MARK: Hazards, notes, the rest

    private func hazards(_ hazards: [Hazard]) -> String {
        var lines = [style.bold("Hazards") + " (apply needs --accept CODE for each code):"]
        for hazard in hazards {
            lines.append("  " + style.red(hazard.code.rawValue) + "  " + hazard.object)
            lines.append(style.wrap(hazard.message, indentation: 4))
            if let excerpt = hazard.excerpt, !excerpt.isEmpty { lines.append(style.dim(quoted(excerpt))) }
            lines.append(style.wrap("try: " + hazard.remedy, indentation: 9, first: 4))
        }
        return lines.joined(separator: "\n")
    }

    private func notes(_ notes: [Diagnostic]) -> String {
        var lines = [style.bold("Notes") + ":"]
        for note in notes {
            let object = note.object.isEmpty || note.message.contains(note.object) ? "" : "\(note.object): "
            lines.append(style.wrap("· " + object + note.message, indentation: 4, first: 2))
            if let next = note.nextStep {
                lines.append(style.dim(style.wrap("try: " + next, indentation: 9, first: 4)))
            }
        }
        return lines.joined(separator: "\n")
    }

    /// One line; what does not fit the width is cut, since the place is named anyway.
    private func quoted(_ excerpt: String) -> String {
        let mark = "      │ "
        let room = style.width - mark.count
        return mark + (excerpt.count <= room ? excerpt : excerpt.prefix(room - 1) + "…")
    }

    private func unplaced(_ objects: [String]) -> String {
        let shown = 12
        let title = style.bold("Unplaced") + " (no schema lists them; they stay): "
        if showsAllUnplaced { return title + objects.map { "\n  \($0)" }.joined() }
        var text = title + objects.prefix(shown).joined(separator: ", ")
        if objects.count > shown { text += " and \(objects.count - shown) more (--all lists them)" }
        return style.wrap(text, indentation: 2, first: 0)
    }
}
