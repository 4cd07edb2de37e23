import Planning
import PostgresDriver
import TestSupport
import Testing

/// A layout that changes after it was applied: what moves again finds the compatibility objects of the runs before, and
/// every old name goes on working until `contract`.
@Suite("Changed layouts")
struct ChangedLayoutTests {
    private static let before = """
        CREATE TYPE mood AS ENUM ('new', 'paid');
        CREATE TABLE orders (id serial PRIMARY KEY, total numeric, state mood NOT NULL DEFAULT 'new');
        CREATE FUNCTION order_sum(integer) RETURNS numeric LANGUAGE sql STABLE AS 'SELECT sum(total) FROM orders WHERE id >= $1';
        CREATE FUNCTION same(anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT $1';
        GRANT SELECT, INSERT ON orders TO PUBLIC;
        INSERT INTO orders (total) VALUES (5), (7);
        """

    private static func layout(_ schema: String) -> String {
        """
        strata: 1
        schemas:
          \(schema): { tables: [orders], functions: [order_sum, same], types: [mood] }
        """
    }

    private func move(_ work: Reorganisation, to schema: String) async throws -> Plan {
        let work = try work.with(layout: Self.layout(schema))
        let plan = try await work.plan()
        try await work.apply(plan)
        let second = try await work.plan()
        #expect(second.steps.isEmpty, "second plan: \(second.steps.flatMap(\.statements))")
        #expect(try await work.differences() == [], "verify after the move to \(schema)")
        return plan
    }

    private func expectWorking(_ work: Reorganisation, _ schemas: [String], shims: [String]) async throws {
        try await work.session { session in
            for schema in schemas {
                try await session.expect("SELECT count(*) FROM \(schema).orders", "2", "\(schema)")
                try await session.expect("SELECT \(schema).order_sum(1), \(schema).same(3)", "12|3", "\(schema)")
                try await session.run("INSERT INTO \(schema).orders (total, state) VALUES (1, 'paid'::\(schema).mood)")
                try await session.run("DELETE FROM \(schema).orders WHERE total = 1")
            }
        }
        let found = CatalogLookup(try await work.catalog()).shims.map { "\($0.display) → \($0.target)" }.sorted()
        #expect(found == shims)
    }

    private func shims(_ schemas: [String], _ target: String) -> [String] {
        schemas.flatMap { schema in
            ["mood", "order_sum", "orders", "same"].map { "\(schema).\($0) → \(target).\($0)" }
        }.sorted()
    }

    @Test("a table moves on: both former names go on working, and contract takes them away together")
    func onwards() async throws {
        try await Reorganisation.with("onwards", before: Self.before, layout: Self.layout("b")) { work in
            _ = try await move(work, to: "b")
            let between = try await work.catalog()
            let plan = try await move(work, to: "c")
            #expect(!plan.steps.contains { $0.kind == .dropShim }, "nothing is in the way")
            try await expectWorking(work, ["public", "b", "c"], shims: shims(["b", "public"], "c"))

            try await work.rollback()
            let back = try await work.catalog()
            let difference = CatalogDifference.between(between.canonicalLines(), back.canonicalLines())
            #expect(difference.lines() == [])
            #expect(back.fingerprint == between.fingerprint)
            try await expectWorking(work, ["public", "b"], shims: shims(["public"], "b"))
        }
    }

    @Test("a table goes back to where its own compatibility view stands")
    func backAgain() async throws {
        try await Reorganisation.with("back", before: Self.before, layout: Self.layout("b")) { work in
            let untouched = try await work.catalog()
            _ = try await move(work, to: "b")
            let between = try await work.catalog()
            let plan = try await move(work, to: "public")
            let dropped = plan.steps.filter { $0.kind == .dropShim }.map(\.object).sorted()
            #expect(dropped == ["public.mood", "public.order_sum", "public.orders", "public.same"])
            for step in plan.steps where step.kind == .dropShim {
                let next = plan.steps.first { $0.number == step.number + 1 }
                #expect(next?.group == step.group && next?.object.hasPrefix("b.") == true, "one transaction")
            }
            try await expectWorking(work, ["public", "b"], shims: shims(["b"], "public"))
            // And there once more.
            _ = try await move(work, to: "b")
            try await expectWorking(work, ["public", "b"], shims: shims(["public"], "b"))

            for _ in 1...2 { try await work.rollback() }
            #expect(try await work.catalog().fingerprint == between.fingerprint)
            try await expectWorking(work, ["public", "b"], shims: shims(["public"], "b"))
            try await work.rollback()
            #expect(try await work.catalog().fingerprint == untouched.fingerprint)
        }
    }

    @Test("round: the first schema again, with names of all three")
    func round() async throws {
        try await Reorganisation.with("round", before: Self.before, layout: Self.layout("b")) { work in
            let untouched = try await work.catalog()
            for schema in ["b", "c", "public"] { _ = try await move(work, to: schema) }
            try await expectWorking(work, ["public", "b", "c"], shims: shims(["b", "c"], "public"))
            for _ in 1...3 { try await work.rollback() }
            let back = try await work.catalog()
            #expect(
                CatalogDifference.between(untouched.canonicalLines(), back.canonicalLines()).lines() == [])
        }
    }

    @Test("what is built on the view in the way is named, and nothing is touched")
    func neededShim() async throws {
        try await Reorganisation.with("needed", before: Self.before, layout: Self.layout("b")) { work in
            _ = try await move(work, to: "b")
            try await work.session { _ in }
            try await work.database.execute("CREATE VIEW public.big AS SELECT * FROM public.orders WHERE total > 6")
            let again = try work.with(layout: Self.layout("public"))
            let error = await #expect(throws: DiagnosticsError.self) { try await again.plan() }
            let found = try #require(error?.diagnostics.first)
            #expect(found.code == "shim-needed" && found.message.contains("public.big"), "\(found)")
            #expect(found.place != nil && found.nextStep?.contains("plan again") == true, "\(found)")
        }
    }

    @Test("another table cannot take a name that still stands for the first one")
    func foreignShim() async throws {
        let before = Self.before + "; CREATE SCHEMA other; CREATE TABLE other.orders (id integer)"
        try await Reorganisation.with("foreign", before: before, layout: Self.layout("b")) { work in
            let first = "strata: 1\nschemas:\n  b: { tables: [{ table: orders, from: public }] }\n"
            try await work.with(layout: first).apply(try await work.with(layout: first).plan())
            let layout = "strata: 1\nschemas:\n  public: { tables: [{ table: orders, from: other }] }\n"
            let again = try work.with(layout: layout)
            let error = await #expect(throws: DiagnosticsError.self) { try await again.plan() }
            let found = try #require(error?.diagnostics.first)
            #expect(found.code == "name-collision" && found.message.contains("left for b.orders"), "\(found)")
            #expect(found.nextStep?.contains("strata contract") == true, "\(found)")
        }
    }

    @Test("a view whose comment is stale, because somebody moved the table by hand, is found by what it is built on")
    func movedByHand() async throws {
        let layout = "strata: 1\nschemas:\n  b: { tables: [orders] }\n"
        try await Reorganisation.with("byhand", before: Self.before, layout: layout) { work in
            try await work.apply(try await work.plan())
            try await work.database.execute("CREATE SCHEMA d; ALTER TABLE b.orders SET SCHEMA d")
            let home = try work.with(layout: "strata: 1\nschemas:\n  public: { tables: [orders] }\n")
            let plan = try await home.plan()
            #expect(plan.steps.map(\.kind).contains(.dropShim))
            try await home.apply(plan)
            #expect(try await home.plan().steps.isEmpty)
            try await work.session { try await $0.expect("SELECT count(*) FROM d.orders", "2") }
        }
    }
}
