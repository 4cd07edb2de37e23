import PostgresDriver

extension Ledger {
    /// Runs whose effect still stands, oldest first, at most the newest 100: what a verification compares with.
    package func standing() async throws -> [Run] {
        let rows = try await connection.query(
            "SELECT id FROM (SELECT id FROM strata.runs WHERE state <> 'undone' ORDER BY id DESC LIMIT 100) AS newest ORDER BY id"
        )
        var runs: [Run] = []
        for row in rows {
            if let run = try await run(id: try row.int("id")) { runs.append(run) }
        }
        return runs
    }

    /// The newest run of all.
    package func newest() async throws -> Run? {
        let rows = try await connection.query("SELECT max(id) AS id FROM strata.runs")
        guard let id = try rows.first?.optionalInt("id") else { return nil }
        return try await run(id: id)
    }
}
