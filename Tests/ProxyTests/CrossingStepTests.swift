import Planning
import PostgresDriver
import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// What a text counts as while a split is observed.
@Suite("Proxy: what a statement crosses")
struct CrossingStepTests {
    private static let setup = """
        CREATE SCHEMA shop; CREATE SCHEMA billing; CREATE SCHEMA tax;
        GRANT USAGE ON SCHEMA shop, billing, tax TO PUBLIC;
        CREATE TABLE shop.orders (id int PRIMARY KEY, note text);
        CREATE TABLE billing.invoices (id int PRIMARY KEY, order_id int, note text);
        CREATE TABLE tax.rates (id int);
        CREATE TABLE shop.parents (id int PRIMARY KEY);
        CREATE TABLE billing.children (id int REFERENCES shop.parents ON DELETE CASCADE);
        CREATE TABLE shop.twins (a int); CREATE TABLE billing.twins (a int);
        CREATE VIEW public.invoices AS SELECT * FROM billing.invoices;
        COMMENT ON VIEW public.invoices IS 'strata:shim run=1';
        CREATE VIEW shop.totals AS SELECT o.id FROM shop.orders o JOIN billing.invoices i ON i.order_id = o.id;
        CREATE FUNCTION shop.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
        CREATE FUNCTION shop.charge(int) RETURNS void LANGUAGE sql AS
            'INSERT INTO billing.invoices VALUES ($1); UPDATE shop.orders SET note = NULL WHERE id = $1';
        CREATE FUNCTION shop.held() RETURNS bigint LANGUAGE plpgsql AS
            'BEGIN PERFORM 1 FROM billing.invoices FOR UPDATE; RETURN 1; END';
        """

    private func withRouter(_ body: (Router) throws -> Void) async throws {
        try await withRoutingCatalog(Self.setup) { catalog, _ in
            let router = Router(catalog: catalog)
            let empty = try await Self.emptyCatalog()
            let placement = Placement(
                schemas: ["shop": "main", "billing": "books", "tax": "books"], databases: ["main", "books"],
                catalogs: [catalog, empty])
            router.renew(placement: try #require(placement))
            try body(router)
        }
    }

    private static func emptyCatalog() async throws -> RoutingCatalog {
        try await withRoutingCatalog("SELECT 1") { catalog, _ in catalog }
    }

    private func steps(_ router: Router, _ sql: String, path: String = "public") -> [CrossingStep] {
        let number = router.pathID(searchPath: path, role: "nobody")
        var sql = sql
        return sql.withUTF8 { router.decision(for: UnsafeRawBufferPointer($0), path: number).crossing }
    }

    private func touches(_ router: Router, _ sql: String, path: String = "public") -> [StatementTouch] {
        steps(router, sql, path: path).compactMap { if case .touch(let touch) = $0 { touch } else { nil } }
    }

    @Test("Each kind of statement is told from its relations, functions, triggers and cascades")
    func kinds() async throws {
        try await withRouter { router in
            let cases: [(String, Crossing.Kind?)] = [
                ("SELECT * FROM shop.orders o JOIN billing.invoices i ON i.order_id = o.id", .join),
                ("SELECT * FROM shop.orders, public.invoices", .join), ("SELECT * FROM shop.totals", .join),
                ("SELECT 1 FROM shop.orders WHERE EXISTS (SELECT FROM billing.invoices)", .join),
                ("COPY (SELECT * FROM shop.orders, tax.rates) TO STDOUT", .join),
                ("DECLARE c CURSOR FOR SELECT * FROM shop.orders, tax.rates", .join),
                ("SELECT * FROM shop.orders o, billing.invoices i FOR UPDATE OF o", .locking),
                ("SELECT shop.held() FROM shop.orders", .locking),
                ("LOCK TABLE shop.orders, billing.invoices", .locking),
                ("INSERT INTO shop.orders SELECT id, note FROM billing.invoices", .write),
                ("DELETE FROM billing.invoices USING shop.orders", .write),
                ("SELECT shop.charge(1)", .twoSchemaWrite), ("DELETE FROM shop.parents", .twoSchemaWrite),
                (
                    "WITH gone AS (DELETE FROM billing.invoices RETURNING id) INSERT INTO shop.orders SELECT id FROM gone",
                    .twoSchemaWrite
                ), ("TRUNCATE shop.orders, billing.invoices", .twoSchemaWrite),
                // On one side.
                ("SELECT * FROM public.invoices", nil), ("SELECT shop.twice(id) FROM billing.invoices", nil),
                ("SELECT * FROM billing.invoices, tax.rates", nil), ("SELECT id FROM invoices FOR UPDATE", nil),
                ("INSERT INTO shop.parents VALUES (1)", nil), ("SELECT * FROM shop.orders, pg_class", nil),
                ("SELECT shop.held()", nil),
            ]
            for (sql, kind) in cases {
                let found = touches(router, sql)
                #expect(
                    found.count == 1 && found.first?.kind == kind, "\(sql) is \(String(describing: found.first?.kind))")
            }
            // What touches nothing, runs nothing or defines something.
            for sql in [
                "SELECT 1", "SHOW all", "BEGIN", "SET search_path = billing", "SELECT * FROM pg_class",
                "EXPLAIN SELECT * FROM shop.orders, billing.invoices",
                "PREPARE p AS SELECT * FROM shop.orders, billing.invoices",
                "CREATE VIEW v AS SELECT 1 FROM shop.orders, billing.invoices", "SELEC nonsense",
            ] { #expect(steps(router, sql).isEmpty, "\(sql)") }
        }
    }

    @Test("What a copy answers crosses nothing: in a statement, and in a transaction that is there already")
    func copies() async throws {
        let there = try await withRoutingCatalog(
            """
            CREATE SCHEMA shop; CREATE TABLE shop.orders (id int PRIMARY KEY, note text);
            CREATE SCHEMA strata; GRANT USAGE ON SCHEMA strata TO PUBLIC;
            CREATE TABLE strata.copied (schema text, name text, ready boolean);
            INSERT INTO strata.copied VALUES ('shop', 'orders', true), ('shop', 'parents', false);
            CREATE TABLE shop.parents (id int PRIMARY KEY);
            """
        ) { catalog, _ in catalog }
        try await withRoutingCatalog(Self.setup) { catalog, _ in
            let router = Router(catalog: catalog)
            router.renew(
                placement: Placement(
                    schemas: ["billing": "books", "tax": "books"], databases: ["main", "books"],
                    catalogs: [catalog, there]))
            func one(_ sql: String) throws -> StatementTouch { try #require(touches(router, sql).first) }
            let join = try one("SELECT * FROM shop.orders o JOIN billing.invoices i ON i.order_id = o.id")
            #expect(join.kind == nil && join.databases == 0b10)
            let alone = try one("SELECT * FROM shop.orders")
            #expect(alone.databases == 0b01 && alone.copies == 0b11)
            let invoices = try one("SELECT * FROM billing.invoices")
            let cases: [(String, Crossing.Kind?)] = [
                ("SELECT * FROM shop.orders o, billing.invoices i FOR UPDATE OF o", .locking),
                ("SELECT * FROM shop.parents, billing.invoices", .join),
                ("SELECT * FROM shop.orders, shop.parents, billing.invoices", .join),
                ("INSERT INTO billing.invoices SELECT id FROM shop.orders", nil),
                ("UPDATE shop.orders o SET note = 'x' FROM billing.invoices i WHERE i.id = o.id", .write),
            ]
            for (sql, kind) in cases { #expect(try one(sql).kind == kind, "\(sql)") }
            func verdict(_ touches: StatementTouch...) -> Crossing.Kind? {
                var transaction = TransactionTouches()
                for touch in touches { transaction.add(touch) }
                return transaction.verdict()?.kind
            }
            #expect(verdict(invoices, alone, invoices) == nil)
            // Begun at the table's home, it cannot go on elsewhere.
            #expect(verdict(alone, invoices) == .transaction)
            #expect(verdict(invoices, try one("UPDATE shop.orders SET note = 'x'")) == .transaction)
        }
    }

    @Test("Several statements of a text count one by one, and COMMIT parts them")
    func several() async throws {
        try await withRouter { router in
            let text = "SELECT * FROM shop.orders; COMMIT; SELECT * FROM billing.invoices WHERE id = 7; ROLLBACK"
            let kinds = steps(router, text).map { if case .touch(let touch) = $0 { touch.shape } else { "end" } }
            #expect(
                kinds == ["SELECT * FROM shop.orders", "end", "SELECT * FROM billing.invoices WHERE id = ?", "end"])
        }
    }

    @Test("A fingerprint is that of the statement, whatever its constants, the length of a list and its spelling")
    func fingerprints() async throws {
        try await withRouter { router in
            func fingerprint(_ sql: String) -> String? { touches(router, sql).first?.fingerprint }
            let first = fingerprint("SELECT * FROM shop.orders WHERE id IN (1, 2) AND note = 'secret'")
            #expect(first?.count == 16)
            #expect(first == fingerprint("select  * from shop.orders where id in (1,2,3,4,5) and note = 'other' -- x"))
            #expect(first == fingerprint("SELECT * FROM shop.orders WHERE id IN ($1) AND note = $2"))
            #expect(first != fingerprint("SELECT * FROM shop.orders WHERE id IN (1) OR note = 'secret'"))
        }
    }

    @Test("No constant and no comment is kept, and no more than 1,000 bytes")
    func shapes() async throws {
        try await withRouter { router in
            let sql =
                "SELECT /* token=hidden */ 'secret', E'sec\\'ret', $$secret$$, U&'secret', 4711 FROM shop.orders -- secret\n"
                + "WHERE note = 'se''cret' AND id = 4711.5e3"
            let shape = try #require(touches(router, sql).first?.shape)
            #expect(!shape.contains("secret") && !shape.contains("hidden") && !shape.contains("4711"), "\(shape)")
            let long = "SELECT * FROM shop.orders WHERE note = 'a' " + String(repeating: "OR note = 'ä' ", count: 400)
            #expect((touches(router, long).first?.shape.utf8.count ?? 0) <= 1_000)
        }
    }

    @Test("search_path decides; where it is not known, a name that both sides have says nothing")
    func paths() async throws {
        try await withRouter { router in
            let one = touches(router, "SELECT * FROM twins, orders", path: "shop")
            #expect(one.map(\.schemas) == [["shop"]] && one.first?.kind == nil)
            #expect(touches(router, "SELECT * FROM twins, shop.orders", path: "billing").first?.kind == .join)
            var sql = "SELECT * FROM twins, shop.orders"
            let unknown = sql.withUTF8 {
                router.decision(for: UnsafeRawBufferPointer($0), path: Router.unknownPath).crossing
            }
            #expect(unknown.isEmpty)
        }
    }

    @Test("A schema is still here while the main database has it and its own is known to have nothing of it")
    func stillHere() async throws {
        try await withRoutingCatalog(Self.setup) { catalog, _ in
            let empty = try await Self.emptyCatalog()
            let taken = try await withRoutingCatalog(
                "CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int)"
            ) { catalog, _ in catalog }
            let owners = ["shop": 0, "billing": 1, "absent": 1]
            #expect(StillHere.schemas(owners, catalogs: [catalog, empty]) == ["billing"])
            #expect(StillHere.schemas(owners, catalogs: [catalog, taken]) == [])
            #expect(StillHere.schemas(owners, catalogs: [catalog, .unknown]) == [])
            #expect(StillHere.schemas(owners, catalogs: [.unknown, empty]) == [])
            let made = Placement(
                schemas: ["billing": "books"], databases: ["main", "books"], catalogs: [catalog, taken])
            let placement = try #require(made)
            #expect(placement.cut == nil && placement.owner("billing") == 1)
        }
    }
}
