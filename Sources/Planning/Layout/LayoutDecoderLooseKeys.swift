extension LayoutReader {
    /// `loose_keys`, after `schemas`, whose tables they name.
    mutating func looseKeys(_ node: LayoutNode) -> [LooseKeyLayout] {
        struct Definition: Hashable {
            var table: LooseKeyLayout.Table
            var columns: Set<String>
            var references: LooseKeyLayout.Table
        }
        var keys: [LooseKeyLayout] = []
        var seen: [Definition: SourcePlace] = [:]
        for item in list(node, "`loose_keys`", "a list of loose keys") {
            guard let key = looseKey(item) else { continue }
            let definition = Definition(table: key.table, columns: Set(key.columns), references: key.references)
            if let first = seen.updateValue(item.place, forKey: definition) {
                duplicateEntry("the key of \(key.table) to \(key.references)", "loose_keys", item.place, first: first)
            }
            keys.append(key)
        }
        return keys
    }

    private mutating func looseKey(_ node: LayoutNode) -> LooseKeyLayout? {
        guard let fields = fields(of: node, as: .looseKey) else { return nil }
        for (key, example) in [
            ("table", "table: schema.table"), ("columns", "columns: [user_id]"),
            ("references", "references: schema.table"),
        ] where fields[key] == nil {
            missing(key, in: .looseKey, node.place, example)
        }
        let table = fields["table"].flatMap { looseKeyTable($0, "table") }
        let columns = fields["columns"].map { keyColumns($0, "columns") }
        let references = fields["references"].flatMap { looseKeyTable($0, "references") }
        let referenced = fields["referenced_columns"].map { keyColumns($0, "referenced_columns") }
        let onDelete = fields["on_delete"].flatMap { choice($0, of: LooseKeyLayout.OnDelete.self, "on_delete") }
        let onUpdate = fields["on_update"].flatMap { choice($0, of: LooseKeyLayout.OnUpdate.self, "on_update") }
        guard let table, let columns, !columns.isEmpty, let references else { return nil }
        if let referenced, !referenced.isEmpty, referenced.count != columns.count,
            let place = fields["referenced_columns"]?.place
        {
            let message =
                "\(counted(columns.count, "column")) cannot point to \(counted(referenced.count, "column")) of \(references)"
            error("column-count", message, place, "name one referenced column for each of `columns`, in the same order")
        }
        var key = LooseKeyLayout(table: table, columns: columns, references: references, place: node.place)
        key.referencedColumns = referenced ?? []
        (key.onDelete, key.onUpdate) = (onDelete, onUpdate)
        return key
    }

    private mutating func looseKeyTable(_ node: LayoutNode, _ key: String) -> LooseKeyLayout.Table? {
        guard let reference = tableReference(node, key), let schema = reference.schema else { return nil }
        return LooseKeyLayout.Table(schema, reference.table)
    }

    /// PostgreSQL's limit for the columns of a key is 32.
    private mutating func keyColumns(_ node: LayoutNode, _ key: String) -> [String] {
        let columns = names(node, .column, key).map(\.value)
        if columns.isEmpty, node.kind == "a list" || node.kind == "nothing" {
            error("empty-list", "`\(key)` names no column", node.place, "write \(key): [user_id]")
        } else if columns.count > 32 {
            let message = "a key has at most 32 columns, these are \(columns.count)"
            error("out-of-bounds", message, node.place, "name the columns that point to the other table")
        }
        return columns
    }
}
