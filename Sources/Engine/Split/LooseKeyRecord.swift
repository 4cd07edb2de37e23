package import Planning
import PostgresDriver

/// A loose key as `strata.loose_keys` has it, beside its parent.
package struct LooseKeyRecord: Sendable, Equatable {
    package enum State: String, Sendable, Codable {
        /// What happens at the parent is written down; the real key still stands.
        case recording
        case loose
        /// The real key is being made again.
        case restoring
    }

    package var key: LooseKey
    package var state: State
    /// `pg_get_constraintdef` of the real key, for the way back.
    package var definition: String?
    /// Where an orphan scan that was cut off goes on.
    package var scanPosition: [String]?
    package var scannedRows: Int
    package var orphans: Int
    /// When a scan came to its end; nil: none did.
    package var scannedAt: String?

    static let columns = """
        name, parent_schema, parent_table, parent_columns, types, child_schema, child_table, child_columns, child_database,
        on_delete, on_update, state, constraint_name, constraint_definition, scan_position, scan_rows, orphans,
        to_char(scanned_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') AS scanned_at
        """

    init(_ row: Row) throws {
        let parents = try row.textArray("parent_columns")
        let (children, types) = (try row.textArray("child_columns"), try row.textArray("types"))
        let pairs = zip(parents, zip(children, types)).map { (parent: $0, child: $1.0, type: $1.1) }
        key = LooseKey(
            parent: .init(try row.string("parent_schema"), try row.string("parent_table")),
            child: .init(try row.string("child_schema"), try row.string("child_table")), pairs: pairs,
            onDelete: LooseKey.OnDelete(rawValue: try row.string("on_delete")) ?? .ignore,
            onUpdate: LooseKey.OnUpdate(rawValue: try row.string("on_update")) ?? .ignore,
            childDatabase: try row.string("child_database"), constraint: try row.optionalString("constraint_name"))
        state = State(rawValue: try row.string("state")) ?? .recording
        definition = try row.optionalString("constraint_definition")
        scanPosition = try row.optionalTextArray("scan_position")
        scannedRows = try row.int("scan_rows")
        orphans = try row.int("orphans")
        scannedAt = try row.optionalString("scanned_at")
    }
}
