import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Removing compatibility objects: only when nobody needs them, and not for ever.
@Suite struct ContractTests {
    /// What `strata contract` does before it asks.
    private func look(
        _ fixture: ApplyFixture, window: Duration = .zero
    ) async throws -> (plan: Plan, looked: ShimObservations.Looked) {
        try await fixture.exclusively("contract") { applier in
            let look = try await ContractLook.take(applier.connection, window: window)
            return (look.plan, look.looked)
        }
    }

    private func shims(_ fixture: ApplyFixture) async throws -> [String] {
        CatalogLookup(try await fixture.catalog()).shims.map(\.display).sorted()
    }

    @Test func withoutStatisticsTheUseIsUnknown() async throws {
        try await ApplyFixture.with("contract") { fixture in
            let applied = try await fixture.apply()
            #expect(
                try await shims(fixture) == [
                    "public.customers", "public.events", "public.mood", "public.order_total", "public.orders",
                ])
            let (plan, looked) = try await look(fixture, window: .seconds(3600))
            #expect(plan.hazards.map(\.code) == [.useUnknown] && !looked.isKnown)
            #expect(looked.tooYoung(accepted: []) == nil)
            let failure = try await engineFailure(.hazards) {
                try await fixture.exclusively("contract") {
                    try $0.check(plan, against: try await fixture.catalog(), accepted: [])
                }
            }
            #expect(failure.message.contains("USE_UNKNOWN"))

            let contracted = try await fixture.apply(plan, kind: .contract)
            #expect(contracted.fingerprintBefore == applied.fingerprintAfter)
            #expect(try await shims(fixture).isEmpty)
            #expect(try await fixture.column("SELECT count(*) FROM sales.orders") == ["500"])
            #expect(try await look(fixture).plan.isEmpty)
            #expect(try await fixture.plan().isEmpty, "the layout asks for no shims of what was moved before")

            // Exactly as they were, and then the move itself.
            let restored = try await fixture.rollback()
            #expect(restored.run == contracted.run && restored.fingerprintAfter == applied.fingerprintAfter)
            try await fixture.onConnection(["user": fixture.app, "password": fixture.app]) { client in
                _ = try await client.query("INSERT INTO orders (customer, total) VALUES (1, 1) RETURNING id")
                _ = try await client.query("SELECT order_total(1), 'new'::mood")
            }
            #expect(try await fixture.rollback().fingerprintAfter == applied.fingerprintBefore)
        }
    }

    @Test func whatIsBuiltOnAShimIsNamed() async throws {
        try await ApplyFixture.with("contract") { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                CREATE VIEW public.big AS SELECT * FROM public.orders WHERE total > 100;
                CREATE TABLE public.tempers (id integer, temper public.mood);
                """)
            let found = try await complaints { try await look(fixture) }
            #expect(found.allSatisfy { $0.code == "shim-needed" }, "\(found)")
            #expect(
                found.contains { $0.object == "public.orders" && $0.message.contains("view public.big") }, "\(found)")
            #expect(found.contains { $0.object == "public.mood" }, "\(found)")
            #expect(found.allSatisfy { $0.nextStep?.contains("instead") == true })
            try await fixture.execute("DROP VIEW public.big; DROP TABLE public.tempers")
            #expect(try await look(fixture).plan.steps.count == 5)
        }
    }

    @Test func aFunctionThatNamesAShimIsAHazard() async throws {
        try await ApplyFixture.with("contract") { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                CREATE FUNCTION late() RETURNS bigint LANGUAGE plpgsql AS
                'BEGIN
                    RETURN (SELECT count(*) FROM public.orders);
                END'
                """)
            let hazards = try await look(fixture).plan.hazards
            let hazard = try #require(hazards.first { $0.code == .bindsByName }, "\(hazards)")
            #expect(hazard.object.contains("public.late") && hazard.line == 2 && hazard.remedy.contains("sales.orders"))
        }
    }

    @Test func anInterruptedContractIsResumed() async throws {
        try await ApplyFixture.with("contract") { fixture in
            let applied = try await fixture.apply()
            let plan = try await look(fixture).plan
            let work = Task {
                try await fixture.apply(plan, kind: .contract, report: atGroup(3, cancelCurrentTask))
            }
            _ = try await engineFailure(.resumable) { try await work.value }
            #expect(try await shims(fixture).count == 3)
            try await fixture.resume()
            #expect(try await shims(fixture).isEmpty)
            #expect(try await fixture.rollback().fingerprintAfter == applied.fingerprintAfter)
        }
    }
}

/// With pg_stat_statements: what was called by an old name, and since when.
@Suite(.enabled("the test server loads pg_stat_statements", statementsAreCounted))
struct ContractUseTests {
    private static let window = Duration.milliseconds(1)

    private func with(_ body: (ApplyFixture) async throws -> Void) async throws {
        try await ApplyFixture.with("use", pile: "CREATE EXTENSION pg_stat_statements;" + ApplyFixture.pile) {
            fixture in
            try await fixture.apply()
            try await body(fixture)
        }
    }

    private func look(
        _ fixture: ApplyFixture, window: Duration = window
    ) async throws -> (plan: Plan, looked: ShimObservations.Looked) {
        try await fixture.exclusively("contract") { applier in
            let look = try await ContractLook.take(applier.connection, window: window)
            return (look.plan, look.looked)
        }
    }

    /// Often, because the server forgets seldom statements first, and other tests share it.
    private func call(_ fixture: ApplyFixture, _ sql: String, times: Int = 60) async throws {
        try await fixture.onConnection(["user": fixture.app, "password": fixture.app]) { client in
            for _ in 1...times { _ = try await client.query(sql) }
        }
    }

    @Test func theFirstLookBeginsToCount() async throws {
        try await with { fixture in
            let (_, looked) = try await look(fixture, window: .seconds(86_400))
            let refusal = try #require(looked.tooYoung(accepted: []))
            #expect(refusal.code == "use-unknown" && refusal.message.contains("from now on"), "\(refusal)")
            #expect(refusal.message.contains("24 h") && refusal.nextStep?.contains("--window") == true)
            #expect(looked.tooYoung(accepted: [.useUnknown]) == nil)
            let second = try await look(fixture, window: .seconds(86_400)).looked
            let again = try #require(second.tooYoung(accepted: []))
            #expect(again.message.contains("since 20"))
        }
    }

    @Test func useWithinTheWindowIsNamed() async throws {
        try await with { fixture in
            _ = try await look(fixture)
            try await call(fixture, "SELECT count(*) FROM orders WHERE customer = 1")
            try await call(fixture, "SELECT count(*) FROM sales.orders WHERE customer = 2")
            let (plan, looked) = try await look(fixture)
            #expect(looked.tooYoung(accepted: []) == nil)
            let used = plan.hazards.filter { $0.code == .shimInUse }
            #expect(used.map(\.object) == ["public.orders"], "\(plan.hazards)")
            #expect(used.first?.message.contains("calls by \(fixture.app)") == true, "\(used)")
            #expect(used.first?.remedy.contains("sales.orders") == true)
            #expect(used.first?.excerpt?.contains("FROM orders") == true)

            // Nobody used it since: now it may go, and it comes back.
            let later = try await look(fixture).plan
            #expect(!later.hazards.contains { $0.code == .shimInUse }, "\(later.hazards)")
            let report = try await fixture.apply(later, kind: .contract)
            #expect(try await fixture.rollback().fingerprintAfter == report.fingerprintBefore)
        }
    }

    @Test func countsThatWereResetAreAllNew() async throws {
        try await with { fixture in
            try await call(fixture, "SELECT max(total) FROM orders", times: 200)
            _ = try await look(fixture)
            try await fixture.execute(
                "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)"
            )
            try await call(fixture, "SELECT max(total) FROM orders")
            let hazards = try await look(fixture).plan.hazards
            #expect(hazards.contains { $0.code == .shimInUse && $0.message.contains("60 calls") }, "\(hazards)")
        }
    }

    @Test func theNewestLookThatIsOldEnoughCounts() async throws {
        try await with { fixture in
            _ = try await look(fixture)
            try await fixture.execute(
                "UPDATE strata.observations SET at = at - interval '2 days'; UPDATE strata.looks SET at = at - interval '2 days'"
            )
            try await call(fixture, "SELECT min(total) FROM orders")
            _ = try await look(fixture)
            // A day back, the counts of two days ago are the ones to compare with.
            let (plan, looked) = try await look(fixture, window: .seconds(86_400))
            #expect(looked.coversWindow && looked.tooYoung(accepted: []) == nil)
            #expect(plan.hazards.contains { $0.code == .shimInUse }, "\(plan.hazards)")
        }
    }

    @Test func looksOlderThanNinetyDaysAreForgotten() async throws {
        try await with { fixture in
            _ = try await look(fixture)
            try await fixture.execute(
                "UPDATE strata.observations SET at = at - interval '91 days'; UPDATE strata.looks SET at = at - interval '91 days'"
            )
            _ = try await look(fixture)
            #expect(try await fixture.column("SELECT count(*) FROM strata.looks") == ["1"])
            #expect(try await fixture.column("SELECT count(DISTINCT at) FROM strata.observations") == ["1"])
        }
    }
}

@Sendable private func statementsAreCounted() async throws -> Bool {
    let connection = try await Connection.open(ConnectionSettings(TestServer.url()))
    let libraries = try await connection.query("SHOW shared_preload_libraries").only().string(0)
    await connection.close()
    return libraries.contains("pg_stat_statements")
}
