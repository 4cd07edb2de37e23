import Planning
import PostgresDriver

/// What came out of trying one shim.
struct ShimAttempts: Sendable {
    private(set) var form: ShimTrial.Form
    private var reason: String
    private let isSuperuser: Bool
    private var done: [String] = []
    private var failed: [String] = []
    private var refused: [String] = []
    private var busy: String?

    init(form: ShimTrial.Form, reason: String, isSuperuser: Bool) {
        self.form = form
        self.reason = reason
        self.isSuperuser = isSuperuser
    }

    var isBusy: Bool { busy != nil }

    mutating func passed(_ operation: String) { done.append(operation) }

    mutating func useNoRows(because reason: String) {
        form = .noRows
        self.reason = reason
    }

    nonisolated(nonsending) mutating func record(_ operation: String, _ body: () async throws -> Void) async throws {
        guard busy == nil else { return }
        do {
            try await body()
            passed(operation)
        } catch let error as PostgresError where !error.isConnectionLost {
            note(error, of: operation)
        }
    }

    mutating func note(_ error: PostgresError, of operation: String) {
        let state = error.sqlState
        if error.isLockTimeout || error.isQueryCanceled || error.isRetryable {
            busy = "\(operation): \(error.message)"
        } else if state == .readOnlyTransaction {
            refused.append("\(operation) was not run, because it would change something")
        } else if state == .insufficientPrivilege, !isSuperuser {
            refused.append("\(operation): \(error.message)")
        } else if state == .notNullViolation, form == .resolved {
            passed(operation)
        } else if state == "55000", operation == "SELECT", error.message.contains("populated") {
            refused.append("\(operation): \(error.message)")
        } else {
            failed.append("\(operation) fails: \(error.message)")
        }
    }

    func check(_ trial: ShimTrial) -> Verification.Check {
        let name = trial.shim.display
        if !failed.isEmpty {
            return .init(
                .difference, .shims, "shim-broken", name, failed.joined(separator: "; "),
                nextStep: "see what stands between it and \(trial.shim.target): \(Self.form(of: trial.shim))")
        }
        if let busy {
            return .init(
                .skipped, .shims, "shim-busy", name, "not tried to the end: \(busy)",
                nextStep: "run strata verify again")
        }
        guard !done.isEmpty else {
            return .init(.skipped, .shims, "shim-not-tried", name, refused.joined(separator: "; "))
        }
        let how =
            switch form {
            case .row: "with a real row, rolled back"
            case .noRows: "on no row (\(reason))"
            case .planned: "planned but not run (\(reason))"
            case .resolved: "found under the old name"
            }
        let rest = refused.isEmpty ? "" : "; not tried: " + refused.joined(separator: "; ")
        return .init(.passed, .shims, "shim-works", name, "\(done.joined(separator: ", ")) \(how)\(rest)")
    }

    private static func form(of shim: Shim) -> String {
        switch shim.reference.kind {
        case .type: "CREATE DOMAIN \(shim.display) AS \(shim.target)"
        case .function: "CREATE FUNCTION \(shim.display)(…) that calls \(shim.target)"
        default: "CREATE VIEW \(shim.display) WITH (security_invoker = true) AS SELECT * FROM \(shim.target)"
        }
    }
}
