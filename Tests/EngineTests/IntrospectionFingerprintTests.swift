import Engine
import Planning
import PostgresDriver
import TestSupport
import Testing

/// What changes the fingerprint of a real database, and what must not.
@Suite struct IntrospectionFingerprintTests {
    /// Each is run after the one before, and must change the fingerprint.
    static let changes = [
        "CREATE SCHEMA more",
        "ALTER SCHEMA more RENAME TO most",
        "ALTER SCHEMA most OWNER TO @app",
        "GRANT USAGE ON SCHEMA most TO @reader",
        "DROP SCHEMA most",
        "CREATE TABLE shop.extra (id integer)",
        "ALTER TABLE shop.extra RENAME TO further",
        "ALTER TABLE shop.further SET SCHEMA public",
        "ALTER TABLE public.further OWNER TO @app",
        "ALTER TABLE public.further ADD COLUMN note text",
        "ALTER TABLE public.further ALTER COLUMN note SET DEFAULT 'x'",
        "ALTER TABLE public.further ALTER COLUMN note SET NOT NULL",
        "ALTER TABLE public.further ALTER COLUMN note TYPE varchar",
        "ALTER TABLE public.further ALTER COLUMN note SET STATISTICS 7",
        "ALTER TABLE public.further ADD PRIMARY KEY (id)",
        "ALTER TABLE public.further RENAME CONSTRAINT further_pkey TO further_key",
        "ALTER TABLE public.further ADD CONSTRAINT few CHECK (id < 9) NOT VALID",
        "ALTER TABLE public.further VALIDATE CONSTRAINT few",
        "ALTER TABLE public.further REPLICA IDENTITY FULL",
        "ALTER TABLE public.further SET UNLOGGED",
        "ALTER TABLE public.further SET LOGGED",
        "ALTER TABLE public.further SET (fillfactor = 80)",
        "ALTER TABLE public.further SET (toast.autovacuum_enabled = off)",
        "ALTER TABLE public.further ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT ON public.further TO @reader",
        "GRANT SELECT (note) ON public.further TO @stranger",
        "REVOKE SELECT ON public.further FROM @reader",
        "CREATE INDEX further_note ON public.further (note)",
        "ALTER INDEX further_note SET (fillfactor = 60)",
        "ALTER INDEX further_note RENAME TO further_text",
        "CREATE POLICY all_rows ON public.further USING (true)",
        "ALTER POLICY all_rows ON public.further TO @reader",
        "CREATE TRIGGER touched BEFORE INSERT ON public.further FOR EACH ROW EXECUTE FUNCTION shop.touch()",
        "ALTER TABLE public.further DISABLE TRIGGER touched",
        "CREATE VIEW public.shown AS SELECT id FROM public.further",
        "CREATE OR REPLACE VIEW public.shown AS SELECT id FROM public.further WHERE id > 1",
        "CREATE RULE nothing AS ON INSERT TO public.shown DO INSTEAD NOTHING",
        "COMMENT ON TABLE public.further IS 'a'",
        "COMMENT ON TABLE public.further IS 'b'",
        "COMMENT ON COLUMN public.further.id IS 'c'",
        "CREATE SEQUENCE public.counter",
        "ALTER SEQUENCE public.counter INCREMENT 2",
        "ALTER SEQUENCE public.counter OWNER TO @app",
        "ALTER SEQUENCE public.counter OWNED BY public.further.id",
        "CREATE FUNCTION public.one() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION public.one() RETURNS integer LANGUAGE sql AS 'SELECT 2 - 1'",
        "ALTER FUNCTION public.one() SET search_path = public",
        "REVOKE EXECUTE ON FUNCTION public.one() FROM PUBLIC",
        "ALTER TYPE shop.mood ADD VALUE 'glad' BEFORE 'ok'",
        "ALTER DOMAIN shop.positive DROP NOT NULL",
        "ALTER DOMAIN shop.positive ADD CONSTRAINT tiny CHECK (VALUE < 5) NOT VALID",
        "CREATE STATISTICS public.pairs ON id, note FROM public.further",
        "ALTER TABLE shop.visits DETACH PARTITION shop.visits_2025",
        "ALTER TABLE shop.child NO INHERIT shop.other_base",
        "ALTER PUBLICATION part ADD TABLE public.further",
        "ALTER PUBLICATION part SET (publish = 'insert')",
        "ALTER PUBLICATION whole ADD TABLES IN SCHEMA public",
        "ALTER DEFAULT PRIVILEGES FOR ROLE @app IN SCHEMA public GRANT SELECT ON TABLES TO @reader",
        "ALTER DATABASE @database SET search_path = public",
        "ALTER ROLE @app IN DATABASE @database SET statement_timeout = '5s'",
        "ALTER ROLE @stranger SET search_path = shop",
        "ALTER EVENT TRIGGER on_ddl_@database DISABLE",
        "ALTER FOREIGN TABLE shop.far OPTIONS (SET table_name 'u')",
        "CREATE EXTENSION citext SCHEMA ext",
        "ALTER EXTENSION citext SET SCHEMA shop",
        "CREATE COLLATION public.plain (locale = 'C')",
        "DROP TABLE public.further CASCADE",
    ]

    @Test func everyChangeChangesIt() async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything) { database in
            let connection = try await database.connect()
            var before = try await CatalogReader.read(connection)
            for change in Self.changes {
                try await connection.execute(database.filled(change))
                let after = try await CatalogReader.read(connection)
                #expect(after.fingerprint != before.fingerprint, "not noticed: \(change)")
                let difference = CatalogDifference.between(before.canonicalLines(), after.canonicalLines())
                #expect(!difference.isEmpty, "no difference: \(change)")
                before = after
            }
            await connection.close()
        }
    }

    /// Each leaves the shape of the database as it was.
    static let nonChanges = [
        "INSERT INTO shop.visits (animal, at, note) SELECT NULL, now(), 'x' WHERE false",
        "INSERT INTO shop.animals (name, weight) SELECT 'n' || i, i FROM generate_series(1, 500) AS i",
        "UPDATE shop.animals SET weight = weight + 1",
        "DELETE FROM shop.animals WHERE id % 2 = 0",
        "SELECT nextval('shop.loose'), setval('shop.animals_id_seq', 9000)",
        "VACUUM FULL shop.animals",
        "VACUUM ANALYZE",
        "CLUSTER shop.animals USING animals_pkey; ALTER TABLE shop.animals SET WITHOUT CLUSTER",
        "REINDEX TABLE shop.animals",
        "TRUNCATE shop.cache",
        "REFRESH MATERIALIZED VIEW shop.totals",
        "CREATE TEMP TABLE passing (id integer)",
        "CREATE TABLE strata.steps (id integer)",
        "GRANT SELECT ON shop.child TO @stranger; REVOKE SELECT ON shop.child FROM @stranger",
        "GRANT EXECUTE ON FUNCTION shop.touch() TO @stranger; REVOKE EXECUTE ON FUNCTION shop.touch() FROM @stranger",
        "GRANT USAGE ON TYPE shop.mood TO @stranger; REVOKE USAGE ON TYPE shop.mood FROM @stranger",
        "ALTER TABLE shop.animals SET SCHEMA public_moved; ALTER TABLE public_moved.animals SET SCHEMA shop",
        "ALTER TABLE shop.visits SET SCHEMA public_moved; ALTER TABLE public_moved.visits SET SCHEMA shop",
        "ALTER TYPE shop.mood SET SCHEMA public_moved; ALTER TYPE public_moved.mood SET SCHEMA shop",
        "ALTER FUNCTION shop.total SET SCHEMA public_moved; ALTER FUNCTION public_moved.total SET SCHEMA shop",
        "CREATE SCHEMA fresh; DROP SCHEMA fresh",
        "DROP SCHEMA public_moved; CREATE SCHEMA public_moved",
        "DROP VIEW public.animals; CREATE VIEW public.animals AS SELECT * FROM shop.animals; "
            + "COMMENT ON VIEW public.animals IS 'strata:shim shop.animals'",
        "DROP INDEX shop.i_hash; CREATE INDEX i_hash ON shop.animals USING hash (short)",
        "ALTER ROLE @stranger SET statement_timeout = '9s'",
    ]

    @Test func dataAndRoundTripsDoNotChangeIt() async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything + "CREATE SCHEMA public_moved;") {
            database in
            let connection = try await database.connect()
            let before = try await CatalogReader.read(connection)
            for statement in Self.nonChanges {
                // VACUUM runs in no transaction, so each part goes alone.
                for part in database.filled(statement).split(separator: "; ") {
                    try await connection.execute(String(part))
                }
                let after = try await CatalogReader.read(connection)
                let difference = CatalogDifference.between(before.canonicalLines(), after.canonicalLines())
                #expect(after.fingerprint == before.fingerprint, "\(statement): \(difference.lines())")
            }
            await connection.close()
        }
    }

    /// Neither the session's settings nor its role may show.
    @Test func isTheSameForEverybody() async throws {
        try await IntrospectionDatabase.with(IntrospectionDatabase.everything) { database in
            let first = try await database.catalog()
            let connection = try await database.connect()
            try await connection.execute(
                """
                SET timezone = 'Asia/Tokyo'; SET datestyle = 'SQL, DMY'; SET search_path = shop, public;
                SET quote_all_identifiers = on; SET extra_float_digits = -5; SET bytea_output = 'escape'
                """)
            let second = try await CatalogReader.read(connection)
            #expect(first.canonicalLines() == second.canonicalLines())
            #expect(first.fingerprint == second.fingerprint)
            try await connection.execute("SET SESSION AUTHORIZATION \(database.stranger)")
            let third = try await CatalogReader.read(connection)
            let difference = CatalogDifference.between(first.canonicalLines(), third.canonicalLines())
            #expect(difference.isEmpty, "\(difference.lines())")
            #expect(
                !third.server.isSuperuser && !third.relations.values.contains { $0.userOwns && $0.name == "animals" })
            let shop = try #require(third.schemas.values.first { $0.name == "shop" })
            #expect(!shop.userHasUsage && !shop.userCanCreate && !third.server.canCreateInDatabase)
            await connection.close()
        }
    }

    @Test func differenceNamesWhatChanged() async throws {
        try await IntrospectionDatabase.with(
            "CREATE TABLE a (id integer); CREATE TABLE b (id integer); CREATE SCHEMA s"
        ) {
            let before = try await $0.catalog().canonicalLines()
            try await $0.run(
                "ALTER TABLE a SET SCHEMA s; ALTER TABLE b ALTER COLUMN id SET NOT NULL; CREATE TABLE c (id integer)")
            let after = try await $0.catalog().canonicalLines()
            let difference = CatalogDifference.between(before, after)
            #expect(difference.added == ["table public.c"])
            #expect(difference.removed.isEmpty)
            #expect(difference.changed.contains { $0.object == "table public.a" && $0.attributes == ["now table s.a"] })
            #expect(
                difference.changed.contains {
                    $0.object == "table public.b" && $0.attributes == ["column id: 1 integer → 1 integer not null"]
                })
            #expect(difference.total == 3)
        }
    }
}
