import Foundation
import PostgresDriver
import TestSupport
import Testing

@Suite("Split: keys")
struct SplitKeysCommandTests {
    private static let pile = """
        CREATE SCHEMA billing;
        CREATE TABLE customers (id bigint PRIMARY KEY);
        CREATE TABLE billing.invoices (id bigint PRIMARY KEY, customer_id bigint CONSTRAINT owner REFERENCES customers ON DELETE CASCADE);
        INSERT INTO customers SELECT generate_series(1, 5);
        INSERT INTO billing.invoices SELECT g, 1 + g % 5 FROM generate_series(1, 50) g;
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "${DATABASE_URL}" }, books: { url: "${BOOKS_URL}" } }
        schemas: { billing: { database: books, tables: [invoices] } }

        """

    private func with(_ pile: String = pile, _ body: (Workshop, Program) async throws -> Void) async throws {
        try await Workshop.with(pile: pile, layout: Self.layout) { shop in
            try await withTestDatabase("books") { books in
                var program = shop.program
                program.environment["BOOKS_URL"] = try Workshop.url(of: books.name)
                try await body(shop, program)
            }
        }
    }

    private func keys(_ program: Program) async throws -> [[String: Any]] {
        let result = try await program.run("split", "keys", "--format", "json")
        #expect(result.code == 0, "\(result)")
        return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
    }

    @Test("S1.27 list, replace, work, restore")
    func wholeWay() async throws {
        try await with { shop, program in
            let none = try await program.run("split", "keys")
            #expect(none.code == 0 && none.output.hasPrefix("No loose keys."), "\(none)")
            let replaced = try await program.run("split", "keys", "replace", "billing", "--yes")
            #expect(replaced.code == 0, "\(replaced)")
            #expect(
                replaced.output
                    == "billing.invoices(customer_id) -> public.customers(id)\nReplaced 1 foreign key by a loose one.\n",
                "\(replaced)")
            #expect(replaced.errors.contains("strata split keys work"))
            #expect(try await shop.column("SELECT conname FROM pg_constraint WHERE conname = 'owner'") == [])
            try await shop.database.execute("DELETE FROM customers WHERE id <= 2")
            let waiting = try await program.run("split", "keys")
            #expect(waiting.output.contains("2 entries waiting, the oldest for "), "\(waiting)")
            #expect(waiting.output.contains("loose; delete; main to main; no orphans"), "\(waiting)")
            #expect(waiting.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
            try await shop.database.execute(
                "UPDATE strata.loose_key_queue SET enqueued_at = enqueued_at - interval '150 minutes'")
            let late = try await program.run("split", "keys")
            #expect(late.output.contains("the oldest for 2 h"), "\(late)")
            let key = try #require(try await keys(program).first)
            #expect(key["queued"] as? Int == 2 && key["state"] as? String == "loose" && key["failing"] as? Int == 0)
            #expect((key["lagSeconds"] as? Double ?? -1) >= 9000 && key["onDelete"] as? String == "delete")
            let worked = try await program.run("split", "keys", "work", "--once")
            #expect(worked.code == 0 && worked.output == "2 entries done, 20 rows changed.\n", "\(worked)")
            #expect(try await shop.column("SELECT count(*) FROM billing.invoices") == ["30"])
            #expect(try await keys(program).first?["queued"] as? Int == 0)
            let again = try await program.run("split", "keys", "replace", "--format", "json")
            #expect(again.code == 0 && again.output == "{\"replaced\":[]}\n", "\(again)")
            // What the layout says now counts, and the trigger that is not needed any more goes.
            try shop.write(
                Self.layout
                    + "loose_keys:\n  - { table: billing.invoices, columns: [customer_id], references: public.customers, on_delete: ignore }\n"
            )
            let changed = try await program.run("split", "keys", "replace")
            #expect(changed.code == 0 && changed.output.hasSuffix("\nChanged what 1 loose key does.\n"), "\(changed)")
            #expect(try await keys(program).first?["onDelete"] as? String == "ignore")
            #expect(try await shop.column("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz\\_strata%'") == ["0"])
            let restored = try await program.run("split", "keys", "restore", "--yes", "--format", "json")
            #expect(restored.code == 0, "\(restored)")
            #expect(
                try object(restored.output)["restored"] as? [String]
                    == ["billing.invoices(customer_id) -> public.customers(id)"])
            #expect(try await shop.column("SELECT convalidated FROM pg_constraint WHERE conname = 'owner'") == ["t"])
            #expect(try await keys(program).isEmpty)
            let nothing = try await program.run("split", "keys", "restore")
            #expect(nothing.code == 0 && nothing.output.hasPrefix("Nothing to restore"), "\(nothing)")
        }
    }

    @Test("The worker runs until SIGTERM, and ends well; verify knows that the key is loose")
    func worker() async throws {
        try await with { shop, program in
            #expect(try await program.run("apply", "--yes").code == 0)
            #expect(try await program.run("split", "keys", "replace", "--yes").code == 0)
            let running = try program.start(["split", "keys", "work"])
            try await shop.database.execute("DELETE FROM customers WHERE id = 3")
            try await shop.until(
                "the invoices of customer 3 are gone",
                "SELECT NOT EXISTS (SELECT FROM billing.invoices WHERE customer_id = 3) AND NOT EXISTS (SELECT FROM strata.loose_key_queue)"
            )
            running.signal(SIGTERM)
            // Of a run's tables one foreign key is missing, knowingly.
            let verified = try await program.run("verify")
            #expect(verified.code == 0, "\(verified)")
            let result = try await running.finish()
            #expect(result.code == 0 && !result.wasKilled, "\(result)")
            #expect(result.output == "1 entry done, 10 rows changed.\n", "\(result)")
        }
    }

    @Test("Killed with SIGKILL in the middle, the next one does the rest")
    func killed() async throws {
        try await with { shop, program in
            #expect(try await program.run("split", "keys", "replace", "--yes").code == 0)
            try await shop.database.execute(
                """
                INSERT INTO customers SELECT generate_series(10, 20009);
                INSERT INTO billing.invoices SELECT g, g FROM generate_series(1000, 20009) g;
                CREATE INDEX ON billing.invoices (customer_id); ANALYZE;
                DELETE FROM customers WHERE id >= 10
                """)
            let running = try program.start(["split", "keys", "work"])
            try await shop.until("it has begun", "SELECT count(*) < 20000 FROM strata.loose_key_queue")
            running.signal(SIGKILL)
            #expect(try await running.finish().wasKilled)
            let rest = try await program.run("split", "keys", "work", "--once")
            #expect(rest.code == 0, "\(rest)")
            #expect(try await shop.column("SELECT count(*) FROM strata.loose_key_queue") == ["0"])
            #expect(try await shop.column("SELECT count(*) FROM billing.invoices") == ["50"])
        }
    }

    @Test("What cannot be done says so, with its exit code")
    func refused() async throws {
        let pile =
            Self.pile
            + "CREATE TABLE billing.notes (id int PRIMARY KEY, customer bigint CONSTRAINT refuses REFERENCES customers);"
        try await with(pile) { shop, program in
            let stays = try await program.run("split", "keys", "replace", "public")
            #expect(
                stays.code == 1 && stays.errors.contains("does not place schema public on another database"), "\(stays)"
            )
            let undeclared = try await program.run("split", "keys", "replace")
            #expect(undeclared.code == 1 && undeclared.errors.contains("loose_keys"), "\(undeclared)")
            #expect(try await shop.column("SELECT to_regclass('strata.loose_keys')") == ["NULL"])
            try shop.write(
                Self.layout.replacing("[invoices]", with: "[invoices, notes]")
                    + "loose_keys:\n  - { table: billing.notes, columns: [customer], references: public.customers, on_delete: delete }\n"
            )
            // An entry that fails: exit 5, and the reason in the list.
            #expect(try await program.run("split", "keys", "replace").code == 0)
            try await shop.database.execute(
                """
                INSERT INTO billing.notes VALUES (1, 4);
                CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'notes stay'; END$$;
                CREATE TRIGGER keep BEFORE DELETE ON billing.notes FOR EACH ROW EXECUTE FUNCTION keep();
                DELETE FROM customers WHERE id = 4
                """)
            let failing = try await program.run("split", "keys", "work", "--once")
            #expect(failing.code == 5 && failing.errors.contains("1 entry could not be done"), "\(failing)")
            let list = try await program.run("split", "keys")
            #expect(list.output.contains("1 entry failing: notes stay [P0001]"), "\(list)")
        }
    }

    @Test(arguments: [
        ["split", "keys"], ["split", "keys", "replace"], ["split", "keys", "restore"], ["split", "keys", "work"],
    ])
    func help(command: [String]) async throws {
        try await Workshop.withFolder { program in
            let result = try await program.start(command + ["--help"]).finish()
            let words = (["strata"] + command).joined(separator: " ")
            #expect(result.code == 0 && result.output.contains("  \(words)"), "\(result)")
        }
    }
}
