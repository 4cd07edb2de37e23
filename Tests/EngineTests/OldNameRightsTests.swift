import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Who may use a table under its new name may use it so under the old one, and nobody else.
@Suite struct OldNameRightsTests {
    private static let pile = """
        CREATE TABLE orders (id integer PRIMARY KEY, note text, secret text);
        CREATE TABLE trail (id integer);
        CREATE VIEW notes AS SELECT note FROM orders;
        INSERT INTO orders VALUES (1, 'a', 's');
        """

    private static func layout(
        _ roles: String, _ schemas: String = "sales: { tables: [orders], views: [notes] }"
    ) -> String {
        """
        strata: 1
        databases: { main: {} }
        schemas:
          \(schemas)
          log: { tables: [trail], append_only: [trail] }
        roles:
          @app: \(roles)
        """
    }

    /// Whether a statement is allowed to the application's role.
    private func may(_ fixture: ApplyFixture, _ sql: String) async throws -> Bool {
        try await fixture.onConnection(["user": fixture.app, "password": fixture.app]) { connection in
            do {
                try await connection.execute("BEGIN; \(fixture.filled(sql)); ROLLBACK")
                return true
            } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
                return false
            }
        }
    }

    private func rights(_ fixture: ApplyFixture, _ names: [String]) async throws -> [String] {
        var allowed: [String] = []
        for name in names {
            for verb in [
                "SELECT * FROM \(name)", "INSERT INTO \(name) SELECT * FROM \(name) LIMIT 0",
                "DELETE FROM \(name) WHERE false",
            ] where try await may(fixture, verb) {
                allowed.append("\(name) \(verb.prefix { $0 != " " })")
            }
        }
        return allowed
    }

    @Test(arguments: ["{ read: [sales, log] }", "{ write: [sales, log] }"])
    func rightsOfTheLayoutReachTheShims(roles: String) async throws {
        try await ApplyFixture.with("rights", pile: Self.pile) { fixture in
            let layout = Self.layout(roles)
            let untouched = try await fixture.fingerprint()
            try await fixture.apply(try await fixture.plan(layout))
            let new = try await rights(fixture, ["sales.orders", "sales.notes", "log.trail"])
            let old = try await rights(fixture, ["public.orders", "public.notes", "public.trail"])
            #expect(new.count == (roles.contains("write") ? 6 : 3), "\(new)")
            #expect(old.map { $0.split(separator: ".")[1] } == new.map { $0.split(separator: ".")[1] })
            #expect(try await fixture.plan(layout).isEmpty)
            try await fixture.rollback()
            #expect(try await fixture.fingerprint() == untouched)
        }
    }

    /// A role that the layout names later gets the shims that stand by then; undone even when they are gone meanwhile.
    @Test func rightsReachShimsOfEarlierPlans() async throws {
        try await ApplyFixture.with("rights", pile: Self.pile) { fixture in
            try await fixture.apply(try await fixture.plan(Self.layout("{}")))
            #expect(try await rights(fixture, ["public.orders"]) == [])
            let between = try await fixture.fingerprint()
            let layout = Self.layout("{ write: [sales] }")
            try await fixture.apply(try await fixture.plan(layout))
            #expect(try await rights(fixture, ["public.orders"]).count == 3)
            #expect(try await rights(fixture, ["public.notes"]).count == 1)
            #expect(try await fixture.plan(layout).isEmpty)
            try await fixture.rollback()
            #expect(try await fixture.fingerprint() == between)
            try await fixture.apply(try await fixture.plan(layout))
            try await fixture.execute("DROP VIEW public.orders")
            try await fixture.rollback()
            #expect(try await rights(fixture, ["sales.orders"]) == [])
        }
    }

    /// Defaults of the connected role must neither reach a shim nor take its owner's rights away.
    @Test func defaultPrivilegesChangeNothingOnShims() async throws {
        let pile =
            Self.pile + """
                CREATE ROLE @app_maker;
                ALTER TABLE orders OWNER TO @app_maker;
                GRANT SELECT ON orders TO @app_other;
                ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO @app_maker, @app, PUBLIC;
                ALTER DEFAULT PRIVILEGES FOR ROLE @app_maker IN SCHEMA public GRANT ALL ON TABLES TO @app;
                ALTER DEFAULT PRIVILEGES FOR ROLE @app_maker GRANT ALL ON TABLES TO @app;
                """
        try await ApplyFixture.with("rights", pile: "CREATE ROLE @app_other;" + pile) { fixture in
            let acl = """
                SELECT pg_get_userbyid(a.grantee) || ' ' || a.privilege_type FROM pg_class c,
                       aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS a
                 WHERE c.oid = '@table'::regclass AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') ORDER BY 1
                """
            try await fixture.apply(
                try await fixture.plan("strata: 1\ndatabases: { main: {} }\nschemas: { sales: { tables: [orders] } }"))
            let table = try await fixture.column(acl.replacing("@table", with: "sales.orders"))
            let shim = try await fixture.column(acl.replacing("@table", with: "public.orders"))
            #expect(shim == table)
            #expect(shim.contains("\(fixture.app)_maker UPDATE") && shim.contains("\(fixture.app)_other SELECT"))
            try await fixture.execute(
                """
                REASSIGN OWNED BY @app_maker TO CURRENT_USER; DROP OWNED BY @app_maker;
                DROP OWNED BY @app_other; DROP OWNED BY @app;
                DROP ROLE @app_maker, @app_other
                """)
        }
    }

    @Test func wideningColumnRightsIsNoted() async throws {
        let pile = Self.pile + "GRANT SELECT (id, note) ON orders TO @app;"
        try await ApplyFixture.with("rights", pile: pile) { fixture in
            let plan = try await fixture.plan(Self.layout("{ read: [sales] }"))
            let note = try #require(plan.notes.first { $0.code == "widens-column-rights" })
            #expect(note.message.contains("sales.orders (id, note)"), "\(note.message)")
            let narrow = try await fixture.plan(Self.layout("{ read: [log] }"))
            #expect(!narrow.notes.contains { $0.code == "widens-column-rights" })
        }
    }

    @Test func anOldSchemaOutOfReachIsNoted() async throws {
        let pile = Self.pile + "REVOKE USAGE ON SCHEMA public FROM PUBLIC;"
        try await ApplyFixture.with("rights", pile: pile) { fixture in
            let plan = try await fixture.plan(Self.layout("{ read: [sales] }"))
            #expect(plan.notes.contains { $0.code == "old-names-out-of-reach" })
            try await fixture.apply(plan)
            #expect(try await may(fixture, "SELECT * FROM sales.orders"))
            #expect(try await !may(fixture, "SELECT * FROM public.orders"))
        }
    }

    /// Membership without INHERIT gives no rights: before 16 the role's attribute says so, later the membership's own.
    @Test func membershipWithoutInheritDoesNotCount() async throws {
        let pile =
            Self.pile + """
                CREATE ROLE @app_group;
                CREATE SCHEMA sales;
                GRANT USAGE ON SCHEMA sales TO @app_group;
                GRANT SELECT ON orders TO @app;
                ALTER ROLE @app NOINHERIT;
                GRANT @app_group TO @app;
                """
        try await ApplyFixture.with("rights", pile: pile) { fixture in
            let layout = "strata: 1\ndatabases: { main: {} }\nschemas: { sales: { tables: [orders] } }"
            let plan = try await fixture.plan(layout)
            #expect(plan.steps.contains { $0.statements == ["GRANT USAGE ON SCHEMA sales TO \(fixture.app)"] })
            try await fixture.apply(plan)
            #expect(try await may(fixture, "SELECT * FROM public.orders"))
            try await fixture.execute("DROP OWNED BY @app_group; DROP ROLE @app_group")
        }
    }
}
