package import Planning
package import PostgresDriver

/// A schema of foreign tables as it stands.
package struct ForeignStatus: Sendable, Codable {
    package var schema: String
    package var source: String
    package var database: String
    /// `declared` where nothing was made yet; else the record's.
    package var state: String
    package var tables: [String] = []
    package var error: String?
    package var warnings: [String] = []

    /// - Parameter others: connections to those databases that can be reached.
    package static func read(
        _ layout: Layout, main: Connection, others: [String: Connection]
    ) async throws -> [ForeignStatus] {
        let records = try await ForeignLedger(main).all()
        var found: [ForeignStatus] = []
        for record in records { found.append(try await status(of: record, layout, main, others[record.database])) }
        for entry in layout.foreignTables where !records.contains(where: { $0.schema == entry.schema }) {
            var status = ForeignStatus(
                schema: entry.schema, source: entry.source, database: entry.database, state: "declared")
            status.warnings.append("the layout declares it, and it is not made: strata split foreign make")
            found.append(status)
        }
        return found.sorted { $0.schema < $1.schema }
    }

    private static func status(
        of record: ForeignRecord, _ layout: Layout, _ main: Connection, _ other: Connection?
    ) async throws -> ForeignStatus {
        var status = ForeignStatus(
            schema: record.schema, source: record.source, database: record.database, state: record.state.rawValue,
            error: record.error)
        let here = try await ForeignTables.columns(of: record.schema, main)
        status.tables = here.keys.sorted()
        if !layout.foreignTables.contains(where: { $0.schema == record.schema }) {
            status.warnings.append(
                "the layout does not declare it (any more): strata split foreign drop \(record.schema)")
        }
        guard let other else {
            status.warnings.append("database \(record.database) cannot be looked at")
            return status
        }
        let there = try await ForeignReader(record: record, other: other).tables().readable
        let changed = here.keys.sorted().filter { name in there.first { $0.name == name }?.columns != here[name] }
        if !changed.isEmpty {
            status.warnings.append(
                "not as in database \(record.database) any more: \(changed.joined(separator: ", ")): strata split foreign make"
            )
        }
        return status
    }
}
