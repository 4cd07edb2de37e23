import PostgresDriver
import SQLSyntax

/// Tables of another schema take the place of the live ones, whose place in turn is `strata_old_…`. Statements of one transaction.
struct ReadModelSwap {
    let name: String
    /// Of the live tables.
    let schema: String
    let tables: [String]
    /// The copy that becomes live; `next` or `old`.
    let copy: ProjectionCopy

    private var incoming: String { copy.schema(of: name, live: schema) }
    /// Until the incoming schema is empty, and its name free.
    private var between: String { "strata_swap_\(name)" }
    private var kept: String { ProjectionCopy.old.schema(of: name, live: schema) }

    /// Exchanges the tables. What depends on them by name finds the new ones; views are made anew in place, so that their rights,
    /// comments and what is built on them stay.
    func exchange(on connection: Connection) async throws {
        try await connection.execute("SET LOCAL search_path = pg_catalog")
        try await lockViews(on: connection)
        try await connection.execute(
            "LOCK TABLE " + tables.map { qualified(schema, $0) }.joined(separator: ", ") + " IN ACCESS EXCLUSIVE MODE")
        let views = try await views(on: connection)
        let statistics = try await statistics(on: connection)
        var statements = ["CREATE SCHEMA \(SQL.identifier(between))"]
        statements += try await owners(on: connection).map {
            "GRANT USAGE ON SCHEMA \(SQL.identifier(between)) TO \(SQL.identifier($0))"
        }
        for (from, to) in [(schema, between), (incoming, schema)] {
            statements += tables.map { "ALTER TABLE \(qualified(from, $0)) SET SCHEMA \(SQL.identifier(to))" }
            statements += (statistics[from] ?? []).map {
                "ALTER STATISTICS \(qualified(from, $0)) SET SCHEMA \(SQL.identifier(to))"
            }
        }
        statements += views
        statements.append("DROP SCHEMA \(SQL.identifier(incoming))")
        statements.append("ALTER SCHEMA \(SQL.identifier(between)) RENAME TO \(SQL.identifier(kept))")
        statements.append(
            "COMMENT ON SCHEMA \(SQL.identifier(kept)) IS \(SQL.literal("strata: what projection \(name) had before its last rebuild"))"
        )
        for statement in statements {
            do { try await connection.execute(statement) } catch let error as PostgresError {
                throw error.about(statement: statement)
            }
        }
    }

    /// Positions, and what each copy lacks, go with the tables.
    func exchangeRecords(on connection: Connection) async throws {
        // The name that is free at that moment first.
        let moves: [(ProjectionCopy, ProjectionCopy)] =
            copy == .next
            ? [(.live, .old), (.next, .live)] : [(.live, .next), (.old, .live), (.next, .old)]
        for table in ["projections", "projection_letters"] {
            for (from, to) in moves {
                _ = try await connection.query(
                    "UPDATE strata.\(table) SET copy = $3 WHERE name = $1 AND copy = $2",
                    [.text(name), .text(from.rawValue), .text(to.rawValue)])
            }
        }
    }

    private func qualified(_ schema: String, _ name: String) -> String { SQL.qualified(schema, name) }

    /// Who reads through a view has locked that before it waits for the table: the other way round the two would wait for each
    /// other. The outermost first, for the same reason. LOCK TABLE would take along whatever else a view reads; this, which
    /// changes nothing, does not.
    private func lockViews(on connection: Connection) async throws {
        let rows = try await connection.query(
            """
            WITH RECURSIVE reads AS (
                SELECT DISTINCT r.ev_class AS view, d.refobjid AS relation FROM pg_rewrite r
                  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
                 WHERE d.refobjid <> r.ev_class
            ), above AS (
                SELECT t.oid, 0 AS depth FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace WHERE s.nspname = $1 AND t.relname = ANY ($2)
                UNION
                SELECT r.view, a.depth + 1 FROM above a JOIN reads r ON r.relation = a.oid WHERE a.depth < 100
            )
            SELECT format('ALTER VIEW %I.%I OWNER TO %I', n.nspname, v.relname, pg_get_userbyid(v.relowner)) AS statement
              FROM pg_class v JOIN pg_namespace n ON n.oid = v.relnamespace JOIN above a ON a.oid = v.oid
             WHERE v.relkind = 'v' AND EXISTS (SELECT FROM reads r JOIN above t ON t.oid = r.relation AND t.depth = 0 WHERE r.view = v.oid)
             GROUP BY v.oid, n.nspname, v.relname, v.relowner ORDER BY max(a.depth) DESC, 1
            """, [.text(schema), .textArray(tables)])
        for row in rows { try await connection.execute(try row.string("statement")) }
    }

    /// Read without a schema in the search path: every name has its own.
    private func views(on connection: Connection) async throws -> [String] {
        let rows = try await connection.query(
            """
            SELECT DISTINCT format('%I.%I', n.nspname, v.relname) AS name, pg_get_viewdef(v.oid) AS definition,
                (SELECT string_agg(quote_ident(split_part(o, '=', 1)) || ' = ' || quote_literal(substr(o, strpos(o, '=') + 1)), ', ')
                   FROM unnest(v.reloptions) o) AS options,
                ARRAY(SELECT format('ALTER VIEW %I.%I ALTER COLUMN %I SET DEFAULT %s', n.nspname, v.relname, a.attname, pg_get_expr(x.adbin, x.adrelid))
                        FROM pg_attrdef x JOIN pg_attribute a ON a.attrelid = x.adrelid AND a.attnum = x.adnum WHERE x.adrelid = v.oid ORDER BY 1) AS defaults
            FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
            JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
            JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
            JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace n ON n.oid = v.relnamespace
            WHERE s.nspname = $1 AND t.relname = ANY ($2) ORDER BY 1
            """, [.text(schema), .textArray(tables)])
        return try rows.flatMap { row in
            let options = try row.optionalString("options").map { " WITH (\($0))" } ?? ""
            let view = "CREATE OR REPLACE VIEW \(try row.string("name"))\(options) AS \(try row.string("definition"))"
            return [view] + (try row.textArray("defaults"))
        }
    }

    /// They do not follow their table into another schema. By schema.
    private func statistics(on connection: Connection) async throws -> [String: [String]] {
        let rows = try await connection.query(
            """
            SELECT n.nspname AS schema, x.stxname AS name FROM pg_statistic_ext x JOIN pg_namespace n ON n.oid = x.stxnamespace
            JOIN pg_class t ON t.oid = x.stxrelid AND t.relnamespace = n.oid
            WHERE n.nspname = ANY ($1) AND t.relname = ANY ($2) ORDER BY 1, 2
            """, [.textArray([schema, incoming]), .textArray(tables)])
        var found: [String: [String]] = [:]
        for row in rows { found[try row.string("schema"), default: []].append(try row.string("name")) }
        return found
    }

    /// Foreign keys are checked as them, also among the tables that are kept.
    private func owners(on connection: Connection) async throws -> [String] {
        try await connection.query(
            """
            SELECT DISTINCT pg_get_userbyid(t.relowner) AS name FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
            WHERE s.nspname = $1 AND t.relname = ANY ($2) AND pg_get_userbyid(t.relowner) <> current_user
            ORDER BY 1
            """, [.text(schema), .textArray(tables)]
        ).map { try $0.string("name") }
    }

    /// After the exchange: a number that was given out before is not given out again. Sequences know no transaction, so this is the
    /// last thing before the COMMIT; what is rolled back must not raise those of a copy that goes on being compared.
    func raiseSequences(on connection: Connection) async throws {
        _ = try await connection.query(
            """
            WITH s AS (
                SELECT n.nspname, t.relname, d.refobjsubid, a.attname, c.oid, q.seqincrement > 0 AS up, pg_sequence_last_value(c.oid) AS last
                  FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
                  JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                  JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = c.oid
                  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
                 WHERE n.nspname IN ($1, $2) AND t.relname = ANY ($3))
            SELECT setval(i.oid::regclass, CASE WHEN o.up THEN greatest(o.last, i.last) ELSE least(o.last, i.last) END)
              FROM s o JOIN s i ON i.nspname = $2 AND o.nspname = $1 AND i.relname = o.relname AND i.attname = o.attname
             WHERE o.last IS NOT NULL AND CASE WHEN o.up THEN o.last > coalesce(i.last, o.last - 1) ELSE o.last < coalesce(i.last, o.last + 1) END
            """, [.text(kept), .text(schema), .textArray(tables)])
    }
}
