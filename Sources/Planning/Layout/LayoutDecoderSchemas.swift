extension LayoutReader {
    mutating func schemas(_ node: LayoutNode) -> [SchemaLayout] {
        var schemas: [SchemaLayout] = []
        for entry in entries(of: node, "`schemas`", "schemas by name") ?? [] {
            guard let name = name(entry, .schema),
                let fields = fields(of: entry.value, as: .schema)
            else { continue }
            schemas.append(schema(name, fields, entry.keyPlace))
        }
        return schemas
    }

    private mutating func schema(_ name: String, _ fields: LayoutFields, _ place: SourcePlace) -> SchemaLayout {
        var schema = SchemaLayout(name: name, place: place)
        if let node = fields["database"] { schema.database = declaredDatabase(node) }
        if let node = fields["tables"] { schema.tables = objects(node, .table, .tableEntry, "tables") }
        if let node = fields["views"] { schema.views = objects(node, .view, .viewEntry, "views") }
        if let node = fields["functions"] { schema.functions = objects(node, .function, .functionEntry, "functions") }
        if let node = fields["types"] { schema.types = objects(node, .type, .typeEntry, "types") }
        if let node = fields["sequences"] { schema.sequences = objects(node, .sequence, .sequenceEntry, "sequences") }
        if let node = fields["append_only"] { schema.appendOnly = names(node, .table, "append_only") }
        if let node = fields["ignore"] { schema.ignore = names(node, .object, "ignore") }
        if let node = fields["rebuildable"] { schema.rebuildable = flag(node, "rebuildable") ?? false }
        if let node = fields["partitions"] { schema.partitions = partitions(node) }
        if let node = fields["definitions"] {
            schema.definitions = choice(node, of: SchemaLayout.Definitions.self, "definitions") ?? .refuse
            if schema.definitions == .carry, fields["database"] == nil {
                error(
                    "definitions-without-split",
                    "`definitions` says what becomes of DDL while schema \(name) is brought to another database, but it has none",
                    node.place, "give the schema its `database`, or remove `definitions`")
            }
        }
        return schema
    }

    mutating func declaredDatabase(_ node: LayoutNode) -> String? {
        guard let name = name(node, .database, "database") else { return nil }
        if databaseNames.contains(name) { return name }
        unknownDatabase(name, node.place)
        return nil
    }

    mutating func unknownDatabase(_ name: String, _ place: SourcePlace) {
        let step =
            nearestName(to: name, among: databaseNames).map { "did you mean \($0)?" }
            ?? "declare it under `databases`; there are: \(databaseNames.joined(separator: ", "))"
        error("unknown-database", "the database \(LayoutReader.shown(name)) is not declared", place, step)
    }

    private mutating func partitions(_ node: LayoutNode) -> [PartitionLayout] {
        var partitions: [PartitionLayout] = []
        for entry in entries(of: node, "`partitions`", "tables by name") ?? [] {
            guard let table = name(entry, .table), let fields = fields(of: entry.value, as: .partition) else {
                continue
            }
            var column: String?
            var every: PartitionLayout.Every?
            var ahead: Int? = 1
            if let node = fields["by"] {
                column = name(node, .column, "by")
            } else {
                missing("by", in: .partition, entry.keyPlace, "by: created_at")
            }
            if let node = fields["every"] {
                every = choice(node, of: PartitionLayout.Every.self, "every")
            } else {
                missing("every", in: .partition, entry.keyPlace, "every: month")
            }
            if let node = fields["ahead"] { ahead = integer(node, "ahead", in: 1...1000) }
            if let column, let every, let ahead {
                partitions.append(
                    PartitionLayout(table: table, column: column, every: every, ahead: ahead, place: entry.keyPlace))
            }
        }
        return partitions
    }
}
