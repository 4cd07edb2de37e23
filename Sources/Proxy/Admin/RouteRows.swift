/// SHOW ROUTES: where statements went, and why; the most used first. Texts are without constants. Pure.
enum RouteRows {
    struct Row: Sendable {
        var database: String
        var statement: String
        var target: String
        var reason: String
        var hits: UInt64
    }

    /// Of each loop and database, and of what is shown in the end.
    static let limit = 200

    static func table(_ rows: [Row]) -> AdminTable {
        var merged: [String: Row] = [:]
        for row in rows {
            merged["\(row.database)\u{0}\(row.statement)\u{0}\(row.target)\u{0}\(row.reason)", default: row.asNew]
                .hits +=
                row.hits
        }
        let sorted = merged.sorted { ($1.value.hits, $0.key) < ($0.value.hits, $1.key) }.prefix(limit)
        return AdminTable(
            [
                ("database", .text), ("statement", .text), ("target", .text), ("reason", .text), ("hits", .integer),
            ], rows: sorted.map { [$1.database, $1.statement, $1.target, $1.reason, "\($1.hits)"] })
    }
}

extension RouteRows.Row {
    fileprivate var asNew: Self {
        var copy = self
        copy.hits = 0
        return copy
    }
}

extension Worker {
    func routeReport() -> WorkerReport {
        var report = WorkerReport()
        for database in databases.values {
            let (samples, unparsed) = database.routes
            // The first use made the decision, the others found it.
            report.routes += samples.map { sample in
                let explained = RouteExplanation(sample.decision, freshness: configuration.freshness)
                return .init(
                    database: database.name, statement: sample.text, target: explained.target,
                    reason: explained.reason, hits: sample.uses + 1)
            }
            // Those that the cache has dropped since.
            let shown = Set(samples.map(\.text))
            report.routes += unparsed.filter { !shown.contains($0.text) }.map {
                .init(
                    database: database.name, statement: $0.text, target: "primary", reason: "not read", hits: $0.count)
            }
        }
        return report
    }
}
