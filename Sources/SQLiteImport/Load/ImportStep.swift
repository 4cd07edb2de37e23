/// A statement of an import that is no loading of rows: one transaction, with its mark in the journal.
package struct ImportStep: Sendable, Hashable {
    /// In the order in which they come.
    package enum Stage: String, Sendable, Codable, CaseIterable {
        /// Of tables that are there already: what would stand in the way of loading is put aside.
        case prepare
        case tables
        /// After the rows.
        case keys, indexes
        case foreignKeys = "foreign-keys"
        case validation
        case sequences
        /// What `prepare` has put aside comes back.
        case restore
        case statistics

        package var isBeforeRows: Bool { self == .prepare || self == .tables }
    }

    package var stage: Stage
    /// Kind and qualified name.
    package var object: String
    package var sql: String
    /// Nil where there is nothing to take back.
    package var undo: String?

    package init(_ stage: Stage, _ object: String, _ sql: String, undo: String? = nil) {
        (self.stage, self.object, self.sql, self.undo) = (stage, object, sql, undo)
    }
}

/// A table that is loaded, with what is known of it.
package struct PlannedTable: Sendable, Hashable {
    package var load: LoadTable
    package var evidence: TableEvidence
    /// Whether it was in the target before.
    package var exists: Bool

    package init(_ load: LoadTable, _ evidence: TableEvidence, exists: Bool) {
        (self.load, self.evidence, self.exists) = (load, evidence, exists)
    }
}
