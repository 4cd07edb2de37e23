/// When a statement is due. Rows are loaded behind `tables`.
package enum TargetStage: String, Sendable, Codable, CaseIterable {
    case tables, keys, indexes
    /// NOT VALID: new rows are checked at once.
    case foreignKeys = "foreign-keys"
    /// The rows that were loaded are checked.
    case validation
}

/// What a statement makes, or what stays behind.
package struct TargetObject: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable {
        case schema, table, column, index, check, unique, view, trigger, collation
        case primaryKey = "primary key"
        case foreignKey = "foreign key"
        case defaultValue = "default"
        case generatedColumn = "generated column"
        case conflictClause = "conflict clause"
        case virtualTable = "virtual table"
        case shadowTable = "shadow table"
        case unreadableTable = "unreadable table"
    }
    package var kind: Kind
    /// In PostgreSQL with its schema, quoted where needed; of what stays behind, as SQLite has it.
    package var name: String

    package init(_ kind: Kind, _ name: String) { (self.kind, self.name) = (kind, name) }
}

package struct TargetStatement: Sendable, Hashable, Codable {
    package var stage: TargetStage
    package var object: TargetObject
    /// The table in the file; nil for a schema.
    package var table: String?
    package var sql: String
    /// Takes back exactly this, without CASCADE; nil where nothing is to be taken back. A schema's is meant for one that was
    /// not there before: CREATE SCHEMA IF NOT EXISTS does not say.
    package var undo: String?
    /// What is to be known of it, where it differs from SQLite's; else empty.
    package var reason: String
}

/// What SQLite has and PostgreSQL will not, or not in this way.
package struct LeftOut: Sendable, Hashable, Codable {
    package var object: TargetObject
    /// The table in the file that it belongs to.
    package var table: String?
    package var reason: String
    /// As in SQLite.
    package var sql: String
    package var nextStep: String
}

/// Why nothing can be made from this file and mapping, until it is mended.
package struct TargetProblem: Sendable, Hashable, Codable {
    /// The table in the file.
    package var table: String
    package var message: String
    package var nextStep: String

    package init(_ table: String, _ message: String, nextStep: String) {
        (self.table, self.message, self.nextStep) = (table, message, nextStep)
    }
}

/// What is carried over and yet not the same, or worth knowing.
package struct TargetNote: Sendable, Hashable, Codable {
    package var object: TargetObject
    package var table: String?
    package var message: String
}
