import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Routines under their old names: whoever called them before the move calls them after it, with the same answers.
@Suite struct FunctionShimTests {
    private static let pile = """
        CREATE TABLE orders (id integer PRIMARY KEY, note text);
        INSERT INTO orders VALUES (1, 'a'), (2, 'b');
        GRANT SELECT, INSERT ON orders TO @app;
        CREATE TABLE journal (entry integer);
        GRANT SELECT, INSERT ON journal TO @app;
        CREATE FUNCTION outs(a integer, OUT x integer, b integer, OUT y text) LANGUAGE plpgsql
            AS 'BEGIN x := a + b; y := b::text; END';
        CREATE FUNCTION one_out(a integer, OUT x bigint) LANGUAGE plpgsql AS 'BEGIN x := a; END';
        CREATE FUNCTION inout_one(INOUT a integer) LANGUAGE plpgsql AS 'BEGIN a := a * 2; END';
        CREATE FUNCTION series(a integer DEFAULT 3) RETURNS TABLE (x integer, y text) LANGUAGE plpgsql STABLE ROWS 7
            COST 50 AS 'BEGIN RETURN QUERY SELECT g, g::text FROM generate_series(1, a) g; END';
        CREATE FUNCTION all_orders() RETURNS SETOF orders LANGUAGE sql STABLE AS 'SELECT * FROM orders';
        CREATE FUNCTION pairs(OUT a integer, OUT b integer) RETURNS SETOF record LANGUAGE sql
            AS 'VALUES (1, 2), (3, 4)';
        CREATE FUNCTION total(VARIADIC numbers integer[]) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
            AS 'SELECT sum(n) FROM unnest(numbers) n';
        CREATE FUNCTION pick(anyelement, anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE FUNCTION each_of(VARIADIC list anyarray) RETURNS TABLE (item anyelement) LANGUAGE sql
            AS 'SELECT unnest(list)';
        CREATE FUNCTION strict_one(a integer) RETURNS integer LANGUAGE plpgsql STRICT LEAKPROOF AS 'BEGIN RETURN a; END';
        CREATE FUNCTION optional(a integer, b text DEFAULT 'x,y' || 'z', c integer DEFAULT NULL) RETURNS text LANGUAGE sql
            AS 'SELECT a || b || COALESCE(c, 0)';
        CREATE FUNCTION partly_named(integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 + $2';
        CREATE FUNCTION unnamed(integer, text) RETURNS text LANGUAGE sql AS 'SELECT $1 || $2';
        CREATE FUNCTION nothing() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
        CREATE FUNCTION as_owner() RETURNS name LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user';
        CREATE FUNCTION secret() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        REVOKE ALL ON FUNCTION secret() FROM PUBLIC;
        CREATE PROCEDURE bump(a integer, INOUT b integer, c integer DEFAULT 10) LANGUAGE plpgsql
            AS 'BEGIN b := a + b + c; END';
        CREATE PROCEDURE sum_into(INOUT result bigint, VARIADIC numbers integer[]) LANGUAGE plpgsql
            AS 'BEGIN SELECT sum(n) INTO result FROM unnest(numbers) n; END';
        CREATE PROCEDURE same(INOUT a anyelement) LANGUAGE plpgsql AS 'BEGIN a := a; END';
        CREATE PROCEDURE commits() LANGUAGE plpgsql
            AS 'BEGIN INSERT INTO public.journal VALUES (1); COMMIT; INSERT INTO public.journal VALUES (2); ROLLBACK; END';
        CREATE PROCEDURE plain() LANGUAGE sql AS 'INSERT INTO public.journal VALUES (3)';
        CREATE AGGREGATE add_up(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '0');
        CREATE FUNCTION unknown_rows() RETURNS SETOF record LANGUAGE sql AS 'SELECT 1, 2';
        CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
        """

    private static let routines = [
        "outs", "one_out", "inout_one", "series", "all_orders", "pairs", "total", "pick", "each_of", "strict_one",
        "optional", "partly_named", "unnamed", "nothing", "as_owner", "secret", "bump", "sum_into", "same", "commits",
        "plain",
    ]

    private static let layout = """
        strata: 1
        databases: { main: {} }
        schemas:
          api: { functions: [\((routines + ["add_up", "unknown_rows", "on_ddl"]).joined(separator: ", "))] }
        """

    private static let calls = [
        "SELECT * FROM outs(1, 2)", "SELECT (outs(1, b => 2)).y", "SELECT one_out(5)", "SELECT * FROM one_out(5)",
        "SELECT inout_one(4)", "SELECT * FROM series(2)", "SELECT series()", "SELECT y FROM series(a => 1)",
        "SELECT all_orders()", "SELECT note FROM public.all_orders() WHERE id = 2", "SELECT * FROM pairs()",
        "SELECT total(1, 2, 3), total(VARIADIC ARRAY[4, 5])", "SELECT pick(1, ARRAY[2]), pick('a'::text, ARRAY['b'])",
        "SELECT * FROM each_of('a'::text, 'b')", "SELECT strict_one(NULL), strict_one(1)",
        "SELECT optional(1), optional(1, 'q'), optional(1, c => 7)", "SELECT partly_named(1, b => 2)",
        "SELECT unnamed(1, 'b')", "SELECT nothing()", "SELECT as_owner()", "CALL bump(1, 2)", "CALL bump(1, 2, 3)",
        "CALL sum_into(0, 1, 2, 3)", "CALL same('x'::text)", "CALL commits()", "CALL plain()",
        "SELECT entry FROM journal ORDER BY entry",
        "DO $$ DECLARE v integer := 4; BEGIN CALL bump(1, v); IF v <> 15 THEN RAISE 'v is %', v; END IF; END $$",
    ]

    /// Rows of each call, as the application role; a failed one gives its error.
    private func answers(_ fixture: ApplyFixture) async throws -> [String] {
        try await fixture.execute("TRUNCATE journal")
        return try await fixture.onConnection(["user": fixture.app, "password": fixture.app]) { connection in
            var answers: [String] = []
            for call in Self.calls {
                do {
                    let rows = try await connection.query(call)
                    let text = try rows.map { row in
                        try rows.columns.indices.map { try row.optionalString($0) ?? "NULL" }.joined(separator: ",")
                    }
                    answers.append("\(call): \(text.joined(separator: ";"))")
                } catch let error as PostgresError {
                    answers.append("\(call): \(error.message)")
                }
            }
            return answers
        }
    }

    @Test func callersDoNotNotice() async throws {
        try await ApplyFixture.with("shims", pile: Self.pile) { fixture in
            let before = try await answers(fixture)
            #expect(!before.contains { $0.contains("does not exist") }, "\(before)")
            let untouched = try await fixture.fingerprint()
            let plan = try await fixture.plan(Self.layout)
            try await fixture.apply(plan)
            #expect(try await answers(fixture) == before)
            #expect(try await fixture.plan(Self.layout).isEmpty)
            try await fixture.rollback()
            #expect(try await fixture.fingerprint() == untouched)
            #expect(try await answers(fixture) == before)
        }
    }

    @Test func propertiesAndRightsAreTheOriginals() async throws {
        try await ApplyFixture.with("shims", pile: Self.pile) { fixture in
            let names = Self.routines.map { "'\($0)'" }.joined(separator: ", ")
            let properties = """
                SELECT p.proname || ' ' || concat_ws(' ', p.prokind, p.proisstrict, p.provolatile, p.proparallel,
                         p.proleakproof, CASE WHEN p.proname <> 'all_orders' THEN p.procost END, p.prorows, p.proretset,
                         p.proargtypes, p.proargmodes, p.proargnames, p.pronargdefaults, p.proowner,
                         COALESCE(p.proacl, acldefault('f', p.proowner)),
                         pg_get_function_arguments(p.oid), pg_get_function_result(p.oid))
                  FROM pg_proc p WHERE p.pronamespace = '@schema'::regnamespace AND p.proname IN (\(names)) ORDER BY 1
                """
            let before = try await fixture.column(properties.replacing("@schema", with: "public"))
            try await fixture.apply(try await fixture.plan(Self.layout))
            let originals = try await fixture.column(properties.replacing("@schema", with: "api"))
            #expect(originals == before)
            let shims = try await fixture.column(properties.replacing("@schema", with: "public"))
            #expect(shims.count == Self.routines.count)
            for (shim, original) in zip(shims, originals) { #expect(shim == original) }
            let definers = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
            #expect(try await fixture.column(definers) == ["0"])
        }
    }

    @Test func whatCanHaveNoneIsAHazard() async throws {
        try await ApplyFixture.with("shims", pile: Self.pile) { fixture in
            let plan = try await fixture.plan(Self.layout)
            let failing = plan.hazards.filter { $0.code == .oldNameFails }
            #expect(failing.map(\.object).sorted() == ["public.add_up(integer)", "public.unknown_rows()"])
            #expect(failing.contains { $0.message.hasPrefix("an aggregate can have no compatibility object") })
        }
    }

    /// A row type's columns may change under the shim.
    @Test func aColumnAddedLaterIsSeen() async throws {
        try await ApplyFixture.with("shims", pile: Self.pile) { fixture in
            try await fixture.apply(try await fixture.plan(Self.layout))
            try await fixture.execute("ALTER TABLE public.orders ADD COLUMN extra integer DEFAULT 9")
            #expect(try await fixture.column("SELECT extra FROM public.all_orders()") == ["9", "9"])
            try await fixture.execute("ALTER TABLE public.orders DROP COLUMN extra")
            #expect(try await fixture.column("SELECT count(*) FROM public.all_orders()") == ["2"])
        }
    }

    /// Where callers look the new name up, they get USAGE; where the body is bound by OID, nobody does.
    @Test func usageOnlyWhereNamesAreLookedUp() async throws {
        try await ApplyFixture.with("shims", pile: Self.pile) { fixture in
            func granted(_ routine: String) async throws -> [String] {
                let layout = "strata: 1\ndatabases: { main: {} }\nschemas: { api: { functions: [\(routine)] } }"
                return try await fixture.plan(layout).steps.filter { $0.kind == .grant }.flatMap(\.statements)
            }
            let lookedUp = ["GRANT USAGE ON SCHEMA api TO PUBLIC"]
            for (routine, grants) in [
                ("unnamed", []), ("series", []), ("plain", lookedUp), ("pick", lookedUp), ("partly_named", lookedUp),
            ] {
                let found = try await granted(routine)
                #expect(found == grants, "\(routine)")
            }
        }
    }

    @Test func contractTakesProceduresAwayAndRollbackBringsThemBack() async throws {
        try await ApplyFixture.with("shims", pile: Self.pile) { fixture in
            try await fixture.apply(try await fixture.plan(Self.layout))
            let before = try await answers(fixture)
            let fingerprint = try await fixture.fingerprint()
            let contract = try Pipeline.contract(try await fixture.catalog(), observations: [], use: .unknown)
            #expect(contract.steps.contains { $0.statements[0].hasPrefix("DROP PROCEDURE public.bump(") })
            try await fixture.apply(contract, kind: .contract)
            #expect(try await fixture.column("SELECT to_regproc('public.bump')") == ["NULL"])
            try await fixture.rollback()
            #expect(try await answers(fixture) == before)
            #expect(try await fixture.fingerprint() == fingerprint)
        }
    }
}
