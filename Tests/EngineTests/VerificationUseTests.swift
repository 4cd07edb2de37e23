import Engine
import Planning
import PostgresDriver
import Synchronization
import TestSupport
import Testing

/// Functions, shims, rows and rights: what the application would feel.
@Suite struct VerificationUseTests {
    // MARK: Functions

    @Test func functionsThatLostAName() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                SET check_function_bodies = off;
                CREATE FUNCTION next_customer() RETURNS bigint LANGUAGE sql VOLATILE AS
                    'SELECT nextval(''public.customers_id_seq'')';
                DROP VIEW public.orders;
                CREATE FUNCTION later() RETURNS bigint LANGUAGE plpgsql AS
                    'BEGIN
                       RETURN (SELECT count(*) FROM orders);
                     END';
                """)
            let verification = try await shop.verify()
            #expect(
                verification.found(.difference) == [
                    "name-lost public.later()", "name-lost public.next_customer()", "shim-gone public.orders",
                ])
            let later = try #require(verification.check("name-lost", "public.later()"))
            #expect(
                later.message.hasPrefix(
                    "line 2 (RETURN (SELECT count(*) FROM orders);) names orders, which moved to sales"))
            try await shop.run(later.nextStep ?? "")
            #expect(try await shop.verify().check("name-lost", "public.later()") == nil)
        }
    }

    @Test func namesThatWereNeverThere() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                SET check_function_bodies = off;
                CREATE FUNCTION dead() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM never_there';
                CREATE FUNCTION temporary() RETURNS void LANGUAGE plpgsql AS
                    'BEGIN CREATE TEMP TABLE scratch (n integer); INSERT INTO scratch SELECT count(*) FROM pg_class;
                     PERFORM 1 FROM information_schema.tables; PERFORM to_regclass(''not_yet''); END';
                CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM count(*) FROM new_rows; RETURN NULL; END';
                CREATE TRIGGER changed AFTER INSERT ON sales.bare REFERENCING NEW TABLE AS new_rows
                    FOR EACH STATEMENT EXECUTE FUNCTION changed();
                CREATE FUNCTION own_path() RETURNS bigint LANGUAGE sql SET search_path = sales AS 'SELECT count(*) FROM orders';
                """)
            let verification = try await shop.verify()
            #expect(verification.isClean)
            #expect(verification.found(.warning) == ["name-unknown public.dead()"])
        }
    }

    // MARK: Shims

    @Test func shimThatCannotBeWritten() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                DROP VIEW public.orders;
                CREATE VIEW public.orders AS SELECT DISTINCT * FROM sales.orders;
                COMMENT ON VIEW public.orders IS 'strata:shim sales.orders';
                """)
            let verification = try await shop.verify()
            #expect(verification.found(.difference) == ["shim-broken public.orders"])
            let message = verification.differences.first?.message ?? ""
            #expect(message.contains("UPDATE fails: "))
            #expect(message.contains("DELETE fails: "))
            #expect(message.contains("INSERT fails: "))
            #expect(!message.contains("SELECT fails"))
        }
    }

    @Test func shimOfATypeOrFunctionThatIsGone() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("DROP FUNCTION public.greet; DROP DOMAIN public.mood; DROP VIEW public.totals")
            #expect(
                try await shop.verify().found(.difference) == [
                    "shim-gone public.greet", "shim-gone public.mood", "shim-gone public.totals",
                ])
        }
    }

    @Test func columnsThatAShimHides() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("ALTER TABLE sales.lines ADD COLUMN later bigint DEFAULT nextval('public.fired')")
            let before = try await shop.contents()
            let verification = try await shop.verify()
            #expect(verification.isClean)
            #expect(verification.found(.warning).contains("shim-hides-columns public.lines"))
            #expect(
                verification.check("shim-works", "public.lines")?.message.contains("columns are not the shim's") == true
            )
            #expect(try await shop.contents() == before)
        }
    }

    @Test func lockedTableIsSkipped() async throws {
        try await VerifiedShop.with { shop in
            let holder = try await shop.database.connect()
            var options = VerifyOptions(exactRows: true)
            options.lockTimeout = .milliseconds(20)
            let verification = try await shop.verify(
                options: options,
                after: {
                    try await holder.execute("BEGIN; LOCK TABLE sales.orders IN ACCESS EXCLUSIVE MODE")
                })
            await holder.close()
            #expect(verification.isClean)
            // The views over it wait for the same lock.
            #expect(
                verification.found(.skipped) == [
                    "shim-busy public.orders", "shim-busy public.totals", "not-counted sales.orders",
                ])
            #expect(verification.figures.shimsSkipped == 2)
            #expect(verification.figures.rows == 27)
        }
    }

    @Test func lockedRowIsLeftAlone() async throws {
        try await VerifiedShop.with { shop in
            let holder = try await shop.database.connect()
            try await holder.execute("BEGIN; SELECT FROM sales.lines FOR UPDATE")
            let verification = try await shop.verify()
            await holder.close()
            #expect(verification.isClean)
            #expect(
                verification.check("shim-works", "public.lines")?.message.contains("no row is there, or free") == true)
        }
    }

    @Test func triggersAndRulesThatAlwaysFireStaySilent() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                ALTER TABLE sales.orders ENABLE ALWAYS TRIGGER orders_fire;
                CREATE TRIGGER lines_fire AFTER UPDATE OR DELETE OR INSERT ON sales.lines
                    FOR EACH STATEMENT EXECUTE FUNCTION public.fire();
                ALTER TABLE sales.lines ENABLE ALWAYS TRIGGER lines_fire;
                CREATE RULE counted AS ON UPDATE TO sales.bare DO ALSO SELECT nextval('public.fired');
                ALTER TABLE sales.bare ENABLE ALWAYS RULE counted;
                """)
            let before = try await shop.contents()
            let verification = try await shop.verify()
            #expect(verification.isClean)
            #expect(
                verification.check("shim-works", "public.orders")?.message.contains("triggers that always fire") == true
            )
            #expect(verification.check("shim-works", "public.lines")?.message.contains("planned but not run") == true)
            #expect(verification.check("shim-works", "public.bare")?.message.contains("the table has rules") == true)
            #expect(verification.figures.shimsPlanned >= 2)
            #expect(try await shop.contents() == before)
        }
    }

    @Test func viewThatDrawsFromASequenceIsNotRead() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                "CREATE OR REPLACE VIEW sales.totals AS SELECT 1 AS customer, nextval('public.fired') AS orders")
            let before = try await shop.contents()
            let verification = try await shop.verify()
            #expect(verification.found(.skipped) == ["shim-not-tried public.totals"])
            #expect(try await shop.contents() == before)
        }
    }

    @Test func foreignTableIsNotAskedFor() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                CREATE EXTENSION postgres_fdw;
                CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid');
                CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere;
                CREATE FOREIGN TABLE sales.far (id integer, note text) SERVER nowhere;
                CREATE VIEW public.far AS SELECT * FROM sales.far;
                COMMENT ON VIEW public.far IS 'strata:shim sales.far';
                """)
            let verification = try await shop.verify(options: VerifyOptions(exactRows: true))
            #expect(verification.isClean)
            #expect(
                verification.check("shim-works", "public.far")?.message
                    == "SELECT, UPDATE, DELETE, INSERT planned but not run (its rows are on another server)")
        }
    }

    @Test func rowThatNoLongerFitsIsNotTheShimsFault() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("ALTER TABLE sales.lines ADD CONSTRAINT none CHECK (n > 100) NOT VALID")
            let verification = try await shop.verify()
            #expect(verification.isClean)
            #expect(verification.found(.warning) == ["not-validated sales.lines"])
            #expect(
                verification.check("shim-works", "public.lines")?.message.contains("cannot be written again") == true)
        }
    }

    // MARK: Rows

    @Test func exactRowsWithProgress() async throws {
        try await VerifiedShop.with { shop in
            let events = Mutex<[String]>([])
            let verification = try await shop.verify(
                options: VerifyOptions(exactRows: true),
                progress: { event in
                    if case .counting(let table, let position, let count, _, let expected, let remaining) = event {
                        events.withLock {
                            $0.append("\(table) \(position)/\(count) \(expected) \(remaining == nil ? "" : "eta")")
                        }
                    }
                })
            #expect(verification.isClean)
            #expect(verification.figures.rows == 77)
            #expect(verification.figures.rowsAreExact)
            #expect(verification.check("counted", "sales.orders")?.message == "50 rows, the same through public.orders")
            #expect(verification.check("counted", "sales.visits")?.message == "2 rows, the same through public.visits")
            let seen = events.withLock { $0 }
            #expect(seen.first == "sales.bare 1/7 77 ")
            #expect(seen.last == "trail.log 7/7 77 eta")
        }
    }

    @Test func shimWithOtherRows() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                "CREATE OR REPLACE VIEW public.orders WITH (security_invoker) AS SELECT * FROM sales.orders WHERE id > 10"
            )
            let verification = try await shop.verify(options: VerifyOptions(exactRows: true))
            #expect(verification.found(.difference) == ["shim-rows-differ public.orders"])
            #expect(verification.differences.first?.message == "40 rows through it, 50 rows in sales.orders")
        }
    }

    @Test(arguments: [false, true]) func tableThatIsEmptyNow(exact: Bool) async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("TRUNCATE sales.bare")
            let verification = try await shop.verify(options: VerifyOptions(exactRows: exact))
            #expect(verification.isClean)
            #expect(verification.found(.warning) == ["rewritten sales.bare", "now-empty sales.bare"])
        }
    }

    // MARK: Rights

    @Test func appendOnlyTableThatCanBeChanged() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                "GRANT DELETE, UPDATE (what) ON trail.log TO @app; ALTER TABLE trail.log DISABLE TRIGGER ALL")
            let verification = try await shop.verify()
            let codes = verification.differences.map(\.code)
            #expect(codes == ["trigger-disabled", "trigger-disabled", "may-change", "may-change"])
            for difference in verification.differences { try await shop.run(difference.nextStep ?? "") }
            #expect(try await shop.verify().isClean)
            try await shop.run("DROP TRIGGER strata_append_only ON trail.log")
            #expect(try await shop.verify().found(.difference) == ["trigger-missing trail.log"])
        }
    }

    @Test func ownerWithoutUsage() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("REVOKE USAGE ON SCHEMA sales FROM @owner")
            let verification = try await shop.verify()
            #expect(verification.found(.difference) == ["usage-missing schema sales"])
            try await shop.run(verification.differences.first?.nextStep ?? "")
            #expect(try await shop.verify().isClean)
        }
    }

    @Test func callerWithoutUsage() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("REVOKE USAGE ON SCHEMA sales FROM @app")
            #expect(
                try await shop.verify().found(.difference) == [
                    "usage-missing public.customers", "usage-missing public.orders",
                ])
        }
    }

    @Test func ordinaryRoleSeesLess() async throws {
        try await VerifiedShop.with { shop in
            let before = try await shop.contents()
            let verification = try await shop.verify(options: VerifyOptions(exactRows: true), as: shop.app)
            #expect(verification.found(.difference) == [])
            #expect(verification.figures.shimsWithRow == 0)
            let orders = verification.check("shim-works", "public.orders")?.message ?? ""
            #expect(
                orders == "SELECT, UPDATE, DELETE, INSERT on no row (only a superuser can keep triggers from firing)")
            let log = verification.check("shim-works", "public.log")?.message ?? ""
            #expect(log.contains("not tried: UPDATE: permission denied"))
            #expect(verification.found(.skipped).contains("shim-not-tried public.bare"))
            #expect(verification.found(.skipped).contains("not-counted sales.bare"))
            #expect(try await shop.contents() == before)
        }
    }

    // MARK: Other runs

    @Test func cleanAfterRollback() async throws {
        try await VerifiedShop.with { shop in
            try await shop.connected { connection in
                let run = try #require(try await Ledger(connection).latestEffective())
                _ = try await Applier(connection).exclusively { try await $0.rollback(run) }
            }
            let verification = try await shop.verify(layout: .none)
            #expect(verification.found(.difference) == [])
            #expect(verification.figures.compared > 8)
            #expect(verification.check("same-object", "public.orders") != nil)
            #expect(try await shop.verify().found(.difference).contains("not-applied public.orders"))
        }
    }

    @Test func cleanAfterContract() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("DROP FUNCTION public.note")
            try await shop.connected { connection in
                let plan = try Pipeline.contract(
                    try await CatalogReader.read(connection), observations: [], use: .unknown)
                _ = try await Applier(connection).exclusively { try await $0.apply(plan, kind: .contract) }
            }
            let verification = try await shop.verify()
            #expect(verification.found(.difference) == [])
            #expect(verification.figures.shims == 0)
        }
    }

    @Test func withoutLayoutAndRuns() async throws {
        try await VerifiedShop.with(applied: false) { shop in
            let verification = try await shop.verify(layout: .none, options: VerifyOptions(exactRows: true))
            #expect(verification.isClean)
            #expect(verification.found(.skipped).map { $0.prefix { $0 != " " } } == ["no-layout", "no-run"])
            #expect(verification.figures.tables == 9)
            #expect(verification.figures.rows == 77)
        }
    }
}
