import Engine
import Planning
import PostgresDriver

/// A way to move tables, and to move them back.
enum MoveContender: String, CaseIterable {
    case strata
    case oneTransaction
    case withoutViews

    var forward: String {
        switch self {
        case .strata: "strata apply"
        case .oneTransaction: "one transaction, views too"
        case .withoutViews: "one transaction, ALTER only"
        }
    }

    var back: String {
        switch self {
        case .strata: "strata rollback"
        case .oneTransaction, .withoutViews: "  and back"
        }
    }

    /// What a person would write: all statements of the plan but its compatibility views in their order, then the views.
    /// What needs Strata's own schema, or must stand outside a transaction, is left out.
    private func steps(of plan: Plan) -> [Step] {
        let plain = plan.steps.filter { $0.inTransaction && $0.kind != .appendOnly && $0.kind != .createShim }
        return self == .withoutViews ? plain : plain + plan.steps.filter { $0.kind == .createShim }
    }

    func move(_ plan: Plan, _ connection: Connection) async throws {
        switch self {
        case .strata:
            let applier = Applier(connection)
            try await applier.exclusively { applier in
                let accepted = Set(plan.hazards.map(\.code))
                try applier.check(plan, against: try await CatalogReader.read(connection), accepted: accepted)
                _ = try await applier.apply(plan, accepted: Array(accepted))
            }
        case .oneTransaction, .withoutViews:
            try await transaction(steps(of: plan).flatMap(\.statements), connection)
        }
    }

    func moveBack(_ plan: Plan, _ connection: Connection) async throws {
        switch self {
        case .strata:
            try await Applier(connection).exclusively { applier in
                guard let run = try await applier.ledger.latestEffective() else { throw BenchFailure("no run to undo") }
                _ = try await applier.rollback(run)
            }
        case .oneTransaction, .withoutViews:
            try await transaction(steps(of: plan).reversed().flatMap(\.undo), connection)
        }
    }

    /// As one string, as psql -1 -f sends it in effect. A deadlock undoes all of it: a person would start again.
    private func transaction(_ statements: [String], _ connection: Connection) async throws {
        // Strata's own checks need its ledger, which a person who writes SQL does not have.
        let plain = statements.filter { !$0.hasPrefix("SELECT strata.") }
        let text = (["BEGIN"] + plain + ["COMMIT"]).joined(separator: ";\n")
        for attempt in 1... {
            do {
                try await connection.execute(text)
                return
            } catch let error as PostgresError where error.isRetryable && attempt < 20 {
                try await connection.executeShielded("ROLLBACK")
            }
        }
    }
}
