/// Text of a layout file → `Layout`.
///
/// Pure: reads no file and no environment of its own. All complaints are collected, in the order of the file; none of them
/// repeats a value that came from the environment or that looks like a connection string.
package enum LayoutDecoder {
    /// - Parameters:
    ///   - text: the file's text, at most 16 MiB.
    ///   - file: its name, for messages only.
    ///   - environment: what `${NAME}` is replaced from.
    /// - Returns: the layout, nil where a diagnostic is an error; and the diagnostics, at most 200.
    package static func decode(
        _ text: String, file: String, environment: [String: String]
    ) -> (layout: Layout?, diagnostics: [Diagnostic]) {
        var tree = LayoutTreeReader(file: file)
        let root = tree.read(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text)
        var reader = LayoutReader(file: file, environment: environment)
        tree.diagnostics.forEach { reader.add($0) }
        let layout = root.flatMap { reader.layout(from: $0) }
        let diagnostics = reader.finished()
        return (diagnostics.hasErrors ? nil : layout, diagnostics)
    }
}

extension LayoutReader {
    /// Sections are read in the order in which they refer to each other, whatever their order in the file.
    fileprivate mutating func layout(from root: LayoutNode) -> Layout? {
        var layout = Layout(file: file)
        if case .nothing = root.content {
            missingVersion(root.place)
            return nil
        }
        guard let fields = fields(of: root, as: .root) else { return nil }
        checkVersion(fields)
        if let node = fields["databases"] { layout.databases = databases(node) }
        if !layout.databases.isEmpty { databaseNames = layout.databases.map(\.name) }
        if let node = fields["schemas"] { layout.schemas = schemas(node) }
        if let node = fields["compatibility"], let chosen = choice(node, of: Layout.Compatibility.self, "compatibility")
        {
            layout.compatibility = chosen
        }
        checkPlacement(layout)
        listed = ListedTables(layout)
        if let node = fields["events"] { layout.events = events(node, layout) }
        eventStore = layout.events?.schema
        if let node = fields["roles"] { layout.roles = roles(node) }
        if let node = fields["indexes"] { layout.indexes = indexes(node) }
        if let node = fields["loose_keys"] { layout.looseKeys = looseKeys(node) }
        if let node = fields["copies"] { layout.copies = copies(node, layout) }
        if let node = fields["foreign_tables"] { layout.foreignTables = foreignTables(node, layout) }
        if let node = fields["routing"] { layout.routing = routing(node, layout) }
        if let node = fields["retention"] { layout.retention = retention(node, layout) }
        if let node = fields["thresholds"] { layout.thresholds = thresholds(node) }
        if let node = fields["backup"] { layout.backup = backup(node) }
        if let node = fields["exemptions"] { layout.exemptions = exemptions(node) }
        if let node = fields["projections"] { layout.projections = projections(node) }
        checkContradictions(layout)
        return layout
    }

    private mutating func missingVersion(_ place: SourcePlace) {
        error(
            "missing-version", "the layout does not say which version of the format it has", place,
            "begin it with `strata: 1`")
    }

    private mutating func checkVersion(_ fields: LayoutFields) {
        guard let node = fields["strata"] else { return missingVersion(fields.place) }
        guard let value = text(node, "`strata`", "the version of the format, 1"), value.text != "1" else { return }
        let message = "`strata` is \(shown(value)), this program reads version 1"
        error("unsupported-version", message, node.place, "write `strata: 1`, or use a newer release of Strata")
    }
}
