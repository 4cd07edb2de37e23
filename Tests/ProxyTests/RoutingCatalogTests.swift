import PostgresDriver
import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// What a live database's objects touch.
@Suite struct RoutingCatalogTests {
    @Test func viewsOverViewsEndAtTheirTables() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int); CREATE UNLOGGED TABLE u (id int);
            CREATE VIEW v1 AS SELECT a.id FROM a JOIN b USING (id);
            CREATE VIEW v2 AS SELECT * FROM v1 WHERE id IN (SELECT id FROM b);
            CREATE VIEW v3 AS SELECT * FROM v2 UNION SELECT * FROM u;
            CREATE VIEW numbered AS SELECT id, txid_current() FROM a;
            CREATE VIEW activity AS SELECT pid FROM pg_stat_activity;
            CREATE MATERIALIZED VIEW m AS SELECT * FROM v1;
            """
        ) { catalog, _ in
            #expect(catalog.tablesRead(.select("v2")) == ["public.a", "public.b"])
            #expect(catalog.classified(.select("v2")).decision.access == .read)
            #expect(catalog.classified(.select("v3")).decision.reason == .unloggedTable("public.u"))
            #expect(catalog.classified(.select("numbered")).decision.reason == .systemState("txid_current()"))
            #expect(catalog.classified(.select("activity")).decision.access == .primary)
            #expect(catalog.tablesRead(.select("m")) == ["public.m"])
            #expect(catalog.tablesWritten(.update("v2")) == ["public.a", "public.b"])
        }
    }

    @Test func foreignKeysThatActCount() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE owner (id int PRIMARY KEY);
            CREATE TABLE pet (id int PRIMARY KEY, owner int REFERENCES owner ON DELETE CASCADE);
            CREATE TABLE visit (id int, pet int REFERENCES pet ON DELETE SET NULL);
            CREATE TABLE strict (owner int REFERENCES owner);
            """
        ) { catalog, _ in
            #expect(catalog.tablesWritten(.update("owner")) == ["public.owner", "public.pet", "public.visit"])
            #expect(catalog.tablesWritten(.insert("owner")) == ["public.owner"])
            var clues = TextClues.none
            clues.insertsMayChange = true
            #expect(catalog.tablesWritten(.insert("owner"), clues: clues).contains("public.visit"))
            clues = .none
            clues.truncatesReferencing = true
            #expect(
                catalog.tablesWritten(.insert("owner"), clues: clues)
                    == ["public.owner", "public.pet", "public.visit", "public.strict"])
        }
    }

    @Test func triggersWriteWhatTheirFunctionsWrite() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE t (id int); CREATE TABLE log (n int); CREATE TABLE total (n int); CREATE TABLE d (id int);
            CREATE TABLE plain (id int); CREATE TABLE s (id int);
            CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$
              BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END $$;
            CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$
              BEGIN UPDATE total SET n = n + 1; RETURN NULL; END $$;
            CREATE FUNCTION anywhere() RETURNS trigger LANGUAGE plpgsql AS $$
              BEGIN EXECUTE 'INSERT INTO ' || quote_ident(TG_ARGV[0]) || ' VALUES (1)'; RETURN NULL; END $$;
            CREATE FUNCTION summed() RETURNS trigger LANGUAGE plpgsql AS $$
              BEGIN INSERT INTO total SELECT count(*) FROM fresh; RETURN NULL; END $$;
            CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION noted();
            CREATE TRIGGER two AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION counted();
            CREATE TRIGGER three AFTER INSERT ON d FOR EACH ROW EXECUTE FUNCTION anywhere('x');
            CREATE TRIGGER four AFTER INSERT ON s REFERENCING NEW TABLE AS fresh
              FOR EACH STATEMENT EXECUTE FUNCTION summed();
            """
        ) { catalog, _ in
            #expect(catalog.tablesWritten(.insert("t")) == ["public.t", "public.log", "public.total"])
            #expect(!catalog.classified(.insert("t")).decision.writesAnything)
            let dynamic = catalog.classified(.insert("d")).decision
            #expect(dynamic.writesAnything)
            // INSERT leaves nothing in a session, whatever the table.
            #expect(dynamic.effects == [])
            #expect(!catalog.classified(.insert("plain")).decision.writesAnything)
            #expect(catalog.tablesWritten(.insert("s")) == ["public.s", "public.total"])
            #expect(!catalog.classified(.insert("s")).decision.writesAnything)
        }
    }

    @Test func partitionsAndTheirParentsShareWrites() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE m (id int, at date) PARTITION BY RANGE (at);
            CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
            CREATE TABLE m2 PARTITION OF m FOR VALUES FROM ('2025-02-01') TO ('2025-03-01') PARTITION BY LIST (id);
            CREATE TABLE m21 PARTITION OF m2 DEFAULT;
            CREATE TABLE other (id int);
            CREATE TABLE base1 (a int); CREATE TABLE base2 (b int); CREATE TABLE base12 () INHERITS (base1, base2);
            CREATE TABLE half (id int, at date) PARTITION BY RANGE (at);
            CREATE UNLOGGED TABLE half1 PARTITION OF half FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
            """
        ) { catalog, _ in
            func meet(_ write: String, _ read: String) -> Bool {
                let written = Set(catalog.classified(.insert(write)).decision.writes)
                return !written.isDisjoint(with: catalog.classified(.select(read)).decision.reads)
            }
            for (write, read) in [
                ("m", "m"), ("m", "m1"), ("m", "m21"), ("m", "m2"), ("m1", "m"), ("m21", "m2"), ("m21", "m"),
                ("m2", "m21"),
                ("base1", "base2"), ("base12", "base1"), ("base12", "base2"), ("base1", "base12"),
            ] { #expect(meet(write, read), "a write of \(write) is not seen by a read of \(read)") }
            for (write, read) in [("m1", "m2"), ("m1", "m21"), ("m", "other"), ("other", "m1"), ("m21", "m1")] {
                #expect(!meet(write, read), "a write of \(write) holds up a read of \(read)")
            }
            #expect(catalog.classified(.select("half")).decision.reason == .unloggedTable("half1"))
        }
    }

    @Test func rulesDefaultsAndPoliciesCount() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE t (id int); CREATE TABLE copy (id int); CREATE TABLE seen (n int);
            CREATE RULE copied AS ON INSERT TO t DO ALSO INSERT INTO copy VALUES (NEW.id);
            CREATE FUNCTION tick() RETURNS int LANGUAGE sql AS 'INSERT INTO seen VALUES (1) RETURNING n';
            CREATE TABLE ticked (id serial, n int DEFAULT tick());
            CREATE TABLE member (name text);
            CREATE TABLE guarded (id int, owner text); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
            CREATE POLICY own ON guarded USING (owner IN (SELECT name FROM member));
            """
        ) { catalog, _ in
            #expect(catalog.tablesWritten(.insert("t")) == ["public.t", "public.copy"])
            #expect(catalog.tablesWritten(.insert("ticked")) == ["public.ticked", "public.seen"])
            #expect(!catalog.classified(.insert("ticked")).decision.writesAnything)
            #expect(catalog.tablesRead(.select("guarded")) == ["public.guarded", "public.member"])
        }
    }

    @Test func functionsTouchWhatTheirBodiesTouch() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE t (id int); CREATE TABLE w (id int); CREATE SEQUENCE s;
            CREATE SCHEMA other; CREATE TABLE other.t (id int);
            CREATE FUNCTION reads_t() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT count(*) FROM t';
            CREATE FUNCTION reads_public() RETURNS bigint STABLE LANGUAGE sql SET search_path = public
              AS 'SELECT count(*) FROM t';
            CREATE FUNCTION atomic() RETURNS bigint STABLE LANGUAGE sql
              BEGIN ATOMIC SELECT count(*) FROM public.t; END;
            CREATE FUNCTION atomic_write() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO w VALUES (1); END;
            CREATE FUNCTION writes_w() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO w VALUES (1); END $$;
            CREATE FUNCTION dynamic(q text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; END $$;
            CREATE FUNCTION stable_dynamic(q text) RETURNS int STABLE LANGUAGE plpgsql AS $$
              DECLARE n int; BEGIN EXECUTE q INTO n; RETURN n; END $$;
            CREATE FUNCTION twice(n int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT n * 2';
            CREATE FUNCTION sly() RETURNS bigint STABLE LANGUAGE sql AS 'SELECT nextval(''s'')';
            CREATE FUNCTION sets() RETURNS void LANGUAGE plpgsql AS $$ BEGIN SET work_mem = '8MB'; END $$;
            CREATE FUNCTION makes_temp() RETURNS void LANGUAGE plpgsql AS $$
              BEGIN CREATE TEMP TABLE x (id int); INSERT INTO x VALUES (1); END $$;
            CREATE FUNCTION locks() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(1); END $$;
            CREATE AGGREGATE twice_sum (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
            """
        ) { catalog, _ in
            func call(_ name: String) -> StatementClassifier.Classified {
                catalog.classified(.select(functions: [name]))
            }
            #expect(catalog.tablesRead(.select(functions: ["reads_t"])) == ["public.t", "other.t"])
            #expect(call("reads_t").decision.access == .read)
            #expect(catalog.tablesRead(.select(functions: ["reads_public"])) == ["public.t"])
            #expect(catalog.tablesRead(.select(functions: ["atomic"])) == ["public.t"])
            #expect(catalog.tablesWritten(.select(functions: ["atomic_write"])) == ["public.w"])
            #expect(call("writes_w").decision.reason == .volatileFunction("public.writes_w()"))
            #expect(catalog.tablesWritten(.select(functions: ["writes_w"])) == ["public.w"])
            #expect(call("dynamic").decision.writesAnything)
            #expect(call("dynamic").decision.effects.isSuperset(of: [.settings, .temporary]))
            #expect(call("stable_dynamic").decision.access == .read)
            #expect(call("stable_dynamic").decision.readsAnything)
            #expect(call("twice").decision.access == .read)
            #expect(!call("twice").decision.readsAnything)
            #expect(call("sly").decision.access == .primary)
            #expect(call("sets").decision.effects.contains(.settings))
            #expect(call("makes_temp").decision.effects.contains(.temporary))
            #expect(call("locks").decision.effects.contains(.advisoryLock))
            #expect(call("twice_sum").decision.access == .read)
        }
    }

    @Test func operatorsAndTypesRunFunctions() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE w (id int); CREATE TYPE mood AS ENUM ('sad', 'ok');
            CREATE FUNCTION noisy(int, int) RETURNS bool LANGUAGE sql AS 'INSERT INTO w VALUES (1) RETURNING true';
            CREATE FUNCTION calm(int, int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 > $2';
            CREATE OPERATOR ~!~ (LEFTARG = int, RIGHTARG = int, FUNCTION = noisy);
            CREATE OPERATOR ~?~ (LEFTARG = int, RIGHTARG = int, FUNCTION = calm);
            """
        ) { catalog, _ in
            var shape = StatementShape.select()
            shape.operators = [QualifiedName(name: "~!~")]
            #expect(catalog.classified(shape).decision.reason == .volatileFunction("public.noisy()"))
            #expect(catalog.tablesWritten(shape) == ["public.w"])
            shape.operators = [QualifiedName(schema: "public", name: "~?~")]
            #expect(catalog.classified(shape).decision.access == .read)
            shape.operators = [QualifiedName(name: "~unknown~")]
            #expect(catalog.classified(shape).decision.reason == .unknownFunction("operator ~unknown~"))
            shape = .select()
            shape.types = [QualifiedName(name: "mood")]
            #expect(catalog.classified(shape).decision.access == .read)
            shape.types = [QualifiedName(name: "w")]
            #expect(catalog.classified(shape).decision.access == .read)
        }
    }

    @Test func anOverloadedBuiltInOperatorThatWritesKeepsReadsOnThePrimary() async throws {
        try await withRoutingCatalog(
            """
            CREATE TABLE t (id int); CREATE TYPE odd AS (n int);
            CREATE FUNCTION noisy(odd, odd) RETURNS bool LANGUAGE plpgsql AS
              $$ BEGIN INSERT INTO t VALUES (1); RETURN true; END $$;
            CREATE OPERATOR < (LEFTARG = odd, RIGHTARG = odd, FUNCTION = noisy);
            """
        ) { catalog, _ in
            #expect(catalog.classified(.select("t")).decision.reason == .volatileFunction("public.noisy()"))
        }
    }
}
