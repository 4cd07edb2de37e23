import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite("Split: plan")
struct SplitPlanCommandTests {
    private static let pile = """
        CREATE TABLE customers (id bigint PRIMARY KEY);
        CREATE TABLE invoices (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers ON DELETE CASCADE);
        INSERT INTO customers SELECT generate_series(1, 3);
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices] } }
        """

    @Test("S1.7 a schema that goes to another database: what crosses the cut and what the servers lack")
    func report() async throws {
        try await Workshop.with(pile: Self.pile, layout: Self.layout) { shop in
            try await withTestDatabase("books") { books in
                var program = shop.program
                program.environment["BOOKS_URL"] = try Workshop.url(of: books.name)
                let plan = try await program.run("plan")
                #expect(plan.code == 0 && plan.errors.isEmpty, "\(plan)")
                #expect(
                    plan.output.contains("Split: schema billing goes to database books; nothing stands in the way"),
                    "\(plan.output)")
                #expect(plan.output.contains("billing.invoices.customer_id → public.customers.id, ON DELETE CASCADE"))
                #expect(plan.output.contains("instead: a loose key"))
                let report = plan.output.split(separator: "\n").drop { !$0.hasPrefix("Split:") }
                #expect(report.count > 5 && report.filter { $0.count > 80 } == [])
                try await books.execute("CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int)")
                let taken = try await program.run("plan", "--format", "json")
                let json = try #require(
                    try JSONSerialization.jsonObject(with: Data(taken.output.utf8)) as? [String: Any])
                let split = try #require((json["splits"] as? [[String: Any]])?.first)
                #expect(split["schema"] as? String == "billing" && split["database"] as? String == "books")
                let requirements = try #require(split["requirements"] as? [[String: Any]])
                #expect(
                    requirements.contains {
                        $0["isBlocking"] as? Bool == true
                            && ($0["message"] as? String)?.hasPrefix("schema billing is there already") == true
                    }, "\(requirements)")
                // Its own database under another name.
                program.environment["BOOKS_URL"] = program.environment["DATABASE_URL"]
                let same = try await program.run("plan")
                #expect(same.output.contains("✗ database books: it is database main itself"), "\(same.output)")
            }
        }
    }

    @Test("One that cannot be reached is an obstacle of the split, and the plan is made all the same")
    func unreachable() async throws {
        try await Workshop.with(pile: Self.pile, layout: Self.layout) { shop in
            var program = shop.program
            program.environment["BOOKS_URL"] = "postgresql://nobody@127.0.0.1:1/none"
            let plan = try await program.run("plan")
            #expect(plan.code == 0 && plan.output.contains("✗ database books: it cannot be looked at:"), "\(plan)")
            program.environment["BOOKS_URL"] = nil
            let unset = try await program.run("plan")
            let words = unset.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(unset.code == 0 && words.contains("the environment variable BOOKS_URL is not set"), "\(unset)")
        }
    }
}
