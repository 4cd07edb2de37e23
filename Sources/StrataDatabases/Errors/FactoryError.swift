/// What stands between the layout and a database, found before any statement is sent. Without secrets.
public enum FactoryError: Error, Sendable, Hashable, CustomStringConvertible {
    case unreadableLayout(file: String, reason: String)
    /// The layout's errors, as `strata plan` prints them.
    case refusedLayout(String)
    /// - Parameter variable: the environment variable that the layout takes it from.
    case noURL(database: String, variable: String?)
    /// A connection string that is none.
    case badURL(source: String, reason: String)
    case unknownSchema(String, known: [String])
    case unknownDatabase(String, known: [String])
    /// The schema has been moved to a database that this layout does not list.
    case unlistedHome(schema: String, database: String)
    /// Two schemas would take their connection string from one environment variable.
    case ambiguousVariable(String, schemas: [String])
    /// A schema's own connection string leads to none of the layout's databases, or to a replica.
    case foreignURL(variable: String, leadsTo: String, schema: String, home: String, reason: String)
    /// The layout gives the role no right to the schema.
    case roleWithoutRights(role: String, schema: String)
    /// The main database has records of moved schemas that this role may not read.
    case unreadableRoutes(role: String, table: String)

    public var description: String {
        switch self {
        case .unreadableLayout(let file, let reason): "cannot read the layout \(file): \(reason)"
        case .refusedLayout(let text): text
        case .noURL(let database, let variable):
            "database \(database) has no connection string: "
                + (variable.map { "export \($0)=postgresql://…" } ?? "give it a `url` in the layout")
        case .badURL(let source, let reason): "\(source) is not a connection string: \(reason)"
        case .unknownSchema(let name, let known):
            "the layout has no schema \(name); it has \(Self.list(known))"
        case .unknownDatabase(let name, let known):
            "the layout has no database \(name); it has \(Self.list(known))"
        case .unlistedHome(let schema, let database):
            "schema \(schema) now lives in database \(database), which this layout does not list: "
                + "give the service the present layout and start it again"
        case .ambiguousVariable(let variable, let schemas):
            "\(variable) could be meant for each of the schemas \(Self.list(schemas)): "
                + "unset it, and give their databases a `url` in the layout"
        case .foreignURL(let variable, let leadsTo, let schema, let home, let reason):
            "\(variable) leads to \(leadsTo), \(reason), and schema \(schema) lives in database \(home): "
                + "correct or unset \(variable), or add that database to the layout"
        case .roleWithoutRights(let role, let schema):
            "the layout gives role \(role) no right to schema \(schema): add it under `roles`, or leave the role out"
        case .unreadableRoutes(let role, let table):
            "role \(role) may not read \(table) of the main database, which says where schemas live: "
                + "GRANT USAGE ON SCHEMA strata TO PUBLIC; GRANT SELECT ON \(table) TO PUBLIC"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
    }
}
