import Planning

/// A review for a pull request or a wiki.
package enum ReviewMarkdown {
    package static func render(_ review: ImportReview) -> String {
        var text = "# Import of `\(review.file)`\n\n"
        text +=
            "\(counted(review.tables.count, "table")), \(counted(review.rows, "row")) to load, \(grouped(review.bytes)) bytes.\n\n"
        text += "## Tables\n\n| table | rows | goes to | |\n|---|---:|---|---|\n"
        for table in review.tables {
            let note = table.skipped.map { "skipped: \($0)" } ?? (table.exists ? "is there" : "made")
            text +=
                "| \(cell(table.name)) | \(grouped(table.rows)) | \(table.skipped == nil ? cell(table.target) : "") | \(cell(note)) |\n"
        }
        text += "\n## Columns\n"
        for table in review.tables where table.skipped == nil {
            text +=
                "\n### \(cell(table.name))\n\n| column | declared | type | evidence | values |\n|---|---|---|---|---|\n"
            for column in table.columns {
                let values = column.values.sorted { $0.value > $1.value }.map { "\(grouped($0.value)) \($0.key)" }
                let type = column.type + (column.unit.map { " (\($0))" } ?? "")
                text +=
                    "| \(cell(column.name)) | \(cell(column.declared)) | \(cell(type)) | \(cell(([column.why] + column.remarks).joined(separator: "; "))) | \(cell(values.joined(separator: ", "))) |\n"
            }
        }
        text += "\n## Rejects\n\n" + rejects(review)
        let differing = review.tables.flatMap { table in table.differences.map { "- \(table.target): \($0)\n" } }
        if !differing.isEmpty { text += "\n## Tables that are there, and not as in the file\n\n" + differing.joined() }
        if !review.leftOut.isEmpty {
            text += "\n## Not carried over, or not as it was\n\n"
            for entry in review.leftOut {
                text += "- \(entry.object): \(entry.reason)\(entry.nextStep.map { " (\($0))" } ?? "")\n"
            }
        }
        if !review.orphans.isEmpty {
            text += "\n## Rows without their parent\n\n"
            for entry in review.orphans {
                text += "- \(entry.table) → \(entry.parent): \(counted(entry.rows, "row"))\n"
            }
        }
        return text + "\n## Different afterwards\n\n" + review.differences.map { "- \($0)\n" }.joined()
    }

    private static func rejects(_ review: ImportReview) -> String {
        let lines = review.tables.flatMap { table in
            table.columns.flatMap { column in
                column.rejects.map { reject in
                    "| \(cell("\(table.name).\(column.name)")) | \(reject.isAtMost ? "≤ " : "")\(grouped(reject.count)) | \(cell(reject.values)) | \(cell(RejectReason(rawValue: reject.reason)?.text ?? reject.reason)) | \(reject.policy) |\n"
                }
            }
        }
        return lines.isEmpty
            ? "None: every value fits its type.\n"
            : "| column | values | what they are | why | policy |\n|---|---:|---|---|---|\n" + lines.joined()
    }

    /// A pipe ends a cell, and a line break the table.
    private static func cell(_ text: String) -> String {
        DiagnosticText.printable(text).split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
