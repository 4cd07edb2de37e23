/// `copies`, after `schemas`, whose tables they name.
extension LayoutReader {
    mutating func copies(_ node: LayoutNode, _ layout: Layout) -> [CopyLayout] {
        var copies: [CopyLayout] = []
        var seen: [String: SourcePlace] = [:]
        for item in list(node, "`copies`", "a list of copied tables") {
            guard let copy = copy(item, layout) else { continue }
            let name = "\(copy.schema).\(copy.table)"
            if let first = seen.updateValue(item.place, forKey: name) {
                duplicateEntry("table \(name)", "copies", item.place, first: first)
                continue
            }
            copies.append(copy)
        }
        return copies
    }

    private mutating func copy(_ node: LayoutNode, _ layout: Layout) -> CopyLayout? {
        guard let fields = fields(of: node, as: .copy) else { return nil }
        for (key, example) in [("table", "table: schema.table"), ("databases", "databases: [archive]")]
        where fields[key] == nil {
            missing(key, in: .copy, node.place, example)
        }
        let table = fields["table"].flatMap { tableReference($0, "table") }
        let databases = fields["databases"].map { copyDatabases($0) }
        guard let table, let schema = table.schema, let databases, !databases.isEmpty else { return nil }
        let home = layout.schemas.first { $0.name == schema }?.database ?? layout.mainDatabase
        guard home == layout.mainDatabase else {
            let message =
                "\(schema).\(table.table) lives in database \(home); only tables of database \(layout.mainDatabase) can be copied"
            error(
                "copy-from-elsewhere", message, node.place,
                "read it in database \(home), or leave its schema in the main one")
            return nil
        }
        if let own = databases.first(where: { $0.value == home }) {
            let message = "\(schema).\(table.table) lives in database \(home) itself"
            error("copy-at-home", message, own.place, "remove \(home) from `databases`")
            return nil
        }
        return CopyLayout(schema: schema, table: table.table, databases: databases.map(\.value), place: node.place)
    }

    private mutating func copyDatabases(_ node: LayoutNode) -> [Layout.Placed<String>] {
        let names = names(node, .database, "databases")
        if names.isEmpty, node.kind == "a list" || node.kind == "nothing" {
            error("empty-list", "`databases` names no database", node.place, "write databases: [archive]")
        }
        return names.filter { name in
            if databaseNames.contains(name.value) { return true }
            unknownDatabase(name.value, name.place)
            return false
        }
    }
}
