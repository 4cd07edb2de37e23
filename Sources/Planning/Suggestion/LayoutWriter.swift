/// Writes a layout from a catalog: YAML text that the decoder reads without complaint.
package enum LayoutWriter {
    /// - Parameters:
    ///   - suggestion: nil for the database as it is, whose plan against the same catalog is empty; else the proposed
    ///     schemas come first, each with its reasons as a comment.
    ///   - events: the event store, whose schema is not in the catalog.
    ///   - databaseURLVariable: the environment variable that holds the connection string; letters, digits and `_`.
    /// - Returns: text that ends with a line end. Lines have at most 100 columns, but for names that are longer.
    ///
    /// Partitions (they follow their table), what extensions own and what Strata left are not listed. Objects whose names a
    /// layout cannot say (with a dot, with a control character) are named in a comment. Above 10,000 tables or so the text
    /// is larger than the 1 MiB that the decoder reads.
    package static func write(
        catalog: Catalog, suggestion: ContextSuggestion? = nil, events: EventsLayout? = nil,
        databaseURLVariable: String = "DATABASE_URL"
    ) -> String {
        let lookup = CatalogLookup(catalog)
        let contents = LayoutContents(catalog: catalog, lookup: lookup, suggestion: suggestion)
        var lines = heading(catalog, suggestion)
        lines += ["strata: 1", "databases:", "  main:", "    url: ${\(databaseURLVariable)}"]
        lines += schemas(contents.sections, suggestion)
        lines += ["compatibility: views"]
        lines += roles(LayoutRights(catalog: catalog, sections: contents.sections).rights())
        if let events {
            lines.append("events: { schema: \(YamlText.name(events.schema)), every: \(events.every.rawValue) }")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func heading(_ catalog: Catalog, _ suggestion: ContextSuggestion?) -> [String] {
        let database = catalog.server.database.isEmpty ? "the database" : "database \(catalog.server.database)"
        guard let suggestion else {
            return YamlText.comment(
                "The layout of \(database) as it is. List a table under another schema to move it there, then: strata plan",
                indentation: 0)
        }
        var lines = YamlText.comment(
            "A proposal for \(database). \(grouped(suggestion.crossingKeys)) of "
                + "\(counted(suggestion.foreignKeys, "foreign key")) would lead from one schema to another. "
                + "Change what is wrong, then: strata plan",
            indentation: 0)
        for note in suggestion.notes { lines += YamlText.comment("Note: \(note).", indentation: 0) }
        return lines
    }

    // MARK: Schemas

    private static func schemas(_ sections: [LayoutContents.Section], _ suggestion: ContextSuggestion?) -> [String] {
        guard !sections.isEmpty else { return [] }
        let groups = Dictionary(
            (suggestion?.groups ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var lines = ["schemas:"]
        for section in sections {
            if let group = groups[section.name] { lines += reasons(group) }
            for comment in section.comments { lines += YamlText.comment(comment, indentation: 2) }
            lines += write(section)
        }
        return lines
    }

    private static func reasons(_ group: ContextSuggestion.Group) -> [String] {
        let text = group.reasons.joined(separator: "; ")
        var lines = YamlText.comment(
            (text.first.map { $0.uppercased() } ?? "") + text.dropFirst() + ".", indentation: 2)
        let candidates = group.appendOnlyCandidates.map { YamlText.name($0.name) }
        if !candidates.isEmpty {
            let list = candidates.joined(separator: ", ")
            lines += YamlText.comment("Where rows are only ever added: append_only: [\(list)]", indentation: 2)
        }
        return lines
    }

    private static func write(_ section: LayoutContents.Section) -> [String] {
        let lists = Self.lists(section)
        let key = YamlText.key(section.name)
        guard !lists.isEmpty else { return ["  \(key): {}"] }
        let flow = lists.map { "\($0.key): [\($0.items.map(\.flow).joined(separator: ", "))]" }.joined(separator: ", ")
        let line = "  \(key): { \(flow) }"
        if line.count <= YamlText.width, lists.count == 1 { return [line] }
        return ["  \(key):"] + lists.flatMap { YamlText.list($0.key, $0.items, indentation: 4) }
    }

    private static func lists(_ section: LayoutContents.Section) -> [(key: String, items: [YamlText.Item])] {
        var lists: [(key: String, items: [YamlText.Item])] = []
        for kind in [ListedKind.table, .view, .function, .type, .sequence] {
            guard let items = section.items[kind], !items.isEmpty else { continue }
            lists.append((kind.key, items.map { item($0, kind) }))
        }
        for (key, names) in [("append_only", section.appendOnly), ("ignore", section.ignore)] where !names.isEmpty {
            lists.append((key, names.map { YamlText.Item(flow: YamlText.name($0)) }))
        }
        return lists
    }

    private static func item(_ item: LayoutContents.Item, _ kind: ListedKind) -> YamlText.Item {
        let name = YamlText.name(item.arguments.map { "\(item.name)(\($0))" } ?? item.name)
        guard let from = item.from.map(YamlText.name) else { return YamlText.Item(flow: name) }
        return YamlText.Item(
            flow: "{ \(kind.word): \(name), from: \(from) }", block: ["\(kind.word): \(name)", "from: \(from)"])
    }

    // MARK: Roles

    private static func roles(_ rights: [LayoutRights.Rights]) -> [String] {
        guard !rights.isEmpty else { return [] }
        var lines = ["roles:"]
        for right in rights {
            let lists = [("write", right.write), ("read", right.read)].filter { !$0.1.isEmpty }
                .map { (key: $0.0, items: $0.1.map { YamlText.Item(flow: YamlText.name($0)) }) }
            let flow = lists.map { "\($0.key): [\($0.items.map(\.flow).joined(separator: ", "))]" }.joined(
                separator: ", ")
            let line = "  \(YamlText.key(right.role)): { \(flow) }"
            if line.count <= YamlText.width {
                lines.append(line)
            } else {
                lines.append("  \(YamlText.key(right.role)):")
                lines += lists.flatMap { YamlText.list($0.key, $0.items, indentation: 4) }
            }
        }
        return lines
    }
}
