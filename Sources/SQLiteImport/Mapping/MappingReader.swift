package import Planning
import Yams

/// Reads a mapping that the user has edited, over the one that the evidence suggests: what it does not mention stays.
/// Unknown keys, wrong values, and tables and columns that the file does not have are errors with their place.
package struct MappingReader {
    private let file: String
    private let suggested: ImportMapping
    private var diagnostics: [Diagnostic] = []

    /// Throws `DiagnosticsError` with all that is wrong.
    package static func read(_ text: String, file: String, over suggested: ImportMapping) throws -> ImportMapping {
        var reader = MappingReader(file: file, suggested: suggested)
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "yaml", "\(file) is not YAML: \(error)",
                    nextStep: remedy))
        }
        guard let node, let root = node.mapping else {
            throw DiagnosticsError(
                Diagnostic(
                    .error, "mapping", "\(file) is not a mapping: its top has to have the key tables", nextStep: remedy)
            )
        }
        let mapping = reader.root(root)
        if reader.diagnostics.hasErrors { throw DiagnosticsError(reader.diagnostics) }
        return mapping
    }

    private init(file: String, suggested: ImportMapping) { (self.file, self.suggested) = (file, suggested) }

    private mutating func root(_ node: Node.Mapping) -> ImportMapping {
        var result = suggested
        for (key, value) in node {
            switch key.string {
            case "strata_import":
                if value.int != 1 { complain("version", "strata_import has to be 1", value) }
            case "orm":
                result.orm = value.string.flatMap { ORMProfile(rawValue: $0) }
                if result.orm == nil { complain("orm", "orm is one of \(Self.names(ORMProfile.self))", value) }
            case "tables":
                guard let tables = value.mapping else {
                    complain("tables", "tables has a key for each table", value)
                    continue
                }
                for (name, entry) in tables { table(name, entry, &result) }
            default: unknown(key, ["strata_import", "orm", "tables"])
            }
        }
        return result
    }

    private mutating func table(_ key: Node, _ node: Node, _ result: inout ImportMapping) {
        guard let name = key.string, let index = result.tables.firstIndex(where: { $0.source == name }) else {
            let near = nearestName(to: key.string ?? "", among: result.tables.map(\.source))
            return complain(
                "unknown-table", "the file has no table \(key.string ?? "")", key, near.map { "did you mean \($0)?" })
        }
        guard let entries = node.mapping else {
            return complain("table", "\(name) has the keys schema, name, columns, skip", node)
        }
        for (key, value) in entries {
            switch key.string {
            case "schema": if let text = text(value, "schema") { result.tables[index].schema = text }
            case "name": if let text = text(value, "name") { result.tables[index].name = text }
            case "skip": result.tables[index].skipped = skip(value)
            case "columns":
                if value.mapping == nil, value.null == nil {
                    complain("columns", "columns has a key for each column", value)
                }
                for (column, entry) in value.mapping ?? [:] { self.column(column, entry, &result.tables[index]) }
            default: unknown(key, ["schema", "name", "columns", "skip"])
            }
        }
    }

    /// A reason, or true or false.
    private mutating func skip(_ node: Node) -> String? {
        if node.null != nil { return nil }
        if let flag = node.bool { return flag ? "by the mapping" : nil }
        return text(node, "skip")
    }

    private mutating func column(_ key: Node, _ node: Node, _ table: inout TableMapping) {
        guard let name = key.string, let index = table.columns.firstIndex(where: { $0.source == name }) else {
            let near = nearestName(to: key.string ?? "", among: table.columns.map(\.source))
            return complain(
                "unknown-column", "table \(table.source) has no column \(key.string ?? "")", key,
                near.map { "did you mean \($0)?" })
        }
        var column = table.columns[index]
        guard let entries = node.mapping else {
            return complain("column", "\(name) has the keys type, unit, invalid, empty, name, sequence, skip", node)
        }
        for (key, value) in entries {
            switch key.string {
            case "type": if let text = text(value, "type") { column.type = TargetType(sql: text) }
            case "unit": column.unit = choice(value, "unit", TimeUnit.self)
            case "invalid": column.invalid = choice(value, "invalid", ColumnMapping.Policy.self) ?? .reject
            case "name": if let text = text(value, "name") { column.name = text }
            case "sequence": if let text = text(value, "sequence") { column.sequence = text }
            case "generated": column.isGenerated = flag(value, "generated")
            case "skip": column.isSkipped = flag(value, "skip")
            case "empty":
                if value.string == "null" || value.null != nil {
                    column.emptyIsNull = true
                } else if value.string == "reject" {
                    column.emptyIsNull = false
                } else {
                    complain("empty", "empty is one of reject, null", value)
                }
            default: unknown(key, ["type", "unit", "invalid", "empty", "name", "sequence", "generated", "skip"])
            }
        }
        if !column.type.isTime, !column.type.isInterval, column.type != .time { column.unit = nil }
        column.side = column.invalid == .text ? side(column, table) : nil
        column.why = "by the mapping"
        table.columns[index] = column
    }

    /// The name of the text column beside it, which no other column has.
    private func side(_ column: ColumnMapping, _ table: TableMapping) -> String {
        let taken = Set(table.columns.map(\.name))
        var name = "\(column.name)_text"
        while taken.contains(name) { name += "_" }
        return name
    }

    // MARK: Values

    private mutating func text(_ node: Node, _ key: String) -> String? {
        guard let text = node.string, !text.isEmpty else {
            complain(key, "\(key) is a text", node)
            return nil
        }
        return text
    }

    private mutating func flag(_ node: Node, _ key: String) -> Bool {
        if let flag = node.bool { return flag }
        complain(key, "\(key) is true or false", node)
        return false
    }

    private mutating func choice<T: RawRepresentable & CaseIterable>(
        _ node: Node, _ key: String, _ type: T.Type
    ) -> T? where T.RawValue == String {
        if let value = node.string.flatMap({ T(rawValue: $0) }) { return value }
        // YAML reads a plain null as no value at all.
        if node.null != nil, let value = T(rawValue: "null") { return value }
        complain(key, "\(key) is one of \(Self.names(type))", node)
        return nil
    }

    private static func names<T: RawRepresentable & CaseIterable>(_ type: T.Type) -> String where T.RawValue == String {
        T.allCases.map(\.rawValue).joined(separator: ", ")
    }

    private mutating func unknown(_ key: Node, _ known: [String]) {
        let near = nearestName(to: key.string ?? "", among: known)
        complain(
            "unknown-key", "there is no key \(key.string ?? "")", key,
            near.map { "did you mean \($0)?" } ?? "keys here are \(known.joined(separator: ", "))")
    }

    private mutating func complain(_ code: String, _ message: String, _ node: Node, _ nextStep: String? = nil) {
        let place = node.mark.map { SourcePlace(file: file, line: $0.line, column: $0.column) }
        diagnostics.append(Diagnostic(.error, code, message, place: place, nextStep: nextStep ?? Self.remedy))
    }

    private static let remedy = "mend it, or write it anew with --review --write-mapping FILE"
}
