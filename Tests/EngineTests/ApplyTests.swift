import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Plans carried out on a server, beside clients that know nothing of it.
@Suite struct ApplyTests {
    @Test func appliesAndPlansNothingAfterwards() async throws {
        try await ApplyFixture.with { fixture in
            let before = try await fixture.fingerprint()
            let plan = try await fixture.plan()
            #expect(plan.groups.count == ApplyFixture.groups)
            let report = try await fixture.apply(plan)
            #expect(report.stepsDone == plan.steps.count && report.stepsBefore == 0)
            #expect(report.fingerprintBefore == before)
            #expect(try await fixture.fingerprint() == report.fingerprintAfter)
            #expect(try await fixture.places() == ApplyFixture.moved)
            #expect(try await fixture.plan().isEmpty)
            let undone = try await fixture.rollback()
            #expect(undone.stepsDone == plan.steps.count && undone.fingerprintAfter == before)
            #expect(try await fixture.places() == ApplyFixture.unmoved)
        }
    }

    /// S2.33: no failed request during the move and during its undoing.
    @Test func clientsNoticeNothing() async throws {
        try await ApplyFixture.with { fixture in
            let clients = ApplyClients(fixture)
            try await clients.work(8) {
                for _ in 1...3 {
                    try await advance(clients)
                    try await fixture.apply()
                    #expect(try await fixture.places() == ApplyFixture.moved)
                    try await advance(clients)
                    try await fixture.rollback()
                    #expect(try await fixture.places() == ApplyFixture.unmoved)
                }
                try await advance(clients)
            }
            print(
                "8 clients, 3 runs and their undoing: \(clients.statements) statements, \(clients.failures.count) failed"
            )
            #expect(clients.failures.isEmpty, "\(clients.failures.prefix(5))")
        }
    }

    /// Waits until the clients have done some more.
    private func advance(_ clients: ApplyClients) async throws {
        let goal = clients.statements + 200
        try await eventually("clients do \(goal) statements") {
            clients.statements >= goal || !clients.failures.isEmpty
        }
    }

    @Test func eventsNameEachStepOnce() async throws {
        try await ApplyFixture.with { fixture in
            let log = EventLog()
            let plan = try await fixture.plan()
            try await fixture.apply(plan, report: log.add)
            #expect(log.begun.map(\.number) == plan.groups.map { $0.steps[0].number })
            #expect(log.done.map(\.number) == plan.steps.map(\.number))
            guard case .started(_, let groups, false) = log.all.first, case .finished = log.all.last else {
                Issue.record("\(log.all)")
                return
            }
            #expect(groups == plan.groups.count)
        }
    }

    // MARK: Refused before anything is touched

    @Test func hazardsMustBeAccepted() async throws {
        try await ApplyFixture.with { fixture in
            let plan = try await fixture.plan(ApplyFixture.layout.replacing("views", with: "none"))
            let codes = Set(plan.hazards.map(\.code))
            #expect(codes.contains(.oldNameFails))
            let failure = try await engineFailure(.hazards) {
                try await fixture.exclusively { applier in
                    try applier.check(plan, against: try await fixture.catalog(), accepted: [])
                    _ = try await applier.apply(plan)
                }
            }
            #expect(failure.code == "hazards-not-accepted")
            for code in codes {
                #expect(failure.message.contains(code.rawValue))
                #expect(failure.nextStep?.contains("--accept \(code.rawValue)") == true)
            }
            #expect(try await fixture.fingerprint() == plan.fingerprint)
            #expect(try await fixture.column("SELECT count(*) FROM strata.runs") == ["0"])
            try await fixture.apply(plan)
            #expect(try await fixture.places() == ApplyFixture.moved)
        }
    }

    @Test(arguments: [
        ("DROP TABLE events", ["public.events is gone"]),
        ("ALTER TABLE events RENAME TO happenings", ["public.events is now public.happenings"]),
        ("CREATE SCHEMA attic; ALTER TABLE customers SET SCHEMA attic", ["public.customers is now attic.customers"]),
        ("ALTER TABLE orders ADD COLUMN note text", ["something else was created, dropped or changed"]),
        ("CREATE TABLE later ()", ["something else was created, dropped or changed"]),
    ])
    func aSavedPlanIsForTheCatalogItWasMadeFrom(change: String, says: [String]) async throws {
        try await ApplyFixture.with { fixture in
            let saved = try PlanFile.decode(PlanFile.encode(try await fixture.plan()))
            try await fixture.execute(change)
            let failure = try await engineFailure(.failed) { try await fixture.apply(saved) }
            #expect(failure.code == "catalog-changed")
            for part in says { #expect(failure.message.contains(part), "\(failure.message)") }
            #expect(failure.nextStep?.contains("strata plan") == true)
            #expect(try await fixture.column("SELECT count(*) FROM strata.runs") == ["0"])
        }
    }

    @Test func aPlanOfAnotherDatabaseIsRefused() async throws {
        try await ApplyFixture.with { fixture in
            let plan = try await fixture.plan()
            try await withTestDatabase { other in
                let connection = try await other.connect()
                let catalog = try await CatalogReader.read(connection)
                let failure = try await engineFailure(.failed) {
                    try Applier(connection).check(plan, against: catalog, accepted: [])
                }
                #expect(failure.code == "other-database" && failure.message.contains(fixture.database.name))
                await connection.close()
            }
        }
    }

    @Test(arguments: [
        ("", "not a plan that strata wrote"), ("{}", "not a plan that strata wrote"),
        ("[1]", "not a plan that strata wrote"),
        ("{\"format\": 99}", "its format is 99"), ("{\"format\": 1}", "incomplete or was changed"),
    ])
    func textsThatAreNoPlan(text: String, says: String) async throws {
        let failure = try await engineFailure(.failed) { try PlanFile.decode(text) }
        #expect(failure.code == "not-a-plan" && failure.message.contains(says))
        #expect(failure.nextStep?.contains("--out") == true)
    }

    /// After the check and before its step: the step's own transaction finds it out.
    @Test func aTableThatSomebodyDropsMeanwhileStopsTheRun() async throws {
        try await ApplyFixture.with { fixture in
            let plan = try await fixture.plan()
            let failure = try await engineFailure(.resumable) {
                try await fixture.exclusively { applier in
                    try applier.check(plan, against: try await fixture.catalog(), accepted: Set(Hazard.Code.allCases))
                    try await fixture.execute("DROP TABLE events")
                    return try await applier.apply(plan)
                }
            }
            #expect(failure.code == "object-changed", "\(failure)")
            #expect(failure.message.contains("public.events is no longer there"))
            #expect(failure.nextStep?.contains("strata rollback") == true)
            let expected = try await fixture.column("SELECT state FROM strata.runs")
            #expect(expected == ["stopped"])
            try await fixture.rollback()
            #expect(try await fixture.places() == ["public.customers", "public.orders"])
            #expect(
                try await fixture.column("SELECT nspname FROM pg_namespace WHERE nspname IN ('people', 'sales', 'log')")
                    .isEmpty)
        }
    }

    @Test func aTableThatSomebodyMovesMeanwhileIsNamed() async throws {
        try await ApplyFixture.with { fixture in
            let plan = try await fixture.plan()
            let failure = try await engineFailure(.resumable) {
                try await fixture.exclusively { applier in
                    try await fixture.execute("ALTER TABLE events RENAME TO happenings")
                    return try await applier.apply(plan)
                }
            }
            #expect(
                failure.code == "object-changed" && failure.message.contains("is now public.happenings"), "\(failure)")
            try await fixture.execute("ALTER TABLE happenings RENAME TO events")
            try await fixture.resume()
            #expect(try await fixture.places() == ApplyFixture.moved)
        }
    }

    @Test func anEmptyPlanOfTheSameCatalogPasses() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            let again = try await fixture.plan()
            try await fixture.exclusively { applier in
                try applier.check(again, against: try await fixture.catalog(), accepted: [])
            }
            #expect(again.isEmpty)
        }
    }
}
