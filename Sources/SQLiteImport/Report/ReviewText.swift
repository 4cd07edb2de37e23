package import Planning

/// A review as people read it in a terminal.
package struct ReviewText: Sendable {
    private let style: TextStyle

    package init(_ style: TextStyle) { self.style = style }

    package func render(_ review: ImportReview) -> String {
        let loaded = review.tables.filter { $0.skipped == nil }
        var text = style.bold(DiagnosticText.printable(review.file)) + "\n"
        text +=
            "\(counted(review.tables.count, "table")), \(counted(review.rows, "row")) to load, \(size(review.bytes))"
        text += (review.isWAL ? ", in WAL mode" : "") + (review.orm.map { ", read as \($0.rawValue)'s" } ?? "") + "\n"
        text += section("Tables") + tables(review.tables) + "\n"
        text +=
            section("Types")
            + style.wrap(
                "Columns to which SQLite's affinity alone would give another type, or of which there is something to say. --write-mapping and --report write all of them.",
                indentation: 2) + "\n"
        let notable = loaded.map { ($0, $0.columns.filter(isNotable)) }.filter { !$0.1.isEmpty }
        text += notable.isEmpty ? "  none\n" : notable.map { columns($0.0, $0.1) }.joined()
        text += section("Rejects") + rejects(review, loaded)
        text += differing(loaded) + left(review) + orphans(review)
        text += section("Different afterwards")
        text += review.differences.map { bullet($0) }.joined()
        return text
    }

    private func section(_ title: String) -> String { "\n" + style.bold(title) + "\n" }

    private func bullet(_ text: String) -> String {
        "  - " + style.wrap(DiagnosticText.printable(text), indentation: 4).drop { $0 == " " } + "\n"
    }

    private func size(_ bytes: Int64) -> String {
        let units = [("GB", 1_000_000_000.0), ("MB", 1_000_000.0), ("kB", 1_000.0)]
        for (name, unit) in units where Double(bytes) >= unit {
            return "\((Double(bytes) / unit * 10).rounded() / 10) \(name)"
        }
        return "\(bytes) bytes"
    }

    private func tables(_ tables: [ImportReview.Table]) -> String {
        var table = TextTable([.left, .right, .left, .left])
        for entry in tables where entry.skipped == nil {
            table.add([
                DiagnosticText.printable(entry.name), grouped(entry.rows),
                "-> " + DiagnosticText.printable(entry.target), entry.exists ? "is there" : "made",
            ])
        }
        let skipped = tables.compactMap { entry in
            entry.skipped.map { bullet("\(entry.name), \(counted(entry.rows, "row")): skipped: \($0)") }
        }
        return table.render() + (skipped.isEmpty ? "" : "\n" + skipped.joined().dropLast())
    }

    private func isNotable(_ column: ImportReview.Column) -> Bool {
        if !column.rejects.isEmpty || !column.remarks.isEmpty || column.unit != nil { return true }
        let plain: [SourceAffinity: String] = [
            .integer: "bigint", .text: "text", .real: "double precision", .blob: "bytea", .numeric: "numeric",
        ]
        return column.type != plain[SourceAffinity(declared: column.declared)]
    }

    private func columns(_ table: ImportReview.Table, _ columns: [ImportReview.Column]) -> String {
        var rows = TextTable([.left, .left, .left])
        for column in columns {
            let unit = column.unit.map { " (\($0))" } ?? ""
            rows.add([
                DiagnosticText.printable(column.name), column.type + unit,
                shortened(DiagnosticText.printable(column.why), 44),
            ])
        }
        var text = "  " + DiagnosticText.printable(table.name) + "\n" + rows.render(indentation: 4) + "\n"
        for column in columns {
            if let values = mixture(column) {
                text += style.wrap("\(DiagnosticText.printable(column.name)) has \(values)", indentation: 6) + "\n"
            }
            for remark in column.remarks {
                text += style.wrap("\(DiagnosticText.printable(column.name)): \(remark)", indentation: 6) + "\n"
            }
        }
        return text
    }

    /// What a column of times or with misfits holds, where that is of several kinds.
    private func mixture(_ column: ImportReview.Column) -> String? {
        let values = column.values.filter { $0.key != ValueClass.null.name }
        guard values.count > 1, column.unit != nil || !column.rejects.isEmpty else { return nil }
        return values.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key): \(grouped($0.value))" }
            .joined(separator: "; ")
    }

    private func shortened(_ text: String, _ length: Int) -> String {
        text.count > length ? text.prefix(length - 1) + "…" : text
    }

    private func rejects(_ review: ImportReview, _ tables: [ImportReview.Table]) -> String {
        let text = tables.flatMap { table in
            table.columns.flatMap { column in column.rejects.map { bullet(rejects($0, of: column, in: table)) } }
        }.joined()
        return (text.isEmpty ? "  none: every value fits its type\n" : text) + outlook(review, tables)
    }

    private func rejects(
        _ reject: ImportReview.Rejects, of column: ImportReview.Column, in table: ImportReview.Table
    ) -> String {
        let reason = RejectReason(rawValue: reject.reason)?.text ?? reject.reason
        let policy = reject.policy == "reject" ? "" : "; invalid: \(reject.policy)"
        let place = reject.example.map { ", such as rowid \($0)" } ?? ""
        return "\(table.name).\(column.name): \(reject.isAtMost ? "at most " : "")\(counted(reject.count, "value")) of "
            + "\(grouped(table.rows)) (\(reject.values)\(place)): \(reason)\(policy)"
    }

    /// What the user can do about it, and what only the loading will tell.
    private func outlook(_ review: ImportReview, _ tables: [ImportReview.Table]) -> String {
        var text = ""
        if review.rejected > 0 {
            text +=
                "Such rows stay behind, at most \(grouped(review.rejected)), and go to a file of rejects. --max-rejects \(review.rejected) accepts that; type, invalid or empty in the mapping can load them. Foreign keys of rows that refer to them cannot be validated. "
        }
        if tables.contains(where: \.exists) {
            text +=
                "What CHECKs, enums and keys of the tables that are there refuse is known only when they are loaded."
        }
        return text.isEmpty ? "" : style.wrap(text, indentation: 2) + "\n"
    }

    private func differing(_ tables: [ImportReview.Table]) -> String {
        let lines = tables.flatMap { table in table.differences.map { bullet("\(table.target): \($0)") } }
        return lines.isEmpty ? "" : section("Tables that are there, and not as in the file") + lines.joined()
    }

    private func left(_ review: ImportReview) -> String {
        guard !review.leftOut.isEmpty else { return "" }
        var groups: [[ImportReview.Left]] = []
        for entry in review.leftOut {
            let isAlike = groups.last?[0].reason == entry.reason && groups.last?[0].nextStep == entry.nextStep
            isAlike ? groups[groups.count - 1].append(entry) : groups.append([entry])
        }
        return section("Not carried over, or not as it was")
            + groups.map { group in
                bullet("\(objects(group)): \(group[0].reason)" + (group[0].nextStep.map { " (\($0))" } ?? ""))
            }.joined()
    }

    /// Objects of one kind with one reason: the kind is said once, and five of them are named.
    private func objects(_ group: [ImportReview.Left]) -> String {
        let names = group.map(\.object)
        guard let first = names.first, names.count > 1 else { return names.first ?? "" }
        let common = names.reduce(first) { common, name in
            String(zip(common, name).prefix { $0 == $1 }.map(\.0))
        }
        let kind = common.lastIndex(of: " ").map { String(common[...$0]) } ?? ""
        let shown = names.prefix(5).map { String($0.dropFirst(kind.count)) }.joined(separator: ", ")
        return kind + shown + (names.count > 5 ? " and \(names.count - 5) more" : "")
    }

    private func orphans(_ review: ImportReview) -> String {
        guard !review.orphans.isEmpty else { return "" }
        return section("Rows without their parent")
            + review.orphans.map { entry in
                bullet(
                    "\(entry.table) -> \(entry.parent): \(counted(entry.rows, "row"))"
                        + (entry.example.map { ", such as rowid \($0)" } ?? "")
                        + "; the key will be there for new rows, and not validated")
            }.joined()
    }
}
