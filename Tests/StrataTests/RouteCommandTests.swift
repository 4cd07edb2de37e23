import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata route`: what the proxy would do, with a real server's tables, functions and triggers.
@Suite struct RouteCommandTests {
    static let pile =
        Workshop.pile + """
            CREATE SCHEMA archive; CREATE TABLE archive.orders (id bigint); CREATE UNLOGGED TABLE cache (key text);
            CREATE TABLE audit (id bigserial, what text);
            CREATE VIEW busy AS SELECT c.name, count(*) FROM customers c JOIN orders o ON o.customer = c.id GROUP BY 1;
            CREATE FUNCTION total(integer) RETURNS numeric STABLE LANGUAGE sql AS
                'SELECT sum(total) FROM public.orders WHERE customer = $1';
            CREATE FUNCTION next_event() RETURNS bigint LANGUAGE sql AS
                'INSERT INTO events DEFAULT VALUES RETURNING id';
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
                $$BEGIN INSERT INTO audit (what) VALUES (TG_TABLE_NAME); RETURN NEW; END$$;
            CREATE TRIGGER note AFTER INSERT ON customers FOR EACH ROW EXECUTE FUNCTION note();
            """

    static let layout = """
        strata: 1
        databases:
          main: { url: "${DATABASE_URL}", replicas: [{ name: r1, url: host=127.0.0.1 }] }
          other: { url: "${OTHER_URL}" }
        schemas: { public: { tables: [settings] } }
        routing:
          freshness: { at_most: 5s }
          routes:
            - { table: public.settings, to: primary }
            - { tag: { route: "/report" }, to: replica }
        """

    private func with(_ body: (Workshop) async throws -> Void) async throws {
        try await Workshop.with(pile: Self.pile, layout: Self.layout) { shop in
            var program = shop.program
            program.environment["OTHER_URL"] = "postgresql://nobody@127.0.0.1:1/none"
            try await body(Workshop(database: shop.database, program: program))
        }
    }

    @Test("S4.2 S4.15 each kind of statement: where it goes, why, what it reads and writes")
    func goldenText() async throws {
        try await with { shop in
            var text = ""
            for sql in [
                "SELECT 1", "SELECT * FROM customers", "SELECT * FROM busy", "SELECT total(1)", "SELECT next_event()",
                "INSERT INTO customers (name) VALUES ('x')", "SELECT * FROM orders FOR UPDATE",
                "WITH x AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM x", "SELECT * FROM cache",
                "SELECT * FROM settings", "SELECT * FROM orders /*route='%2Freport'*/",
                "SELECT * FROM orders /* strata:primary */", "SELECT nothing()", "SELECT * FROM nowhere",
                "SELECT * FROM orders; UPDATE orders SET total = 0", "BEGIN", "SELEC 1",
            ] {
                let result = try await shop.program.run("route", sql)
                #expect(result.code == 0 && result.errors.isEmpty, "\(sql): \(result)")
                text += "$ strata route \"\(sql)\"\n\(result.output)\n"
            }
            try Golden.compare(text, with: "route.txt")
        }
    }

    @Test func json() async throws {
        try await with { shop in
            let found = try object(try await shop.program.run("route", "SELECT total(1)", "--format", "json").output)
            #expect(
                found["target"] as? String == "replica" && found["reason"] is String && found["freshness"] is String)
            let statements = try #require(found["statements"] as? [[String: Any]])
            #expect(statements.count == 1 && statements[0]["kind"] as? String == "SELECT")
            #expect(statements[0]["reads"] as? [String] == ["public.orders"])
            #expect(statements[0]["writes"] as? [String] == [] && statements[0]["readsAnything"] as? Bool == false)
        }
    }

    @Test("S1.14 the search_path decides which table a name means: the option's, the role's, the session's")
    func searchPaths() async throws {
        try await with { shop in
            func reads(_ arguments: String...) async throws -> String {
                let result = try await shop.program.start(["route", "SELECT * FROM orders"] + arguments).finish()
                #expect(result.code == 0, "\(result.errors)")
                return result.output
            }
            #expect(try await reads().contains("reads:     public.orders"))
            #expect(try await reads("--search-path", "archive, public").contains("reads:     archive.orders"))
            let role = shop.database.name + "_reader"
            try await shop.database.execute(
                """
                CREATE ROLE \(role); GRANT USAGE ON SCHEMA archive TO \(role);
                ALTER ROLE \(role) IN DATABASE \(shop.database.name) SET search_path = archive;
                """)
            do {
                #expect(try await reads("--role", role).contains("reads:     archive.orders"))
                #expect(try await reads("--role", role, "--search-path", "public").contains("reads:     public.orders"))
                try await shop.database.execute("REVOKE USAGE ON SCHEMA archive FROM \(role)")
                #expect(try await reads("--role", role).contains("orders is not known"))
                try await shop.database.execute("DROP ROLE \(role)")
            } catch {
                try? await shop.database.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
                throw error
            }
        }
    }

    @Test func standardInput() async throws {
        try await with { shop in
            func piped(_ command: String) async throws -> Program.Result {
                let line = "\(command) | '\(Program.path.path)' route -"
                return try await shop.program.start(["-c", line], executable: URL(filePath: "/bin/sh")).finish()
            }
            let result = try await piped("(echo 'SELECT *'; sleep 0.1; echo 'FROM customers')")
            #expect(result.code == 0 && result.output.contains("reads:     public.customers"), "\(result)")
            let long = try await piped("(echo 'SELECT 1'; head -c 2000000 /dev/zero | tr '\\0' ' ')")
            #expect(long.code == 0 && long.output.contains("too long to be read"), "\(long)")
            let binary = try await piped("printf '\\377\\376'")
            #expect(binary.code == 64 && binary.errors.contains("UTF-8"), "\(binary)")
        }
    }

    @Test func anotherDatabase() async throws {
        try await with { shop in
            var program = shop.program
            program.environment["OTHER_URL"] = program.environment["DATABASE_URL"]
            program.environment["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
            let result = try await program.run("route", "SELECT * FROM orders", "--database", "other")
            #expect(result.code == 0 && result.output.contains("public.orders"), "\(result)")
            #expect(result.errors.contains("database other has no replicas"), "\(result.errors)")
            program.environment["OTHER_URL"] = nil
            let unset = try await program.run("route", "SELECT 1", "--database", "other")
            #expect(unset.code == 1 && unset.errors.contains("export OTHER_URL=postgresql://"), "\(unset)")
            let unknown = try await program.run("route", "SELECT 1", "--database", "othr")
            #expect(unknown.code == 1 && unknown.errors.contains("did you mean --database other?"), "\(unknown)")
        }
    }

    @Test("S4.15 schemas in several databases: where a statement goes, what is refused, and what cannot be known")
    func severalDatabases() async throws {
        let layout = """
            strata: 1
            databases: { main: { url: "${DATABASE_URL}" }, billing: { url: "${OTHER_URL}" } }
            schemas: { public: {}, money: { database: billing, tables: [invoices] } }
            """
        try await Workshop.with(pile: Self.pile, layout: layout) { shop in
            try await withTestDatabase("billing") { billing in
                try await billing.execute("CREATE SCHEMA money; CREATE TABLE money.invoices (id int)")
                var program = shop.program
                program.environment["OTHER_URL"] = try Workshop.url(of: billing.name)
                func route(_ sql: String, _ more: String...) async throws -> String {
                    let result = try await program.start(["route", sql] + more).finish()
                    #expect(result.code == 0, "\(result)")
                    return result.output
                }
                let found = try await route("SELECT * FROM money.invoices")
                #expect(
                    found.contains("database:  billing\n") && found.contains("reads:     money.invoices"), "\(found)")
                let byPath = try await route("DELETE FROM invoices", "--search-path", "public, money")
                #expect(byPath.hasPrefix("primary: ") && byPath.contains("database:  billing\n"), "\(byPath)")
                #expect(try await route("SELECT * FROM orders").contains("database:  main\n"))
                let both = "SELECT * FROM customers, money.invoices"
                let refused = try await route(both)
                #expect(
                    refused.hasPrefix("refused: a statement cannot use several databases at once (0A000): ")
                        && refused.contains("public.customers lives in database \"main\"")
                        && refused.contains("money.invoices lives in database \"billing\""), "\(refused)")
                let json = try object(try await route(both, "--format", "json"))
                #expect(json["target"] as? String == "refused" && json["database"] == nil)
                let single = try object(try await route("SELECT 1 FROM money.invoices", "--format", "json"))
                #expect(single["database"] as? String == "billing" && single["target"] as? String == "replica")
                program.environment["OTHER_URL"] = "postgresql://nobody@127.0.0.1:1/none"
                let gone = try await program.run("route", "SELECT * FROM invoices", "--search-path", "money")
                #expect(gone.errors.contains("database billing cannot be read"), "\(gone)")
                #expect(gone.output.hasPrefix("refused: the tables of database \"billing\" are not known"), "\(gone)")
            }
        }
    }

    @Test func withoutALayout() async throws {
        try await with { shop in
            try FileManager.default.removeItem(at: shop.folder.appending(path: "strata.yaml"))
            let result = try await shop.program.run("route", "SELECT * FROM settings")
            #expect(result.code == 0 && result.output.contains("replica: it only reads"), "\(result)")
            #expect(result.errors.contains("there is no layout (strata.yaml)"), "\(result.errors)")
        }
    }

    @Test func badInput() async throws {
        try await with { shop in
            let role = try await shop.program.run("route", "SELECT 1", "--role", "nobody_of_that_name")
            #expect(role.code == 1 && role.errors.contains("nobody_of_that_name") && role.errors.contains("try: "))
            let path = try await shop.program.run("route", "SELECT 1", "--search-path", "\"a")
            #expect(path.code == 1 && path.errors.contains("22023") && path.output.isEmpty, "\(path)")
            let empty = try await shop.program.run("route", " ")
            #expect(empty.code == 64 && empty.errors.contains("no SQL"), "\(empty)")
            let none = try await shop.program.run("route")
            #expect(none.code == 64 && none.errors.contains("<sql>"), "\(none)")
            let url = "postgresql://me@127.0.0.1:1/none"
            let gone = try await shop.program.run("route", "SELECT 1", "--url", url)
            #expect(gone.code == 1 && gone.errors.contains("cannot connect"), "\(gone)")
        }
    }
}
