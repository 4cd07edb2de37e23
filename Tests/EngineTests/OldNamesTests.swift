import Planning
import PostgresDriver
import TestSupport
import Testing

@testable import Engine

/// What `apply` left under old names, on the database that a schema goes to.
@Suite("Split: old names")
struct OldNamesTests {
    private static let pile = """
        SET check_function_bodies = off;
        CREATE TYPE kind AS ENUM ('made', 'gone');
        CREATE TABLE audit_logs (id int PRIMARY KEY, note text, kind kind DEFAULT 'made');
        CREATE TABLE "Odd Logs" (a int);
        CREATE FUNCTION log_count(kind) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM audit.audit_logs WHERE kind = $1';
        CREATE PROCEDURE forget(integer) LANGUAGE sql AS 'DELETE FROM audit.audit_logs WHERE id = $1';
        REVOKE EXECUTE ON FUNCTION log_count(kind) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION log_count(kind) TO @app;
        GRANT SELECT (id, note), INSERT ON audit_logs TO @app;
        CREATE SCHEMA old; CREATE TABLE old.parts (id int PRIMARY KEY); GRANT USAGE ON SCHEMA old TO @app;
        """
    private static let layout = """
        strata: 1
        databases: { main: {} }
        schemas:
          audit: { tables: [audit_logs, Odd Logs, parts], functions: [log_count, forget], types: [kind] }
        compatibility: views
        """
    /// As a split makes the schema there.
    private static let there = """
        CREATE SCHEMA audit;
        CREATE TYPE audit.kind AS ENUM ('made', 'gone');
        CREATE TABLE audit.audit_logs (id int PRIMARY KEY, note text, kind audit.kind DEFAULT 'made');
        CREATE TABLE audit."Odd Logs" (a int);
        CREATE TABLE audit.parts (id int PRIMARY KEY);
        CREATE FUNCTION audit.log_count(audit.kind) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM audit.audit_logs WHERE kind = $1';
        CREATE PROCEDURE audit.forget(integer) LANGUAGE sql AS 'DELETE FROM audit.audit_logs WHERE id = $1';
        INSERT INTO audit.audit_logs VALUES (1, 'there');
        """

    private static let all = [
        "domain public.kind", "function public.log_count(audit.kind)", "procedure public.forget(integer)",
        "view old.parts", "view public.\"Odd Logs\"", "view public.audit_logs",
    ]

    private struct Pair: Sendable {
        var main: ApplyFixture
        var other: TestDatabase

        func carry() async throws -> [String] {
            try await with { try await $0.carry(schema: "audit") }
        }

        func remove() async throws -> OldNames.Removal {
            try await with { try await $0.remove(schema: "audit") }
        }

        private func with<T: Sendable>(_ body: (OldNames) async throws -> T) async throws -> T {
            try await SplitSite.with(main.database.settings, other.settings) { site in
                try await body(OldNames(source: site.source, target: site.target, database: "archive"))
            }
        }

        func column(_ sql: String) async throws -> [String] {
            let connection = try await other.connect()
            let values = try await connection.query(sql).map { try $0.optionalString(0) ?? "NULL" }
            await connection.close()
            return values
        }
    }

    private func withPair(_ body: (Pair) async throws -> Void) async throws {
        try await ApplyFixture.with("oldnames", pile: Self.pile) { main in
            try await main.apply(try await main.plan(Self.layout))
            // Somebody's additions to a view that Strata left.
            try await main.execute(
                """
                CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                    INSERT INTO audit.audit_logs (id, note) VALUES (NEW.id, 'noted ' || NEW.note); RETURN NEW; END$$;
                CREATE TRIGGER noted INSTEAD OF INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION noted();
                CREATE RULE never AS ON DELETE TO audit_logs DO INSTEAD NOTHING;
                """)
            try await withTestDatabase("oldnamesto") { other in
                try await other.execute(Self.there)
                // What is made there would be everybody's.
                try await other.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT, UPDATE ON TABLES TO PUBLIC")
                try await body(Pair(main: main, other: other))
            }
        }
    }

    /// Everything that makes a view what it is.
    private static let views = """
        SELECT c.oid::regclass || ' ' || pg_get_userbyid(c.relowner) || ' ' || coalesce(c.reloptions::text, '') || ' ' || pg_get_viewdef(c.oid)
               || ' ' || coalesce((SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(c.relacl, acldefault('r', c.relowner))) a), '')
               || ' ' || coalesce((SELECT string_agg(a.attname || a.attacl::text, ' ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL), '')
               || ' ' || coalesce(obj_description(c.oid), '')
               || ' ' || coalesce((SELECT string_agg(pg_get_triggerdef(t.oid), ' ') FROM pg_trigger t WHERE t.tgrelid = c.oid), '')
               || ' ' || coalesce((SELECT string_agg(r.rulename, ' ' ORDER BY 1) FROM pg_rewrite r WHERE r.ev_class = c.oid), '')
          FROM pg_class c WHERE c.relkind = 'v' AND c.relnamespace IN ('public'::regnamespace, to_regnamespace('old')::oid) ORDER BY 1
        """
    private static let functions = """
        SELECT p.oid::regprocedure || ' ' || pg_get_userbyid(p.proowner) || ' ' || pg_get_functiondef(p.oid) || (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) a)
          FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1
        """

    @Test("Views, functions and domains are there as they are here, with rights, options, triggers and rules; and work")
    func same() async throws {
        try await withPair { pair in
            #expect(try await pair.carry() == Self.all)
            for sql in [Self.views, Self.functions] {
                let wanted = try await pair.main.column(sql)
                let found = try await pair.column(sql)
                #expect(found == wanted && !wanted.isEmpty)
            }
            #expect(try await pair.column("SELECT note FROM public.audit_logs") == ["there"])
            try await pair.other.execute("INSERT INTO public.audit_logs (id, note) VALUES (2, 'x'); CALL forget(1)")
            #expect(try await pair.column("SELECT note FROM audit.audit_logs") == ["noted x"])
            #expect(try await pair.column("SELECT log_count('made'::kind)") == ["1"])
            let app = pair.main.app
            #expect(
                try await pair.column(
                    "SELECT has_table_privilege('\(app)', 'audit_logs', 'SELECT') || ' ' || has_column_privilege('\(app)', 'audit_logs', 'note', 'SELECT') || ' ' || has_schema_privilege('\(app)', 'old', 'USAGE')"
                ) == ["false true true"])
        }
    }

    @Test("Again: what is as it should be stays, what has changed is made anew, what was given up goes")
    func again() async throws {
        try await withPair { pair in
            _ = try await pair.carry()
            let oids =
                "SELECT oid FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace ORDER BY relname"
            let before = try await pair.column(oids)
            #expect(try await pair.carry() == Self.all)
            #expect(try await pair.column(oids) == before)
            try await pair.main.execute("GRANT UPDATE ON audit_logs TO @app; DROP VIEW \"Odd Logs\"")
            #expect(try await pair.carry() == Self.all.filter { !$0.contains("Odd") })
            let after = try await pair.column(oids)
            #expect(after.count == 1 && !before.contains(after[0]))
            #expect(try await pair.column(Self.views) == (try await pair.main.column(Self.views)))
        }
    }

    @Test("A name that is taken stops it, and the next call goes on; taken back, nothing of it is left")
    func taken() async throws {
        try await withPair { pair in
            let schemas = "SELECT nspname FROM pg_namespace ORDER BY 1"
            let before = try await pair.column(schemas)
            try await pair.other.execute("CREATE TABLE public.audit_logs (mine int)")
            do {
                _ = try await pair.carry()
                Issue.record("somebody's table was taken for ours")
            } catch let failure as EngineFailure {
                #expect(failure.diagnostics.first?.code == "old-name-taken")
                #expect(failure.diagnostics.first?.message.contains("public.audit_logs") ?? false)
            }
            #expect(
                try await pair.column(
                    "SELECT attname FROM pg_attribute WHERE attrelid = 'audit_logs'::regclass AND attnum > 0") == [
                        "mine"
                    ])
            try await pair.other.execute("DROP TABLE public.audit_logs")
            #expect(try await pair.carry() == Self.all)
            // Somebody builds upon one: it stays, and nothing else.
            try await pair.other.execute("CREATE VIEW public.upon AS SELECT * FROM old.parts")
            let removal = try await pair.remove()
            #expect(removal.kept == ["view old.parts", "schema old"])
            #expect(removal.removed.count == Self.all.count)  // all but one, and the trigger's function
            try await pair.other.execute("DROP SCHEMA old CASCADE")
            #expect(try await pair.column(schemas) == before)
            #expect(try await pair.column(Self.functions) == [])
            #expect(try await pair.remove() == OldNames.Removal())
        }
    }

    @Test("Rights of roles that are not there are left out; an owner that is not there is named")
    func roles() async throws {
        try await ApplyFixture.with("oldnames", pile: Self.pile) { main in
            try await main.apply(try await main.plan(Self.layout))
            let catalog = try await main.catalog()
            let all = Set(catalog.roles.values.map(\.name))
            let with = OldNameDefinitions(of: "audit", catalog, roles: all)
            let without = OldNameDefinitions(of: "audit", catalog, roles: all.subtracting([main.app]))
            #expect(
                with.items.map(\.name) == without.items.map(\.name) && with.homes.keys.sorted() == ["old", "public"])
            func naming(_ definitions: OldNameDefinitions) -> [String] {
                (definitions.items.flatMap(\.statements) + definitions.homes.values.flatMap(\.statements))
                    .filter { $0.contains(main.app) }
            }
            #expect(naming(with).count > 3, "\(with.items.flatMap(\.statements))")
            #expect(naming(without) == [])
        }
    }
}
