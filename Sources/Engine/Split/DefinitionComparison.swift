import PostgresDriver

/// Whether the target has what the source has in a schema: columns, constraints, indexes, triggers, policies, rules and
/// functions, as PostgreSQL itself prints them.
struct DefinitionComparison: Sendable {
    let schema: String
    let source: Connection
    let target: Connection

    /// - Parameter keys: foreign keys that are not meant to be there, as `table key`.
    func missing(without keys: Set<String>) async throws -> [String] {
        let wanted = try await definitions(source, without: keys)
        let present = Set(try await definitions(target, without: []))
        return wanted.filter { !present.contains($0) }
    }

    private func definitions(_ connection: Connection, without keys: Set<String>) async throws -> [String] {
        try await connection.query(Self.sql, [.text(schema), .textArray(keys.sorted())]).map {
            try $0.string("definition")
        }
    }

    /// NOT NULL is in the columns' lines: as a constraint it is printed from PostgreSQL 18 on only.
    /// Printed with an empty search_path in mind: names of the schema's own have it before them.
    private static let sql = """
        WITH tables AS (SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)
        SELECT format('column %s.%s %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                      CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END) AS definition
          FROM tables c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT format('constraint %s of %s %s', k.conname, c.relname, pg_get_constraintdef(k.oid))
          FROM tables c JOIN pg_constraint k ON k.conrelid = c.oid
         WHERE NOT (k.contype = 'f' AND (k.conparentid <> 0 OR c.relname || ' ' || k.conname = ANY ($2))) AND k.contype NOT IN ('t', 'n')
        UNION ALL
        SELECT 'index ' || pg_get_indexdef(x.indexrelid) FROM tables c JOIN pg_index x ON x.indrelid = c.oid
        UNION ALL
        SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM tables c JOIN pg_trigger t ON t.tgrelid = c.oid
         WHERE NOT t.tgisinternal AND t.tgname NOT LIKE 'strata\\_%' AND t.tgname NOT LIKE 'zz\\_strata\\_%'
        UNION ALL
        SELECT format('policy %s of %s', p.polname, c.relname) FROM tables c JOIN pg_policy p ON p.polrelid = c.oid
        UNION ALL
        SELECT 'rule ' || pg_get_ruledef(r.oid) FROM tables c JOIN pg_rewrite r ON r.ev_class = c.oid
        UNION ALL
        SELECT format('function %s %s', p.oid::regprocedure, md5(p.prosrc)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = $1
        """
}
