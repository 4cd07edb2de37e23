import Engine
import Planning
import PostgresDriver
import TestSupport

/// A database with every kind of object that a catalog lists, and roles of its own.
struct IntrospectionDatabase {
    let name: String
    let settings: ConnectionSettings
    /// Owner of `shop`, and two roles without any objects.
    var app: String { name + "_app" }
    var reader: String { name + "_reader" }
    var stranger: String { name + "_stranger" }

    /// Makes the database, and drops it and its roles again whatever happens.
    static func with(_ fixture: String = "", _ body: (IntrospectionDatabase) async throws -> Void) async throws {
        let base = try ConnectionSettings(TestServer.url())
        let name = "introspection_" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let database = IntrospectionDatabase(name: name, settings: try base.settings(["dbname": name]))
        let server = try await Connection.open(base)
        try await server.execute("CREATE DATABASE \(name) TEMPLATE template0")
        do {
            for role in [database.app, database.reader, database.stranger] {
                try await server.execute("CREATE ROLE \(role) LOGIN")
            }
            let connection = try await database.connect()
            try await connection.execute(database.filled(fixture))
            await connection.close()
            try await body(database)
        } catch {
            try? await database.drop(server)
            throw error
        }
        try await database.drop(server)
    }

    func connect() async throws -> Connection { try await Connection.open(settings) }

    func catalog() async throws -> Catalog {
        let connection = try await connect()
        let catalog = try await CatalogReader.read(connection)
        await connection.close()
        return catalog
    }

    func run(_ sql: String) async throws {
        let connection = try await connect()
        try await connection.execute(filled(sql))
        await connection.close()
    }

    /// `@app`, `@reader`, `@stranger` and `@database` stand for names that differ from test to test.
    func filled(_ sql: String) -> String {
        var text = sql
        let names = [("@app", app), ("@reader", reader), ("@stranger", stranger), ("@database", name)]
        for (mark, name) in names { text = text.replacing(mark, with: name) }
        return text
    }

    private func drop(_ server: Connection) async throws {
        // A subscription keeps its database; it has no slot to drop.
        if let connection = try? await connect() {
            let found = try await connection.query(
                """
                SELECT subname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
                 WHERE d.datname = current_database()
                """)
            for row in found {
                let name = try row.string("subname")
                try await connection.execute("ALTER SUBSCRIPTION \(name) DISABLE")
                try await connection.execute("ALTER SUBSCRIPTION \(name) SET (slot_name = NONE)")
                try await connection.execute("DROP SUBSCRIPTION \(name)")
            }
            await connection.close()
        }
        try await server.execute("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
        for role in [app, reader, stranger] { try await server.execute("DROP ROLE IF EXISTS \(role)") }
        await server.close()
    }

    static let everything = """
        CREATE SCHEMA shop AUTHORIZATION @app;
        CREATE SCHEMA "Mixed Case";
        CREATE SCHEMA ext;
        CREATE SCHEMA strata;
        CREATE TABLE strata.ledger (id integer PRIMARY KEY);
        CREATE EXTENSION pg_trgm;
        CREATE EXTENSION pg_stat_statements SCHEMA ext;
        CREATE EXTENSION postgres_fdw SCHEMA ext;
        CREATE EXTENSION file_fdw SCHEMA ext;
        CREATE TEMP TABLE unseen (id integer);

        CREATE TYPE shop.mood AS ENUM ('sad', 'ok', 'it''s "fine", \\really');
        CREATE DOMAIN shop.positive AS integer DEFAULT 1 NOT NULL CONSTRAINT is_positive CHECK (VALUE > 0);
        CREATE TYPE shop.span AS RANGE (subtype = float8);
        CREATE TYPE shop.pair AS (a integer, b text);
        CREATE SEQUENCE shop.loose START 5 INCREMENT 3 MINVALUE 2 MAXVALUE 100 CACHE 4 CYCLE;
        CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note = upper(NEW.note); RETURN NEW; END';

        CREATE TABLE shop.animals (
            id serial PRIMARY KEY, name text COLLATE "C" NOT NULL, dropped integer, kind shop.mood DEFAULT 'ok',
            weight numeric(10, 2), twice numeric GENERATED ALWAYS AS (weight * 2) STORED,
            number integer DEFAULT nextval('shop.loose'), size shop.positive, code char(4), short varchar(20), tags text[],
            "Odd=Name" text, parent integer REFERENCES shop.animals ON DELETE SET NULL,
            CONSTRAINT animals_short_key UNIQUE (short, code));
        ALTER TABLE shop.animals DROP COLUMN dropped;
        ALTER TABLE shop.animals OWNER TO @app;
        ALTER TABLE shop.animals SET (fillfactor = 70, toast.autovacuum_enabled = off);
        ALTER TABLE shop.animals ALTER COLUMN name SET STATISTICS 500, ALTER COLUMN tags SET STORAGE EXTERNAL;
        ALTER TABLE shop.animals ADD CONSTRAINT light CHECK (weight < 1000) NOT VALID;
        CREATE TABLE shop.visits (
            id bigint GENERATED ALWAYS AS IDENTITY, animal integer NOT NULL, at timestamptz NOT NULL DEFAULT now(),
            note text, PRIMARY KEY (id, at),
            CONSTRAINT visits_animal_fkey FOREIGN KEY (animal) REFERENCES shop.animals ON UPDATE CASCADE ON DELETE CASCADE
        ) PARTITION BY RANGE (at);
        CREATE TABLE shop.visits_2025 PARTITION OF shop.visits FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2026-01-01 00:00+00');
        CREATE TABLE shop.visits_rest PARTITION OF shop.visits DEFAULT;
        CREATE TABLE shop.base (id integer, label text);
        CREATE TABLE shop.other_base (extra text);
        CREATE TABLE shop.child (more integer) INHERITS (shop.base, shop.other_base);
        CREATE UNLOGGED TABLE shop.cache (key text PRIMARY KEY, value text, EXCLUDE USING gist (key gist_trgm_ops WITH =));
        CREATE TABLE "Mixed Case"."Order" ("Id" integer PRIMARY KEY, "User" integer, late integer,
            UNIQUE ("User") DEFERRABLE INITIALLY DEFERRED);
        ALTER TABLE shop.base ADD CONSTRAINT waiting FOREIGN KEY (id) REFERENCES "Mixed Case"."Order" NOT VALID;
        CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid');
        CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE shop.far (id integer OPTIONS (column_name 'key')) SERVER remote OPTIONS (schema_name 's', table_name 't');
        CREATE FOREIGN TABLE shop.file (line text) SERVER files OPTIONS (filename '/dev/null');

        CREATE INDEX i_plain ON shop.animals (kind, weight DESC, number DESC NULLS LAST, size NULLS FIRST);
        CREATE INDEX i_collated ON shop.animals (name, short COLLATE "C");
        CREATE INDEX i_uncollated ON shop.animals (name COLLATE "default");
        CREATE INDEX i_pattern ON shop.animals (short text_pattern_ops, code bpchar_pattern_ops);
        CREATE INDEX i_named_class ON shop.animals (short varchar_ops, tags, code);
        CREATE UNIQUE INDEX i_included ON shop.animals (id) INCLUDE (name, "Odd=Name");
        CREATE INDEX i_partial ON shop.animals (weight) WHERE kind = 'ok';
        CREATE INDEX i_expression ON shop.animals (lower(name), ("Odd=Name" || 'x'));
        CREATE INDEX i_trigrams ON shop.animals USING gin (name gin_trgm_ops);
        CREATE INDEX i_hash ON shop.animals USING hash (short);
        CREATE INDEX i_filled ON shop.animals (weight) WITH (fillfactor = 50);
        CREATE INDEX "I Mixed" ON "Mixed Case"."Order" ("User" DESC, late);
        CREATE INDEX i_visits ON shop.visits (animal, at);
        CREATE INDEX i_only ON ONLY shop.visits (note);
        CREATE STATISTICS shop.linked (dependencies, ndistinct) ON short, code FROM shop.animals;
        INSERT INTO "Mixed Case"."Order" VALUES (1, 1, 7), (2, 2, 7);

        CREATE VIEW shop.names WITH (security_barrier) AS SELECT id, name FROM shop.animals WHERE kind = 'ok';
        CREATE VIEW public.animals AS SELECT * FROM shop.animals;
        COMMENT ON VIEW public.animals IS 'strata:shim shop.animals';
        CREATE MATERIALIZED VIEW shop.totals AS SELECT animal, count(*) AS visits FROM shop.visits GROUP BY animal;
        CREATE RULE quiet AS ON DELETE TO shop.base WHERE OLD.id < 0 DO INSTEAD NOTHING;

        CREATE FUNCTION shop.total(first integer, second integer DEFAULT 2, OUT result numeric) LANGUAGE sql STABLE STRICT
            PARALLEL SAFE SET search_path = shop, public AS 'SELECT sum(weight) FROM animals WHERE id IN (first, second)';
        CREATE FUNCTION shop.bound(integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER
            BEGIN ATOMIC SELECT count(*) FROM shop.animals WHERE id > $1; END;
        CREATE FUNCTION shop.any_of(VARIADIC list anyarray) RETURNS SETOF anyelement LANGUAGE sql AS 'SELECT unnest(list)';
        CREATE PROCEDURE shop.clean(INOUT done integer) LANGUAGE plpgsql AS 'BEGIN DELETE FROM shop.cache; done := 1; END';
        CREATE FUNCTION shop.plus(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
        CREATE AGGREGATE shop.sum_up(integer) (SFUNC = shop.plus, STYPE = integer, INITCOND = '0');
        CREATE OPERATOR shop.<+> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = shop.plus);
        CREATE TRIGGER touched BEFORE INSERT OR UPDATE OF note ON shop.visits_2025 FOR EACH ROW
            WHEN (NEW.note IS NOT NULL) EXECUTE FUNCTION shop.touch();
        ALTER TABLE shop.visits_2025 ENABLE ALWAYS TRIGGER touched;
        CREATE FUNCTION shop.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        CREATE EVENT TRIGGER on_ddl_@database ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE')
            EXECUTE FUNCTION shop.on_ddl();

        ALTER TABLE shop.animals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY own_rows ON shop.animals AS RESTRICTIVE FOR UPDATE TO @reader, @app
            USING (id > 0) WITH CHECK (EXISTS (SELECT FROM shop.visits v WHERE v.animal = animals.id));
        GRANT USAGE ON SCHEMA shop TO @reader WITH GRANT OPTION;
        GRANT SELECT ON shop.animals TO @reader, PUBLIC;
        GRANT UPDATE (name, weight), SELECT (name) ON shop.animals TO @stranger;
        REVOKE ALL ON FUNCTION shop.bound(integer) FROM PUBLIC;
        REVOKE ALL ON shop.base FROM PUBLIC, CURRENT_USER;
        ALTER DEFAULT PRIVILEGES FOR ROLE @app IN SCHEMA shop GRANT SELECT ON TABLES TO @reader;
        ALTER DEFAULT PRIVILEGES FOR ROLE @app REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

        CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert');
        CREATE PUBLICATION part FOR TABLE shop.animals (id, name) WHERE (id > 5), ONLY shop.base;
        CREATE PUBLICATION whole FOR TABLES IN SCHEMA shop WITH (publish_via_partition_root);
        CREATE SUBSCRIPTION sub_@database CONNECTION 'host=nowhere.invalid password=geheim' PUBLICATION p WITH (connect = false);

        COMMENT ON TABLE shop.animals IS 'All of them,
        on two lines';
        COMMENT ON COLUMN shop.animals.weight IS 'in kg';
        COMMENT ON CONSTRAINT light ON shop.animals IS 'not valid yet';
        COMMENT ON FUNCTION shop.bound(integer) IS 'bound';
        COMMENT ON SCHEMA shop IS 'the shop';
        COMMENT ON TRIGGER touched ON shop.visits_2025 IS 'upper case';
        ALTER DATABASE @database SET search_path = shop, "$user", public;
        ALTER DATABASE @database SET app.secret = 'sesame';
        ALTER ROLE @reader IN DATABASE @database SET search_path = "Mixed Case";
        ALTER ROLE @app SET search_path = public;
        """
}
