import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite("Switch: commands")
struct SwitchCommandTests {
    private static let pile = """
        CREATE TABLE customers (id bigint PRIMARY KEY);
        CREATE TABLE invoices (id bigserial PRIMARY KEY, customer_id bigint, note text);
        INSERT INTO customers SELECT generate_series(1, 3);
        INSERT INTO invoices (customer_id, note) SELECT n % 3 + 1, repeat('x', 20) FROM generate_series(1, 500) n;
        CREATE MATERIALIZED VIEW invoice_count AS SELECT count(*) AS n FROM invoices;
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices], views: [invoice_count] } }
        """

    private struct Pair {
        var program: Program
        var main: TestDatabase
        var books: TestDatabase

        /// Whether a row can be written there.
        func accepts(_ database: TestDatabase) async throws -> Bool {
            let connection = try await database.connect()
            do {
                try await connection.execute("INSERT INTO billing.invoices (note) VALUES ('probe')")
                await connection.close()
                return true
            } catch let error as PostgresError where error.sqlState?.rawValue == "25006" {
                await connection.close()
                return false
            }
        }

        /// By the main database's record.
        func owner() async throws -> TestDatabase {
            let connection = try await main.connect()
            let name = try await connection.query("SELECT database FROM strata.routes WHERE schema = 'billing'").only()
                .string("database")
            await connection.close()
            return name == "main" ? main : books
        }

        func rows(_ database: TestDatabase) async throws -> String {
            let connection = try await database.connect()
            let sum = try await connection.query(
                "SELECT count(*) || ' ' || md5(string_agg(id || coalesce(note, ''), ',' ORDER BY id)) AS sum FROM billing.invoices"
            ).only().string("sum")
            await connection.close()
            return sum
        }
    }

    private func withPair(_ body: (Pair) async throws -> Void) async throws {
        try await Workshop.with(pile: Self.pile, layout: Self.layout) { shop in
            try await withTestDatabase("books") { books in
                var program = shop.program
                program.environment["BOOKS_URL"] = try Workshop.url(of: books.name)
                let pair = Pair(program: program, main: shop.database, books: books)
                func clear() async {
                    _ = try? await program.run("reverse", "billing", "--without-proxies")
                    _ = try? await program.run("split", "cancel", "billing")
                }
                do {
                    #expect(try await program.run("apply", "--yes").code == 0)
                    #expect(try await program.run("split", "billing").code == 0)
                    #expect(try await program.run("split", "diff", "billing").code == 0)
                    try await body(pair)
                } catch {
                    await clear()
                    throw error
                }
                // A slot would keep the database from being dropped.
                await clear()
            }
        }
    }

    @Test("S1.7 S0.49 Dry run, switch, reverse, switch, complete, drop: what each says")
    func walk() async throws {
        try await withPair { pair in
            let program = pair.program
            let alone = try await program.run("switch", "billing")
            #expect(alone.code == 1 && alone.errors.contains("no proxy of this layout is connected"), "\(alone)")
            let dry = try await program.run("switch", "billing", "--dry-run", "--without-proxies")
            #expect(dry.code == 0 && dry.output.contains("Ready: strata switch billing"), "\(dry)")
            #expect(dry.output.contains("billing.invoices_id_seq  500 → 601"), "\(dry)")
            #expect(try await pair.accepts(pair.main))
            let made = try await program.run("switch", "billing", "--without-proxies")
            #expect(made.code == 0 && made.output.hasPrefix("Schema billing lives on database books.\n"), "\(made)")
            #expect(made.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(made)")
            let again = try await program.run("switch", "billing", "--without-proxies")
            #expect(again.code == 0 && again.output.contains("An earlier call has brought it there"), "\(again)")
            #expect(try await pair.accepts(pair.books))
            #expect(try await !pair.accepts(pair.main))
            // The old name has gone along.
            let there = try await pair.books.connect()
            #expect(try await there.query("SELECT count(*) AS n FROM public.invoices").only().int("n") == 502)
            #expect(try await there.query("SELECT n FROM billing.invoice_count").only().int("n") == 501)
            await there.close()
            let plan = try await program.run("plan")
            #expect(plan.code == 0 && !plan.output.contains("✗"), "\(plan)")
            let split = try await program.run("split", "billing")
            #expect(split.code == 1 && split.errors.contains("strata reverse billing"), "\(split)")
            let cancel = try await program.run("split", "cancel", "billing")
            #expect(cancel.code == 1 && cancel.errors.contains("strata reverse billing"), "\(cancel)")
            let status = try await program.run("split", "status")
            #expect(status.output.contains("switched"), "\(status)")
            let overview = try await program.run("status")
            #expect(
                overview.output.contains("billing  books  switched") && !overview.output.contains("warning"),
                "\(overview)")
            try await pair.main.execute("UPDATE strata.splits SET changed_at = changed_at - interval '9 days'")
            let late = try await program.run("status")
            #expect(late.output.contains("has been open for 9 days"), "\(late)")
            let diff = try await program.run("split", "diff", "billing")
            #expect(diff.code == 0, "\(diff)")
            let back = try await program.run("reverse", "billing", "--without-proxies")
            #expect(back.code == 0 && back.output.hasPrefix("Schema billing lives on database main.\n"), "\(back)")
            #expect(try await pair.accepts(pair.main))
            #expect(try await !pair.accepts(pair.books))
            let uncompared = try await program.run("switch", "billing", "--without-proxies")
            #expect(uncompared.code == 1 && uncompared.errors.contains("strata split diff billing"), "\(uncompared)")
            #expect(try await program.run("split", "diff", "billing").code == 0)
            #expect(try await program.run("switch", "billing", "--without-proxies").code == 0)
            let json = try await program.run("complete", "billing", "--yes", "--format", "json")
            #expect(json.code == 0 && json.output.contains(#""parked" : "strata_parked_billing""#), "\(json)")
            let left = try await pair.main.connect()
            #expect(
                try await left.query(
                    """
                    SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())
                         + (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'strata%')
                         + (SELECT count(*) FROM pg_namespace WHERE nspname = 'billing') AS n
                    """
                ).only().int("n") == 0)
            await left.close()
            #expect(try await pair.accepts(pair.books))
            let after = try await program.run("plan")
            #expect(after.code == 0 && !after.output.contains("✗"), "\(after)")
            let dropped = try await program.run("complete", "billing", "--drop", "--yes")
            #expect(
                dropped.code == 0 && dropped.output.hasPrefix("Schema strata_parked_billing is dropped"), "\(dropped)")
            let none = try await program.run("complete", "billing", "--drop", "--yes")
            #expect(none.code == 1 && none.errors.contains("no parked schema"), "\(none)")
        }
    }

    @Test(
        "Killed at any step (kill -9), writes go on where the record says, and the next call finishes or undoes it",
        arguments: ["prepare", "hold", "guard", "stream", "hand over", "decide", "tidy"])
    func killed(phase: String) async throws {
        try await withPair { pair in
            for command in ["switch", "reverse"] {
                let first = try pair.program.start([command, "billing", "--without-proxies", "--budget", "3"])
                for _ in 0..<6_000 where !first.errorsSoFar.contains("  \(phase)\n") {
                    try await Task.sleep(for: .milliseconds(2))
                }
                first.signal(SIGKILL)
                _ = try await first.finish()
                // Once its time is over, without anybody's help.
                try await eventually("the place that has it takes writes", within: .seconds(30)) {
                    try await pair.accepts(try await pair.owner())
                }
                let second = try await pair.program.run(command, "billing", "--without-proxies", "--budget", "30")
                #expect(second.code == 0, "\(second)")
                let places = (try await pair.accepts(pair.main), try await pair.accepts(pair.books))
                #expect(places == (command == "reverse", command == "switch"))
                try await eventually("both have the same rows") {
                    try await pair.rows(pair.main) == pair.rows(pair.books)
                }
            }
        }
    }
}
