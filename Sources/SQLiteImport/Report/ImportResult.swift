package import Planning

/// What an import did, or what a comparison found: what `--format json` prints.
package struct ImportResult: Sendable, Codable {
    package struct Table: Sendable, Codable {
        package var table: String
        package var target: String
        /// Rows of the file, loaded, and not loaded; nil of a comparison alone.
        package var read: Int?
        package var loaded: Int?
        package var rejected: Int?
        /// Whether rows and values of both sides are the same.
        package var isEqual: Bool
        package var found: Int
        package var expected: Int
        package var differing: [Int64]
        package var notCompared: [String]
    }
    package var file: String
    package var tables: [Table]
    /// Steps that the server refused, with its reason; keys that are not valid; sequences behind.
    package var differences: [String]
    package var skipped: [String: String]
    /// The file with the rejects, where there are some.
    package var rejects: String?
    package var sourceHasChanged: Bool
    /// Nothing is missing, and both sides are the same.
    package var isWhole: Bool
}

extension ImportVerification {
    package struct Result: Sendable {
        package var tables: [Table]
        package var objects: [String]

        package init(tables: [Table], objects: [String]) { (self.tables, self.objects) = (tables, objects) }
    }
}

extension ImportResult {
    /// - Parameter outcome: nil for a comparison alone.
    package init(
        _ site: ImportSite, _ outcome: ImportRun.Outcome?, _ verified: ImportVerification.Result, _ rejects: String?
    ) {
        file = site.snapshot.file.path
        tables = verified.tables.map { table in
            // A table without rows has no chunk.
            let count = outcome.map { $0.tables[table.table] ?? ImportRun.Outcome.Count() }
            return Table(
                table: table.table, target: table.target, read: count?.read, loaded: count?.loaded,
                rejected: count?.rejected, isEqual: table.isEqual, found: table.found, expected: table.expected,
                differing: table.rowids, notCompared: table.notCompared)
        }
        differences = verified.objects
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
        isWhole = differences.isEmpty && tables.allSatisfy(\.isEqual)
    }
}

/// The result as people read it.
package struct ImportResultText: Sendable {
    private let style: TextStyle

    package init(_ style: TextStyle) { self.style = style }

    package func render(_ result: ImportResult) -> String {
        var text = table(result) + "\n"
        let rows = result.tables.reduce(0) { $0 + $1.found }
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
        for table in result.tables where !table.isEqual {
            let rowids =
                table.differing.isEmpty ? "" : "; rowid \(table.differing.map(String.init).joined(separator: ", "))"
            text += style.marked(
                style.red("differs: "), width: 9,
                "\(DiagnosticText.printable(table.target)) has \(grouped(table.found)) rows, expected \(grouped(table.expected))\(rowids)"
            )
        }
        for difference in result.differences {
            text += style.marked(style.red("differs: "), width: 9, DiagnosticText.printable(difference))
        }
        if let rejects = result.rejects { text += "rejects: \(rejects)\n" }
        if result.sourceHasChanged {
            text +=
                style.yellow("The file has been written meanwhile")
                + ": it was imported as it was when the import began.\n"
        }
        text +=
            result.isWhole
            ? style.green("The same on both sides")
                + ": \(counted(result.tables.count, "table")), \(grouped(rows)) rows"
                + (rejected > 0 ? ", \(grouped(rejected)) rejected" : "") + ".\n"
            : style.red("Not the same on both sides.") + "\n"
        return text
    }

    private func table(_ result: ImportResult) -> String {
        var table = TextTable([.left, .left, .right, .right, .left])
        for entry in result.tables {
            let counts = entry.loaded.map { grouped($0) } ?? grouped(entry.found)
            let rejected = (entry.rejected ?? 0) > 0 ? "\(grouped(entry.rejected ?? 0)) rejected" : ""
            table.add([
                DiagnosticText.printable(entry.table), "-> " + DiagnosticText.printable(entry.target), counts, rejected,
                entry.isEqual ? style.green("equal") : style.red("differs"),
            ])
        }
        return table.render()
    }
}
