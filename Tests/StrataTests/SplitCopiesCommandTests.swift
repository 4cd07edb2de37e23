import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite("Split: copies, commands")
struct SplitCopiesCommandTests {
    private static let pile = """
        CREATE TABLE countries (id int PRIMARY KEY, name text);
        INSERT INTO countries SELECT n, 'country ' || n FROM generate_series(1, 200) n;
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { public: { tables: [countries] } }
        copies: [{ table: public.countries, databases: [books] }]
        """

    private func withBooks(_ body: (Program, Workshop, TestDatabase) async throws -> Void) async throws {
        try await Workshop.with(pile: Self.pile, layout: Self.layout) { shop in
            try await withTestDatabase("books") { books in
                var program = shop.program
                program.environment["BOOKS_URL"] = try Workshop.url(of: books.name)
                do { try await body(program, shop, books) } catch {
                    _ = try? await program.run("split", "copies", "drop", "countries")
                    throw error
                }
                // A slot would keep the database from being dropped.
                _ = try? await program.run("split", "copies", "drop", "countries")
            }
        }
    }

    private func count(_ database: TestDatabase, _ sql: String) async throws -> Int {
        let connection = try await database.connect()
        let count = try await connection.query(sql).only().int(0)
        await connection.close()
        return count
    }

    @Test("list, make, drop: what each says")
    func walk() async throws {
        try await withBooks { program, shop, books in
            let early = try await program.run("split", "copies")
            #expect(early.code == 0 && early.output.contains("declared"), "\(early)")
            #expect(early.output.contains("warning: public.countries in books: the layout declares it"), "\(early)")
            let wrong = try await program.run("split", "copies", "make", "country")
            #expect(wrong.code == 1 && wrong.errors.contains("declares no copy of country"), "\(wrong)")
            let made = try await program.run("split", "copies", "make")
            #expect(made.code == 0 && made.output == "public.countries is in database books as well.\n", "\(made)")
            #expect(made.errors.contains("public.countries in books: rows"), "\(made)")
            #expect(try await count(books, "SELECT count(*) FROM countries") == 200)
            let list = try await program.run("split", "copies", "list", "--format", "json")
            let json = try #require(try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
            #expect(json.count == 1 && json[0]["state"] as? String == "ready" && json[0]["lagBytes"] is Int)
            #expect(json[0]["warnings"] as? [String] == [])
            // Only what the layout does not declare goes by itself.
            #expect(try await program.run("split", "copies", "drop").output == "Nothing to drop.\n")
            try shop.write(Self.layout.replacing("copies: [{ table: public.countries, databases: [books] }]", with: ""))
            let stale = try await program.run("split", "copies")
            #expect(stale.output.contains("the layout does not declare it"), "\(stale)")
            let dropped = try await program.run("split", "copies", "drop")
            #expect(
                dropped.code == 0 && dropped.output == "public.countries is in database books no more.\n", "\(dropped)")
            let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'strata'"
            #expect(try await count(books, schemas) == 0)
            let again = try await program.run("split", "copies", "drop", "countries")
            #expect(again.code == 1 && again.errors.contains("there is no copy of countries"), "\(again)")
        }
    }

    @Test(
        "Killed at any moment (kill -9), the next call goes on",
        arguments: ["definition", "stream", "rows", "dropping"])
    func killed(stage: String) async throws {
        try await withBooks { program, _, books in
            let isDrop = stage == "dropping"
            if isDrop { #expect(try await program.run("split", "copies", "make").code == 0) }
            let command = ["split", "copies", isDrop ? "drop" : "make", "countries"]
            let first = try program.start(command)
            for _ in 0..<6_000 where !first.errorsSoFar.contains(": \(stage)\n") {
                try await Task.sleep(for: .milliseconds(5))
            }
            first.signal(SIGKILL)
            _ = try await first.finish()
            let second = try await program.start(command).finish()
            // A drop that had ended by then has nothing left to do.
            #expect(second.code == 0 || isDrop && second.errors.contains("there is no copy"), "\(second)")
            if isDrop {
                #expect(try await count(books, "SELECT count(*) FROM pg_class WHERE relname = 'countries'") == 0)
            } else {
                #expect(try await count(books, "SELECT count(*) FROM countries") == 200)
            }
        }
    }
}
