/// What a part locks of a store that is there: the strongest, on the first table that has it. Functions, rights and comments on
/// the schema lock no table.
package struct EventSchemaLock: Sendable, Hashable {
    /// As PostgreSQL calls it.
    package var mode: String
    package var table: String
    /// Whether those who append wait for it.
    package var stopsWriters: Bool

    /// A new table's foreign keys lock what they lead to; a comment on a column its table.
    init?(of part: EventSchema.Part, _ missing: EventSchemaObjects, in state: EventSchemaState, _ schema: EventSchema) {
        let made = part.statements.filter { statement in
            missing.tables.contains { statement.hasPrefix("CREATE TABLE IF NOT EXISTS \(schema.schema).\($0) ") }
        }
        let referenced = made.flatMap { Self.names(in: $0, after: "REFERENCES \(schema.schema).") }
        if let table = referenced.first(where: state.tables.contains) {
            (mode, self.table, stopsWriters) = ("SHARE ROW EXCLUSIVE", table, true)
            return
        }
        let commented = part.statements.flatMap { Self.names(in: $0, after: "COMMENT ON COLUMN \(schema.schema).") }
        guard let table = commented.first(where: state.tables.contains) else { return nil }
        (mode, self.table, stopsWriters) = ("SHARE UPDATE EXCLUSIVE", table, false)
    }

    private static func names(in statement: String, after word: String) -> [String] {
        statement.split(separator: word).dropFirst(statement.hasPrefix(word) ? 0 : 1).map { rest in
            String(rest.prefix { $0.isLetter || $0 == "_" })
        }
    }
}
