/// What would cross the cut of a split, as a person reads it.
package struct CrossingText: Sendable {
    package var style: TextStyle
    /// All of each example, not only its beginning.
    package var showsAll: Bool

    package init(style: TextStyle, showsAll: Bool = false) {
        self.style = style
        self.showsAll = showsAll
    }

    private static let shownExample = 300

    package func render(_ report: CrossingReport) -> String {
        var parts = report.schemas.map { schema($0, report.now) }
        let exemptions = exemptions(report.exemptions)
        if !exemptions.isEmpty { parts.append(exemptions) }
        if report.dropped > 0 {
            parts.append(
                style.wrap(
                    "The proxies could not keep \(counted(report.dropped, "rare entry", "rare entries")): there is more "
                        + "that crosses than is listed here.", indentation: 0))
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    // MARK: A schema

    private func schema(_ schema: CrossingReport.Schema, _ now: Int) -> String {
        let name = style.bold("Schema \(schema.schema)") + ", to database \(schema.database): "
        guard let since = schema.observedSince else {
            return name + style.red("nobody has looked yet") + "\n"
                + style.wrap(
                    "No proxy has observed it. That says nothing about what crosses.", indentation: 2)
                + "\n"
                + style.dim(
                    style.wrap(
                        "try: serve the application through strata proxy with this layout, and look again after its "
                            + "busiest day", indentation: 7, first: 2))
        }
        var lines = [name + verdict(schema)]
        lines.append(style.wrap(observed(schema, since, now), indentation: 2))
        lines += schema.entries.map(entry)
        return lines.joined(separator: "\n")
    }

    private func verdict(_ schema: CrossingReport.Schema) -> String {
        if schema.entries.isEmpty { return style.green("nothing crosses") }
        if schema.uncovered == 0 { return style.green("all that crosses is exempt") }
        return style.red("\(counted(schema.uncovered, "crossing")) without an exemption")
    }

    private func observed(_ schema: CrossingReport.Schema, _ since: Int, _ now: Int) -> String {
        let begun = "Observed since \(CalendarDate.utc(since))"
        if schema.observers > 0 { return begun + " by \(counted(schema.observers, "proxy", "proxies"))." }
        return begun + "; no proxy is looking now, the last was heard of at \(CalendarDate.utc(schema.heardLast ?? 0))."
    }

    private func entry(_ entry: CrossingReport.Entry) -> String {
        let crossing = entry.crossing
        let mark = entry.exemption == nil ? style.red("✗") : "·"
        let by = crossing.application.isEmpty ? "" : " by \(LayoutReader.shown(crossing.application))"
        var lines = [
            "",
            "  \(mark) \(crossing.fingerprint)  \(crossing.kind.title)",
            style.wrap(
                "\(counted(crossing.count, "time")), last \(CalendarDate.utc(crossing.lastSeen))\(by); schemas "
                    + "\(crossing.schemas.joined(separator: ", ")); databases \(entry.databases.joined(separator: ", "))",
                indentation: 4),
            style.dim(style.wrap(example(crossing), indentation: 6)),
        ]
        if !crossing.statements.isEmpty {
            lines.append(
                style.wrap(
                    "statements: " + crossing.statements.map(\.description).joined(separator: ", "), indentation: 6,
                    first: 4))
        }
        if let exemption = entry.exemption {
            lines.append(style.wrap("exempt until \(exemption.until): \(exemption.reason)", indentation: 6, first: 4))
        } else {
            lines.append(style.wrap("instead: " + crossing.kind.remedy, indentation: 13, first: 4))
        }
        return lines.joined(separator: "\n")
    }

    private func example(_ crossing: Crossing) -> String {
        let text = String(
            String.UnicodeScalarView(
                crossing.example.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
        return showsAll || text.count <= Self.shownExample ? text : text.prefix(Self.shownExample) + " …"
    }

    // MARK: Exemptions

    private func exemptions(_ review: ExemptionReview) -> String {
        var lines: [String] = []
        if !review.additions.isEmpty {
            lines.append(
                style.red("\(counted(review.additions.count, "exemption")) of the layout that nobody has accepted:"))
            for addition in review.additions {
                let exemption = addition.exemption
                let before = addition.acceptedUntil.map { " (accepted until \($0))" } ?? ""
                lines.append(
                    style.wrap(
                        "\(exemption.fingerprint) until \(exemption.until)\(before): \(exemption.reason)",
                        indentation: 4, first: 2))
            }
            lines.append(
                style.dim(
                    style.wrap(
                        "try: read them, then strata split observe --accept-exemptions", indentation: 7, first: 2)))
        }
        lines += review.expired.map { "\($0.fingerprint) has expired on \($0.until) and covers nothing" }.map(exemption)
        lines += review.removable.map {
            "\($0.fingerprint) has not been needed for 7 days: remove it from the layout, line \($0.place.line)"
        }.map(exemption)
        return lines.joined(separator: "\n")
    }

    private func exemption(_ text: String) -> String { style.wrap("Exemption \(text)", indentation: 2, first: 0) }
}
