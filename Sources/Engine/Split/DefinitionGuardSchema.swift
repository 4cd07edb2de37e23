/// What looks at DDL on schemas that are being split off, on whichever side they live: replication carries rows only.
enum DefinitionGuardSchema {
    /// Event triggers by the event that they are for.
    static let triggers = [
        "strata_refuse_definition": "ddl_command_end", "strata_refuse_drop": "sql_drop",
        "strata_refuse_rewrite": "table_rewrite",
    ]

    /// Safe to run again. `queue`: the table that carries statements, where `mode` is `carry`.
    static let objects = """
        CREATE TABLE IF NOT EXISTS strata.definition_guards (
            schema text PRIMARY KEY,
            mode text NOT NULL CHECK (mode IN ('refuse', 'carry')),
            queue text,
            reason text NOT NULL,
            hint text NOT NULL
        );
        \(outer)
        \(inner)
        """

    static let drops = """
        DROP FUNCTION IF EXISTS strata.refuse_definition();
        DROP FUNCTION IF EXISTS strata.look_at_definition(text, text, text);
        DROP TABLE IF EXISTS strata.definition_guards;
        """

    /// With the caller's search_path, which it hands on: a statement that is carried is done with it.
    private static let outer = """
        CREATE OR REPLACE FUNCTION strata.refuse_definition() RETURNS event_trigger LANGUAGE plpgsql AS $function$
        BEGIN
            PERFORM strata.look_at_definition(TG_EVENT, TG_TAG, pg_catalog.current_setting('search_path'));
        END
        $function$;
        """

    /// Statements that mean the same on the other side, where only rows and definitions are the same. Tables are neither made
    /// nor dropped: each has its place in a stream.
    private static let carried = [
        "ALTER TABLE", "ALTER VIEW", "CREATE VIEW", "DROP VIEW", "CREATE INDEX", "ALTER INDEX", "DROP INDEX",
        "CREATE FUNCTION", "ALTER FUNCTION", "DROP FUNCTION", "CREATE PROCEDURE", "ALTER PROCEDURE", "DROP PROCEDURE",
        "CREATE TRIGGER", "ALTER TRIGGER", "DROP TRIGGER", "CREATE POLICY", "ALTER POLICY", "DROP POLICY",
        "CREATE TYPE", "ALTER TYPE", "DROP TYPE", "CREATE DOMAIN", "ALTER DOMAIN", "DROP DOMAIN",
        "CREATE SEQUENCE", "ALTER SEQUENCE", "DROP SEQUENCE", "CREATE STATISTICS", "DROP STATISTICS", "COMMENT",
    ].map { "'\($0)'" }.joined(separator: ", ")

    /// The row of `definition_guards` is locked: a transaction with DDL that passed, and a switch, cannot both go on.
    private static let inner = #"""
        CREATE OR REPLACE FUNCTION strata.look_at_definition(event text, tag text, path text) RETURNS void LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE
            guard strata.definition_guards;
            home text; object text; number oid; class oid; others bigint; body text; statement text; why text;
        BEGIN
            IF coalesce(current_setting('strata.split', true), '') <> '' OR tag = 'REFRESH MATERIALIZED VIEW' THEN RETURN; END IF;
            IF event = 'table_rewrite' THEN
                SELECT n.nspname, c.oid::regclass::text INTO home, object FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  JOIN strata.definition_guards g ON g.schema = n.nspname AND g.mode = 'carry' WHERE c.oid = pg_event_trigger_table_rewrite_oid();
                why := 'it writes every row anew';
            ELSIF event = 'sql_drop' THEN
                SELECT g.schema, o.object_identity INTO home, object FROM pg_event_trigger_dropped_objects() o
                  JOIN strata.definition_guards g
                    ON g.schema = coalesce(o.schema_name, CASE WHEN o.object_type IN ('trigger', 'policy', 'rule') THEN o.address_names[1] END)
                    OR (o.object_type = 'schema' AND o.object_name = g.schema)
                 -- A key of another schema goes, and with it what PostgreSQL has made for it here.
                 WHERE NOT (o.object_type = 'trigger' AND NOT o.original) ORDER BY o.original DESC LIMIT 1;
                SELECT count(*) FILTER (WHERE coalesce(o.schema_name, o.address_names[1]) IS DISTINCT FROM home) INTO others
                  FROM pg_event_trigger_dropped_objects() o WHERE o.original;
            ELSE
                SELECT g.schema, o.object_identity, o.objid, o.classid INTO home, object, number, class
                  FROM (SELECT d.*, CASE d.classid
                            WHEN 'pg_trigger'::regclass THEN (SELECT c.relnamespace FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE t.oid = d.objid)
                            WHEN 'pg_policy'::regclass THEN (SELECT c.relnamespace FROM pg_policy t JOIN pg_class c ON c.oid = t.polrelid WHERE t.oid = d.objid)
                            WHEN 'pg_rewrite'::regclass THEN (SELECT c.relnamespace FROM pg_rewrite t JOIN pg_class c ON c.oid = t.ev_class WHERE t.oid = d.objid)
                            WHEN 'pg_namespace'::regclass THEN d.objid END AS place
                          FROM pg_event_trigger_ddl_commands() d) o
                  JOIN strata.definition_guards g ON g.schema = coalesce(o.schema_name, (SELECT n.nspname FROM pg_namespace n WHERE n.oid = o.place))
                    -- A table that has just left it still has our trigger.
                    OR (o.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = o.objid AND t.tgname = '\#(WriteGuard.trigger)')
                        AND current_query() ~* '\mSET\s+SCHEMA\M')
                    -- And a schema has its name no more.
                    OR (o.classid = 'pg_namespace'::regclass AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = g.schema))
                 LIMIT 1;
                SELECT count(*) FILTER (WHERE coalesce(o.schema_name, home) IS DISTINCT FROM home) INTO others FROM pg_event_trigger_ddl_commands() o;
            END IF;
            IF object IS NULL THEN RETURN; END IF;
            SELECT * INTO guard FROM strata.definition_guards g WHERE g.schema = home FOR SHARE;
            IF NOT FOUND THEN RETURN; END IF;
            IF guard.mode = 'carry' THEN
                -- What ALTER has dropped is looked at when it ends.
                IF event = 'sql_drop' AND tag LIKE 'ALTER %' THEN RETURN; END IF;
                body := regexp_replace(current_query(), '^(\s|--[^\n]*(\n|$)|/\*([^*]|\*[^/])*\*/)+', '');
                body := regexp_replace(body, '[\s;]+$', '');
                statement := body;
                IF class = 'pg_proc'::regclass AND tag IN ('CREATE FUNCTION', 'CREATE PROCEDURE') THEN
                    statement := pg_get_functiondef(number);
                END IF;
                IF why IS NOT NULL THEN NULL;
                ELSIF tag NOT IN (\#(carried)) THEN why := tag || ' is not carried';
                ELSIF upper(split_part(tag, ' ', 1)) <> upper(coalesce(substring(body FROM '^[A-Za-z]+'), ''))
                    OR (statement = body AND strpos(body, ';') > 0) THEN why := 'it does not come as one statement of its own';
                ELSIF body ~* '\mCONCURRENTLY\M' THEN why := 'it does not run in a transaction';
                ELSIF tag = 'ALTER TABLE' AND body ~* '\m(RENAME\s+TO|SET\s+SCHEMA|(ATTACH|DETACH)\s+PARTITION|INHERIT|(SET|ALTER)\s+TABLESPACE|ENABLE\s+(ALWAYS|REPLICA))\M'
                    THEN why := 'it changes the table''s place';
                ELSIF others > 0 THEN why := 'it is about other schemas, too';
                ELSIF class = 'pg_class'::regclass AND EXISTS (
                    SELECT FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                     WHERE a.attrelid = number AND a.atthasmissing AND (d.adbin::text ~ 'SQLVALUEFUNCTION|NEXTVALUEEXPR|COERCEVIAIO'
                        OR EXISTS (SELECT FROM regexp_matches(d.adbin::text, ':(?:op)?funcid (\d+)', 'g') f JOIN pg_proc p ON p.oid = f[1]::oid
                                    WHERE p.provolatile <> 'i'))) THEN why := 'a default would have another value there';
                ELSIF class = 'pg_class'::regclass AND EXISTS (
                    SELECT FROM pg_constraint k JOIN pg_class r ON r.oid = k.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace
                     WHERE k.conrelid = number AND k.contype = 'f' AND n.nspname <> home AND body ~* '\mREFERENCES\M')
                    THEN why := 'its foreign key leads to another schema';
                ELSE
                    EXECUTE format('INSERT INTO %s (schema, statement, role, search_path) VALUES ($1, $2, $3, $4)', guard.queue)
                        -- Not by an argument: whoever calls this could name somebody else.
                        USING home, statement, coalesce(nullif(current_setting('role'), 'none'), session_user), path;
                    RETURN;
                END IF;
                RAISE EXCEPTION '% of % is refused: % (schema % is being brought to another database)', tag, object, why, home
                    USING ERRCODE = 'object_not_in_prerequisite_state', HINT = guard.hint;
            END IF;
            RAISE EXCEPTION '% of % is refused: %', tag, object, guard.reason
                USING ERRCODE = 'object_not_in_prerequisite_state', HINT = guard.hint;
        END
        $function$;
        GRANT EXECUTE ON FUNCTION strata.look_at_definition(text, text, text) TO PUBLIC;
        """#
}
