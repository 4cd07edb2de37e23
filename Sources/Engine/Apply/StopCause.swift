import Planning
import PostgresDriver

/// What made a run stop, for the user and for the ledger.
struct StopCause {
    let message: String
    let diagnostic: Diagnostic

    init(_ error: any Error, step: Step) {
        let diagnostic = Self.diagnostic(for: error, step: step)
        self.diagnostic = diagnostic
        message = diagnostic.message
    }

    private static func diagnostic(for error: any Error, step: Step) -> Diagnostic {
        switch error {
        case let failure as EngineFailure where !failure.diagnostics.isEmpty: failure.diagnostics[0]
        case is CancellationError:
            Diagnostic(
                .error, "interrupted", "interrupted at step \(step.number) (\(step.object))", object: step.object)
        case let error as PostgresError: diagnostic(for: error, step: step)
        default:
            Diagnostic(
                .error, "step-failed", "step \(step.number) (\(step.object)) failed: \(error)", object: step.object)
        }
    }

    private static func diagnostic(for error: PostgresError, step: Step) -> Diagnostic {
        let what = "step \(step.number) (\(step.kind.rawValue.replacing("_", with: " ")) \(step.object))"
        if error.isConnectionLost {
            return Diagnostic(
                .error, "connection-lost", "\(what): the connection was lost: \(error.message)", object: step.object,
                nextStep: "bring the server back; what was committed is in the ledger")
        }
        switch error.sqlState?.rawValue {
        case LedgerSchema.unexpectedObject, LedgerSchema.goneObject:
            return Diagnostic(
                .error, "object-changed", "\(what): \(error.message); somebody changed it after the plan was made",
                object: step.object, nextStep: "undo what is done (strata rollback), then plan again")
        case LedgerSchema.undoRefused:
            return Diagnostic(
                .error, "undo-refused", "not undone: \(error.message)", nextStep: error.hint)
        case SQLState.diskFull.rawValue:
            return Diagnostic(
                .error, "disk-full", "\(what): the server's disk is full: \(error.message)", object: step.object,
                nextStep: "make room on the server")
        case SQLState.insufficientPrivilege.rawValue:
            return Diagnostic(
                .error, "missing-privilege", "\(what): \(error.message)", object: step.object,
                nextStep: error.hint ?? "grant what is missing to this role, or run as the owner")
        case SQLState.dependentObjectsExist.rawValue:
            return Diagnostic(
                .error, "still-needed", "\(what): \(error.message)\(error.detail.map { ": \($0)" } ?? "")",
                object: step.object,
                nextStep: "move or drop what depends on it")
        case SQLState.uniqueViolation.rawValue where step.kind == .buildIndex:
            return Diagnostic(
                .error, "duplicate-rows", "\(what): \(error.message)\(error.detail.map { ": \($0)" } ?? "")",
                object: step.object,
                nextStep: "remove the duplicates, or take unique: true out of the layout and roll back")
        default:
            let detail = error.detail.map { " (\($0))" } ?? ""
            return Diagnostic(
                .error, "step-failed",
                "\(what): \(error.message)\(detail) [\(error.sqlState?.rawValue ?? "no SQLSTATE")]",
                object: step.object, nextStep: error.hint)
        }
    }
}
