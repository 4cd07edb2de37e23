import PostgresDriver
import SQLSyntax

/// What the tables of a read model are: each column, key, index, trigger, policy, right and comment as a text that is the same
/// for the same thing in another schema, with the statement that makes it there.
///
/// Names of the read model's own schema come without it, as PostgreSQL writes what is found by the search path; so the
/// statements, run where another schema stands before it, lead to the tables of that.
struct ReadModelDefinition: Sendable {
    struct Part: Sendable, Hashable {
        var table: String
        var kind: String
        var name: String
        var text: String

        var description: String { name.isEmpty ? "\(kind) of \(table)" : "\(kind) \(name) of \(table)" }
    }

    private(set) var parts: Set<Part> = []
    private(set) var statements: [String] = []

    /// - Parameters:
    ///   - schema: where the tables are.
    ///   - live: the schema that names without one may lead to as well; `schema` itself for the live tables.
    static func read(
        _ tables: [String], in schema: String, live: String, on connection: Connection
    ) async throws -> ReadModelDefinition {
        let path = (schema == live ? [schema] : [schema, live]).map { SQL.identifier($0) }.joined(separator: ", ")
        try await connection.execute("SET LOCAL search_path = \(path)")
        let rows = try await connection.query(
            ReadModelParts.query(version: connection.serverVersion), [.text(schema), .textArray(tables)])
        var definition = ReadModelDefinition()
        for row in rows {
            let kind = try row.string("kind")
            if let statement = try row.optionalString("statement") { definition.statements.append(statement) }
            guard let text = try row.optionalString("text") else { continue }
            definition.parts.insert(
                Part(table: try row.string("tab"), kind: kind, name: try row.string("name"), text: text))
        }
        return definition
    }

    /// What one has and the other has not, or otherwise; in order.
    func differences(from other: ReadModelDefinition) -> [String] {
        Set(parts.symmetricDifference(other.parts).map(\.description)).sorted()
    }

    /// The same tables in a schema that is there and empty. In a transaction.
    func make(in schema: String, live: String, on connection: Connection) async throws {
        let path = [schema, live].map { SQL.identifier($0) }.joined(separator: ", ")
        try await connection.execute("SET LOCAL search_path = \(path)")
        for statement in statements {
            do {
                try await connection.execute(statement)
            } catch let error as PostgresError {
                throw error.about(statement: statement)
            }
            // What default privileges gave is not what the live tables have.
            if statement.hasSuffix(Self.ownersAreSet) { try await connection.execute(Self.revoke(in: schema)) }
        }
    }

    /// Marks the statement after which rights are taken back and then granted as they are.
    static let ownersAreSet = "/* owners */"

    private static func revoke(in schema: String) -> String {
        """
        DO $$ DECLARE r record; BEGIN
            FOR r IN SELECT DISTINCT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS what, c.oid::regclass AS name,
                       CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS who
                  FROM pg_class c, aclexplode(c.relacl) a
                 WHERE c.relnamespace = \(SQL.literal(SQL.identifier(schema)))::regnamespace AND c.relkind IN ('r', 'S')
            LOOP EXECUTE format('REVOKE ALL ON %s %s FROM %s', r.what, r.name, r.who); END LOOP;
        END $$
        """
    }
}
