import Planning

/// The tables and functions of loose keys, in schema `strata` of each database that a parent lives in.
enum LooseKeySchema {
    /// SQLSTATE of a key that is not recorded, right before its constraint would go.
    static let notRecording = "ST004"

    /// Safe to run again; one transaction, after the ledger's own.
    ///
    /// What is written down is text that means the same in every session, so the functions have settings of their own. The
    /// queue refers to no key: a delete in the application must not fail because one was just taken away.
    static let statements = """
        CREATE TABLE IF NOT EXISTS strata.loose_keys (
            name text PRIMARY KEY,
            parent_schema text NOT NULL,
            parent_table text NOT NULL,
            parent_columns text[] NOT NULL,
            types text[] NOT NULL,
            child_schema text NOT NULL,
            child_table text NOT NULL,
            child_columns text[] NOT NULL,
            child_database text NOT NULL,
            on_delete text NOT NULL CHECK (on_delete IN ('delete', 'set_null', 'ignore')),
            on_update text NOT NULL CHECK (on_update IN ('update', 'ignore')),
            state text NOT NULL DEFAULT 'recording' CHECK (state IN ('recording', 'loose', 'restoring')),
            constraint_name text,
            constraint_definition text,
            scan_position text[],
            scan_rows bigint NOT NULL DEFAULT 0,
            orphans bigint NOT NULL DEFAULT 0,
            scanned_at timestamptz,
            loose_at timestamptz
        );
        CREATE TABLE IF NOT EXISTS strata.loose_key_queue (
            position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            key text NOT NULL,
            action text NOT NULL CHECK (action IN ('delete', 'update')),
            old_values text[] NOT NULL,
            new_values text[],
            enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            attempts integer NOT NULL DEFAULT 0,
            not_before timestamptz NOT NULL DEFAULT '-infinity',
            error text
        );
        CREATE INDEX IF NOT EXISTS loose_key_queue_key_position_idx ON strata.loose_key_queue (key, position);
        CREATE INDEX IF NOT EXISTS loose_key_queue_failing_idx ON strata.loose_key_queue (key, position) WHERE attempts > 0;
        CREATE OR REPLACE FUNCTION strata.record_loose_deletions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        \(settings) AS $function$
        DECLARE columns text[] := ARRAY(SELECT format('%I', name) FROM unnest(TG_ARGV[1:array_upper(TG_ARGV, 1)]) WITH ORDINALITY AS c (name, n) ORDER BY n);
        BEGIN
            EXECUTE format('INSERT INTO strata.loose_key_queue (key, action, old_values) SELECT $1, ''delete'', ARRAY[%s] FROM strata_gone WHERE %s',
                array_to_string(ARRAY(SELECT c || '::text' FROM unnest(columns) AS c), ', '),
                array_to_string(ARRAY(SELECT c || ' IS NOT NULL' FROM unnest(columns) AS c), ' AND ')) USING TG_ARGV[0];
            RETURN NULL;
        END
        $function$;
        CREATE OR REPLACE FUNCTION strata.record_loose_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        \(settings) AS $function$
        DECLARE
            columns text[] := TG_ARGV[1:array_upper(TG_ARGV, 1)];
            before jsonb := to_jsonb(OLD);
            after jsonb;
            gone text[] := ARRAY(SELECT before ->> name FROM unnest(columns) WITH ORDINALITY AS c (name, n) ORDER BY n);
        BEGIN
            IF array_position(gone, NULL) IS NULL THEN
                IF TG_OP = 'UPDATE' THEN after := to_jsonb(NEW); END IF;
                INSERT INTO strata.loose_key_queue (key, action, old_values, new_values)
                VALUES (TG_ARGV[0], lower(TG_OP), gone,
                    CASE WHEN after IS NOT NULL THEN ARRAY(SELECT after ->> name FROM unnest(columns) WITH ORDINALITY AS c (name, n) ORDER BY n) END);
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        END
        $function$;
        CREATE OR REPLACE FUNCTION strata.refuse_loose_truncate() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            RAISE EXCEPTION 'table %.% cannot be truncated: rows of other tables point to it (%)', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]
                USING ERRCODE = 'feature_not_supported', HINT = 'Use DELETE, which the loose key follows; strata split keys shows it.';
        END
        $function$;
        CREATE OR REPLACE FUNCTION strata.expect_loose_recording(parent oid, mark text, wanted integer)
        RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF (SELECT count(*) FROM pg_trigger WHERE tgrelid = parent AND starts_with(tgname, mark) AND tgenabled <> 'D') < wanted THEN
                RAISE EXCEPTION '% has no longer the triggers of its loose key', parent::regclass USING ERRCODE = '\(notRecording)',
                    HINT = 'strata split keys replace makes them again.';
            END IF;
        END
        $function$;
        -- Only triggers call them, with the rights of whoever made those.
        REVOKE ALL ON FUNCTION strata.record_loose_deletions(), strata.record_loose_row() FROM PUBLIC;
        """

    private static let settings = """
        SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET intervalstyle = 'postgres' SET timezone = 'UTC'
        SET extra_float_digits = 1 SET bytea_output = 'hex'
        """
}
