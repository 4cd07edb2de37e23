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
            last_stream integer NOT NULL DEFAULT 0,
            carries boolean NOT NULL DEFAULT false
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
        -- How far a comparison has come in a table by ranges of its key.
        CREATE TABLE IF NOT EXISTS strata.split_diff_progress (
            split bigint NOT NULL REFERENCES strata.splits,
            relation oid NOT NULL,
            direction text NOT NULL,
            key text[] NOT NULL,
            found jsonb NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
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
}
