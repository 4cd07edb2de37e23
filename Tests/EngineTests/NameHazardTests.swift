import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Names that nothing can stand in for, and who is bound to them.
@Suite struct NameHazardTests {
    private static let layout = """
        strata: 1
        databases: { main: {} }
        schemas:
          sales: { tables: [orders] }
        """

    // MARK: SET CONSTRAINTS

    private static let constraints = """
        CREATE TABLE customers (id integer PRIMARY KEY);
        CREATE TABLE orders (id integer PRIMARY KEY, customer integer CONSTRAINT orders_customer
            REFERENCES customers DEFERRABLE);
        CREATE FUNCTION deferred() RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            SET CONSTRAINTS orders_customer DEFERRED;
            SET CONSTRAINTS public.orders_customer IMMEDIATE;
            SET CONSTRAINTS ALL DEFERRED;
        END
        $$;
        CREATE FUNCTION by_path() RETURNS void LANGUAGE plpgsql SET search_path = sales, public
            AS 'BEGIN SET CONSTRAINTS orders_customer DEFERRED; END';
        CREATE FUNCTION computed(name text) RETURNS void LANGUAGE plpgsql
            AS 'BEGIN EXECUTE format(''SET CONSTRAINTS %I DEFERRED'', name); END';
        """

    @Test func setConstraintsInABody() async throws {
        try await ApplyFixture.with("names", pile: Self.constraints) { fixture in
            let plan = try await fixture.plan(Self.layout)
            let found = plan.hazards.filter { $0.code == .bindsByName && $0.message.contains("constraint") }
            #expect(found.map(\.object) == ["public.deferred()", "public.deferred()"])
            #expect(found.map(\.line) == [3, 4])
            #expect(found[0].remedy.contains("SET CONSTRAINTS sales.orders_customer"))
            #expect(found[0].excerpt == "SET CONSTRAINTS orders_customer DEFERRED;")
            #expect(plan.hazards.contains { $0.code == .untrackableDependencies && $0.object.contains("computed") })
            // What is said does happen, and nothing else.
            try await fixture.apply(plan)
            await #expect(throws: PostgresError.self) { try await fixture.execute("SELECT deferred()") }
            try await fixture.execute("SELECT by_path()")
        }
    }

    @Test func setConstraintsInStatements() async throws {
        try await ApplyFixture.with("names", pile: Self.constraints) { fixture in
            let catalog = try await fixture.catalog()
            func statement(_ text: String) -> StatementUse.Statement {
                StatementUse.Statement(queryID: 1, role: catalog.server.userOID, text: text, calls: 3)
            }
            func hazards(_ text: String, compatibility: String = "views") throws -> [Hazard] {
                let (layout, _) = try Pipeline.decode(
                    Self.layout + "\ncompatibility: \(compatibility)", file: "strata.yaml", environment: [:])
                let use = StatementUse(isKnown: true, statements: [statement(text)])
                return try Pipeline.plan(layout, catalog, use: use).hazards.filter {
                    $0.message.contains("statement of")
                }
            }
            let unqualified = try hazards("set constraints orders_customer deferred")
            #expect(unqualified.map(\.code) == [.oldNameFails])
            #expect(unqualified[0].remedy.contains("sales.orders_customer"))
            #expect(try hazards("SET CONSTRAINTS public.orders_customer DEFERRED").count == 1)
            #expect(try hazards("SET CONSTRAINTS ALL DEFERRED").isEmpty)
            #expect(try hazards("SET CONSTRAINTS other DEFERRED").isEmpty)
            // The new schema comes into the path, and finds an unqualified name.
            #expect(try hazards("SET CONSTRAINTS orders_customer DEFERRED", compatibility: "search_path").isEmpty)
        }
    }

    // MARK: Other languages

    @Test func tableSchemaInAnotherLanguage() async throws {
        let pile = """
            CREATE TABLE orders (id integer PRIMARY KEY);
            CREATE TABLE others (id integer PRIMARY KEY);
            CREATE FUNCTION other_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
            CREATE LANGUAGE perlish HANDLER other_handler;
            CREATE FUNCTION noted() RETURNS trigger LANGUAGE perlish AS $$
            -- $_TD->{table_schema}
            BEGIN RETURN NULL; END $$;
            CREATE FUNCTION named() RETURNS trigger LANGUAGE perlish AS $$ -- $_TD->{table_name}
            BEGIN RETURN NULL; END $$;
            CREATE TRIGGER a AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted();
            CREATE TRIGGER b AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION named();
            """
        try await ApplyFixture.with("names", pile: pile) { fixture in
            let plan = try await fixture.plan(Self.layout)
            let found = plan.hazards.filter { $0.code == .readsSchemaName }
            #expect(found.map(\.object) == ["public.noted()"] && found.first?.line == 2)
            #expect(found.first?.message.contains("text search: perlish is not parsed") == true)
            let elsewhere = try await fixture.plan(Self.layout.replacing("orders", with: "others"))
            #expect(!elsewhere.hazards.contains { $0.code == .readsSchemaName })
        }
    }

    // MARK: A foreign server that is this database

    @Test func foreignTableThatPointsBack() async throws {
        let url = try #require(URLComponents(string: try TestServer.url()))
        let host = url.host ?? "127.0.0.1"
        let port = url.port ?? 5432
        let pile = """
            CREATE TABLE orders (id integer PRIMARY KEY, note text);
            INSERT INTO orders VALUES (1, 'a');
            CREATE EXTENSION postgres_fdw;
            CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '\(host)', port '\(port)', dbname '@database');
            CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '\(host)', port '\(port)', dbname 'other');
            CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid', dbname '@database');
            CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS (user '\(url.user ?? "")', password '\(url.password ?? "")');
            CREATE FOREIGN TABLE mirror (id integer, note text) SERVER here OPTIONS (table_name 'orders');
            CREATE FOREIGN TABLE mirror_there (id integer) SERVER there OPTIONS (table_name 'orders');
            CREATE FOREIGN TABLE mirror_far (id integer) SERVER far OPTIONS (table_name 'orders');
            CREATE FOREIGN TABLE unrelated (id integer) SERVER here OPTIONS (schema_name 'pg_catalog', table_name 'pg_class');
            """
        try await ApplyFixture.with("names", pile: pile) { fixture in
            let plan = try await fixture.plan(Self.layout)
            let found = plan.hazards.filter { $0.object.contains("mirror") || $0.object.contains("unrelated") }
            #expect(found.map(\.object) == ["public.mirror"] && found.first?.code == .shimInsufficient, "\(found)")
            let none = try await fixture.plan(Self.layout + "\ncompatibility: none")
            #expect(none.hazards.contains { $0.object == "public.mirror" && $0.code == .bindsByName })
            try await fixture.apply(plan)
            #expect(try await fixture.column("SELECT note FROM mirror") == ["a"])
            await #expect(throws: PostgresError.self) {
                try await fixture.execute("DELETE FROM mirror WHERE note < random()::text")
            }
            let remedy = try #require(found.first?.remedy)
            try await fixture.execute(String(remedy[try #require(remedy.range(of: "ALTER")).lowerBound...]))
            try await fixture.execute("DELETE FROM mirror WHERE note > random()::text")
            #expect(try await fixture.column("SELECT count(*) FROM sales.orders") == ["0"])
        }
    }

    // MARK: Collations and text search

    @Test func whatTheLayoutCannotPlaceIsReported() async throws {
        let pile = """
            CREATE TEXT SEARCH CONFIGURATION plain_words (COPY = simple);
            CREATE TEXT SEARCH CONFIGURATION unused (COPY = simple);
            CREATE COLLATION sorted FROM "C";
            CREATE EXTENSION unaccent;
            CREATE TABLE orders (id integer PRIMARY KEY, note text COLLATE sorted);
            CREATE INDEX words ON orders USING gin (to_tsvector('public.plain_words', note));
            CREATE FUNCTION search(term text) RETURNS SETOF integer LANGUAGE sql
                AS 'SELECT id FROM orders WHERE to_tsvector(''plain_words'', note) @@ to_tsquery(''plain_words'', term)';
            """
        try await ApplyFixture.with("names", pile: pile) { fixture in
            let plan = try await fixture.plan(Self.layout)
            let staying = plan.unplaced.filter { !$0.hasPrefix("function") }
            #expect(
                staying == [
                    "collation public.sorted", "text search configuration public.plain_words",
                    "text search configuration public.unused",
                ])
            let note = try #require(plan.notes.first { $0.code == "stay-behind" })
            #expect(note.message.contains("public.plain_words") && note.message.contains("public.sorted"))
            #expect(!note.message.contains("unused"))
            try await fixture.apply(plan)
            try await fixture.execute("INSERT INTO orders VALUES (1, 'red apple')")
            #expect(try await fixture.column("SELECT search('apple')") == ["1"])
        }
    }

    /// A configuration of that name in the new schema would be found first, and stand for another one.
    @Test func aPathThatHidesAConfigurationIsNotSet() async throws {
        let pile = """
            CREATE SCHEMA sales;
            CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
            CREATE TEXT SEARCH CONFIGURATION sales.words (COPY = english);
            CREATE COLLATION sorted FROM "C";
            CREATE COLLATION sales.sorted FROM "POSIX";
            CREATE TABLE orders (id integer PRIMARY KEY, note text);
            CREATE FUNCTION search() RETURNS SETOF tsvector LANGUAGE sql AS 'SELECT to_tsvector(''words'', note) FROM orders';
            CREATE FUNCTION ordered() RETURNS SETOF text LANGUAGE sql AS 'SELECT note FROM orders ORDER BY note COLLATE sorted';
            CREATE FUNCTION free() RETURNS SETOF text LANGUAGE sql AS 'SELECT note FROM orders';
            """
        try await ApplyFixture.with("names", pile: pile) { fixture in
            try await fixture.execute("INSERT INTO orders VALUES (1, 'the running')")
            let before = try await fixture.column("SELECT search()")
            let plan = try await fixture.plan(Self.layout)
            #expect(plan.steps.filter { $0.kind == .setSearchPath }.map(\.object) == ["public.free()"])
            try await fixture.apply(plan)
            #expect(try await fixture.column("SELECT search()") == before)
        }
    }

    // MARK: Locks and titles

    @Test func anIndexOfNestedPartitionsNamesAllLocks() async throws {
        let pile = """
            CREATE TABLE orders (id integer, region text, at date) PARTITION BY LIST (region);
            CREATE TABLE north PARTITION OF orders FOR VALUES IN ('n') PARTITION BY RANGE (at);
            CREATE TABLE north_2026 PARTITION OF north FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
            CREATE TABLE south PARTITION OF orders FOR VALUES IN ('s');
            """
        try await ApplyFixture.with("names", pile: pile) { fixture in
            let plan = try await fixture.plan(Self.layout + "\nindexes: [{ table: sales.orders, columns: [at] }]")
            let attach = try #require(plan.steps.first { $0.kind == .attachIndex })
            let locked = attach.locks.map { "\($0.mode) \($0.object)" }
            #expect(
                Set(locked) == [
                    "SHARE sales.orders", "SHARE sales.north", "SHARE sales.north_2026", "SHARE sales.south",
                ])
            try await fixture.apply(plan)
            // The same locks as PostgreSQL takes.
            try await fixture.execute("DROP INDEX sales.orders_at_idx")
            let taken = try await fixture.onConnection { connection in
                try await connection.execute("BEGIN; \(attach.statements.joined(separator: ";"))")
                return try await connection.query(
                    """
                    SELECT 'SHARE ' || relation::regclass FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'ShareLock'
                       AND locktype = 'relation' AND relation IN (SELECT relid FROM pg_partition_tree('sales.orders'))
                    """
                ).map { try $0.string(0) }
            }
            #expect(Set(taken) == Set(locked))
        }
    }

    @Test func titlesQuoteSchemas() async throws {
        try await ApplyFixture.with("names", pile: "CREATE TABLE orders (id integer)") { fixture in
            let plan = try await fixture.plan(Self.layout.replacing("sales", with: "\"Sales 2\""))
            let move = try #require(plan.steps.first { $0.kind == .moveTable })
            #expect(PlanText.title(of: move) == "move table public.orders to \"Sales 2\"")
        }
    }
}
