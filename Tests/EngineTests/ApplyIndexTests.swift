import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// An index that stands already under the name of one that is to be built.
@Suite struct ApplyIndexTests {
    private static let index = "indexes:\n  - { table: sales.orders, columns: [total] }"

    /// All is applied but the index; the plan for it is made, and then somebody makes an index of its name.
    private func with(_ other: String, _ body: (ApplyFixture, Plan) async throws -> Void) async throws {
        try await ApplyFixture.with("index") { fixture in
            let layout = ApplyFixture.layout.replacing(Self.index, with: "")
            try await fixture.apply(try await fixture.plan(layout))
            let plan = try await fixture.plan()
            #expect(plan.steps.map(\.kind) == [.buildIndex] && plan.steps[0].object == "sales.orders_total_idx")
            try await fixture.execute(other)
            try await body(fixture, plan)
        }
    }

    @Test(arguments: [
        "CREATE INDEX orders_total_idx ON sales.orders (customer)",
        "CREATE UNIQUE INDEX orders_total_idx ON sales.orders (total, id)",
        "CREATE INDEX orders_total_idx ON sales.orders (total DESC)",
        "CREATE INDEX orders_total_idx ON sales.orders (total) WHERE total > 0",
        "CREATE TABLE sales.orders_total_idx ()",
    ])
    func anotherIndexIsNotTakenForOurs(other: String) async throws {
        try await with(other) { fixture, plan in
            let failure = try await engineFailure(.resumable) {
                try await fixture.exclusively { try await $0.apply(plan) }
            }
            #expect(failure.code == "index-differs" && failure.message.contains("sales.orders_total_idx"), "\(failure)")
            let there = "SELECT 'sales.orders_total_idx'::regclass::oid"
            let oid = try await fixture.column(there)
            try await fixture.rollback()
            #expect(try await fixture.column(there) == oid, "undo leaves it alone")
        }
    }

    @Test func theSameIndexIsKept() async throws {
        try await with("CREATE INDEX orders_total_idx ON sales.orders USING btree (total)") { fixture, plan in
            let there = "SELECT 'sales.orders_total_idx'::regclass::oid"
            let oid = try await fixture.column(there)
            try await fixture.exclusively { _ = try await $0.apply(plan) }
            #expect(try await fixture.column(there) == oid)
            #expect(
                try await fixture.column("SELECT count(*) FROM pg_class WHERE relname LIKE 'strata_index_probe%'") == [
                    "0"
                ])
        }
    }
}
