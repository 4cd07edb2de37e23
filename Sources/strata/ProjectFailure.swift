import Engine
import EventStore
import Planning
import PostgresDriver

/// What stands in the way of a projection, as diagnostics.
enum ProjectFailure {
    static func readable(_ error: any Error) -> any Error {
        switch error {
        case let error as PostgresError where error.sqlState == .undefinedFunction:
            EventFailure.diagnostic(
                "old-store", "the event store lacks a function: \(error.message)",
                "strata events init brings it up to date")
        default: EventFailure.readable(error)
        }
    }

    static func readable(_ error: any Error, of name: String) -> any Error {
        switch error {
        case let stop as ProjectionStop: EngineFailure(.resumable, diagnostic(stop, of: name))
        case let refusal as RebuildRefusal: self.refusal(refusal, name)
        default: readable(error)
        }
    }

    static func diagnostic(_ stop: ProjectionStop, of name: String) -> Diagnostic {
        switch stop {
        case .event(let position, let type, let message):
            Diagnostic(
                .error, "projection-stopped",
                "projection \(name) stands before event \(position) (\(DiagnosticText.printable(type))): \(message)",
                nextStep:
                    "mend the statement file or the read model, then strata project \(name); on_error: dead_letter sets such events aside"
            )
        case .busy:
            Diagnostic(
                .error, "projection-busy", "another process is at work with projection \(name)",
                nextStep: "strata project status shows it; end that one, or leave it to it")
        case .moved:
            Diagnostic(
                .error, "projection-moved", "the position of projection \(name) was moved by another process",
                nextStep: "try again: it goes on from where it stands now")
        case .noTable(let table):
            Diagnostic(
                .error, "no-table", "projection \(name): there is no table \(table)",
                nextStep:
                    "make it first (strata apply, or a migration): a projection fills tables, it does not make them")
        case .replaced:
            Diagnostic(
                .error, "projection-replaced",
                "projection \(name) was rebuilt with other statements than this process has read",
                nextStep: "start strata project again: it reads the statement files anew")
        }
    }

    private static func refusal(_ refusal: RebuildRefusal, _ name: String) -> any Error {
        let command = "strata project rebuild \(name)"
        func failed(_ code: String, _ message: String, _ next: String) -> EngineFailure {
            EngineFailure(.failed, Diagnostic(.error, code, message, nextStep: next))
        }
        switch refusal {
        case .differs: return refusal
        case .declaredOtherwise:
            return failed(
                "rebuild-of-another",
                "the declaration or the statements of projection \(name) have changed since its rebuild began",
                "\(command) --cancel drops what is built; then begin anew")
        case .oldIsKept:
            return failed(
                "old-is-kept", "what the last rebuild of \(name) has replaced is still kept",
                "strata project drop-old \(name), or \(command) --undo brings it back")
        case .nothingKept:
            return failed(
                "nothing-kept", "nothing is kept of an earlier rebuild of \(name)", "strata project status shows it")
        case .nothingBegun:
            return failed("nothing-begun", "no rebuild of \(name) is under way", "strata project status shows it")
        case .notSwapped:
            return failed(
                "not-swapped", "the rebuild of \(name) is under way, and has replaced nothing yet",
                "\(command) goes on with it, \(command) --cancel gives it up")
        case .isSwapped:
            return failed(
                "is-swapped", "the rebuild of \(name) is live already", "\(command) --undo brings the old one back")
        case .oldIsOfOthers:
            return failed(
                "old-of-others", "what is kept of \(name) was made by other statements than the layout names now",
                "put the statement files back as they were before the rebuild; then \(command) --undo")
        case .busy:
            return failed(
                "rebuild-busy", "another process rebuilds \(name)", "strata project status shows how far it is")
        case .notRun:
            return failed("not-run", "projection \(name) has not run yet", "strata project \(name) --once")
        case .lockNotFree(let message):
            return EngineFailure(
                .resumable,
                Diagnostic(
                    .error, "lock-not-free", "the tables of \(name) could not be exchanged: \(message)",
                    nextStep: "end the transaction that holds them; \(command) goes on"))
        case .obstacles(let obstacles):
            var failure = failed("obstacle", "", "")
            failure.diagnostics = obstacles.map {
                Diagnostic(.error, "obstacle", "\($0.object): \($0.reason)", nextStep: $0.remedy)
            }
            return failure
        }
    }
}
