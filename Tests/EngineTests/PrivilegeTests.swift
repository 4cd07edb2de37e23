import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// A plain role that owns the tables: what it lacks is named, with the statement that helps.
@Suite struct PrivilegeTests {
    private static let layout = """
        strata: 1
        databases: { main: {} }
        schemas:
          sales: { tables: [orders] }
          people: { tables: [customers] }
        """
    private static let pile = """
        CREATE TABLE customers (id serial PRIMARY KEY);
        CREATE TABLE orders (id serial PRIMARY KEY, customer integer REFERENCES customers);
        ALTER TABLE customers OWNER TO @app;
        ALTER TABLE orders OWNER TO @app;
        """

    private func asApp(_ fixture: ApplyFixture) -> [String: String] { ["user": fixture.app, "password": fixture.app] }

    /// The statements in the next steps.
    private func grants(_ diagnostics: [Diagnostic]) throws -> [String] {
        try diagnostics.map { diagnostic in
            #expect(diagnostic.code == "missing-privilege", "\(diagnostic)")
            let step = try #require(diagnostic.nextStep)
            let start = try #require(step.range(of: "GRANT "), "\(step)")
            return String(step[start.lowerBound...].prefix { $0 != "," || step.contains("USAGE, CREATE") })
        }
    }

    private func expectWorks(_ fixture: ApplyFixture) async throws {
        let plan = try await fixture.plan(Self.layout, as: asApp(fixture))
        let report = try await fixture.apply(plan, as: asApp(fixture))
        #expect(report.stepsDone == plan.steps.count)
        #expect(try await fixture.column("SELECT count(*) FROM orders JOIN customers ON true") == ["0"])
        let owners = try await fixture.column(
            "SELECT DISTINCT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname IN ('sales', 'people', 'strata')"
        )
        #expect(owners == [fixture.app])
    }

    @Test func createOnDatabaseAndSchema() async throws {
        try await ApplyFixture.with(pile: Self.pile) { fixture in
            let missing = try await complaints { try await fixture.plan(Self.layout, as: asApp(fixture)) }
            #expect(missing.map(\.object) == ["database \(fixture.database.name)", "schema public"], "\(missing)")
            let statements = try grants(missing)
            #expect(
                statements == [
                    "GRANT CREATE ON DATABASE \(fixture.database.name) TO \(fixture.app)",
                    "GRANT USAGE, CREATE ON SCHEMA public TO \(fixture.app)",
                ])
            for statement in statements { try await fixture.execute(statement) }
            try await expectWorks(fixture)
        }
    }

    @Test func theLedgerNamesTheSameGrant() async throws {
        try await ApplyFixture.with(pile: Self.pile) { fixture in
            let failure = try await engineFailure(.failed) {
                try await fixture.exclusively(as: asApp(fixture)) { _ in }
            }
            #expect(failure.code == "missing-privilege", "\(failure)")
            #expect(
                failure.nextStep?.contains("GRANT CREATE ON DATABASE \(fixture.database.name) TO \(fixture.app)")
                    == true,
                "\(failure)")
            #expect(try await fixture.column("SELECT count(*) FROM pg_namespace WHERE nspname = 'strata'") == ["0"])
        }
    }

    @Test func createInATargetThatExists() async throws {
        let pile =
            Self.pile
            + "CREATE SCHEMA sales; GRANT CREATE ON DATABASE @database TO @app; GRANT CREATE ON SCHEMA public TO @app;"
        try await ApplyFixture.with(pile: pile) { fixture in
            let missing = try await complaints { try await fixture.plan(Self.layout, as: asApp(fixture)) }
            #expect(missing.map(\.object) == ["schema sales"], "\(missing)")
            for statement in try grants(missing) { try await fixture.execute(statement) }
            let plan = try await fixture.plan(Self.layout, as: asApp(fixture))
            try await fixture.apply(plan, as: asApp(fixture))
            #expect(try await fixture.plan(Self.layout).isEmpty)
        }
    }

    @Test func ownership() async throws {
        let pile =
            Self.pile + """
                GRANT CREATE ON DATABASE @database TO @app;
                GRANT CREATE ON SCHEMA public TO @app;
                CREATE ROLE @app_boss;
                ALTER TABLE customers OWNER TO @app_boss;
                """
        try await ApplyFixture.with(pile: pile) { fixture in
            let missing = try await complaints { try await fixture.plan(Self.layout, as: asApp(fixture)) }
            #expect(missing.map(\.object) == ["schema public", "public.customers"], "\(missing)")
            #expect(missing.allSatisfy { $0.message.contains("\(fixture.app)_boss") })
            let statements = try grants(missing)
            #expect(
                statements == [
                    "GRANT CREATE ON SCHEMA public TO \(fixture.app)_boss",
                    "GRANT \(fixture.app)_boss TO \(fixture.app)",
                ])
            for statement in statements { try await fixture.execute(statement) }
            let plan = try await fixture.plan(Self.layout, as: asApp(fixture))
            try await fixture.apply(plan, as: asApp(fixture))
            #expect(try await fixture.plan(Self.layout).isEmpty)
            // Its rights go with the database; the role itself is the cluster's.
            try await fixture.execute(
                "REASSIGN OWNED BY @app_boss TO CURRENT_USER; DROP OWNED BY @app_boss; DROP ROLE @app_boss")
        }
    }
}
