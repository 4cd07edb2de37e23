import Planning

/// The ledger's own tables and functions, in schema `strata` of the database that it is about.
enum LedgerSchema {
    /// Raised when the tables change; an older ledger is upgraded in place, a newer one is refused.
    static let version = 2

    static let unexpectedObject = "ST001"
    static let longHolder = "ST002"
    static let goneObject = "ST003"
    /// A step says that it may not be undone now, because it is in use.
    static let undoRefused = "ST004"

    /// Safe to run again; one transaction. Tables that may be updated have a key: a publication FOR ALL TABLES asks for it.
    /// Nobody but the owner and superusers may read it: plans show definitions.
    static let statements = """
        CREATE SCHEMA IF NOT EXISTS strata;
        COMMENT ON SCHEMA strata IS 'Ledger of Strata: runs, steps, and what they changed. Keep it as long as runs are to be undone.';
        CREATE TABLE IF NOT EXISTS strata.ledger (version integer NOT NULL);
        -- A publication FOR ALL TABLES would have its updates refused without.
        ALTER TABLE strata.ledger REPLICA IDENTITY FULL;
        INSERT INTO strata.ledger SELECT \(version) WHERE NOT EXISTS (SELECT FROM strata.ledger);
        CREATE TABLE IF NOT EXISTS strata.runs (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('apply', 'contract')),
            state text NOT NULL CHECK (state IN ('running', 'stopped', 'done', 'undoing', 'undone')),
            plan text NOT NULL,
            plan_hash text NOT NULL,
            layout_fingerprint text NOT NULL,
            fingerprint_before text NOT NULL,
            fingerprint_after text,
            fingerprint_undone text,
            accepted text[] NOT NULL DEFAULT '{}',
            actor text NOT NULL,
            host text NOT NULL,
            strata_version text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            finished_at timestamptz,
            lsn_before pg_lsn,
            lsn_after pg_lsn,
            error text
        );
        CREATE TABLE IF NOT EXISTS strata.steps (
            run bigint NOT NULL REFERENCES strata.runs,
            number integer NOT NULL,
            transaction integer NOT NULL,
            kind text NOT NULL,
            object text NOT NULL,
            state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'running', 'done', 'undone')),
            attempts integer NOT NULL DEFAULT 0,
            started_at timestamptz,
            finished_at timestamptz,
            duration_ms double precision,
            undone_at timestamptz,
            lsn pg_lsn,
            error text,
            PRIMARY KEY (run, number)
        );
        CREATE TABLE IF NOT EXISTS strata.observations (
            at timestamptz NOT NULL,
            query_id bigint NOT NULL,
            role oid NOT NULL,
            calls bigint NOT NULL,
            PRIMARY KEY (at, query_id, role)
        );
        CREATE TABLE IF NOT EXISTS strata.looks (at timestamptz PRIMARY KEY, evicted bigint);
        INSERT INTO strata.looks (at) SELECT DISTINCT at FROM strata.observations
            WHERE (SELECT max(version) FROM strata.ledger) < 2 ON CONFLICT DO NOTHING;
        CREATE TABLE IF NOT EXISTS strata.catalogs (run bigint PRIMARY KEY REFERENCES strata.runs, lines text NOT NULL);
        INSERT INTO strata.ledger SELECT \(version) WHERE (SELECT max(version) FROM strata.ledger) < \(version);
        CREATE OR REPLACE FUNCTION strata.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            RAISE EXCEPTION '%.% is append-only: % is not allowed', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'insufficient_privilege', HINT = 'Its rows are only ever added; see append_only in the layout.';
        END
        $function$;
        CREATE OR REPLACE FUNCTION strata.expect_object(catalog text, object oid, expected_schema text, expected_name text)
        RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE found_schema text; found_name text;
        BEGIN
            IF catalog = 'relation' THEN
                SELECT n.nspname, c.relname INTO found_schema, found_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = object;
            ELSIF catalog = 'type' THEN
                SELECT n.nspname, t.typname INTO found_schema, found_name FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = object;
            ELSIF catalog = 'function' THEN
                SELECT n.nspname, p.proname INTO found_schema, found_name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = object;
            ELSE
                SELECT n.nspname, s.stxname INTO found_schema, found_name FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE s.oid = object;
            END IF;
            IF found_name IS NULL THEN
                RAISE EXCEPTION '% %.% is no longer there (OID %)', catalog, expected_schema, expected_name, object USING ERRCODE = '\(goneObject)';
            ELSIF found_schema <> expected_schema OR found_name <> expected_name THEN
                RAISE EXCEPTION '% %.% is now %.%', catalog, expected_schema, expected_name, found_schema, found_name USING ERRCODE = '\(unexpectedObject)';
            END IF;
        END
        $function$;
        CREATE OR REPLACE FUNCTION strata.expect_shim(object oid, catalog text, name text)
        RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            IF object IS NOT NULL AND coalesce(obj_description(object, catalog), '') NOT LIKE 'strata:shim %' THEN
                RAISE EXCEPTION '% is no longer the compatibility object that Strata left', name USING ERRCODE = '\(unexpectedObject)',
                    HINT = 'Rename or drop what stands there now, then go on.';
            END IF;
        END
        $function$;
        CREATE OR REPLACE FUNCTION strata.refuse_long_holders(objects oid[], longest interval)
        RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
        DECLARE holder record;
        BEGIN
            SELECT a.pid, a.application_name, a.usename, a.state, clock_timestamp() - a.xact_start AS age, l.relation INTO holder
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'relation' AND l.relation = ANY (objects) AND l.granted AND l.pid <> pg_backend_pid()
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND a.xact_start < clock_timestamp() - longest
            ORDER BY a.xact_start LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION '% holds a lock on % for % s', holder.pid, holder.relation::regclass, round(extract(epoch FROM holder.age)::numeric, 1)
                    USING ERRCODE = '\(longHolder)', DETAIL = format('pid %s, user %s, application %s, %s', holder.pid, holder.usename, coalesce(nullif(holder.application_name, ''), 'unnamed'), holder.state);
            END IF;
        END
        $function$;
        """
}
