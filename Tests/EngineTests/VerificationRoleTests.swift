import Engine
import Planning
import PostgresDriver
import TestSupport
import Testing

/// Shims as those who hold rights on them see them, whether there are rows or not.
@Suite struct VerificationRoleTests {
    @Test func holdersOfRightsAreTried() async throws {
        try await VerifiedShop.with { shop in
            let verification = try await shop.verify()
            #expect(verification.isClean, "\(verification.differences)")
            let orders = try #require(verification.check("shim-works-for-roles", "public.orders"))
            #expect(orders.message.contains("\(shop.app): SELECT, INSERT, UPDATE, DELETE"), "\(orders)")
            let log = try #require(verification.check("shim-works-for-roles", "public.log"))
            #expect(log.message.contains("\(shop.app): SELECT, INSERT") && !log.message.contains("UPDATE"), "\(log)")
            let greet = try #require(verification.check("shim-works-for-roles", "public.greet"))
            #expect(greet.message == "as PUBLIC: a call", "\(greet)")
        }
    }

    @Test func aRightThatCannotBeUsedIsADifference() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("GRANT INSERT, DELETE ON public.lines TO @app; GRANT DELETE ON sales.lines TO @app")
            let found = try #require(try await shop.verify().check("shim-fails-for-role", "public.lines"))
            #expect(found.outcome == .difference && found.message.contains(shop.app))
            #expect(
                found.message.contains("INSERT: permission denied") && !found.message.contains("DELETE:"), "\(found)")
            try await shop.run(found.nextStep ?? "")
            #expect(try await shop.verify().isClean)
        }
    }

    /// What a run found before is told as the grant that is gone, and not twice.
    @Test func aGrantThatIsGoneIsToldOnce() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("REVOKE INSERT, DELETE ON sales.orders FROM @app")
            #expect(try await shop.verify().found(.difference) == ["grant-lost sales.orders"])
        }
    }

    @Test func emptyTablesProveTheRightsToo() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run("GRANT SELECT, INSERT, UPDATE, DELETE ON public.vacant TO @app")
            let before = try await shop.contents()
            let found = try #require(try await shop.verify().check("shim-fails-for-role", "public.vacant"))
            for operation in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
                #expect(found.message.contains("\(operation): permission denied for table vacant"), "\(found)")
            }
            try await shop.run("GRANT SELECT, INSERT, UPDATE, DELETE ON sales.vacant TO @app")
            let verification = try await shop.verify()
            #expect(verification.isClean, "\(verification.differences)")
            #expect(try await shop.contents() == before)
        }
    }

    /// The shim of a table with rights on columns only goes by its own grants.
    @Test func columnRightsAreTriedOnTheirColumns() async throws {
        try await VerifiedShop.with { shop in
            let orders = try #require(try await shop.verify().check("shim-works-for-roles", "public.orders"))
            #expect(orders.message.contains("\(shop.owner): UPDATE"), "\(orders)")
            try await shop.run("GRANT UPDATE (r) ON public.lines TO @app")
            let found = try #require(try await shop.verify().check("shim-fails-for-role", "public.lines"))
            #expect(found.message.contains("UPDATE: ") && !found.message.contains("SELECT: "), "\(found)")
            #expect(found.nextStep?.hasPrefix("GRANT UPDATE (r) ON sales.lines TO ") == true, "\(found)")
        }
    }

    @Test func rolesThatCannotBeTriedAreNamed() async throws {
        try await VerifiedShop.with { shop in
            let verification = try await shop.verify(as: shop.owner)
            let untried = try #require(verification.check("role-not-tried", shop.app))
            #expect(untried.outcome == .skipped && untried.message.contains("compatibility objects"), "\(untried)")
        }
    }

    /// Rules and triggers would act on INSERT … DEFAULT, were it run.
    @Test func nothingIsRunAsARole() async throws {
        try await VerifiedShop.with { shop in
            try await shop.run(
                """
                CREATE TRIGGER told AFTER INSERT OR DELETE OR UPDATE ON sales.orders FOR EACH STATEMENT
                    EXECUTE FUNCTION public.fire();
                CREATE FUNCTION public.told(integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT nextval(''public.fired'')';
                COMMENT ON FUNCTION public.told(integer) IS 'strata:shim sales.told';
                """)
            let before = try await shop.contents()
            _ = try await shop.verify()
            #expect(try await shop.contents() == before)
        }
    }
}
