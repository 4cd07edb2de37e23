/// One entry of `loose_keys:`: what happens to rows whose parent row goes, where no foreign key can see to it.
package struct LooseKeyLayout: Sendable {
    package enum OnDelete: String, Sendable, CaseIterable, Codable { case delete, setNull = "set_null", ignore }
    package enum OnUpdate: String, Sendable, CaseIterable, Codable { case update, ignore }

    /// A table as it will be called.
    package struct Table: Sendable, Hashable, Codable, CustomStringConvertible {
        package var schema: String
        package var name: String

        package init(_ schema: String, _ name: String) { (self.schema, self.name) = (schema, name) }
        package var description: String { "\(schema).\(name)" }
    }

    /// Whose rows point elsewhere.
    package var table: Table
    package var columns: [String]
    /// What they point to.
    package var references: Table
    /// `referenced_columns`; empty for the primary key.
    package var referencedColumns: [String] = []
    /// nil: what the real key does, if it deletes or sets NULL.
    package var onDelete: OnDelete?
    /// nil: what the real key does.
    package var onUpdate: OnUpdate?
    package var place: SourcePlace

    package init(table: Table, columns: [String], references: Table, place: SourcePlace) {
        self.table = table
        self.columns = columns
        self.references = references
        self.place = place
    }
}
