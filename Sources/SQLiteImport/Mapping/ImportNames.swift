package import Planning

/// Where tables go unless the mapping says otherwise: to the schema of the layout that lists them, else to `public`.
package struct ImportNames: Sendable, Hashable {
    /// In the order of the file; without columns, whose types come from the evidence.
    package var tables: [TableMapping] = []
    /// Names of columns in PostgreSQL, by table and column of the file.
    package var columns: [String: [String: String]] = [:]

    /// Names are as in the file, but those that PostgreSQL cannot have (more than 63 bytes, empty, a system column's) and those
    /// that the layout writes in other letters: SQLite takes no notice of their case.
    package init(_ source: SourceSchema, layout: Layout? = nil) {
        var taken: Set<[String]> = []
        for table in source.tables {
            let place = Self.place(of: table.name, in: layout)
            let name = TargetNames.fitted(place.name) { taken.contains([place.schema, $0]) }
            taken.insert([place.schema, name])
            tables.append(TableMapping(table.name, schema: place.schema, name: name, skipped: place.skipped))
            columns[table.name] = Self.columns(of: table)
        }
    }

    private static func place(of table: String, in layout: Layout?) -> (schema: String, name: String, skipped: String?)
    {
        for matches in [{ $0 == table }, { $0.asciiLowercased == table.asciiLowercased }] as [(String) -> Bool] {
            for schema in layout?.schemas ?? [] {
                if let entry = schema.tables.first(where: { matches($0.name) }) {
                    return (schema.name, entry.name, nil)
                }
                if schema.ignore.contains(where: { matches($0.value) }) {
                    return (schema.name, table, "schema \(schema.name) of the layout ignores it")
                }
            }
        }
        return ("public", table, nil)
    }

    private static func columns(of table: SourceTable) -> [String: String] {
        var taken = TargetNames.systemColumns
        var names: [String: String] = [:]
        for column in table.columns {
            let name = TargetNames.fitted(column.name) { taken.contains($0) }
            taken.insert(name)
            names[column.name] = name
        }
        return names
    }
}
