import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Undoing `contract` brings each shim back with all that hung on it, or `contract` refuses.
@Suite struct ContractRestoreTests {
    /// What people do to compatibility objects while they stand.
    private static let lived = """
        CREATE FUNCTION public.caught() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER "Catch it" INSTEAD OF UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.caught();
        COMMENT ON TRIGGER "Catch it" ON public.orders IS 'caught';
        ALTER VIEW public.orders ALTER COLUMN total SET DEFAULT 7;
        COMMENT ON COLUMN public.orders.total IS 'in cents';
        ALTER VIEW public.customers SET (security_barrier = true);
        GRANT SELECT ON public.customers TO @app WITH GRANT OPTION;
        GRANT UPDATE (name) ON public.customers TO @app WITH GRANT OPTION;
        SET ROLE @app;
        GRANT SELECT, UPDATE (name) ON public.customers TO pg_monitor;
        RESET ROLE;
        CREATE RULE quiet AS ON DELETE TO public.events DO INSTEAD NOTHING;
        CREATE RULE kept AS ON UPDATE TO public.events DO INSTEAD INSERT INTO log.events (body) VALUES (NEW.body);
        COMMENT ON RULE quiet ON public.events IS 'never';
        ALTER VIEW public.events OWNER TO @app;
        REVOKE INSERT ON public.events FROM @app;
        ALTER DOMAIN public.mood SET DEFAULT 'new';
        ALTER DOMAIN public.mood ADD CONSTRAINT known CHECK (VALUE IS NOT NULL);
        COMMENT ON CONSTRAINT known ON DOMAIN public.mood IS 'always known';
        ALTER DOMAIN public.mood OWNER TO @app;
        REVOKE USAGE ON DOMAIN public.mood FROM PUBLIC;
        GRANT USAGE ON DOMAIN public.mood TO pg_monitor WITH GRANT OPTION;
        ALTER FUNCTION public.order_total(integer) SET work_mem = '8MB';
        ALTER FUNCTION public.order_total(integer) STRICT COST 77;
        ALTER FUNCTION public.order_total(integer) OWNER TO @app;
        REVOKE EXECUTE ON FUNCTION public.order_total(integer) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION public.order_total(integer) TO pg_monitor WITH GRANT OPTION;
        ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pg_monitor;
        ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO pg_monitor;
        ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO pg_read_all_stats;
        """

    private func plan(_ fixture: ApplyFixture) async throws -> Plan {
        try await fixture.exclusively("contract") {
            try await ContractLook.take($0.connection, window: .seconds(1)).plan
        }
    }

    @Test func everythingThatHungOnAShimComesBack() async throws {
        try await ApplyFixture.with("restore") { fixture in
            try await fixture.apply()
            try await fixture.execute(Self.lived)
            let before = try await fixture.catalog().canonicalLines()
            let contracted = try await fixture.apply(try await plan(fixture), kind: .contract)
            #expect(CatalogLookup(try await fixture.catalog()).shims.isEmpty)
            let report = try await fixture.rollback()
            let after = try await fixture.catalog().canonicalLines()
            #expect(CatalogDifference.between(before, after).lines() == [])
            #expect(report.run == contracted.run && report.differences == [])
            #expect(report.fingerprintAfter == contracted.fingerprintBefore)
            // And it works as before.
            try await fixture.onConnection(["user": fixture.app, "password": fixture.app]) { client in
                _ = try await client.query("UPDATE orders SET total = 1 WHERE id = 1")
                _ = try await client.query("SELECT order_total(1), count(*) FROM customers")
            }
        }
    }

    @Test func procedureComesBack() async throws {
        try await ApplyFixture.with("restore") { fixture in
            try await fixture.execute(
                "CREATE PROCEDURE tidy(n integer) LANGUAGE sql AS 'DELETE FROM orders WHERE id = n'")
            let layout = ApplyFixture.layout.replacing("[order_total]", with: "[order_total, tidy]")
            try await fixture.apply(try await fixture.plan(layout))
            try await fixture.execute(
                "ALTER PROCEDURE public.tidy(integer) OWNER TO @app; GRANT EXECUTE ON PROCEDURE public.tidy(integer) TO pg_monitor"
            )
            let contracted = try await fixture.apply(try await plan(fixture), kind: .contract)
            #expect(CatalogLookup(try await fixture.catalog()).shims.isEmpty)
            #expect(try await fixture.rollback().fingerprintAfter == contracted.fingerprintBefore)
        }
    }

    @Test(arguments: [
        ("ALTER EXTENSION plpgsql ADD VIEW public.orders", "public.orders", "extension plpgsql"),
        (
            "CREATE EXTENSION citext; ALTER FUNCTION public.order_total(integer) DEPENDS ON EXTENSION citext",
            "public.order_total", "DEPENDS ON EXTENSION"
        ),
        (
            "CREATE TABLE public.odd (); COMMENT ON TABLE public.odd IS 'strata:shim sales.odd'", "public.odd",
            "is a table"
        ),
        (
            """
            SET allow_system_table_mods = on;
            INSERT INTO pg_seclabel VALUES ('public.orders'::regclass, 'pg_class'::regclass, 0, 'none', 'secret')
            """, "public.orders", "security label"
        ),
        (
            """
            CREATE FUNCTION public.caught() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER caught INSTEAD OF UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.caught();
            SET allow_system_table_mods = on;
            UPDATE pg_trigger SET tgenabled = 'D' WHERE tgname = 'caught'
            """, "public.orders", "trigger caught is switched off"
        ),
    ])
    func whatCannotComeBackIsRefused(change: String, object: String, reason: String) async throws {
        try await ApplyFixture.with("restore") { fixture in
            try await fixture.apply()
            try await fixture.execute(change)
            let found = try await complaints { try await plan(fixture) }
            #expect(found.map(\.code) == ["shim-not-restorable"], "\(found)")
            #expect(found.first?.object == object && found.first?.message.contains(reason) == true, "\(found)")
        }
    }

    @Test func aRoleThatCouldNotGrantAgainIsRefused() async throws {
        try await ApplyFixture.with("restore") { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                GRANT SELECT ON public.customers TO @app WITH GRANT OPTION;
                SET ROLE @app;
                GRANT SELECT ON public.customers TO pg_monitor;
                RESET ROLE;
                REVOKE USAGE ON SCHEMA public FROM PUBLIC;
                """)
            let found = try await complaints { try await plan(fixture) }
            #expect(found.map(\.object) == ["public.customers"], "\(found)")
            #expect(found.first?.message.contains("no USAGE of schema public") == true, "\(found)")
        }
    }

    @Test func whatIsBuiltOnAShimsTypeIsNamed() async throws {
        try await ApplyFixture.with("restore") { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                CREATE TABLE public.carts (content public.orders, moods public.mood[]);
                CREATE RULE own AS ON UPDATE TO public.customers DO INSTEAD
                    UPDATE people.customers SET name = NEW.name WHERE id = OLD.id;
                """)
            let found = try await complaints { try await plan(fixture) }
            #expect(found.allSatisfy { $0.code == "shim-needed" && $0.message.contains("public.carts") }, "\(found)")
            // A shim's own rule is no reason to keep it.
            #expect(Set(found.map(\.object)) == ["public.mood", "public.orders"], "\(found)")
        }
    }
}
