import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// A run goes on only in the database that it left: what others changed meanwhile is named.
@Suite struct ResumeDriftTests {
    /// Stopped before public.orders moves: customers have moved, events have not.
    private func stopped(_ fixture: ApplyFixture) async throws {
        let work = Task {
            try await fixture.apply { event in
                if case .beginning(let step, _, _) = event, step.object == "public.orders" { cancelCurrentTask() }
            }
        }
        _ = try await engineFailure(.resumable) { try await work.value }
        #expect(try await fixture.places() == ["people.customers", "public.events", "public.orders"])
    }

    @Test(arguments: [
        ("CREATE TABLE public.extra ()", "added table public.extra"),
        ("ALTER TABLE public.events ADD COLUMN at date", "changed table public.events: column at"),
        ("ALTER TABLE people.customers ADD COLUMN at date", "changed table people.customers: column at"),
        ("REVOKE INSERT ON people.customers FROM @app", "changed table people.customers: acl"),
        ("ALTER TABLE public.orders DROP CONSTRAINT orders_customer_fkey", "orders_customer_fkey"),
        ("CREATE INDEX later ON people.customers (name)", "added index people.later"),
        ("CREATE OR REPLACE VIEW public.customers AS SELECT id, name, 1 AS one FROM people.customers", ""),
        ("DROP VIEW public.customers", "removed the compatibility object public.customers"),
        ("COMMENT ON TABLE public.events IS 'what happened'", "added comment on relation public.events"),
        ("ALTER TABLE public.events RENAME TO happenings", "happenings"),
        ("CREATE FUNCTION public.own() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "added function public.own()"),
        ("ALTER TABLE public.events ENABLE ROW LEVEL SECURITY", "row_security"),
        ("GRANT CREATE ON SCHEMA public TO @app", "changed schema public: acl"),
    ])
    func whatOthersChangedIsNamed(change: String, found: String) async throws {
        try await ApplyFixture.with("drift") { fixture in
            try await stopped(fixture)
            try await fixture.execute(change)
            // A shim is told by its mark and its name; how it is written is verify's business.
            guard !found.isEmpty else {
                try await fixture.resume()
                return
            }
            let failure = try await engineFailure(.resumable) { try await fixture.resume() }
            #expect(failure.code == "catalog-changed" && failure.message.contains(found), "\(failure)")
            #expect(failure.nextStep?.contains("strata rollback") == true)
            #expect(try await fixture.column("SELECT state FROM strata.runs") == ["stopped"])
            #expect(
                try await fixture.column(
                    "SELECT count(*) FROM pg_class WHERE relname = 'orders' AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
                ) == ["1"])
        }
    }

    @Test func whenTheChangeIsTakenBackItGoesOn() async throws {
        try await ApplyFixture.with("drift") { fixture in
            try await stopped(fixture)
            try await fixture.execute("CREATE TABLE public.extra ()")
            _ = try await engineFailure(.resumable) { try await fixture.resume() }
            try await fixture.execute("DROP TABLE public.extra; INSERT INTO people.customers (name) VALUES ('new')")
            try await fixture.resume()
            #expect(try await fixture.places() == ApplyFixture.moved)
        }
    }

    /// As a run that an earlier Strata began.
    @Test func withoutTheCatalogEachObjectIsLookedFor() async throws {
        try await ApplyFixture.with("drift") { fixture in
            try await stopped(fixture)
            try await fixture.execute("DELETE FROM strata.catalogs; ALTER TABLE public.events RENAME TO happenings")
            let failure = try await engineFailure(.resumable) { try await fixture.resume() }
            #expect(failure.message.contains("relation public.events is now public.happenings"), "\(failure)")
            try await fixture.execute("ALTER TABLE public.happenings RENAME TO events")
            try await fixture.resume()
            #expect(try await fixture.places() == ApplyFixture.moved)
        }
    }

    @Test func planSaysThatARunStandsHalfWay() async throws {
        try await ApplyFixture.with("drift") { fixture in
            try await stopped(fixture)
            let (layout, _) = try Pipeline.decode(
                fixture.filled(ApplyFixture.layout), file: "strata.yaml", environment: [:])
            func note() async throws -> Diagnostic? {
                try await fixture.onConnection { try await LivePlanner.plan(layout, on: $0).plan.notes }
                    .first { $0.code == "run-unfinished" }
            }
            let half = try #require(try await note())
            #expect(half.message.contains("run 1") && half.message.contains("stopped after"), "\(half)")
            #expect(half.nextStep?.contains("strata apply resumes it") == true)
            try await fixture.execute("UPDATE strata.runs SET state = 'undoing'")
            let undoing = try #require(try await note())
            #expect(
                undoing.message.contains("half undone") && undoing.nextStep?.contains("refuses") == true, "\(undoing)")
            try await fixture.rollback()
            #expect(try await note() == nil)
            // Who may not read the ledger plans all the same.
            let seen = try await fixture.onConnection(["user": fixture.app, "password": fixture.app]) {
                try await Ledger($0).openRun()
            }
            #expect(seen == nil)
        }
    }
}

/// Each folder of `Cases/`, stopped after every single transaction: nothing that a step does itself counts as a change.
@Suite struct ResumeCaseTests {
    @Test("case", arguments: Case.all.filter { $0.has("after.sql") })
    func resumedAfterEachTransaction(example: Case) async throws {
        try await CaseRoles.made.value
        let (layout, before) = (try example.read("layout.yaml"), try example.read("before.sql"))
        try await Reorganisation.with("resume", before: "", layout: layout) { work in
            try await RacingRoles.load(try CaseNames(work).filled(before), on: work.connection)
            let untouched = try await work.catalog()
            let plan = try await work.plan()
            var rounds = 0
            var finished = false
            while !finished, rounds <= plan.groups.count {
                rounds += 1
                finished = try await oneTransaction(of: plan, work)
            }
            #expect(finished && rounds == max(plan.groups.count, 1))
            #expect(try await work.plan().steps.isEmpty)
            try await work.rollback()
            let back = CatalogDifference.between(untouched.canonicalLines(), try await work.catalog().canonicalLines())
            #expect(back.lines() == [])
        }
    }

    /// Begins or goes on, and is stopped before the second transaction; true when none is left.
    private func oneTransaction(of plan: Plan, _ work: Reorganisation) async throws -> Bool {
        let connection = try await work.database.connect()
        let run = Task {
            try await Applier(connection, report: atGroup(2, cancelCurrentTask)).exclusively { applier in
                guard let open = try await applier.ledger.unfinished() else { return try await applier.apply(plan) }
                return try await applier.resume(open)
            }
        }
        do {
            _ = try await run.value
            await connection.close()
            return true
        } catch let failure as EngineFailure where failure.diagnostics.first?.code == "interrupted" {
            await connection.close()
            return false
        }
    }
}
