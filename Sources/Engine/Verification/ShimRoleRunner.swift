import Planning
import PostgresDriver

/// Tries shims as the roles that hold rights on them, where the connected role may act as these. Nothing is run.
struct ShimRoleRunner {
    let connection: Connection
    let options: VerifyOptions

    func run(_ trials: [ShimRoleTrial], into verification: inout Verification) async throws {
        let settled = Set(verification.checks.filter(Self.saysAll).map(\.object))
        var works: [String: [String]] = [:]
        var untried: [String: Int] = [:]
        for trial in trials where !settled.contains(trial.shim.display) {
            try Task.checkCancellation()
            guard let identity = trial.identity else {
                untried[trial.role, default: 0] += 1
                continue
            }
            let failures = try await failures(trial, as: identity)
            let new = failures.filter { !isKnown($0, of: trial, verification) }
            if failures.isEmpty {
                let operations = trial.attempts.map(\.operation).joined(separator: ", ")
                works[trial.shim.display, default: []].append("\(trial.role): \(operations)")
            } else if !new.isEmpty {
                verification.add(check(trial, new))
            }
        }
        for (shim, roles) in works {
            verification.add(
                .init(.passed, .shims, "shim-works-for-roles", shim, "as \(roles.joined(separator: "; as "))"))
        }
        for (role, count) in untried {
            verification.add(
                .init(
                    .skipped, .shims, "role-not-tried", role,
                    "\(counted(count, "compatibility object")) could not be tried as this role: the connected one is no "
                        + "member of it",
                    nextStep: "run strata verify as a superuser, or as a member of \(role)"))
        }
    }

    /// A shim that is broken or locked for everybody.
    private static func saysAll(_ check: Verification.Check) -> Bool {
        ["shim-broken", "shim-busy"].contains(check.code)
    }

    private struct Failure {
        var attempt: ShimRoleTrial.Attempt
        var error: PostgresError
    }

    /// All at once where all is well; else one by one, to know which fails.
    private func failures(_ trial: ShimRoleTrial, as identity: String) async throws -> [Failure] {
        do {
            try await rolledBack(identity, trial.attempts.map(\.statement).joined(separator: ";\n"))
            return []
        } catch let error as PostgresError where !error.isConnectionLost {
            guard trial.attempts.count > 1 else {
                return [Failure(attempt: trial.attempts[0], error: error)]
            }
        }
        var failures: [Failure] = []
        for attempt in trial.attempts {
            do {
                try await rolledBack(identity, attempt.statement)
            } catch let error as PostgresError where !error.isConnectionLost {
                failures.append(Failure(attempt: attempt, error: error))
            }
        }
        return failures
    }

    private func rolledBack(_ identity: String, _ statements: String) async throws {
        _ = try await connection.rolledBack(TransactionOptions(isolation: .readCommitted)) {
            try await $0.execute(
                """
                SET LOCAL lock_timeout = \(options.lockTimeout.milliseconds);
                SET LOCAL statement_timeout = \(options.shimTimeout.milliseconds);
                SET LOCAL ROLE \(identity);
                \(statements)
                """)
        }
    }

    /// What follows from a right that another check says is gone.
    private func isKnown(_ failure: Failure, of trial: ShimRoleTrial, _ verification: Verification) -> Bool {
        guard failure.error.sqlState == .insufficientPrivilege else { return false }
        return verification.checks.contains { check in
            switch check.code {
            case "usage-missing":
                failure.error.message.contains("for schema") && check.message.hasPrefix("\(trial.role) ")
            case "grant-lost":
                (check.object == trial.shim.target || check.object.hasPrefix("\(trial.shim.target)("))
                    && check.message.contains("\(trial.role)=")
            default: false
            }
        }
    }

    private func check(_ trial: ShimRoleTrial, _ failures: [Failure]) -> Verification.Check {
        let what = failures.map { "\($0.attempt.operation): \($0.error.message)" }.joined(separator: "; ")
        let isBusy = failures.contains { $0.error.isLockTimeout || $0.error.isQueryCanceled || $0.error.isRetryable }
        if isBusy {
            return .init(
                .skipped, .shims, "shim-busy", trial.shim.display, "not tried to the end as \(trial.role): \(what)",
                nextStep: "run strata verify again")
        }
        return .init(
            .difference, .shims, "shim-fails-for-role", trial.shim.display,
            "\(trial.role) holds rights on it that it cannot use: \(what)",
            nextStep: remedy(trial, failures))
    }

    private func remedy(_ trial: ShimRoleTrial, _ failures: [Failure]) -> String {
        guard failures.allSatisfy({ $0.error.sqlState == .insufficientPrivilege }) else {
            return "see what stands between it and \(trial.shim.target), for this role"
        }
        let privileges = failures.map(\.attempt.privilege).joined(separator: ", ")
        let grantee = trial.role == "PUBLIC" ? trial.role : trial.identity ?? trial.role
        return "GRANT \(privileges) ON \(trial.target) TO \(grantee)"
    }
}
