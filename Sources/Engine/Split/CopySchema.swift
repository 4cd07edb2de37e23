/// What Strata remembers of copied tables: in schema `strata` of the database that has a table, and of each that has a copy.
enum CopySchema {
    /// Safe to run again; one transaction. What was made on the other side is noted before it is made.
    static let source = """
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.copies (
            id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            schema text NOT NULL,
            name text NOT NULL,
            database text NOT NULL,
            target text NOT NULL,
            state text NOT NULL CHECK (state IN ('making', 'ready', 'dropping')),
            made jsonb NOT NULL DEFAULT '[]',
            error text,
            began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (schema, name, target)
        );
        """

    /// Which tables here are copies, and whether they have all their rows. Proxies ask, as whatever role they have.
    static let target = """
        CREATE SCHEMA IF NOT EXISTS strata;
        CREATE TABLE IF NOT EXISTS strata.copied (
            schema text NOT NULL,
            name text NOT NULL,
            source text NOT NULL,
            copy integer NOT NULL,
            ready boolean NOT NULL DEFAULT false,
            PRIMARY KEY (schema, name)
        );
        GRANT USAGE ON SCHEMA strata TO PUBLIC;
        GRANT SELECT (schema, name, ready) ON strata.copied TO PUBLIC;
        CREATE OR REPLACE FUNCTION strata.refuse_copy_write() RETURNS trigger LANGUAGE plpgsql
        SET search_path = pg_catalog, pg_temp AS $function$
        BEGIN
            RAISE EXCEPTION '%.% is a copy and is not written here: it is written in database "%"', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]
                USING ERRCODE = 'read_only_sql_transaction',
                      HINT = format('Connect to the proxy, or to database "%s"; what is written there arrives here.', TG_ARGV[0]);
        END
        $function$;
        """

    /// What loose keys and splits know as somebody else's table.
    static let guardName = LooseKeyDatabases.guardPrefix + "_copy"

    /// Proxies look at definitions for changes, and rows of ours are none: this is one.
    static let announce = "ALTER TABLE strata.copied SET (fillfactor = 100)"
}
