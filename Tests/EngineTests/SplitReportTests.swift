import Engine
import Foundation
import Planning
import PostgresDriver
import TestSupport
import Testing

/// What `strata plan` says of a schema that the layout places on another database.
@Suite("Split: report")
struct SplitReportTests {
    private static let before = """
        CREATE TYPE mood AS ENUM ('sad', 'fine');
        CREATE TABLE customers (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers, mood mood);
        CREATE TABLE invoices (
            id bigserial PRIMARY KEY, order_id bigint CONSTRAINT refuses REFERENCES orders,
            customer_id bigint CONSTRAINT empties REFERENCES customers ON DELETE SET NULL ON UPDATE CASCADE,
            moods mood[]);
        CREATE TABLE payments (id bigint PRIMARY KEY, invoice_id bigint CONSTRAINT deletes REFERENCES invoices ON DELETE CASCADE);
        CREATE UNLOGGED TABLE drafts (note text, scan oid);
        CREATE SEQUENCE numbers;
        ALTER TABLE orders ADD number bigint DEFAULT nextval('numbers');
        ALTER TABLE invoices ADD number bigint DEFAULT nextval('numbers');
        CREATE VIEW billed AS SELECT o.id, i.id AS invoice FROM orders o JOIN invoices i ON i.order_id = o.id;
        CREATE VIEW large AS SELECT id FROM orders WHERE id > 1000;
        CREATE FUNCTION due(bigint) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM invoices WHERE customer_id = $1';
        CREATE VIEW dues AS SELECT due(id) FROM customers;
        CREATE MATERIALIZED VIEW sums AS SELECT count(*) FROM invoices;
        CREATE FUNCTION ordered(bigint) RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM orders WHERE customer_id = $1';
        CREATE FUNCTION total(bigint) RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM invoices WHERE order_id = $1; END;
        CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.moods := NULL; RETURN NEW; END$$;
        CREATE TRIGGER noted BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION noted();
        ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
        CREATE POLICY own ON invoices USING (customer_id IN (SELECT id FROM customers));
        """
    private static let layout = """
        strata: 1
        databases:
          main: { url: "${DATABASE_URL}" }
          books: { url: "postgresql://localhost/books" }
        schemas:
          billing: { database: books, tables: [invoices, drafts], functions: [due], views: [sums] }
        """

    private static let expected = [
        "! foreign_key constraint refuses of billing.invoices: billing.invoices.order_id → public.orders.id, refuses to delete what is referenced",
        "· foreign_key constraint deletes of public.payments: public.payments.invoice_id → billing.invoices.id, ON DELETE CASCADE",
        "· foreign_key constraint empties of billing.invoices: billing.invoices.customer_id → public.customers.id, ON DELETE SET NULL",
        "! view view public.billed: it uses billing.invoices",
        "! view view public.dues: it uses billing.due(bigint)",
        "· replication materialised view billing.sums: its rows are not copied",
        "· shim function public.due: an old name of a function of billing",
        "· shim view public.sums: an old name of billing.sums",
        "· shim view public.drafts: an old name of billing.drafts",
        "· shim view public.invoices: an old name of billing.invoices",
        "! function function public.total(bigint): it uses billing.invoices",
        "! trigger trigger noted of billing.invoices: its function public.noted() lives on database main",
        "! sequence sequence public.numbers: a default of billing.invoices draws from it, on the other side",
        "! policy policy own of billing.invoices: it reads public.customers",
        "· type type public.mood: columns of billing.invoices have it",
        "· replication table billing.drafts: scan may name large objects, which are not copied",
        "! replication table billing.drafts: it is unlogged, and such tables are not replicated",
        "! replication table billing.drafts: nothing tells its rows apart: UPDATE and DELETE would fail once it is copied",
    ]

    private func lines(_ report: SplitReport) -> [String] {
        report.crossings.map { "\($0.isBlocking ? "!" : "·") \($0.kind.rawValue) \($0.object): \($0.message)" }
    }

    @Test("S1.27 what crosses the cut, what takes its place and what stands in the way, before and after the move")
    func crossings() async throws {
        try await Reorganisation.with("split", before: Self.before, layout: Self.layout) { work in
            let plan = try await work.plan()
            let report = try #require(plan.splits?.first)
            #expect(plan.splits?.count == 1 && report.schema == "billing" && report.database == "books")
            #expect(report.tables.map(\.name) == ["billing.drafts", "billing.invoices"])
            #expect(report.tables.map(\.identity) == [nil, "primary key"])
            #expect(Set(lines(report)) == Set(Self.expected))
            #expect(report.needs.contains(.init(.type, "public.mood")))
            #expect(report.needs.contains(.init(.function, "public.noted()")))
            _ = try await work.apply(plan)
            let second = try await work.plan()
            let after = try #require(second.splits?.first)
            #expect(Set(lines(after)) == Set(Self.expected))
        }
    }

    @Test("S1.27 Phoenix: nineteen keys around active and four around audit")
    func phoenix() async throws {
        let example = try Example.named("phoenix")
        let layout = example.layout.replacing("${ARCHIVE_URL}", with: "postgresql://localhost/archive")
            .replacing("  archive:", with: "  second: { url: \"postgresql://localhost/second\" }\n  archive:")
            .replacing("  active:\n", with: "  active:\n    database: second\n")
            .replacing("  audit:\n", with: "  audit:\n    database: archive\n")
        // Its retention rule is over both sides of the cut, which the layout itself is refused for.
        #expect(throws: DiagnosticsError.self) { try Pipeline.decode(layout, file: "layout.yaml", environment: [:]) }
        let rest = try #require(layout.range(of: "\nretention:"))
        let kept = String(layout[..<rest.lowerBound])
        try await Reorganisation.with("phoenix_split", before: example.before, layout: kept) { work in
            let plan = try await work.plan()
            let splits = try #require(plan.splits)
            let keys = splits.map { split in
                "\(split.schema) \(split.crossings.filter { $0.kind == .foreignKey }.count)"
            }
            #expect(keys == ["active 19", "audit 4"])
        }
    }

    @Test("A view that needs only copied tables is no obstacle; without the copies it is")
    func copies() async throws {
        let before = """
            CREATE TABLE countries (id int PRIMARY KEY); CREATE TABLE customers (id int PRIMARY KEY);
            CREATE TABLE invoices (id int PRIMARY KEY, country int);
            CREATE VIEW named AS SELECT i.id FROM invoices i JOIN countries c ON c.id = i.country;
            CREATE VIEW owed AS SELECT i.id FROM invoices i, countries c, customers u;
            """
        let layout = """
            strata: 1
            databases: { main: { url: "${DATABASE_URL}" }, books: { url: "postgresql://localhost/books" } }
            schemas: { billing: { database: books, tables: [invoices], views: [named, owed] } }

            """
        for (copies, blocking) in [("", true), ("copies: [{ table: public.countries, databases: [books] }]\n", false)] {
            try await Reorganisation.with("split_copies", before: before, layout: layout + copies) { work in
                let views = try #require(try await work.plan().splits?.first).crossings.filter { $0.kind == .view }
                #expect(views.map(\.object) == ["view billing.named", "view billing.owed"])
                #expect(views.map(\.isBlocking) == [blocking, true])
                #expect(views[0].nextStep?.contains("copies") ?? false)
            }
        }
    }

    @Test("A layout whose schemas all stay has none")
    func none() async throws {
        try await Reorganisation.with(
            "split_none", before: "CREATE TABLE t (id int PRIMARY KEY)",
            layout: "strata: 1\nschemas:\n  a: { tables: [t] }\n"
        ) { work in
            let plan = try await work.plan()
            #expect(plan.splits == nil)
        }
    }
}
