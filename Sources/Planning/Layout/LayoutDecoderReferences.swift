/// The tables and views that the layout lists, for the sections that name them.
struct ListedTables {
    private(set) var schemas: [String: Set<String>] = [:]
    private(set) var schemasOfTable: [String: [String]] = [:]
    /// The database of each schema.
    private(set) var databases: [String: String] = [:]

    init() {}

    init(_ layout: Layout) {
        for schema in layout.schemas {
            databases[schema.name] = schema.database ?? layout.mainDatabase
            let names = Set((schema.tables + schema.views).map(\.name))
            schemas[schema.name] = names
            for name in names { schemasOfTable[name, default: []].append(schema.name) }
        }
    }

    func contains(_ schema: String) -> Bool { schemas[schema] != nil }
}

/// A table that another section names; the schema is known unless the layout does not list one.
struct TableReference: Hashable {
    var schema: String?
    var table: String

    var text: String { schema.map { "\($0).\(table)" } ?? table }
}

extension LayoutReader {
    /// `schema.table`, or the name of a table that exactly one schema lists.
    mutating func tableReference(_ node: LayoutNode, _ key: String) -> TableReference? {
        guard let parts = dottedName(node, key, parts: 1...2, form: "schema.table, or the name of a listed table")
        else { return nil }
        return resolved(parts, node.place)
    }

    /// `schema.table.column`.
    mutating func columnReference(_ node: LayoutNode, _ key: String) -> (table: TableReference, column: String)? {
        guard let parts = dottedName(node, key, parts: 3...3, form: "schema.table.column"),
            let table = resolved(Array(parts.prefix(2)), node.place)
        else { return nil }
        return (table, parts[2])
    }

    private mutating func resolved(_ parts: [String], _ place: SourcePlace) -> TableReference? {
        guard parts.count == 2 else { return resolved(plain: parts[0], place) }
        let (schema, table) = (parts[0], parts[1])
        guard let tables = listed.schemas[schema] else {
            unlistedSchema(schema, place)
            return TableReference(schema: schema, table: table)
        }
        if tables.contains(table) { return TableReference(schema: schema, table: table) }
        var step = "add \(table) to `tables` of \(schema), or correct the name"
        if let nearest = nearestName(to: table, among: tables) {
            step = "did you mean \(schema).\(nearest)?"
        } else if let other = listed.schemasOfTable[table]?.first {
            step = "did you mean \(other).\(table)?"
        }
        error("unlisted-table", "schema \(schema) lists no table \(LayoutReader.shown(table))", place, step)
        return nil
    }

    private mutating func resolved(plain table: String, _ place: SourcePlace) -> TableReference? {
        let schemas = listed.schemasOfTable[table] ?? []
        if schemas.count == 1 { return TableReference(schema: schemas[0], table: table) }
        if schemas.isEmpty {
            let nearest = nearestName(to: table, among: listed.schemasOfTable.keys)
            let step = nearest.map { "did you mean \($0)?" } ?? "write schema.table, and list the table under `schemas`"
            error("unlisted-table", "no schema lists a table \(LayoutReader.shown(table))", place, step)
        } else {
            let choices = schemas.sorted().map { "\($0).\(table)" }.joined(separator: " or ")
            let message = "several schemas list a table \(LayoutReader.shown(table))"
            error("ambiguous-table", message, place, "write \(choices)")
        }
        return nil
    }

    /// A schema that the layout does not list may exist all the same: worth a warning, except for `public`.
    mutating func unlistedSchema(_ schema: String, _ place: SourcePlace) {
        guard !listed.contains(schema), schema != "public", schema != eventStore else { return }
        let step =
            nearestName(to: schema, among: listed.schemas.keys).map { "did you mean \($0)?" }
            ?? "list it under `schemas`, or make sure that the database has it"
        warning("unlisted-schema", "the layout lists no schema \(LayoutReader.shown(schema))", place, step)
    }

    /// For `thresholds` and `backup`: an entry for a schema that is not there would watch or save nothing.
    mutating func listedSchema(_ entry: LayoutField, _ section: String) -> String? {
        guard let name = name(entry, .schema) else { return nil }
        if listed.contains(name) || name == "public" || name == eventStore { return name }
        let step =
            nearestName(to: name, among: listed.schemas.keys).map { "did you mean \($0)?" }
            ?? "list it under `schemas`, or remove it here"
        let message = "`\(section)` names the schema \(LayoutReader.shown(name)), which the layout does not list"
        error("unlisted-schema", message, entry.keyPlace, step)
        return nil
    }
}
