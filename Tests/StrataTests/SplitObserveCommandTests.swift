import Foundation
import PostgresDriver
import TestSupport
import Testing

/// `strata split observe`, with what a proxy of the same layout has counted.
@Suite("Split: observe")
struct SplitObserveCommandTests {
    private static let pile = """
        CREATE TABLE customers (id bigint PRIMARY KEY); INSERT INTO customers VALUES (1);
        CREATE SCHEMA billing; CREATE TABLE billing.invoices (id bigint PRIMARY KEY, note text);
        INSERT INTO billing.invoices VALUES (1, 'a');
        """

    private static func layout(_ more: String = "") -> String {
        """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices] } }
        routing: { auth: { type: trust } }
        \(more)
        """
    }

    private func withShop(_ body: (Workshop) async throws -> Void) async throws {
        try await Workshop.with(pile: Self.pile, layout: Self.layout()) { shop in
            try await withTestDatabase("books") { books in
                var program = shop.program
                program.environment["BOOKS_URL"] = try Workshop.url(of: books.name)
                try await body(Workshop(database: shop.database, program: program))
            }
        }
    }

    /// Runs statements through a proxy, which writes down what it has counted when it ends.
    private func serve(_ shop: Workshop, _ statements: [String]) async throws {
        let running = try shop.program.start(["proxy", "--listen", "127.0.0.1:0"])
        do {
            var port = ""
            try await eventually("the proxy listens") {
                let line = running.errorsSoFar.firstMatch(of: /listening on 127\.0\.0\.1:(\d+) for/)
                port = line.map { String($0.1) } ?? ""
                return line != nil
            }
            let connection = try await Connection.open(
                shop.database.settings.settings(["host": "127.0.0.1", "port": port, "dbname": "main"]))
            for statement in statements { try await connection.execute(statement) }
            await connection.close()
        } catch {
            running.signal(SIGKILL)
            _ = try await running.finish()
            throw error
        }
        running.signal(SIGTERM)
        let result = try await running.finish()
        #expect(result.code == 0, "\(result)")
    }

    private static let join = "SELECT * FROM customers c JOIN billing.invoices i USING (id) WHERE i.note = 'geheim'"

    private func fingerprints(_ shop: Workshop) async throws -> [String] {
        try await shop.column("SELECT fingerprint FROM strata.crossings ORDER BY kind")
    }

    @Test("S1.7 what crosses is listed with its way out (4), exemptions are accepted (3) and cover it (0)")
    func walk() async throws {
        try await withShop { shop in
            let nobody = try await shop.program.run("split", "observe")
            #expect(nobody.code == 1 && nobody.output.contains("nobody has looked yet"), "\(nobody)")
            try await serve(
                shop,
                [
                    Self.join, Self.join, "BEGIN", "UPDATE customers SET id = id",
                    "UPDATE billing.invoices SET note = 'b'",
                    "COMMIT",
                ])
            let found = try await shop.program.run("split", "observe")
            #expect(found.code == 4 && found.errors.isEmpty, "\(found)")
            #expect(found.output.contains("Schema billing, to database books: 2 crossings without an exemption"))
            #expect(found.output.contains("✗") && found.output.contains("2 times, last 20"), "\(found.output)")
            let words = found.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("WHERE i.note = ?") && !found.output.contains("geheim"), "\(found.output)")
            #expect(found.output.contains("`copies:`") && found.output.contains("(an outbox)"), "\(found.output)")
            #expect(found.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(found.output)")
            let prints = try await fingerprints(shop)
            #expect(prints.count == 2)
            // Exempt, and not accepted yet.
            let entries = prints.map {
                "  - { fingerprint: \"\($0)\", reason: \"goes with PROJ-12\", until: 2999-01-31 }"
            }
            try shop.write(Self.layout("exemptions:\n" + entries.joined(separator: "\n")))
            let new = try await shop.program.run("split", "observe")
            #expect(
                new.code == 3 && new.output.contains("2 exemptions of the layout that nobody has accepted"), "\(new)")
            #expect(try await shop.column("SELECT count(*) FROM strata.exemptions") == ["0"])
            let accepted = try await shop.program.run("split", "observe", "--accept-exemptions")
            #expect(accepted.code == 0 && accepted.output.contains("exempt until 2999-01-31"), "\(accepted)")
            #expect(try await shop.program.run("split", "observe", "billing").code == 0)
            // A later day is more; fewer are not, and what went does not come back unnoticed.
            try shop.write(Self.layout("exemptions:\n" + entries[0].replacing("2999-01", with: "2999-03")))
            #expect(try await shop.program.run("split", "observe").code == 3)
            try shop.write(Self.layout("exemptions:\n" + entries[0]))
            let fewer = try await shop.program.run("split", "observe")
            #expect(fewer.code == 4 && fewer.output.contains("1 crossing without an exemption"), "\(fewer)")
            try shop.write(Self.layout("exemptions:\n" + entries.joined(separator: "\n")))
            #expect(try await shop.program.run("split", "observe").code == 3)
            // Expired.
            try shop.write(Self.layout("exemptions:\n" + entries[0].replacing("2999-01-31", with: "2020-01-31")))
            let expired = try await shop.program.run("split", "observe")
            #expect(expired.code == 4 && expired.output.contains("has expired on 2020-01-31"), "\(expired)")
        }
    }

    @Test("A schema that apply has made counts by its old names as well, and an old name alone crosses nothing")
    func oldNames() async throws {
        try await withShop { shop in
            try await shop.database.execute("ALTER TABLE billing.invoices SET SCHEMA public; DROP SCHEMA billing")
            let early = try await shop.program.run("split", "observe")
            #expect(early.code == 1 && early.output.contains("nobody has looked yet"), "\(early)")
            let applied = try await shop.program.run("apply", "--yes")
            #expect(applied.code == 0, "\(applied)")
            try await serve(
                shop,
                ["SELECT * FROM invoices", "UPDATE invoices SET note = 'b'", "SELECT 1 FROM invoices, customers"])
            let found = try await shop.program.run("split", "observe")
            #expect(found.code == 4 && found.output.contains("1 crossing without an exemption"), "\(found)")
            #expect(try await shop.column("SELECT kind || count FROM strata.crossings") == ["join1"])
        }
    }

    @Test("JSON has the same, and a reset counts anew")
    func machines() async throws {
        try await withShop { shop in
            try await serve(shop, [Self.join])
            let result = try await shop.program.run("split", "observe", "--format", "json")
            #expect(result.code == 4 && result.errors.isEmpty, "\(result)")
            let json = try object(result.output)
            #expect(json["uncovered"] as? Int == 1 && json["dropped"] as? Int == 0)
            let schema = try #require((json["schemas"] as? [[String: Any]])?.first)
            #expect(schema["schema"] as? String == "billing" && schema["database"] as? String == "books")
            #expect((schema["observedSince"] as? String)?.hasSuffix("Z") == true)
            let crossing = try #require((schema["crossings"] as? [[String: Any]])?.first)
            #expect(crossing["kind"] as? String == "join" && crossing["count"] as? Int == 1)
            #expect(crossing["schemas"] as? [String] == ["billing", "public"])
            #expect(crossing["databases"] as? [String] == ["main", "books"] && crossing["remedy"] is String)
            #expect(crossing["exemption"] == nil && !result.output.contains("geheim"))
            let reset = try await shop.program.run("split", "observe", "billing", "--reset")
            #expect(reset.code == 0 && reset.output == "Forgot 1 crossing of billing; they are counted anew.\n")
            let clean = try await shop.program.run("split", "observe")
            #expect(clean.code == 0 && clean.output.contains("nothing crosses"), "\(clean)")
            #expect(clean.output.contains("Observed since 20"), "\(clean)")
        }
    }

    @Test("What cannot be asked for is said with the next step")
    func refused() async throws {
        try await withShop { shop in
            let unknown = try await shop.program.run("split", "observe", "shop")
            #expect(unknown.code == 1 && unknown.errors.contains("does not place schema shop"), "\(unknown)")
            #expect(unknown.errors.contains("try: it does so with: billing"))
            let both = try await shop.program.run("split", "observe", "--reset", "--accept-exemptions")
            #expect(both.code == 64 && both.errors.contains("two things"), "\(both)")
            try shop.write("strata: 1\nschemas: { billing: { tables: [invoices] } }")
            let none = try await shop.program.run("split", "observe")
            #expect(none.code == 1 && none.errors.contains("places no schema on another database"), "\(none)")
            let help = try await shop.program.run("split", "observe", "--help")
            #expect(help.code == 0 && help.output.contains("  strata split observe billing --format json"))
        }
    }
}
