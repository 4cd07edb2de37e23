package import Planning

/// What an import did, or what a comparison found: what `--format json` prints.
package struct ImportResult: Sendable, Codable {
    package struct Table: Sendable, Codable {
        package var table: String
        package var target: String
        /// Rows of the file.
        package var read: Int?
        /// Nil of a comparison alone.
        package var loaded: Int?
        /// Rows that were not loaded; of a comparison, those that an import does not load.
        package var rejected: Int?
        /// Whether rows and values of both sides are the same; nil where they were not compared.
        package var isEqual: Bool?
        /// Rows of the target, and rows that should be there.
        package var found: Int?
        package var expected: Int?
        package var differing: [Int64]
        package var notCompared: [String]
    }
    package var file: String
    package var tables: [Table]
    /// Steps that the server refused, with its reason; keys that are not valid; sequences behind.
    package var differences: [String]
    /// Of tables that were there: what the file's demand and they do not. No fault of the import.
    package var definitions: [String]
    package var skipped: [String: String]
    /// The file with the rejects, where there are some.
    package var rejects: String?
    package var sourceHasChanged: Bool
    /// Nothing is missing, and nothing that was compared differs.
    package var isWhole: Bool
}

extension ImportResult {
    /// - Parameters:
    ///   - outcome: nil for a comparison alone.
    ///   - verified: nil where nothing was compared.
    ///   - objects: what differs but rows.
    ///   - definitions: of tables that were there.
    package init(
        _ site: ImportSite, _ planned: [PlannedTable], _ outcome: ImportRun.Outcome?,
        _ verified: [ImportVerification.Table]?, _ objects: [String], _ definitions: [String],
        _ rejects: String?
    ) {
        file = site.snapshot.file.path
        tables = planned.map { table in
            let name = table.load.source.name
            // A table without rows has no chunk.
            let count = outcome.map { $0.tables[name] ?? ImportRun.Outcome.Count() }
            let found = verified?.first { $0.table == name }
            return Table(
                table: name, target: table.load.target, read: count?.read ?? found.map { _ in table.evidence.rows },
                loaded: count?.loaded, rejected: count?.rejected ?? found.map { table.evidence.rows - $0.expected },
                isEqual: found?.isEqual, found: found?.found, expected: found?.expected,
                differing: found?.rowids ?? [], notCompared: found?.notCompared ?? [])
        }
        (differences, self.definitions) = (objects, definitions)
        for table in tables {
            guard let read = table.read, let loaded = table.loaded, let rejected = table.rejected else { continue }
            let rows = site.evidence[table.table]?.rows ?? 0
            if read != rows {
                differences.append("\(table.table) has \(grouped(rows)) rows, of which \(grouped(read)) were read")
            }
            if loaded + rejected != read {
                differences.append(
                    "\(table.target): \(grouped(read)) rows read, \(grouped(loaded)) loaded, \(grouped(rejected)) rejected: \(grouped(read - loaded - rejected)) are missing, perhaps by a trigger or a rule"
                )
            }
        }
        skipped = Dictionary(
            uniqueKeysWithValues: site.mapping.tables.compactMap { table in table.skipped.map { (table.source, $0) } })
        self.rejects = rejects
        sourceHasChanged = outcome?.sourceHasChanged ?? false
        isWhole = differences.isEmpty && tables.allSatisfy { $0.isEqual != false }
    }
}

/// The result as people read it.
package struct ImportResultText: Sendable {
    private let style: TextStyle

    package init(_ style: TextStyle) { self.style = style }

    package func render(_ result: ImportResult) -> String {
        var text = table(result) + "\n"
        let rows = result.tables.reduce(0) { $0 + ($1.found ?? $1.loaded ?? 0) }
        let isCompared = !result.tables.contains { $0.isEqual == nil }
        let rejected = result.tables.reduce(0) { $0 + ($1.rejected ?? 0) }
        for (name, reason) in result.skipped.sorted(by: { $0.key < $1.key }) {
            text += "skipped: \(DiagnosticText.printable(name)) (\(DiagnosticText.printable(reason)))\n"
        }
        let uncompared = result.tables.flatMap { table in table.notCompared.map { "\(table.target).\($0)" } }
        if !uncompared.isEmpty {
            text +=
                style.wrap(
                    "values not compared, for their type changes their text: \(uncompared.joined(separator: ", "))",
                    indentation: 2, first: 0) + "\n"
        }
        for table in result.tables where table.isEqual == false {
            let rowids =
                table.differing.isEmpty ? "" : "; rowid \(table.differing.map(String.init).joined(separator: ", "))"
            text += style.marked(
                style.red("differs: "), width: 9,
                "\(DiagnosticText.printable(table.target)) has \(grouped(table.found ?? 0)) rows, expected \(grouped(table.expected ?? 0))\(rowids)"
            )
        }
        for difference in result.differences {
            text += style.marked(style.red("differs: "), width: 9, DiagnosticText.printable(difference))
        }
        for definition in result.definitions {
            text += style.marked(style.yellow("schema: "), width: 8, DiagnosticText.printable(definition))
        }
        if let rejects = result.rejects { text += "rejects: \(rejects)\n" }
        if result.sourceHasChanged {
            text +=
                style.yellow("The file has been written meanwhile")
                + ": it was imported as it was when the import began.\n"
        }
        text +=
            result.isWhole
            ? style.green(isCompared ? "The same on both sides" : "Loaded, not compared")
                + ": \(counted(result.tables.count, "table")), \(grouped(rows)) rows"
                + (rejected > 0 ? ", \(grouped(rejected)) rejected" : "") + ".\n"
            : style.red("Not the same on both sides.") + "\n" + (result.differences.isEmpty ? "" : Self.remedy + "\n")
        return text
    }

    private static let remedy =
        "  try: mend what is said there (rows that a key misses may be among the\n"
        + "       rejects); then the same command makes what is missing"

    private func table(_ result: ImportResult) -> String {
        var table = TextTable([.left, .left, .right, .right, .left])
        for entry in result.tables {
            let counts = grouped(entry.loaded ?? entry.found ?? 0)
            let rejected = (entry.rejected ?? 0) > 0 ? "\(grouped(entry.rejected ?? 0)) rejected" : ""
            table.add([
                DiagnosticText.printable(entry.table), "-> " + DiagnosticText.printable(entry.target), counts, rejected,
                entry.isEqual.map { $0 ? style.green("equal") : style.red("differs") } ?? "",
            ])
        }
        return table.render()
    }
}
