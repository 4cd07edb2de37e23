/// The query behind `ReadModelDefinition`: one row for each part of each table, in the order in which they are made.
enum ReadModelParts {
    /// - Parameter version: of the server, such as 150018.
    ///
    /// Parameters: `$1` the schema, `$2` the tables. Columns: `tab`, `kind`, `name`, `text` (null: not compared), `statement` (null:
    /// made by another one).
    static func query(version: Int) -> String {
        let compression = version >= 140_000 ? " INCLUDING COMPRESSION" : ""
        return """
            WITH t AS (
                SELECT c.*, quote_ident(c.relname) AS q FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind = 'r'
            ), s AS (
                SELECT t.relname AS tab, t.q, a.attname, d.deptype, c.oid, c.relname AS seq, c.relacl, c.relowner, q.*
                  FROM t JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.refobjsubid > 0
                        AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                  JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S' JOIN pg_sequence q ON q.seqrelid = c.oid
                  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
            ), k AS (
                SELECT t.relname AS tab, t.q, c.*, quote_ident(c.conname) AS kq, obj_description(c.oid, 'pg_constraint') AS comment
                  FROM t JOIN pg_constraint c ON c.conrelid = t.oid WHERE c.contype IN ('c', 'p', 'u', 'x', 'f')
            ), i AS (
                SELECT t.relname AS tab, t.q, c.relname, c.oid, x.indisvalid, x.indisclustered, x.indisreplident,
                       obj_description(c.oid, 'pg_class') AS comment,
                       EXISTS (SELECT FROM k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')) AS of_key
                  FROM t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class c ON c.oid = x.indexrelid
            ), g AS (
                SELECT t.relname AS tab, '' AS kind, t.q AS name, NULL::text AS col, a.* FROM t, aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) a
                UNION ALL
                SELECT s.tab, 'SEQUENCE ', quote_ident(s.seq), NULL, a.* FROM s, aclexplode(coalesce(s.relacl, acldefault('s', s.relowner))) a
                UNION ALL
                SELECT t.relname, '', t.q, quote_ident(c.attname), a.* FROM t JOIN pg_attribute c ON c.attrelid = t.oid, aclexplode(c.attacl) a
            )
            SELECT tab, kind, name, text, statement FROM (
            \(parts(compression: compression).joined(separator: "\nUNION ALL\n"))
            ) AS p (step, tab, kind, name, text, statement) ORDER BY step, tab, name, statement
            """
    }

    private static func parts(compression: String) -> [String] {
        tables(compression) + sequences + columns + keys + indexes + programs + rights
    }

    private static func options(_ array: String, prefix: String = "") -> String {
        """
        (SELECT string_agg('\(prefix)' || quote_ident(split_part(o, '=', 1)) || ' = ' || quote_literal(substr(o, strpos(o, '=') + 1)), ', ' ORDER BY o)
           FROM unnest(\(array)) o)
        """
    }

    private static func tables(_ compression: String) -> [String] {
        let own = options("t.reloptions")
        let toast = options("(SELECT x.reloptions FROM pg_class x WHERE x.oid = t.reltoastrelid)", prefix: "toast.")
        return [
            """
            SELECT 1, t.relname::text, 'table', '', concat_ws(' | ', pg_get_userbyid(t.relowner), t.relpersistence, \(own), \(toast),
                    (SELECT a.amname FROM pg_am a WHERE a.oid = t.relam), (SELECT x.spcname FROM pg_tablespace x WHERE x.oid = t.reltablespace),
                    t.relrowsecurity, t.relforcerowsecurity, t.relreplident, obj_description(t.oid, 'pg_class')),
                format('CREATE TABLE %s (LIKE %I.%s INCLUDING CONSTRAINTS INCLUDING GENERATED INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMMENTS\(compression))', t.q, $1, t.q)
                || coalesce((SELECT format(' USING %I', a.amname) FROM pg_am a WHERE a.oid = t.relam), '')
                || coalesce(' WITH (' || nullif(concat_ws(', ', \(own), \(toast)), '') || ')', '')
                || coalesce((SELECT format(' TABLESPACE %I', x.spcname) FROM pg_tablespace x WHERE x.oid = t.reltablespace), '')
              FROM t
            """,
            """
            SELECT 12, t.relname::text, 'security', '', NULL, format('ALTER TABLE %s %s ROW LEVEL SECURITY', t.q, w.what)
              FROM t, (VALUES ('ENABLE'), ('FORCE')) w (what) WHERE CASE w.what WHEN 'ENABLE' THEN t.relrowsecurity ELSE t.relforcerowsecurity END
            """,
            """
            SELECT 12, t.relname::text, 'identity', '', NULL, format('ALTER TABLE %s REPLICA IDENTITY %s', t.q,
                    CASE t.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING'
                        ELSE (SELECT format('USING INDEX %I', i.relname) FROM i WHERE i.tab = t.relname AND i.indisreplident) END)
              FROM t WHERE t.relreplident <> 'd'
            """,
            """
            SELECT 12, t.relname::text, 'comment', '', NULL, format('COMMENT ON TABLE %s IS %L', t.q, obj_description(t.oid, 'pg_class'))
              FROM t WHERE obj_description(t.oid, 'pg_class') IS NOT NULL
            """,
            """
            SELECT 13, t.relname::text, 'owner', '', NULL, format('ALTER TABLE %s OWNER TO %I \(ReadModelDefinition.ownersAreSet)', t.q, pg_get_userbyid(t.relowner))
              FROM t
            """,
        ]
    }

    /// Of LIKE a sequence of identity is bigint, whatever it was.
    private static let sequences = [
        """
        SELECT 2, s.tab::text, 'sequence', s.seq::text, concat_ws(' | ', s.attname, s.deptype, s.seqtypid::regtype, s.seqstart, s.seqincrement,
                s.seqmax, s.seqmin, s.seqcache, s.seqcycle, obj_description(s.oid, 'pg_class')),
            CASE s.deptype WHEN 'a' THEN format('CREATE SEQUENCE %I AS %s INCREMENT BY %s MINVALUE %s MAXVALUE %s START WITH %s CACHE %s %s OWNED BY %s.%I',
                s.seq, s.seqtypid::regtype, s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
                CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END, s.q, s.attname)
            ELSE format('DO $do$ DECLARE made text := pg_get_serial_sequence(%L, %L); BEGIN EXECUTE format(''ALTER SEQUENCE %%s AS %s'', made); IF made::regclass <> to_regclass(%L) OR to_regclass(%L) IS NULL THEN EXECUTE format(''ALTER SEQUENCE %%s RENAME TO %%I'', made, %L); END IF; END $do$',
                s.q, s.attname, s.seqtypid::regtype, quote_ident(s.seq), quote_ident(s.seq), s.seq) END
          FROM s
        """,
        """
        SELECT 3, s.tab::text, 'sequence comment', s.seq::text, NULL, format('COMMENT ON SEQUENCE %I IS %L', s.seq, obj_description(s.oid, 'pg_class'))
          FROM s WHERE obj_description(s.oid, 'pg_class') IS NOT NULL
        """,
    ]

    private static let columns = [
        """
        SELECT 4, t.relname::text, 'column', a.attname::text,
            concat_ws(' | ', row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
                (SELECT format('%I.%I', n.nspname, c.collname) FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = a.attcollation),
                a.attnotnull, a.attidentity, a.attgenerated, coalesce(pg_get_expr(d.adbin, d.adrelid), '-'), a.attstorage,
                to_jsonb(a) ->> 'attcompression', coalesce(a.attstattarget, -1), array_to_string(a.attoptions, ','), col_description(t.oid, a.attnum)),
            CASE WHEN d.adbin IS NOT NULL AND a.attgenerated = '' THEN
                format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', t.q, a.attname, pg_get_expr(d.adbin, d.adrelid)) END
          FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
        """,
        """
        SELECT 5, t.relname::text, 'statistics target', a.attname::text, NULL,
            format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', t.q, a.attname, a.attstattarget)
          FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE a.attstattarget >= 0
        """,
        """
        SELECT 5, t.relname::text, 'column options', a.attname::text, NULL,
            format('ALTER TABLE %s ALTER COLUMN %I SET (%s)', t.q, a.attname, array_to_string(a.attoptions, ', '))
          FROM t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE a.attoptions IS NOT NULL
        """,
    ]

    /// Checks come with the table. Foreign keys are last, for they need the keys that they lead to.
    private static let keys = [
        """
        SELECT CASE k.contype WHEN 'f' THEN 8 ELSE 6 END, k.tab::text, 'constraint', k.conname::text,
            concat_ws(' | ', pg_get_constraintdef(k.oid), k.comment),
            CASE WHEN k.contype <> 'c' THEN format('ALTER TABLE %s ADD CONSTRAINT %s %s', k.q, k.kq, pg_get_constraintdef(k.oid)) END
          FROM k
        """,
        """
        SELECT 9, k.tab::text, 'constraint comment', k.conname::text, NULL, format('COMMENT ON CONSTRAINT %s ON %s IS %L', k.kq, k.q, k.comment)
          FROM k WHERE k.comment IS NOT NULL
        """,
    ]

    private static let indexes = [
        """
        SELECT 7, i.tab::text, 'index', i.relname::text,
            concat_ws(' | ', pg_get_indexdef(i.oid, 0, true), i.indisvalid, i.indisclustered, i.indisreplident, i.comment),
            CASE WHEN NOT i.of_key THEN pg_get_indexdef(i.oid, 0, true) END
          FROM i
        """,
        """
        SELECT 9, i.tab::text, 'index comment', i.relname::text, NULL, format('COMMENT ON INDEX %I IS %L', i.relname, i.comment)
          FROM i WHERE i.comment IS NOT NULL
        """,
        """
        SELECT 9, i.tab::text, 'cluster', i.relname::text, NULL, format('ALTER TABLE %s CLUSTER ON %I', i.q, i.relname)
          FROM i WHERE i.indisclustered
        """,
        """
        SELECT 9, t.relname::text, 'statistics', s.stxname::text,
            substr(pg_get_statisticsobjdef(s.oid), length(format('CREATE STATISTICS %I.%I', n.nspname, s.stxname)) + 1)
                || coalesce(' | ' || obj_description(s.oid, 'pg_statistic_ext'), ''),
            format('CREATE STATISTICS %I', s.stxname)
                || substr(pg_get_statisticsobjdef(s.oid), length(format('CREATE STATISTICS %I.%I', n.nspname, s.stxname)) + 1)
          FROM t JOIN pg_statistic_ext s ON s.stxrelid = t.oid JOIN pg_namespace n ON n.oid = s.stxnamespace
        """,
        """
        SELECT 10, t.relname::text, 'statistics comment', s.stxname::text, NULL,
            format('COMMENT ON STATISTICS %I IS %L', s.stxname, obj_description(s.oid, 'pg_statistic_ext'))
          FROM t JOIN pg_statistic_ext s ON s.stxrelid = t.oid WHERE obj_description(s.oid, 'pg_statistic_ext') IS NOT NULL
        """,
    ]

    private static let programs = [
        """
        SELECT 10, t.relname::text, 'trigger', g.tgname::text, concat_ws(' | ', pg_get_triggerdef(g.oid, true), g.tgenabled, obj_description(g.oid, 'pg_trigger')),
            pg_get_triggerdef(g.oid, true)
          FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
        """,
        """
        SELECT 11, t.relname::text, 'trigger state', g.tgname::text, NULL, format('ALTER TABLE %s %s TRIGGER %I', t.q,
                CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, g.tgname)
          FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal WHERE g.tgenabled <> 'O'
        """,
        """
        SELECT 11, t.relname::text, 'trigger comment', g.tgname::text, NULL,
            format('COMMENT ON TRIGGER %I ON %s IS %L', g.tgname, t.q, obj_description(g.oid, 'pg_trigger'))
          FROM t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal WHERE obj_description(g.oid, 'pg_trigger') IS NOT NULL
        """,
        """
        SELECT 10, t.relname::text, 'policy', p.polname::text, concat_ws(' | ', w.text, obj_description(p.oid, 'pg_policy')), w.text
          FROM t JOIN pg_policy p ON p.polrelid = t.oid
          CROSS JOIN LATERAL (SELECT format('CREATE POLICY %I ON %s AS %s FOR %s TO %s', p.polname, t.q,
                CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                (SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ' ORDER BY pg_get_userbyid(r)) FROM unnest(p.polroles) r))
                || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
                || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') AS text) w
        """,
        """
        SELECT 11, t.relname::text, 'policy comment', p.polname::text, NULL,
            format('COMMENT ON POLICY %I ON %s IS %L', p.polname, t.q, obj_description(p.oid, 'pg_policy'))
          FROM t JOIN pg_policy p ON p.polrelid = t.oid WHERE obj_description(p.oid, 'pg_policy') IS NOT NULL
        """,
    ]

    private static let rights = [
        """
        SELECT 14, g.tab::text, 'right', concat_ws(' ', g.privilege_type, g.kind || g.name, g.col, 'to', w.who), g.is_grantable::text,
            format('GRANT %s ON %s%s TO %s', g.privilege_type || coalesce(' (' || g.col || ')', ''), g.kind, g.name, w.who)
                || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
          FROM g CROSS JOIN LATERAL (SELECT CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS who) w
        """
    ]
}
