extension LayoutReader {
    /// Access methods of PostgreSQL and of extensions in wide use.
    private static let methods = [
        "btree", "hash", "gist", "spgist", "gin", "brin", "bloom", "rum", "hnsw", "ivfflat",
    ]
    /// PostgreSQL's limit for the columns of an index, `include` among them.
    private static let maximumColumns = 32

    mutating func indexes(_ node: LayoutNode) -> [IndexLayout] {
        struct Definition: Hashable {
            var table: TableReference
            var columns: [IndexLayout.Column]
            var rest: [String]
        }
        var indexes: [IndexLayout] = []
        var named: [TableReference: SourcePlace] = [:]
        var defined: [Definition: SourcePlace] = [:]
        for item in list(node, "`indexes`", "a list of indexes") {
            guard let index = index(item) else { continue }
            if let name = index.name {
                let key = TableReference(schema: index.schema, table: name)
                if let first = named.updateValue(item.place, forKey: key) {
                    duplicateEntry("index \(name)", "indexes", item.place, first: first)
                }
            }
            let definition = Definition(
                table: TableReference(schema: index.schema, table: index.table), columns: index.columns,
                rest: ["\(index.unique)", index.method, index.predicate ?? ""] + index.include)
            if let first = defined.updateValue(item.place, forKey: definition) {
                duplicateEntry("the same index on \(definition.table.text)", "indexes", item.place, first: first)
            }
            indexes.append(index)
        }
        return indexes
    }

    private mutating func index(_ node: LayoutNode) -> IndexLayout? {
        guard let fields = fields(of: node, as: .index) else { return nil }
        var table: TableReference?
        var columns: [IndexLayout.Column] = []
        if let tableNode = fields["table"] {
            table = tableReference(tableNode, "table")
        } else {
            missing("table", in: .index, node.place, "table: schema.table")
        }
        if let columnsNode = fields["columns"] {
            columns = indexColumns(columnsNode)
        } else {
            missing("columns", in: .index, node.place, "columns: [id]")
        }
        var index = IndexLayout(schema: table?.schema, table: table?.table ?? "", columns: columns, place: node.place)
        if let node = fields["unique"] { index.unique = flag(node, "unique") ?? false }
        if let node = fields["method"] {
            index.method = choice(node, among: LayoutReader.methods, "method") ?? "btree"
        }
        if let node = fields["where"] { index.predicate = nonEmptyText(node, "where", "a condition in SQL") }
        if let node = fields["include"] { index.include = names(node, .column, "include").map(\.value) }
        if let node = fields["name"] { index.name = name(node, .index, "name") }
        checkMethod(index, fields)
        return table == nil || columns.isEmpty ? nil : index
    }

    private mutating func indexColumns(_ node: LayoutNode) -> [IndexLayout.Column] {
        let items = list(node, "`columns`", "a list of column names")
        var columns: [IndexLayout.Column] = []
        for item in items {
            guard let column = indexColumn(item) else { continue }
            if columns.contains(where: { $0.name == column.name }) {
                error(
                    "duplicate-entry", "column \(column.name) is in `columns` twice", item.place,
                    "remove one of the two")
            } else {
                columns.append(column)
            }
        }
        if items.isEmpty, node.kind == "a list" || node.kind == "nothing" {
            error("empty-list", "an index needs at least one column", node.place, "write columns: [name]")
        } else if items.count > LayoutReader.maximumColumns {
            let message = "an index has at most \(LayoutReader.maximumColumns) columns, these are \(items.count)"
            error("out-of-bounds", message, node.place, "index the columns that are searched for")
        }
        return columns
    }

    /// `user_id`, `created_at desc`, or `{ name: created_at, desc: true }`.
    private mutating func indexColumn(_ node: LayoutNode) -> IndexLayout.Column? {
        if case .map = node.content {
            guard let fields = fields(of: node, as: .indexColumn) else { return nil }
            guard let nameNode = fields["name"] else {
                missing("name", in: .indexColumn, node.place, "name: created_at")
                return nil
            }
            let descending = fields["desc"].flatMap { flag($0, "desc") } ?? false
            return name(nameNode, .column, "name").map { IndexLayout.Column(name: $0, descending: descending) }
        }
        guard case .text(let raw, plain: let plain) = node.content else {
            return name(node, .column, "columns").map { IndexLayout.Column(name: $0) }
        }
        let words = raw.split(separator: " ").map(String.init)
        let direction = words.count == 2 ? words[1].lowercased() : nil
        if raw.contains("(") {
            let step = "name plain columns here; make an index on an expression in SQL, the layout leaves it alone"
            error("bad-column", "an index on an expression is not described by the layout", node.place, step)
            return nil
        }
        guard words.count < 2 || direction == "asc" || direction == "desc" else {
            let step = "write \"column desc\", or { name: \"a name with spaces\", desc: true }"
            error("bad-column", "\(LayoutReader.shown(raw)) is not a column with asc or desc", node.place, step)
            return nil
        }
        let column = LayoutNode(content: .text(words.first ?? "", plain: plain), place: node.place)
        return name(column, .column, "columns").map { IndexLayout.Column(name: $0, descending: direction == "desc") }
    }

    /// What the access method cannot do, before PostgreSQL says so in the middle of a run.
    private mutating func checkMethod(_ index: IndexLayout, _ fields: LayoutFields) {
        let method = index.method
        if index.unique, method != "btree", let node = fields["unique"] {
            error("method-cannot", "a \(method) index cannot be unique", node.place, "leave method out, or unique")
        }
        if method != "btree", index.columns.contains(where: \.descending), let node = fields["columns"] {
            error("method-cannot", "a \(method) index has no order, so no desc", node.place, "leave desc out")
        }
        if ["hash", "spgist", "hnsw", "ivfflat"].contains(method), index.columns.count > 1, let node = fields["columns"]
        {
            error("method-cannot", "a \(method) index has one column", node.place, "make one index for each column")
        }
        guard let node = fields["include"], !index.include.isEmpty else { return }
        if !["btree", "gist", "spgist"].contains(method) {
            error("method-cannot", "a \(method) index cannot include columns", node.place, "leave include out")
        }
        for column in index.columns where index.include.contains(column.name) {
            let message = "column \(column.name) is in `columns` and in `include`"
            error("duplicate-entry", message, node.place, "remove it from `include`")
        }
    }
}
