/// What Strata remembers of splits: in schema `strata` of the database that a schema leaves, and of the one it goes to.
enum SplitRecordSchema {
    /// Safe to run again; one transaction. Beside the ledger's tables, and for the same reasons with keys.
    static let source = """
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.splits (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            schema text NOT NULL,
            database text NOT NULL,
            state text NOT NULL CHECK (state IN ('preparing', 'copying', 'building', 'following', 'switching', 'switched',
                'reversing', 'completing', 'completed', 'cancelling', 'cancelled')),
            target text NOT NULL,
            made jsonb NOT NULL DEFAULT '{}',
            actor text NOT NULL,
            host text NOT NULL,
            strata_version text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            error text,
            last_stream integer NOT NULL DEFAULT 0
        );
        CREATE UNIQUE INDEX IF NOT EXISTS splits_open ON strata.splits (schema) WHERE state NOT IN ('cancelled', 'completed');
        CREATE TABLE IF NOT EXISTS strata.split_streams (
            split bigint NOT NULL REFERENCES strata.splits,
            generation integer NOT NULL,
            direction text NOT NULL DEFAULT 'out' CHECK (direction IN ('out', 'back')),
            lsn pg_lsn,
            PRIMARY KEY (split, generation)
        );
        CREATE TABLE IF NOT EXISTS strata.split_tables (
            split bigint NOT NULL REFERENCES strata.splits,
            relation oid NOT NULL,
            name text NOT NULL,
            generation integer,
            copied boolean NOT NULL DEFAULT false,
            rows bigint,
            bytes bigint,
            PRIMARY KEY (split, relation)
        );
        CREATE TABLE IF NOT EXISTS strata.split_diffs (
            split bigint NOT NULL REFERENCES strata.splits,
            relation oid NOT NULL,
            found jsonb NOT NULL,
            finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (split, relation)
        );
        -- Proxies ask which schemas are still here, as whatever role they have.
        GRANT USAGE ON SCHEMA strata TO PUBLIC;
        GRANT SELECT (schema, state) ON strata.splits TO PUBLIC;
        \(RouteSchema.tables)
        \(WriteGuard.table)
        """

    /// Which schemas come here, and from where; `making` until everything in one has been made, `owned` after the switch.
    static let target = """
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.incoming (
            schema text PRIMARY KEY,
            source text NOT NULL,
            split bigint NOT NULL,
            had_schema boolean NOT NULL,
            state text NOT NULL CHECK (state IN ('making', 'made', 'owned'))
        );
        GRANT USAGE ON SCHEMA strata TO PUBLIC;
        GRANT SELECT (schema) ON strata.incoming TO PUBLIC;
        """

    /// Refuses what would change the moving schema's definitions while its rows are copied: replication carries rows only.
    /// Strata's own statements say who they are.
    static let definitionGuard = """
        CREATE OR REPLACE FUNCTION strata.refuse_definition() RETURNS event_trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE home text; object text;
        BEGIN
            IF coalesce(current_setting('strata.split', true), '') <> '' OR TG_TAG = 'REFRESH MATERIALIZED VIEW' THEN RETURN; END IF;
            IF TG_EVENT = 'sql_drop' THEN
                SELECT coalesce(o.schema_name, o.object_name), o.object_identity INTO home, object FROM pg_event_trigger_dropped_objects() o
                 -- A key of another schema goes, and with it what PostgreSQL has made for it here.
                 WHERE NOT (o.object_type = 'trigger' AND NOT o.original)
                   AND (o.schema_name IN (SELECT schema FROM strata.splits WHERE state NOT IN ('completing', 'completed', 'cancelling', 'cancelled'))
                    OR (o.object_type = 'schema' AND o.object_name IN (SELECT schema FROM strata.splits WHERE state NOT IN ('completing', 'completed', 'cancelling', 'cancelled'))))
                 LIMIT 1;
            ELSE
                SELECT coalesce(o.schema_name, o.object_identity), o.object_identity INTO home, object FROM pg_event_trigger_ddl_commands() o
                 WHERE o.schema_name IN (SELECT schema FROM strata.splits WHERE state NOT IN ('completing', 'completed', 'cancelling', 'cancelled'))
                    OR (o.object_type = 'schema' AND o.object_identity IN (SELECT quote_ident(schema) FROM strata.splits WHERE state NOT IN ('completing', 'completed', 'cancelling', 'cancelled')))
                 LIMIT 1;
            END IF;
            IF FOUND THEN
                RAISE EXCEPTION '% of % is refused: schema % is being copied to another database', TG_TAG, object, home
                    USING ERRCODE = 'object_not_in_prerequisite_state',
                          HINT = 'Wait for the switch and change it there, or: strata split cancel ' || home;
            END IF;
        END
        $function$;
        """

    static let definitionTriggers = ["strata_refuse_definition": "ddl_command_end", "strata_refuse_drop": "sql_drop"]
}
