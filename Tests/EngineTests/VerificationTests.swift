import Engine
import Planning
import PostgresDriver
import Synchronization
import TestSupport
import Testing

/// Each kind of difference is made by hand, in a database that a real run has reorganised.
@Suite struct VerificationTests {
    @Test func cleanAfterApply() async throws {
        try await VerifiedShop.with { shop in
            let before = try await shop.contents()
            let verification = try await shop.verify()
            #expect(verification.found(.difference) == [])
            #expect(verification.found(.warning) == [])
            #expect(verification.found(.skipped) == [])
            #expect(verification.isClean)
            #expect(verification.unplaced.contains("table public.aside"))
            let figures = verification.figures
            #expect(figures.runs == 1)
            #expect(figures.tables == 8)
            #expect(figures.rows == 77)
            #expect(!figures.rowsAreExact)
            #expect(figures.foreignKeys == 1)
            #expect(figures.policies == 1)
            #expect(figures.functions >= 4)
            #expect(try await shop.contents() == before, "rows, their versions and sequences stay as they are")
        }
    }

    @Test func shimsAreTriedInTheRightForm() async throws {
        try await VerifiedShop.with { shop in
            let verification = try await shop.verify()
            func message(_ object: String) -> String { verification.check("shim-works", object)?.message ?? "" }
            for name in ["public.customers", "public.orders", "public.lines", "public.visits_2025"] {
                #expect(message(name) == "SELECT, UPDATE, DELETE, INSERT with a real row, rolled back", "\(name)")
            }
            #expect(message("public.bare").contains("on no row (the table has no unique key)"))
            #expect(message("public.vacant").contains("on no row (no row is there, or free)"))
            #expect(message("public.visits").contains("on no row (the table is partitioned)"))
            #expect(message("public.log").contains("on no row (the table is append-only)"))
            #expect(message("public.totals").hasPrefix("SELECT on no row (it stands for a view)"))
            #expect(message("public.stats").hasPrefix("SELECT on no row"))
            #expect(message("public.mood").contains("found under the old name"))
            #expect(message("public.greet") == "a call found under the old name")
            #expect(verification.figures.shims == 12)
            #expect(verification.figures.shimsWithRow == 4)
            #expect(verification.figures.shimsSkipped == 0)
        }
    }

    // MARK: Placement

    @Test func layoutThatIsNotAppliedYet() async throws {
        try await VerifiedShop.with(applied: false) { shop in
            let verification = try await shop.verify()
            #expect(!verification.isClean)
            #expect(verification.found(.difference).contains("not-applied public.orders"))
            #expect(
                verification.check("not-applied", "public.orders")?.message
                    == "not applied yet: move table public.orders to sales")
            #expect(verification.figures.shims == 0)
        }
    }

    @Test func tableThatWasMovedAway() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("DROP VIEW public.bare; ALTER TABLE sales.bare SET SCHEMA public")
            #expect(try await shop.verify().found(.difference).contains("not-applied public.bare"))
            let withoutLayout = try await shop.verify(layout: .none)
            #expect(withoutLayout.found(.difference) == ["object-elsewhere public.bare"])
            #expect(withoutLayout.found(.skipped).contains { $0.hasPrefix("no-layout") })
        }
    }

    @Test func tableThatWasDroppedAndMadeAgain() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("DROP TABLE sales.bare CASCADE; CREATE TABLE sales.bare (n integer, r text)")
            let verification = try await shop.verify()
            #expect(verification.found(.difference) == ["object-gone sales.bare"])
            #expect(
                verification.check("object-gone", "sales.bare")?.message.hasSuffix(
                    "another one of that name was made since") == true)
            try await shop.run("DROP TABLE sales.bare")
            #expect(try await shop.verify().found(.difference).contains { $0.hasPrefix("no-such-object") })
        }
    }

    // MARK: What belongs to an object

    @Test func rewrittenTableIsOnlyAWarning() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("VACUUM FULL sales.bare")
            let verification = try await shop.verify()
            #expect(verification.isClean)
            #expect(verification.found(.warning) == ["rewritten sales.bare"])
        }
    }

    @Test func partsThatAreMissing() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                ALTER TABLE sales.orders DROP CONSTRAINT short;
                DROP INDEX sales.orders_note;
                DROP TRIGGER orders_fire ON sales.orders;
                DROP POLICY seen ON sales.orders;
                COMMENT ON COLUMN sales.orders.note IS NULL;
                """)
            let object = "sales.orders"
            #expect(
                try await shop.verify().found(.difference) == [
                    "constraint-lost \(object)", "index-lost \(object)", "trigger-lost \(object)",
                    "policy-lost \(object)",
                    "comment-lost \(object)",
                ])
        }
    }

    @Test func columnThatIsMissing() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("DROP VIEW public.bare; ALTER TABLE sales.bare DROP COLUMN r")
            #expect(try await shop.verify().found(.difference) == ["column-lost sales.bare", "shim-gone public.bare"])
        }
    }

    @Test func moreThanBeforeIsFine() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                CREATE INDEX ON sales.bare (n);
                ALTER TABLE sales.bare ADD CHECK (n > 0);
                COMMENT ON TABLE sales.bare IS 'bare';
                SELECT setval('sales.customers_id_seq', 5000);
                GRANT SELECT ON sales.bare TO @app WITH GRANT OPTION;
                GRANT SELECT ON sales.customers TO @app WITH GRANT OPTION;
                """)
            #expect(try await shop.verify().found(.difference) == [])
        }
    }

    @Test func constraintThatIsNotValidated() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                ALTER TABLE sales.orders DROP CONSTRAINT orders_customer_fkey;
                ALTER TABLE sales.orders ADD CONSTRAINT orders_customer_fkey
                    FOREIGN KEY (customer) REFERENCES sales.customers NOT VALID;
                """)
            let verification = try await shop.verify()
            #expect(
                verification.found(.difference) == [
                    "constraint-not-validated sales.orders", "not-validated sales.orders",
                ])
            #expect(
                verification.check("not-validated", "sales.orders")?.nextStep
                    == "ALTER TABLE sales.orders VALIDATE CONSTRAINT orders_customer_fkey")
        }
    }

    @Test func indexThatIsInvalid() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sales.orders_note'::regclass")
            let verification = try await shop.verify()
            #expect(verification.found(.difference) == ["index-invalid sales.orders_note"])
            #expect(
                verification.differences.first?.nextStep?.hasSuffix("REINDEX INDEX CONCURRENTLY sales.orders_note")
                    == true)
        }
    }

    @Test func sequenceThatWasSetBack() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("SELECT setval('sales.customers_id_seq', 3)")
            let verification = try await shop.verify()
            #expect(verification.found(.difference) == ["sequence-behind sales.customers_id_seq"])
            #expect(verification.differences.first?.nextStep == "SELECT setval('sales.customers_id_seq', 20)")
            try await shop.run("ALTER SEQUENCE sales.customers_id_seq RESTART")
            #expect(try await shop.verify().found(.difference) == ["sequence-behind sales.customers_id_seq"])
            try await shop.run("ALTER SEQUENCE sales.customers_id_seq OWNED BY NONE")
            #expect(try await shop.verify().found(.difference).contains("sequence-lost sales.customers"))
        }
    }

    @Test func grantThatWasTakenAway() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                REVOKE INSERT ON sales.customers FROM @app;
                REVOKE UPDATE (note) ON sales.orders FROM @owner;
                REVOKE EXECUTE ON FUNCTION sales.greet(text, text[]) FROM PUBLIC;
                """)
            let verification = try await shop.verify()
            #expect(
                verification.found(.difference) == [
                    "grant-lost sales.customers", "grant-lost sales.greet(who text, VARIADIC more text[])",
                    "grant-lost sales.orders",
                ])
            for difference in verification.differences { try await shop.run(difference.nextStep ?? "") }
            #expect(try await shop.verify().isClean, "the next steps are the statements that help")
        }
    }
}
