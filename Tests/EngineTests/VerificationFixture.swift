import Engine
import Planning
import PostgresDriver
import TestSupport

/// A small shop that a run of Strata has moved out of `public`, in a database of its own.
struct VerifiedShop {
    let database: TestDatabase
    let layout: Layout
    /// Owner of some of the tables, and the application's role.
    let owner: String
    let app: String

    /// Makes the shop, applies the layout, runs the body, and removes everything again.
    static func with(applied: Bool = true, _ body: (VerifiedShop) async throws -> Void) async throws {
        try await withTestDatabase("verify") { database in
            let (layout, _) = try Pipeline.decode(layoutText, file: "strata.yaml", environment: [:])
            let shop = VerifiedShop(
                database: database, layout: layout, owner: database.name + "_owner", app: database.name + "_app")
            do {
                try await shop.run(before)
                if applied { try await shop.apply() }
                try await body(shop)
                await shop.dropRoles()
            } catch {
                await shop.dropRoles()
                throw error
            }
        }
    }

    /// `@owner` and `@app` stand for the roles' names.
    func run(_ sql: String) async throws {
        try await database.execute(sql.replacing("@owner", with: owner).replacing("@app", with: app))
    }

    private func dropRoles() async {
        try? await run("DROP OWNED BY @owner, @app CASCADE")
        try? await run("DROP ROLE @owner, @app")
    }

    // MARK: Strata

    func apply() async throws {
        try await connected { connection in
            let plan = try await LivePlanner.plan(layout, on: connection).plan
            _ = try await Applier(connection).exclusively { applier in
                try await applier.apply(plan, accepted: Array(Set(plan.hazards.map(\.code))))
            }
        }
    }

    /// All runs, oldest first.
    func runs(_ connection: Connection) async throws -> [Run] {
        let ledger = Ledger(connection)
        guard try await ledger.exists() else { return [] }
        var runs: [Run] = []
        for id in try await ledger.history().map(\.id).reversed() {
            if let run = try await ledger.run(id: id) { runs.append(run) }
        }
        return runs
    }

    enum LayoutChoice { case own, none }

    /// - Parameter disturbance: runs between the reading of the catalog and the verification.
    func verify(
        layout choice: LayoutChoice = .own, options: VerifyOptions = VerifyOptions(), as role: String? = nil,
        progress: @escaping @Sendable (VerifyEvent) -> Void = { _ in },
        after disturbance: () async throws -> Void = {}
    ) async throws -> Verification {
        try await connected { connection in
            let runs = try await runs(connection)
            if let role { try await connection.execute("SET SESSION AUTHORIZATION \(role)") }
            let catalog = try await CatalogReader.read(connection)
            try await disturbance()
            return try await Verifier(connection, options: options, progress: progress)
                .verify(layout: choice == .own ? layout : nil, catalog: catalog, runs: runs)
        }
    }

    func connected<T>(_ body: (Connection) async throws -> T) async throws -> T {
        let connection = try await database.connect()
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }

    /// Every row with the transaction that wrote it and its place, and where every sequence stands.
    func contents() async throws -> [String] {
        try await connected { connection in
            var lines: [String] = []
            let tables = try await connection.query(
                """
                SELECT c.oid::regclass::text AS name, c.relkind = 'S' AS sequence FROM pg_class c
                  JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relkind IN ('r', 'S') AND n.nspname IN ('public', 'sales', 'trail') ORDER BY 1
                """)
            for table in tables {
                let name = try table.string("name")
                let what =
                    try table.bool("sequence")
                    ? "last_value || ' ' || is_called" : "xmin || ' ' || ctid || ' ' || t::text"
                for row in try await connection.query("SELECT \(what) AS line FROM \(name) t ORDER BY 1") {
                    lines.append("\(name) \(try row.string("line"))")
                }
            }
            return lines
        }
    }

    static let layoutText = """
        strata: 1
        schemas:
          sales:
            tables: [customers, orders, bare, visits, vacant, lines]
            types: [mood]
            views: [totals, stats]
            functions: [greet]
          trail: { tables: [log], append_only: [log] }
        """

    static let before = """
        CREATE ROLE @owner;
        CREATE ROLE @app;
        GRANT CREATE ON SCHEMA public TO @owner;
        CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE customers (
            id serial PRIMARY KEY, name text NOT NULL, mood mood DEFAULT 'ok', "Odd Name" integer,
            loud text GENERATED ALWAYS AS (upper(name)) STORED);
        ALTER TABLE customers OWNER TO @owner;
        INSERT INTO customers (name, "Odd Name") SELECT 'customer ' || n, n FROM generate_series(1, 20) AS n;
        CREATE TABLE orders (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer integer NOT NULL REFERENCES customers,
            note text CONSTRAINT short CHECK (length(note) < 100));
        CREATE INDEX orders_customer ON orders (customer);
        CREATE UNIQUE INDEX orders_note ON orders (note);
        INSERT INTO orders (customer, note) SELECT 1 + n % 20, 'order ' || n FROM generate_series(1, 50) AS n;
        CREATE TABLE lines (nr bigint GENERATED BY DEFAULT AS IDENTITY, n integer PRIMARY KEY, r text DEFAULT 'r');
        INSERT INTO lines (n) VALUES (1), (2);
        CREATE TABLE bare (n integer, r text);
        INSERT INTO bare VALUES (1, 'a'), (2, 'b');
        CREATE TABLE vacant (id serial PRIMARY KEY);
        CREATE TABLE visits (id integer, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
        CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        INSERT INTO visits VALUES (1, '2025-05-05'), (2, '2025-05-06');
        CREATE TABLE log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
        INSERT INTO log (what) VALUES ('begun');
        CREATE TABLE aside (id integer);
        CREATE SEQUENCE fired;
        CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''public.fired''); RETURN NULL; END';
        CREATE TRIGGER orders_fire AFTER INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION fire();
        CREATE VIEW totals AS SELECT customer, count(*) AS orders FROM orders GROUP BY customer;
        CREATE MATERIALIZED VIEW stats AS SELECT count(*) AS customers FROM customers;
        CREATE FUNCTION total(integer) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders WHERE customer = $1';
        CREATE FUNCTION note(text) RETURNS void LANGUAGE sql AS 'INSERT INTO public.log (what) VALUES ($1)';
        CREATE FUNCTION greet(who text, VARIADIC more text[]) RETURNS text LANGUAGE sql AS 'SELECT ''hello '' || who';
        ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY seen ON orders USING (true);
        COMMENT ON TABLE orders IS 'what was ordered';
        COMMENT ON COLUMN orders.note IS 'free text';
        GRANT SELECT, INSERT, UPDATE, DELETE ON customers, orders, log TO @app;
        GRANT UPDATE (note) ON orders TO @owner;
        GRANT SELECT ON SEQUENCE customers_id_seq TO @app;
        ANALYZE;
        """
}

extension Verification {
    /// `code object` of the checks with that outcome.
    func found(_ outcome: Check.Outcome) -> [String] {
        checks.filter { $0.outcome == outcome }.map { "\($0.code) \($0.object)" }
    }

    func check(_ code: String, _ object: String) -> Check? { checks.first { $0.code == code && $0.object == object } }
}
