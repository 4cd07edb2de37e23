/// A plan as a script for psql: the same statements, without the ledger and without retries.
package enum PlanSQL {
    /// Ends with a line break. `lockTimeout` is written into each transaction, in milliseconds.
    package static func render(_ plan: Plan, lockTimeout: Int = 200) -> String {
        var lines = [
            "-- strata plan for database \(oneLine(plan.server.database)), catalog \(plan.fingerprint)",
            "-- Run with: psql -v ON_ERROR_STOP=1 -f FILE. Strata itself also retries, records and verifies each step.",
        ]
        for hazard in plan.hazards {
            lines.append("-- HAZARD \(hazard.code.rawValue) \(oneLine(hazard.object)): \(oneLine(hazard.message))")
        }
        if plan.steps.contains(where: { $0.kind == .appendOnly }) {
            lines.append("-- Needs strata.refuse_change(), which strata apply creates with its ledger.")
        }
        for group in plan.groups {
            lines.append("")
            for step in group.steps {
                lines.append("-- \(step.number). \(oneLine(PlanText.title(of: step))): \(oneLine(step.reason))")
            }
            let statements = group.steps.flatMap(\.statements).map { $0 + ";" }
            lines +=
                group.inTransaction
                ? ["BEGIN;", "SET LOCAL lock_timeout = \(lockTimeout);"] + statements + ["COMMIT;"] : statements
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Names may hold line breaks, which would end the comment.
    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
