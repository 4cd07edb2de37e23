/// What a `CREATE TABLE` says, of which SQLite's pragmas tell only a part.
package struct TableDefinition: Sendable, Hashable {
    package var name = ""
    package var columns: [ColumnDefinition] = []
    /// Those of the table, behind its columns.
    package var constraints: [ConstraintDefinition] = []
    package var isWithoutRowid = false
    package var isStrict = false

    package init() {}

    /// All constraints with the column behind which each stands, in the order of the text.
    package var allConstraints: [(column: String?, constraint: ConstraintDefinition)] {
        columns.flatMap { column in column.constraints.map { (column.name, $0) } } + constraints.map { (nil, $0) }
    }
}

package struct ColumnDefinition: Sendable, Hashable {
    package var name: String
    /// As written, with single spaces.
    package var type: String
    package var constraints: [ConstraintDefinition]

    package init(_ name: String, type: String = "", constraints: [ConstraintDefinition] = []) {
        (self.name, self.type, self.constraints) = (name, type, constraints)
    }
}

package struct ConstraintDefinition: Sendable, Hashable {
    package enum Rule: Sendable, Hashable {
        /// Columns are empty where it stands behind its column.
        case primaryKey([KeyDefinition], isAutoincrement: Bool)
        case unique([KeyDefinition])
        case notNull, null
        /// The expression without its brackets; so in the other rules.
        case check(String)
        case defaultValue(String)
        case collate(String)
        case generated(String, isStored: Bool)
        case references(ReferenceDefinition)
    }
    package var name: String?
    package var rule: Rule
    /// ROLLBACK, ABORT, FAIL, IGNORE or REPLACE, where ON CONFLICT says one.
    package var conflict: String?

    package init(_ rule: Rule, name: String? = nil, conflict: String? = nil) {
        (self.rule, self.name, self.conflict) = (rule, name, conflict)
    }
}

/// One of the columns or expressions of a key or an index.
package struct KeyDefinition: Sendable, Hashable {
    /// The text without ASC and DESC; of a name, the name, without its COLLATE.
    package var text: String
    /// False for a single name.
    package var isExpression: Bool
    /// Of a name.
    package var collation: String?
    package var isDescending: Bool

    package init(_ text: String, isExpression: Bool = false, collation: String? = nil, isDescending: Bool = false) {
        (self.text, self.isExpression, self.collation) = (text, isExpression, collation)
        self.isDescending = isDescending
    }
}

package struct ReferenceDefinition: Sendable, Hashable {
    /// Empty where it stands behind its column.
    package var columns: [String] = []
    package var parent = ""
    /// Empty where none is named: the parent's primary key.
    package var parentColumns: [String] = []
    package var onDelete = "NO ACTION"
    package var onUpdate = "NO ACTION"
    /// The word behind MATCH, which SQLite reads and does not heed.
    package var match: String?
    package var isDeferred = false

    package init() {}
}

/// What a `CREATE INDEX` says.
package struct IndexDefinition: Sendable, Hashable {
    package var name = ""
    package var table = ""
    package var isUnique = false
    package var keys: [KeyDefinition] = []
    /// Without WHERE.
    package var condition: String?

    package init() {}
}
