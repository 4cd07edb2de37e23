import PostgresDriver
import SQLSyntax

/// What is bound to the tables of a read model, and would stay with the old ones when others take their names: refused before
/// anything is built, but for views, which are made anew in place.
struct ReadModelSurroundings {
    let schema: String
    let tables: [String]

    func obstacles(on connection: Connection) async throws -> [RebuildObstacle] {
        try await connection.execute("SET LOCAL search_path = pg_catalog")
        let rows = try await connection.query(Self.query, [.text(schema), .textArray(tables)])
        var found = try rows.map {
            RebuildObstacle(try $0.string("object"), try $0.string("reason"), try $0.string("remedy"))
        }
        found += try await triggers(on: connection)
        return found
    }

    /// Of a trigger only one thing is known in advance: its function's body. What writes into a table may write into the live
    /// one, from the copy.
    private func triggers(on connection: Connection) async throws -> [RebuildObstacle] {
        let rows = try await connection.query(
            """
            SELECT format('%I.%I', $1::text, c.relname) AS tab, g.tgname AS name, format('%I.%I', n.nspname, p.proname) AS function,
                l.lanname AS language, p.prosrc AS source, CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN pg_get_functiondef(p.oid) ELSE '' END AS definition
            FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace s ON s.oid = c.relnamespace
            JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
            WHERE s.nspname = $1 AND c.relname = ANY ($2) AND NOT g.tgisinternal AND l.lanname <> 'internal' ORDER BY 1, 2
            """, [.text(schema), .textArray(tables)])
        var found: [RebuildObstacle] = []
        for row in rows {
            let body = FunctionBody.analyse(
                language: try row.string("language"), definition: try row.string("definition"),
                source: try row.string("source"))
            guard let reason = try await objection(to: body, on: connection) else { continue }
            found.append(
                RebuildObstacle(
                    "trigger \(try row.string("name")) on \(try row.string("tab"))",
                    "its function \(try row.string("function")) \(reason), and may change the live tables while others are built",
                    "let the projection's statements do what it does, and drop it"))
        }
        return found
    }

    private func objection(to body: FunctionAnalysis, on connection: Connection) async throws -> String? {
        guard body.isComplete, body.dynamic.isEmpty else { return "cannot be read to the end" }
        if let relation = body.references.relations.first {
            let leadsToTheCopy = body.references.relations.allSatisfy { $0.schema == nil } && body.searchPath == nil
            if !leadsToTheCopy { return "names table \(relation.qualifiedName)" }
        }
        let names = body.references.functions.filter { $0.schema != "pg_catalog" }
        if let other = names.first(where: { $0.schema != nil }) { return "calls \(other.name)()" }
        let unknown = try await connection.query(
            """
            SELECT f AS name FROM unnest($1) f WHERE NOT EXISTS (
                SELECT FROM pg_proc p WHERE p.proname = f AND p.pronamespace = 'pg_catalog'::regnamespace)
            """, [.textArray(names.map(\.name))])
        return try unknown.first.map { "calls \(try $0.string("name"))()" }
    }

    private static let query = """
        WITH t AS (
            SELECT c.*, format('%I.%I', $1::text, c.relname) AS q FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = $1 AND c.relname = ANY ($2)
        ), s AS (
            SELECT d.objid AS oid, t.q FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid
               AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
        ), y AS (
            SELECT t.q, o.oid FROM t CROSS JOIN LATERAL (SELECT t.reltype UNION ALL SELECT a.typarray FROM pg_type a WHERE a.oid = t.reltype) o (oid)
        )
        SELECT format('table %I.%I', $1::text, w.name) AS object, 'there is no such table' AS reason,
            'make it first: a projection fills tables, it does not make them' AS remedy
          FROM unnest($2) w (name) WHERE NOT EXISTS (SELECT FROM t WHERE t.relname = w.name)
        UNION ALL
        SELECT 'table ' || t.q, 'it is ' || CASE t.relkind WHEN 'p' THEN 'partitioned' WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view' ELSE 'no ordinary table' END,
            'a rebuild takes ordinary tables' FROM t WHERE t.relkind <> 'r'
        UNION ALL
        SELECT 'table ' || t.q, 'it is part of an inheritance or a partition', 'a rebuild takes ordinary tables'
          FROM t WHERE EXISTS (SELECT FROM pg_inherits h WHERE t.oid IN (h.inhrelid, h.inhparent))
        UNION ALL
        SELECT 'table ' || t.q, 'it is not logged: a crash empties it, and leaves the position where it is', format('ALTER TABLE %s SET LOGGED', t.q)
          FROM t WHERE t.relpersistence <> 'p'
        UNION ALL
        SELECT 'table ' || t.q, format('it belongs to %I, as whom %I may not act', pg_get_userbyid(t.relowner), current_user), 'connect as its owner, or a member of that role'
          FROM t WHERE NOT pg_has_role(current_user, t.relowner, 'USAGE')
        UNION ALL
        SELECT format('database %I', current_database()), format('%I may not make schemas there', current_user),
            format('GRANT CREATE ON DATABASE %I TO %I', current_database(), current_user)
         WHERE NOT has_database_privilege(current_database(), 'CREATE')
        UNION ALL
        SELECT format('foreign key %I of %s', k.conname, k.conrelid::regclass), 'it leads to ' || t.q || ', whose rows go', 'drop it: rows of a read model come and go'
          FROM t JOIN pg_constraint k ON k.confrelid = t.oid AND k.contype = 'f' WHERE k.conrelid NOT IN (SELECT oid FROM t)
        UNION ALL
        SELECT DISTINCT format('materialized view %s', v.oid::regclass), 'it reads ' || t.q || ', and cannot be made anew in place', 'drop it and make it again after the rebuild, or make it a view'
          FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
          JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class WHERE v.relkind = 'm'
        UNION ALL
        SELECT DISTINCT format('view %s', v.oid::regclass), format('it reads %s and belongs to %I, as whom %I may not act', t.q, pg_get_userbyid(v.relowner), current_user), 'connect as a superuser, or a member of both roles'
          FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
          JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class WHERE v.relkind = 'v' AND NOT pg_has_role(current_user, v.relowner, 'USAGE')
        UNION ALL
        SELECT DISTINCT format('rule %I on %s', r.rulename, v.oid::regclass), 'it is bound to ' || t.q, 'drop it'
          FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
          JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class WHERE r.rulename <> '_RETURN'
        UNION ALL
        SELECT DISTINCT format('function %s', d.objid::regprocedure), 'it is bound to ' || b.q, 'drop it, or write its body as a string, which looks names up when it runs'
          FROM (SELECT q, oid, 'pg_class'::regclass AS class FROM t UNION ALL SELECT q, oid, 'pg_type'::regclass FROM y) b
          JOIN pg_depend d ON d.refclassid = b.class AND d.refobjid = b.oid AND d.classid = 'pg_proc'::regclass
        UNION ALL
        SELECT DISTINCT format('table %s', d.objid::regclass), 'a column of it has the row type of ' || y.q, 'give the column another type'
          FROM y JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = y.oid AND d.classid = 'pg_class'::regclass
         WHERE d.deptype = 'n'
        UNION ALL
        SELECT DISTINCT format('policy %I on %s', p.polname, p.polrelid::regclass), 'it reads ' || t.q, 'drop it for the rebuild'
          FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_policy'::regclass
          JOIN pg_policy p ON p.oid = d.objid WHERE p.polrelid NOT IN (SELECT oid FROM t)
        UNION ALL
        SELECT DISTINCT format('default of a column of %s', a.adrelid::regclass), 'it draws from a sequence of ' || s.q, 'give it a sequence of its own'
          FROM s JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = s.oid AND d.classid = 'pg_attrdef'::regclass
          JOIN pg_attrdef a ON a.oid = d.objid JOIN pg_class c ON c.oid = a.adrelid WHERE a.adrelid NOT IN (SELECT oid FROM t) AND c.relkind <> 'v'
        UNION ALL
        SELECT format('publication %I', p.pubname), 'it publishes ' || t.q || ', and would go on with the old one', format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, t.q)
          FROM t JOIN pg_publication_rel r ON r.prrelid = t.oid JOIN pg_publication p ON p.oid = r.prpubid
        UNION ALL
        SELECT format('statistics %I.%I', n.nspname, x.stxname), 'they are of ' || t.q || ', and in another schema', format('ALTER STATISTICS %I.%I SET SCHEMA %I', n.nspname, x.stxname, $1::text)
          FROM t JOIN pg_statistic_ext x ON x.stxrelid = t.oid JOIN pg_namespace n ON n.oid = x.stxnamespace WHERE n.nspname <> $1
        ORDER BY 1
        """
}
