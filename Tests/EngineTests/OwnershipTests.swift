import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// What a plan does to tables of other owners is refused before anything is touched: one complaint for each owner.
@Suite struct OwnershipTests {
    private static let pile = """
        CREATE ROLE @app_boss;
        CREATE ROLE @app_clerk;
        GRANT CREATE ON DATABASE @database TO @app, @app_boss, @app_clerk;
        CREATE SCHEMA sales;
        GRANT USAGE, CREATE ON SCHEMA sales TO @app, @app_boss, @app_clerk;
        CREATE TABLE sales.a (id integer); CREATE TABLE sales.b (id integer);
        CREATE TABLE sales.c (id integer); CREATE TABLE sales.d (id integer);
        ALTER TABLE sales.a OWNER TO @app_boss; ALTER TABLE sales.b OWNER TO @app_boss;
        ALTER TABLE sales.c OWNER TO @app_clerk; ALTER TABLE sales.d OWNER TO @app;
        """

    private func with(_ body: (ApplyFixture) async throws -> Void) async throws {
        try await ApplyFixture.with("owners", pile: Self.pile) { fixture in
            try await body(fixture)
            try await fixture.execute(
                """
                REASSIGN OWNED BY @app_boss, @app_clerk, @app TO CURRENT_USER; DROP OWNED BY @app_boss;
                DROP OWNED BY @app_clerk; DROP OWNED BY @app;
                DROP ROLE @app_boss, @app_clerk
                """)
        }
    }

    private func asApp(_ fixture: ApplyFixture) -> [String: String] { ["user": fixture.app, "password": fixture.app] }

    private static func layout(_ rest: String, schema: String = "tables: [a, b, c, d]") -> String {
        "strata: 1\ndatabases: { main: {} }\nschemas: { sales: { \(schema) } }\n\(rest)"
    }

    @Test func rightsTriggersAndIndexesNeedTheOwner() async throws {
        try await with { fixture in
            let layouts = [
                ("grant rights on them", Self.layout("roles: { @app: { read: [sales] } }")),
                ("make them append-only", Self.layout("", schema: "tables: [a, b, c, d], append_only: [a, b, c, d]")),
                (
                    "build indexes on them",
                    Self.layout(
                        "indexes:\n"
                            + ["a", "b", "c", "d"].map { "  - { table: sales.\($0), columns: [id] }" }.joined(
                                separator: "\n"))
                ),
            ]
            for (deed, layout) in layouts {
                let found = try await complaints { try await fixture.plan(layout, as: asApp(fixture)) }
                    .filter { !$0.object.hasPrefix("schema") }
                #expect(found.map(\.object) == ["sales.a", "sales.c"], "\(deed): \(found)")
                #expect(found.allSatisfy { $0.code == "missing-privilege" })
                #expect(
                    found[0].message
                        == "role \(fixture.app) does not own 2 objects of the plan and cannot \(deed): sales.a, sales.b; "
                        + "their owner is \(fixture.app)_boss")
                #expect(found[0].nextStep?.contains("GRANT \(fixture.app)_boss TO \(fixture.app)") == true)
                #expect(found[1].message.contains("does not own sales.c and cannot"))
            }
        }
    }

    @Test func theGrantsHelp() async throws {
        try await with { fixture in
            try await fixture.execute(
                "GRANT @app_boss, @app_clerk TO @app; ALTER SCHEMA sales OWNER TO @app")
            let layout = Self.layout(
                "roles: { @app: { read: [sales] } }\nindexes: [{ table: sales.a, columns: [id] }]",
                schema: "tables: [a, b, c, d], append_only: [b]")
            let plan = try await fixture.plan(layout, as: asApp(fixture))
            try await fixture.apply(plan, as: asApp(fixture))
            #expect(try await fixture.plan(layout, as: asApp(fixture)).isEmpty)
        }
    }

    /// A member that does not inherit cannot alter its group's tables; a further GRANT would not help it before 16.
    @Test func aMemberThatDoesNotInheritIsToldSo() async throws {
        try await with { fixture in
            try await fixture.execute("GRANT @app_boss TO @app; ALTER ROLE @app NOINHERIT")
            let layout = Self.layout("", schema: "tables: [a, b], append_only: [a]")
            let found = try await complaints { try await fixture.plan(layout, as: asApp(fixture)) }
            let major = try await fixture.catalog().server.major
            let help = major < 16 ? "ALTER ROLE \(fixture.app) INHERIT" : "WITH INHERIT TRUE"
            #expect(found.count == 1 && found[0].nextStep?.contains(help) == true, "\(found)")
        }
    }

    @Test func aGrantOptionIsEnough() async throws {
        try await with { fixture in
            try await fixture.execute(
                """
                GRANT SELECT ON sales.a, sales.b, sales.c TO @app WITH GRANT OPTION;
                ALTER SCHEMA sales OWNER TO @app; CREATE ROLE @app_reader
                """)
            let layout = Self.layout("roles: { @app_reader: { read: [sales] } }")
            let plan = try await fixture.plan(layout, as: asApp(fixture))
            try await fixture.apply(plan, as: asApp(fixture))
            let held = "SELECT has_table_privilege('@app_reader', 'sales.a', 'SELECT')"
            #expect(try await fixture.column(fixture.filled(held)) == ["t"])
            try await fixture.execute(
                "REVOKE ALL ON sales.a, sales.b, sales.c FROM @app CASCADE; DROP OWNED BY @app_reader; DROP ROLE @app_reader"
            )
        }
    }
}
