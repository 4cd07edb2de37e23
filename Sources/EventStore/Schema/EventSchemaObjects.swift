/// Tables and functions by name, which a part makes or a schema lacks.
struct EventSchemaObjects: Hashable {
    var tables: [String] = []
    /// No two functions of the store have the same name.
    var functions: [String] = []

    init() {}

    /// Read from how the statements begin; they are ours.
    init(of part: EventSchema.Part, _ schema: EventSchema) {
        for statement in part.statements {
            if let name = Self.name(in: statement, after: "CREATE TABLE IF NOT EXISTS \(schema.schema).") {
                tables.append(name)
            } else if let name = Self.name(in: statement, after: "CREATE OR REPLACE FUNCTION \(schema.schema).") {
                functions.append(name)
            }
        }
    }

    private static func name(in statement: String, after beginning: String) -> String? {
        guard statement.hasPrefix(beginning) else { return nil }
        return String(statement.dropFirst(beginning.count).prefix { $0 != "(" && $0 != " " })
    }

    var isEmpty: Bool { tables.isEmpty && functions.isEmpty }

    func missing(in state: EventSchemaState) -> EventSchemaObjects {
        var missing = EventSchemaObjects()
        missing.tables = tables.filter { !state.tables.contains($0) }
        missing.functions = functions.filter { state.functions[$0] == nil }
        return missing
    }

    /// For people; the first of them.
    var text: String {
        let all = tables.map { "table \($0)" } + functions.map { "function \($0)" }
        return all.prefix(3).joined(separator: ", ") + (all.count > 3 ? " and \(all.count - 3) more" : "")
    }
}
