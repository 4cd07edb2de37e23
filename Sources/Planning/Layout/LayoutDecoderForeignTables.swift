/// `foreign_tables`, after `schemas`.
extension LayoutReader {
    mutating func foreignTables(_ node: LayoutNode, _ layout: Layout) -> [ForeignTablesLayout] {
        var entries: [ForeignTablesLayout] = []
        var seen: [String: SourcePlace] = [:]
        for item in list(node, "`foreign_tables`", "a list of schemas") {
            guard let entry = foreignTable(item, layout) else { continue }
            if let first = seen.updateValue(item.place, forKey: entry.schema) {
                duplicateEntry("schema \(entry.schema)", "foreign_tables", item.place, first: first)
                continue
            }
            entries.append(entry)
        }
        return entries
    }

    private mutating func foreignTable(_ node: LayoutNode, _ layout: Layout) -> ForeignTablesLayout? {
        guard let fields = fields(of: node, as: .foreignTables) else { return nil }
        for (key, example) in [("schema", "schema: far_audit"), ("of", "of: audit")] where fields[key] == nil {
            missing(key, in: .foreignTables, node.place, example)
        }
        let schema = fields["schema"].flatMap { name($0, .schema, "schema") }
        let source = fields["of"].flatMap { name($0, .schema, "of") }
        let tables = fields["tables"].map { names($0, .table, "tables").map(\.value) }
        guard let schema, let source else { return nil }
        if let listed = layout.schemas.first(where: { $0.name == schema }) {
            let message =
                "schema \(schema) is listed at line \(listed.place.line), column \(listed.place.column): foreign tables have one of their own"
            error(
                "foreign-schema-listed", message, node.place, "choose a name that no schema has, such as far_\(source)")
            return nil
        }
        guard schema != eventStore else {
            let step = "choose a name that no schema has, such as far_\(source)"
            error("foreign-schema-listed", "schema \(schema) is the event store's", node.place, step)
            return nil
        }
        guard let home = layout.schemas.first(where: { $0.name == source })?.database, home != layout.mainDatabase
        else {
            let message = "schema \(source) does not live in another database than \(layout.mainDatabase)"
            let elsewhere = layout.schemas.filter { ($0.database ?? layout.mainDatabase) != layout.mainDatabase }.map(
                \.name)
            let step =
                nearestName(to: source, among: elsewhere).map { "did you mean \($0)?" }
                ?? "name one that `schemas` places on another database"
            error("foreign-schema-at-home", message, node.place, step)
            return nil
        }
        var entry = ForeignTablesLayout(schema: schema, of: source, in: home, place: node.place)
        entry.tables = tables ?? []
        return entry
    }
}
