import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite("Split: commands")
struct SplitCommandTests {
    private static let pile = """
        CREATE TABLE customers (id bigint PRIMARY KEY);
        CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers ON DELETE CASCADE, note text);
        INSERT INTO customers SELECT generate_series(1, 3);
        INSERT INTO invoices SELECT n, n % 3 + 1, repeat('x', 200) FROM generate_series(1, 20000) n;
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices] } }
        """

    private func withBooks(_ body: (Program, TestDatabase) async throws -> Void) async throws {
        try await Workshop.with(pile: Self.pile, layout: Self.layout) { shop in
            try await withTestDatabase("books") { books in
                var program = shop.program
                program.environment["BOOKS_URL"] = try Workshop.url(of: books.name)
                do { try await body(program, books) } catch {
                    _ = try? await program.run("split", "cancel", "billing")
                    throw error
                }
                // A slot would keep the database from being dropped.
                _ = try? await program.run("split", "cancel", "billing")
            }
        }
    }

    @Test(
        "Killed at any moment (kill -9), the next call goes on",
        arguments: ["definitions", "rows", "indexes", "stream"])
    func killed(stage: String) async throws {
        try await withBooks { program, books in
            #expect(try await program.run("apply", "--yes").code == 0)
            let first = try program.start(["split", "billing"])
            for _ in 0..<6_000 where !first.errorsSoFar.contains("  \(stage)\n") {
                try await Task.sleep(for: .milliseconds(5))
            }
            first.signal(SIGKILL)
            _ = try await first.finish()
            let second = try await program.run("split", "billing")
            #expect(second.code == 0, "\(second)")
            let connection = try await books.connect()
            let rows = try await connection.query("SELECT count(*) AS n, sum(id) AS sum FROM billing.invoices").only()
            #expect(try rows.int("n") == 20_000 && rows.string("sum") == "200010000")
            await connection.close()
        }
    }

    @Test("S1.7 split, status, cancel: what each says, and what is left to do")
    func walk() async throws {
        try await withBooks { program, books in
            let early = try await program.run("split", "billing")
            #expect(early.code == 1 && early.errors.contains("try: strata apply"), "\(early)")
            let wrong = try await program.run("split", "biling")
            #expect(wrong.code == 1 && wrong.errors.contains("did you mean billing?"), "\(wrong)")
            #expect(try await program.run("apply", "--yes").code == 0)
            let nothing = try await program.run("split", "status")
            #expect(nothing.code == 0 && nothing.output == "No split is under way.\n", "\(nothing)")
            let split = try await program.run("split", "billing")
            #expect(split.code == 0, "\(split)")
            #expect(split.output.hasPrefix("Schema billing is on database books as well.\n1 table, 20,000 rows copied"))
            #expect(split.output.contains("1 foreign key across the cut is not on the copy"), "\(split.output)")
            #expect(split.errors.contains("split 1: schema billing to books"), "\(split.errors)")
            #expect(split.output.split(separator: "\n").filter { $0.count > 80 } == [])
            let status = try await program.run("split", "status", "--format", "json")
            let json = try #require(
                try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [[String: Any]])
            let record = try #require(json.first?["record"] as? [String: Any])
            #expect(record["state"] as? String == "following" && json.first?["lagBytes"] is Int)
            let table = try await program.run("split", "status")
            #expect(table.output.contains("billing  books  following     1/1  20,000"), "\(table.output)")
            // The copy is no obstacle of its own split, and loose keys can be made while it is followed.
            let plan = try await program.run("plan")
            #expect(plan.code == 0 && !plan.output.contains("is there already"), "\(plan.output)")
            let replaced = try await program.run("split", "keys", "replace", "billing", "--yes")
            #expect(replaced.code == 0 && replaced.output.contains("Replaced 1 foreign key"), "\(replaced)")
            let same = try await program.run("split", "diff", "billing")
            #expect(same.code == 0 && same.output.contains("Both databases have the same rows."), "\(same)")
            let cancel = try await program.run("split", "cancel", "billing")
            #expect(
                cancel.code == 0
                    && cancel.output == "Split 1 is cancelled: schema billing is only where it was before.\n",
                "\(cancel)")
            let again = try await program.run("split", "cancel", "billing")
            #expect(again.code == 1 && again.errors.contains("no split of schema billing is under way"), "\(again)")
            let connection = try await books.connect()
            let schemas = try await connection.query(
                "SELECT count(*) AS n FROM pg_namespace WHERE nspname IN ('billing', 'strata')"
            ).only().int("n")
            await connection.close()
            #expect(schemas == 0)
        }
    }
}
