/// What a statement does to a relation that a simple view under the relation's old name cannot carry.
package enum ShimFeature: String, Sendable, CaseIterable {
    case systemColumn = "system-column"
    case onConflictOnConstraint = "on-conflict-on-constraint"
    case truncate
    case copy
    case merge
    case functionalDependency = "functional-dependency"
    case whereCurrentOf = "where-current-of"
    case tableSample = "table-sample"
    case createIndex = "create-index"
    case foreignKey = "foreign-key"
    case alterTable = "alter-table"
    case inherits
    case createTrigger = "create-trigger"
    case maintenance
    case refresh
    case serialSequence = "serial-sequence"
    case rowType = "row-type"

    /// Why a view does not carry it, as one sentence.
    package var explanation: String {
        switch self {
        case .systemColumn: "A view has no system columns such as xmin, ctid and tableoid."
        case .onConflictOnConstraint: "A view has no constraints, so ON CONFLICT ON CONSTRAINT finds none."
        case .truncate: "TRUNCATE works on tables only."
        case .copy: "COPY reads and writes tables only; a view can be copied from a query, and not into."
        case .merge: "MERGE into a view needs PostgreSQL 17."
        case .functionalDependency:
            "A view has no primary key, so GROUP BY on the key no longer stands for the other columns of the row."
        case .whereCurrentOf: "WHERE CURRENT OF works on tables only."
        case .tableSample: "TABLESAMPLE works on tables and materialised views only."
        case .createIndex: "An index cannot be created on a view."
        case .foreignKey: "A foreign key cannot refer to a view."
        case .alterTable: "ALTER TABLE, DROP TABLE and the like do not work on a view."
        case .inherits: "A table cannot inherit from a view or be its partition."
        case .createTrigger: "A row trigger BEFORE or AFTER cannot be created on a view."
        case .maintenance: "VACUUM, ANALYZE, CLUSTER and REINDEX skip or refuse a view."
        case .refresh: "REFRESH MATERIALIZED VIEW does not work on a view."
        case .serialSequence: "pg_get_serial_sequence answers NULL for a view, without an error."
        case .rowType: "A view has a row type of its own, which is not the table's."
        }
    }

    /// What to do about it, as one sentence.
    package var remedy: String {
        switch self {
        case .onConflictOnConstraint: "Name the columns, as in ON CONFLICT (id), or use the table's new name."
        case .copy: "Use the table's new name; for COPY TO, COPY (SELECT …) TO works with the old one."
        case .functionalDependency: "Add the other selected columns to GROUP BY, or use the table's new name."
        case .merge: "Use INSERT … ON CONFLICT, or the table's new name."
        case .rowType: "Use the row type of the table's new name."
        default: "Use the table's new name, or let search_path find it."
        }
    }
}
