/// `projections`, after `schemas`, whose tables they fill.
extension LayoutReader {
    mutating func projections(_ node: LayoutNode) -> [ProjectionLayout] {
        let entries = entries(of: node, "`projections`", "projections by name") ?? []
        if entries.count > ProjectionLayout.mostProjections {
            tooMany(entries.count, "projections", ProjectionLayout.mostProjections, node.place)
            return []
        }
        var projections: [ProjectionLayout] = []
        // By the table they fill.
        var filled: [TableReference: SourcePlace] = [:]
        for entry in entries {
            guard let name = name(entry, .projection), isShort(name, entry.keyPlace),
                let fields = fields(of: entry.value, as: .projection),
                let projection = projection(name, fields, entry.keyPlace)
            else { continue }
            for table in projection.tables {
                let reference = TableReference(schema: projection.schema, table: table.value)
                if let first = filled.updateValue(table.place, forKey: reference) {
                    duplicateEntry("table \(reference.text)", "projections", table.place, first: first)
                }
            }
            projections.append(projection)
        }
        return projections
    }

    private mutating func isShort(_ name: String, _ place: SourcePlace) -> Bool {
        if name.utf8.count > ProjectionLayout.longestName {
            let message =
                "the name of a projection has up to \(ProjectionLayout.longestName) bytes, this one \(name.utf8.count)"
            error("name-too-long", message, place, "shorten it: a rebuild makes schemas that are called after it")
            return false
        }
        guard !name.contains("/"), !name.contains(":") else {
            error(
                "bad-name", "the name of a projection has no : and no /", place, "write it with letters, digits and _")
            return false
        }
        return true
    }

    private mutating func projection(
        _ name: String, _ fields: LayoutFields, _ place: SourcePlace
    ) -> ProjectionLayout? {
        for (key, example) in [
            ("stream", "stream: animals"), ("schema", "schema: readmodels"), ("tables", "tables: [animals]"),
            ("statements", "statements: { AnimalRegistered: projections/animal_registered.sql }"),
        ] where fields[key] == nil {
            missing(key, in: .projection, place, example)
        }
        let stream = fields["stream"].flatMap { ownerText($0, "stream", "a stream by name or id") }
        let schema = fields["schema"].flatMap { self.name($0, .schema, "schema") }
        let tables = fields["tables"].map { projectionTables($0, schema) } ?? []
        let statements = fields["statements"].map { statementFiles($0) } ?? []
        let organization = fields["organization"].flatMap {
            ownerText($0, "organization", "an organisation by name or id")
        }
        let store = fields["store"].flatMap { self.name($0, .schema, "store") }
        let onError = fields["on_error"].flatMap { choice($0, of: ProjectionLayout.OnError.self, "on_error") }
        let notCompared = fields["not_compared"].map { notComparedColumns($0, tables) } ?? []
        guard let stream, let schema, !tables.isEmpty, !statements.isEmpty else { return nil }
        var projection = ProjectionLayout(name: name, stream: stream, schema: schema, tables: tables, place: place)
        (projection.organization, projection.statements) = (organization, statements)
        (projection.store, projection.onError) = (store ?? eventStore ?? "events", onError ?? .stop)
        projection.notCompared = notCompared
        return projection
    }

    /// Names of streams and organisations are texts of their own, with up to 200 characters.
    private mutating func ownerText(_ node: LayoutNode, _ key: String, _ expected: String) -> String? {
        guard let text = nonEmptyText(node, key, expected) else { return nil }
        guard text.count <= 200 else {
            error(
                "out-of-bounds", "`\(key)` has \(text.count) characters, expected up to 200", node.place,
                "strata events shows the names that there are")
            return nil
        }
        return text
    }

    private mutating func projectionTables(_ node: LayoutNode, _ schema: String?) -> [Layout.Placed<String>] {
        let tables = names(node, .table, "tables")
        if tables.isEmpty, node.kind == "a list" || node.kind == "nothing" {
            error("empty-list", "`tables` names no table", node.place, "write tables: [animals]")
        } else if tables.count > ProjectionLayout.mostTables {
            tooMany(tables.count, "tables", ProjectionLayout.mostTables, node.place)
        }
        guard let schema else { return tables }
        guard let known = listed.schemas[schema] else {
            unlistedSchema(schema, node.place)
            return tables
        }
        for table in tables where !known.contains(table.value) {
            let step =
                nearestName(to: table.value, among: known).map { "did you mean \($0)?" }
                ?? "add it to `tables` of schema \(schema), or correct the name"
            let message = "schema \(schema) lists no table \(LayoutReader.shown(table.value))"
            error("unlisted-table", message, table.place, step)
        }
        return tables
    }

    private mutating func statementFiles(_ node: LayoutNode) -> [ProjectionLayout.StatementFile] {
        let entries = entries(of: node, "`statements`", "files by type of event") ?? []
        if entries.isEmpty, node.kind == "keys with values" || node.kind == "nothing" {
            error(
                "empty-list", "`statements` names no file", node.place,
                "write statements: { AnimalRegistered: projections/animal_registered.sql }")
        } else if entries.count > ProjectionLayout.mostStatements {
            tooMany(entries.count, "statements", ProjectionLayout.mostStatements, node.place)
            return []
        }
        var files: [ProjectionLayout.StatementFile] = []
        for entry in entries {
            guard (1...200).contains(entry.key.utf8.count) else {
                error(
                    "out-of-bounds", "a type of events has 1 to 200 bytes, this one \(entry.key.utf8.count)",
                    entry.keyPlace, "write the type as the events have it")
                continue
            }
            guard let path = nonEmptyText(entry.value, "statements", "a file with SQL") else { continue }
            files.append(.init(type: entry.key, path: path, place: entry.value.place))
        }
        return files
    }

    private mutating func notComparedColumns(
        _ node: LayoutNode, _ tables: [Layout.Placed<String>]
    ) -> [Layout.Placed<ProjectionLayout.Column>] {
        var columns: [Layout.Placed<ProjectionLayout.Column>] = []
        for item in list(node, "`not_compared`", "a list of table.column") {
            guard let parts = dottedName(item, "not_compared", parts: 2...2, form: "table.column") else { continue }
            guard tables.contains(where: { $0.value == parts[0] }) else {
                let step =
                    nearestName(to: parts[0], among: tables.map(\.value)).map { "did you mean \($0).\(parts[1])?" }
                    ?? "name a column of one of its `tables`"
                let message = "the projection has no table \(LayoutReader.shown(parts[0]))"
                error("unlisted-table", message, item.place, step)
                continue
            }
            columns.append(Layout.Placed(ProjectionLayout.Column(parts[0], parts[1]), item.place))
        }
        return columns
    }

    private mutating func tooMany(_ count: Int, _ key: String, _ most: Int, _ place: SourcePlace) {
        error("out-of-bounds", "`\(key)` has \(count) entries, expected up to \(most)", place, "divide it")
    }
}
