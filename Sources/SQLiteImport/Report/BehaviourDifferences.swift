/// What an application will see differently in PostgreSQL, of those things that this file has (facts: SQLite's documentation
/// of LIKE, of collations and of type affinity).
enum BehaviourDifferences {
    static func of(_ schema: SourceSchema, _ mapping: ImportMapping) -> [String] {
        let tables = mapping.tables.filter { $0.skipped == nil }
        let columns = tables.flatMap { table in table.columns.map { (table, $0) } }
        var found: [String] = []
        if columns.contains(where: { $0.1.type.isProse }) {
            found.append(
                "LIKE compares ASCII letters whatever their case in SQLite, and exactly in PostgreSQL: ILIKE, or lower() on both sides (Prisma: mode: insensitive)"
            )
            found.append(
                "texts sort by their bytes in SQLite, and by the database's collation in PostgreSQL: COLLATE \"C\" sorts as before"
            )
            found.append("NULL sorts first in SQLite and last in PostgreSQL: ORDER BY … NULLS FIRST sorts as before")
            found.append(
                "\"x\" in double quotes is a text in SQLite where there is no such column; in PostgreSQL it is always a name"
            )
        }
        let nocase = schema.tables.flatMap { table in
            table.columns.filter { $0.collation == "NOCASE" }.map { "\(table.name).\($0.name)" }
        }
        if !nocase.isEmpty {
            found.append(
                "COLLATE NOCASE is not carried over: PostgreSQL compares \(list(nocase)) exactly, unless the column is made citext"
            )
        }
        let booleans = columns.filter { $0.1.type == .boolean }.map { "\($0.0.source).\($0.1.source)" }
        if !booleans.isEmpty {
            found.append(
                "true and false instead of 1 and 0: comparisons with 1 fail for \(list(booleans)): write flag = true"
            )
        }
        let times = columns.filter { $0.1.type.isTime }.map { "\($0.0.source).\($0.1.source)" }
        if !times.isEmpty {
            found.append("times come back as times, not as the texts or numbers that were stored: \(list(times))")
        }
        let json = columns.filter { $0.1.type == .jsonb }.map { "\($0.0.source).\($0.1.source)" }
        if !json.isEmpty {
            found.append("jsonb keeps a value, not its text: white space and the order of keys change: \(list(json))")
        }
        found.append(
            "values of another type are refused, not converted or stored as they are: a text in an integer column, a longer text than varchar(n)"
        )
        found.append("integer = 'text' is an error where the text is no number; SQLite answers false")
        found.append("foreign keys are always checked; SQLite checks them only after PRAGMA foreign_keys = ON")
        return found
    }

    /// At most five of them.
    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(5).joined(separator: ", ")
        return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
    }
}

extension TargetType {
    fileprivate var isProse: Bool {
        switch self {
        case .text, .varchar: true
        default: false
        }
    }
}
