package import Planning
import PostgresDriver

extension Ledger {
    /// Runs whose effect still stands, oldest first: what a verification compares with. Those whose plans this Strata
    /// cannot read are left out, and named.
    package func standing() async throws -> (runs: [Run], unreadable: [Diagnostic]) {
        let rows = try await understood {
            try await connection.query("SELECT id FROM strata.runs WHERE state <> 'undone' ORDER BY id")
        }
        var runs: [Run] = []
        var unreadable: [Diagnostic] = []
        for row in rows {
            do {
                if let run = try await run(id: try row.int("id")) { runs.append(run) }
            } catch let failure as EngineFailure {
                unreadable += failure.diagnostics.map { diagnostic in
                    var warning = diagnostic
                    warning.severity = .warning
                    return warning
                }
            }
        }
        return (runs, unreadable)
    }

    /// The newest run of all.
    package func newest() async throws -> Run? {
        let rows = try await connection.query("SELECT max(id) AS id FROM strata.runs")
        guard let id = try rows.first?.optionalInt("id") else { return nil }
        return try await run(id: id)
    }
}
