package import Planning
import PostgresDriver

/// Why a command could not do its work, with what the exit code depends on.
package struct EngineFailure: Error, Sendable {
    package enum Kind: Sendable, Equatable {
        /// Nothing was changed, or what was changed is complete.
        case failed
        /// Hazards that nobody accepted.
        case hazards
        /// A run stopped between two steps: `apply` resumes it, `rollback` undoes it.
        case resumable
    }

    package var kind: Kind
    package var diagnostics: [Diagnostic]

    package init(_ kind: Kind, _ diagnostics: Diagnostic...) {
        self.kind = kind
        self.diagnostics = diagnostics
    }

    init(kind: Kind, diagnostics: [Diagnostic]) {
        self.kind = kind
        self.diagnostics = diagnostics
    }

    /// `database` and `role` as SQL.
    static func ledgerRefused(_ error: PostgresError, database: String, role: String) -> any Error {
        guard error.sqlState == .insufficientPrivilege else { return error }
        return EngineFailure(
            .failed,
            Diagnostic(
                .error, "missing-privilege", "the ledger (schema strata) cannot be created: \(error.message)",
                nextStep: "as the database's owner: GRANT CREATE ON DATABASE \(database) TO \(role); "
                    + "where schema strata exists, run as the role that owns it"))
    }
}
