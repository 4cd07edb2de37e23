import ArgumentParser
import Engine
import Foundation
import Planning
import PostgresDriver
import Proxy

/// The exit codes that scripts rely on; see docs/commands.md.
extension ExitCode {
    static let changesPending = ExitCode(2)
    static let hazardsNotAccepted = ExitCode(3)
    static let verificationDiffers = ExitCode(4)
    static let stoppedResumable = ExitCode(5)
}

/// From an error to what the user reads and the exit code.
enum Failure {
    static func report(_ error: any Error) -> Never {
        let (diagnostics, code) = describe(error)
        Console.shared.report(diagnostics)
        Foundation.exit(code.rawValue)
    }

    static func describe(_ error: any Error) -> ([Diagnostic], ExitCode) {
        switch error {
        case let failure as EngineFailure: (failure.diagnostics, code(failure.kind))
        case let error as DiagnosticsError: (error.diagnostics, .failure)
        case let error as EmbeddedServerError:
            (
                [
                    Diagnostic(
                        .error, error.code.rawValue, ([error.message] + error.log).joined(separator: "\n"),
                        nextStep: error.nextStep)
                ], .failure
            )
        case let error as PostgresError: ([diagnostic(error)], .failure)
        case let error as ProxyError: ([Diagnostic(.error, "proxy", error.message, nextStep: error.next)], .failure)
        case is CancellationError: ([Diagnostic(.error, "interrupted", "interrupted; nothing was changed")], .failure)
        case let error as FileFailure: ([error.diagnostic], .failure)
        default: ([Diagnostic(.error, "unexpected", "\(error)")], .failure)
        }
    }

    private static func code(_ kind: EngineFailure.Kind) -> ExitCode {
        switch kind {
        case .failed: .failure
        case .hazards: .hazardsNotAccepted
        case .resumable: .stoppedResumable
        }
    }

    private static func diagnostic(_ error: PostgresError) -> Diagnostic {
        var message = error.message
        if let detail = error.detail { message += " (\(detail))" }
        if let state = error.sqlState { message += " [\(state)]" }
        return Diagnostic(.error, "postgres", message, nextStep: error.hint ?? nextStep(error))
    }

    private static func nextStep(_ error: PostgresError) -> String? {
        switch error.sqlState {
        case .lockNotAvailable: "somebody holds a lock on what is to be read; try again, or end that transaction"
        case .insufficientPrivilege: "grant the missing privilege to this role, or connect as the owner"
        default: error.isConnectionLost ? "check that the server runs and that the URL is right" : nil
        }
    }
}

/// A file that cannot be read or written.
struct FileFailure: Error {
    var diagnostic: Diagnostic

    init(_ action: String, _ path: String, _ error: any Error) {
        let reason = (error as? CocoaError)?.underlying ?? error.localizedDescription
        diagnostic = Diagnostic(
            .error, "file", "cannot \(action) \(path): \(reason)",
            nextStep: action == "read"
                ? "check the path; --layout FILE names another layout, strata init writes one"
                : "check the folder and its rights")
    }
}

extension CocoaError {
    fileprivate var underlying: String? {
        switch code {
        case .fileReadNoSuchFile, .fileNoSuchFile: "there is no such file"
        case .fileReadNoPermission, .fileWriteNoPermission: "permission denied"
        case .fileReadInapplicableStringEncoding, .fileReadUnknownStringEncoding, .fileReadCorruptFile:
            "it is not UTF-8 text"
        default: nil
        }
    }
}
