extension LayoutReader {
    /// What `schemas` says as a whole: every object in one place, and lists that agree with each other.
    mutating func checkPlacement(_ layout: Layout) {
        for schema in layout.schemas {
            checkCollisions(in: schema)
            checkIgnored(in: schema, layout)
            checkTables(named: schema.appendOnly, in: schema, "append_only", "append-only-unlisted")
            let partitioned = schema.partitions.map { Layout.Placed($0.table, $0.place) }
            checkTables(named: partitioned, in: schema, "partitions", "partition-unlisted")
        }
        let kinds: [(String, KeyPath<SchemaLayout, [ObjectEntry]>)] = [
            ("table", \.tables), ("view", \.views), ("function", \.functions), ("type", \.types),
            ("sequence", \.sequences),
        ]
        for (kind, path) in kinds { checkListedOnce(kind, path, layout) }
    }

    /// Tables, views and sequences share one set of names in a schema, and each table and view is a type as well.
    private mutating func checkCollisions(in schema: SchemaLayout) {
        var seen: [String: (kind: String, place: SourcePlace)] = [:]
        let kinds: [(String, [ObjectEntry])] = [
            ("table", schema.tables), ("view", schema.views), ("sequence", schema.sequences), ("type", schema.types),
        ]
        for (kind, entries) in kinds {
            for entry in entries {
                guard let first = seen[entry.name] else {
                    seen[entry.name] = (kind, entry.place)
                    continue
                }
                // Entries of one kind are compared where the list is read; a sequence is no type.
                guard first.kind != kind, !(first.kind == "sequence" && kind == "type") else { continue }
                let message =
                    "schema \(schema.name) cannot hold \(kind) \(entry.name) and \(first.kind) \(entry.name);"
                    + " the first is at line \(first.place.line), column \(first.place.column)"
                error("name-collision", message, entry.place, "list one of the two under another schema")
            }
        }
    }

    private mutating func checkIgnored(in schema: SchemaLayout, _ layout: Layout) {
        let ignored = Dictionary(schema.ignore.map { ($0.value, $0.place) }, uniquingKeysWith: { first, _ in first })
        guard !ignored.isEmpty else { return }
        for other in layout.schemas {
            let entries = [other.tables, other.views, other.functions, other.types, other.sequences].joined()
            for entry in entries where other.name == schema.name || entry.from == schema.name {
                guard let place = ignored[entry.name] else { continue }
                let message =
                    "\(entry.name) is listed at line \(entry.place.line), column \(entry.place.column), and ignored here"
                error("ignored-and-listed", message, place, "remove it from one of the two lists")
            }
        }
    }

    private mutating func checkTables(
        named names: [Layout.Placed<String>], in schema: SchemaLayout, _ key: String, _ code: String
    ) {
        let tables = Set(schema.tables.map(\.name))
        for name in names where !tables.contains(name.value) {
            let step =
                nearestName(to: name.value, among: tables).map { "did you mean \($0)?" }
                ?? "add it to `tables` of \(schema.name), or remove it here"
            let message =
                "`\(key)` names \(LayoutReader.shown(name.value)), which `tables` of schema \(schema.name) does not list"
            error(code, message, name.place, step)
        }
    }

    /// The same name may be listed by several schemas where `from` tells the objects apart; one of them may go without.
    private mutating func checkListedOnce(
        _ kind: String, _ path: KeyPath<SchemaLayout, [ObjectEntry]>, _ layout: Layout
    ) {
        struct Source: Hashable {
            var name: String
            var from: String?
        }
        var seen: [Source: [(schema: String, entry: ObjectEntry)]] = [:]
        for schema in layout.schemas {
            for entry in schema[keyPath: path] {
                let source = Source(name: entry.name, from: entry.from)
                defer { seen[source, default: []].append((schema.name, entry)) }
                guard
                    let first = seen[source, default: []].first(where: {
                        $0.schema != schema.name && $0.entry.overlaps(entry)
                    })
                else { continue }
                let origin = entry.from.map { " from \($0)" } ?? ""
                let message =
                    "\(kind) \(entry.name)\(origin) is listed by schema \(schema.name) and by schema \(first.schema)"
                    + " (line \(first.entry.place.line), column \(first.entry.place.column))"
                let step =
                    entry.from == nil
                    ? "remove one, or say which is meant: { \(kind): \(entry.name), from: SCHEMA }"
                    : "remove one: an object can only move to one schema"
                error("listed-twice", message, entry.place, step)
            }
        }
    }
}
