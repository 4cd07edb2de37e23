import Planning
import PostgresDriver
import TestSupport
import Testing

/// The plan of a split says the same before tables have moved into their schema and after it, when old names stand for them.
@Suite("Split: report, old names")
struct SplitOldNameReportTests {
    private static let before = """
        CREATE TABLE customers (id bigint PRIMARY KEY);
        CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint);
        CREATE FUNCTION due() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM public.invoices';
        CREATE FUNCTION twice() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT public.due() * 2';
        CREATE FUNCTION owed() RETURNS bigint LANGUAGE sql STABLE AS
            'SELECT count(*) FROM public.customers c JOIN public.invoices i ON i.customer_id = c.id';
        CREATE FUNCTION called() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT public.due() FROM public.customers LIMIT 1';
        """
    private static let layout = """
        strata: 1
        databases:
          main: { url: "${DATABASE_URL}" }
          books: { url: "postgresql://localhost/books" }
        schemas:
          billing: { database: books, tables: [invoices], functions: [due, twice] }
        """

    private func obstacles(_ work: Reorganisation) async throws -> [String] {
        try #require(try await work.plan().splits?.first).crossings.filter(\.isBlocking)
            .map { "\($0.object): \($0.message)" }
    }

    @Test("S1.27 what leaves may use old names, which go along; what stays and uses them is in the way, as before")
    func functions() async throws {
        try await Reorganisation.with("split_old", before: Self.before, layout: Self.layout) { work in
            let wanted = [
                "function public.called(): it uses billing.due()", "function public.owed(): it uses billing.invoices",
            ]
            #expect(try await obstacles(work) == wanted)
            try await work.apply(try await work.plan())
            #expect(try await obstacles(work) == wanted)
        }
    }

    @Test("A view and a function with a body of SQL's standard that were made upon an old name are in the way")
    func later() async throws {
        try await Reorganisation.with("split_later", before: Self.before, layout: Self.layout) { work in
            try await work.apply(try await work.plan())
            try await work.connection.execute(
                """
                DROP FUNCTION owed(), called();
                CREATE VIEW open_invoices AS SELECT id FROM public.invoices;
                CREATE FUNCTION bound() RETURNS bigint STABLE BEGIN ATOMIC SELECT count(*) FROM public.invoices; END;
                """)
            #expect(
                try await obstacles(work) == [
                    "view public.open_invoices: it uses billing.invoices",
                    "function public.bound(): it uses billing.invoices",
                ])
        }
    }
}
