import GRDB

/// Rows whose parent is missing, as SQLite itself finds them (PRAGMA foreign_key_check).
package enum OrphanCheck {
    /// Of the tables that have foreign keys. A key that SQLite cannot check (its parent has no such unique key) is told in
    /// `problems`.
    package static func run(
        _ tables: [SourceTable], _ reader: SourceReader
    ) async throws -> (orphans: [ImportReview.Orphans], problems: [String]) {
        var orphans: [ImportReview.Orphans] = []
        var problems: [String] = []
        for table in tables where !table.foreignKeys.isEmpty {
            do {
                orphans += try await reader.run { database in
                    try Row.fetchAll(
                        database,
                        sql: """
                            SELECT parent, fkid, count(*), min(rowid) FROM pragma_foreign_key_check(?)
                            GROUP BY parent, fkid ORDER BY fkid
                            """, arguments: [table.name]
                    ).map { row in
                        ImportReview.Orphans(
                            table: table.name, parent: row[0] ?? "", rows: row[2] ?? 0, example: row[3])
                    }
                }
            } catch let error as SourceError where error.code == .failed {
                problems.append("\(table.name): \(error.message)")
            }
        }
        return (orphans, problems)
    }
}
