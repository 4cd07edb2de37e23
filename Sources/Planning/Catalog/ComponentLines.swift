internal import SQLSyntax

/// Which lines of a catalog, or of its differences, are about a component's objects.
package struct ComponentLines {
    private let schemas: Set<String>
    private let passing: [String]

    package init(_ components: [PlannedComponent]) {
        schemas = Set(components.map { MovedNames.escaped(SQL.identifier($0.schema)) })
        passing = components.flatMap { component in
            component.passing.map { MovedNames.escaped(SQL.identifier(component.schema)) + "." + $0 }
        }
    }

    /// Whether an object, named as in canonical lines, is in the schema of one, or is that schema.
    func belongs(_ object: String) -> Bool {
        guard !schemas.isEmpty else { return false }
        if schemas.contains(where: { object == "schema \($0)" || object == "comment on schema \($0)" }) { return true }
        return MovedNames.qualifiedNames(in: object).contains { name in schemas.contains { name.hasPrefix($0 + ".") } }
    }

    /// Lines without those of tables that come and go by themselves.
    package func withoutPassing(_ lines: [String]) -> [String] {
        guard !passing.isEmpty else { return lines }
        return lines.filter { line in
            let object = String(line.prefix { $0 != "\t" })
            return !MovedNames.qualifiedNames(in: object).contains { name in passing.contains { name.hasPrefix($0) } }
        }
    }
}
