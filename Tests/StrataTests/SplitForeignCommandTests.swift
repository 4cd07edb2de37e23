import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite("Split: foreign tables, commands")
struct SplitForeignCommandTests {
    private static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices] } }
        foreign_tables: [{ schema: far_billing, of: billing }]
        routing: { auth: { type: trust } }
        """

    @Test("make, list, drop; the proxy joins them in the main database")
    func walk() async throws {
        try await Workshop.with(
            pile: "CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers VALUES (1, 'ann')",
            layout: Self.layout
        ) { shop in
            try await withTestDatabase("books") { books in
                try await books.execute(
                    "CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int PRIMARY KEY, note text); INSERT INTO billing.invoices VALUES (1, 'far')"
                )
                var program = shop.program
                program.environment["BOOKS_URL"] = try Workshop.url(of: books.name)
                do { try await walk(program, shop) } catch {
                    _ = try? await program.run("split", "foreign", "drop", "far_billing")
                    throw error
                }
            }
        }
    }

    private func walk(_ program: Program, _ shop: Workshop) async throws {
        let early = try await program.run("split", "foreign")
        #expect(early.code == 0 && early.output.contains("declared") && early.output.contains("warning:"), "\(early)")
        let made = try await program.run("split", "foreign", "make")
        #expect(made.code == 0 && made.output == "Schema far_billing reads 1 table: invoices.\n", "\(made)")
        let list = try await program.run("split", "foreign", "list", "--format", "json")
        let json = try #require(try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
        #expect(json.first?["state"] as? String == "ready" && json.first?["warnings"] as? [String] == [])
        #expect(!list.output.contains("password"))
        try await joined(program, shop)
        let dropped = try await program.run("split", "foreign", "drop", "far_billing")
        #expect(
            dropped.code == 0 && dropped.output == "Schema far_billing and its foreign tables are gone.\n", "\(dropped)"
        )
        let again = try await program.run("split", "foreign", "drop", "far_billing")
        #expect(
            again.code == 1 && again.errors.contains("there are no foreign tables in schema far_billing"), "\(again)")
    }

    private func joined(_ program: Program, _ shop: Workshop) async throws {
        let running = try program.start(["proxy", "--listen", "127.0.0.1:0"])
        do {
            var port: Int?
            try await eventually("the proxy listens") {
                port = running.errorsSoFar.firstMatch(of: /listening on 127\.0\.0\.1:(\d+) for/).flatMap { Int($0.1) }
                return port != nil
            }
            let connection = try await Connection.open(
                shop.database.settings.settings([
                    "host": "127.0.0.1", "port": "\(try #require(port))", "dbname": "main",
                ]))
            try await eventually("both catalogs are known") {
                (try? await connection.query("SELECT note FROM billing.invoices").only().string(0)) == "far"
            }
            let join = "SELECT c.name || ' ' || i.note FROM customers c JOIN far_billing.invoices i USING (id)"
            #expect(try await connection.query(join).only().string(0) == "ann far")
            await #expect(throws: PostgresError.self) {
                try await connection.query("SELECT 1 FROM customers JOIN billing.invoices USING (id)")
            }
            await connection.close()
        } catch {
            running.signal(SIGKILL)
            _ = try await running.finish()
            throw error
        }
        running.signal(SIGTERM)
        _ = try await running.finish()
    }
}
