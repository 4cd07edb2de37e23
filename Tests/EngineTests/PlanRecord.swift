import Planning
import Testing

/// A plan as `Cases/*/plan.txt` keeps it: every statement, hazard and note, without what differs from run to run.
struct PlanRecord {
    let database: String
    let user: String

    func text(_ plan: Plan) -> String {
        var lines: [String] = []
        for step in plan.steps {
            lines.append("\(step.group).\(step.number) \(step.kind.rawValue) \(step.object) (\(step.reason))")
            lines += step.locks.map { "    lock \($0.mode) \($0.object)" }
            if !step.inTransaction { lines.append("    outside a transaction") }
            lines += step.statements.map { "    \($0);" }
            lines += step.undo.map { "    undo: \($0);" }
        }
        for hazard in plan.hazards {
            lines.append("hazard \(hazard.code.rawValue) \(hazard.object): \(hazard.message)")
            if let line = hazard.line { lines.append("    line \(line): \(hazard.excerpt ?? "")") }
            lines.append("    try: \(hazard.remedy)")
        }
        lines += plan.notes.flatMap(lines(of:))
        lines += plan.unplaced.map { "unplaced \($0)" }
        return neutral(lines)
    }

    func text(_ refusal: DiagnosticsError) -> String { neutral(refusal.diagnostics.flatMap(lines(of:))) }

    private func lines(of diagnostic: Diagnostic) -> [String] {
        let place = diagnostic.place.map { " at \($0.file):\($0.line):\($0.column)" } ?? ""
        let text =
            "\(diagnostic.severity.rawValue) \(diagnostic.code)\(place) \(diagnostic.object): \(diagnostic.message)"
        return [text] + (diagnostic.nextStep.map { ["    try: \($0)"] } ?? [])
    }

    /// Names of the test's own database and user stand as `@database` and `@user`.
    private func neutral(_ lines: [String]) -> String {
        let words = [(database, "@database"), (user, "@user")]
        return lines.map { line in
            words.reduce(line) { text, word in replace(word.0, in: text, by: word.1) }
        }.joined(separator: "\n") + "\n"
    }

    private func replace(_ word: String, in text: String, by mark: String) -> String {
        var result = ""
        var rest = text[...]
        while let range = rest.firstRange(of: word) {
            let before = rest[..<range.lowerBound].last ?? (result.last ?? " ")
            let after = rest[range.upperBound...].first ?? " "
            let isWhole = ![before, after].contains { $0.isLetter || $0.isNumber || $0 == "_" }
            result += rest[..<range.lowerBound] + (isWhole ? mark : word)
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
