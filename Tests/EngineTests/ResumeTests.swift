import Foundation
import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Runs that are cut off at every place, and come to the same end all the same.
@Suite struct ResumeTests {
    /// Fingerprints of an undisturbed run and of its undoing, in the same database.
    private func undisturbed(_ fixture: ApplyFixture) async throws -> (before: String, after: String) {
        let report = try await fixture.apply()
        let undone = try await fixture.rollback()
        #expect(undone.fingerprintAfter == report.fingerprintBefore)
        return (report.fingerprintBefore, report.fingerprintAfter)
    }

    /// The states that the ledger tells must be those that the database is in.
    private func expectConsistent(
        _ fixture: ApplyFixture, _ sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let run = try #require(try await fixture.onConnection { try await Ledger($0).unfinished() })
        let places = try await fixture.places()
        for step in run.plan.steps where step.kind == .moveTable {
            let name = step.object.split(separator: ".")[1]
            let moved = run.stepStates[step.number] == .done
            #expect(places.contains("public.\(name)") == !moved, "step \(step.number)", sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: 1...ApplyFixture.groups)
    func lostBeforeAGroup(group: Int) async throws {
        try await ApplyFixture.with { fixture in
            let terminator = try await Terminator()
            let (before, after) = try await undisturbed(fixture)
            let kill = atGroup(group) { terminator.end(in: fixture.database) }
            let failure = try await engineFailure(.resumable) { try await fixture.apply(report: kill) }
            #expect(failure.code == "connection-lost", "\(failure)")
            try await expectConsistent(fixture)
            let report = try await fixture.resume()
            #expect(report.fingerprintAfter == after)
            #expect(try await fixture.run(report.run).plan.steps.count == report.stepsDone + report.stepsBefore)

            let undoing = try await engineFailure(.resumable) {
                try await fixture.rollback(report: atGroup(group) { terminator.end(in: fixture.database) })
            }
            #expect(undoing.code == "connection-lost", "\(undoing)")
            try await expectConsistent(fixture)
            #expect(try await fixture.rollback().fingerprintAfter == before)
            #expect(try await fixture.column("SELECT state FROM strata.runs ORDER BY id") == ["undone", "undone"])
        }
    }

    /// The server process ends at the last statement of the group's own transaction.
    @Test(arguments: 1...ApplyFixture.groups)
    func lostInsideAGroup(group: Int) async throws {
        try await ApplyFixture.with { fixture in
            let (before, after) = try await undisturbed(fixture)
            try await fixture.execute(
                """
                CREATE FUNCTION strata.die() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NEW; END';
                CREATE TRIGGER die BEFORE UPDATE ON strata.steps FOR EACH ROW
                    WHEN (NEW.transaction = \(group) AND NEW.state IN ('done', 'undone')) EXECUTE FUNCTION strata.die();
                """)
            let failure = try await engineFailure(.resumable) { try await fixture.apply() }
            #expect(failure.code == "connection-lost", "\(failure)")
            try await expectConsistent(fixture)
            try await fixture.execute("ALTER TABLE strata.steps DISABLE TRIGGER die")
            #expect(try await fixture.resume().fingerprintAfter == after)

            try await fixture.execute("ALTER TABLE strata.steps ENABLE TRIGGER die")
            let undoing = try await engineFailure(.resumable) { try await fixture.rollback() }
            #expect(undoing.code == "connection-lost", "\(undoing)")
            try await expectConsistent(fixture)
            try await fixture.execute("ALTER TABLE strata.steps DISABLE TRIGGER die")
            #expect(try await fixture.rollback().fingerprintAfter == before)
        }
    }

    @Test(arguments: 1...ApplyFixture.groups)
    func interruptedAtAGroup(group: Int) async throws {
        try await ApplyFixture.with { fixture in
            let (before, after) = try await undisturbed(fixture)
            let work = Task { try await fixture.apply(report: atGroup(group, cancelCurrentTask)) }
            let failure = try await engineFailure(.resumable) { try await work.value }
            #expect(failure.code == "interrupted", "\(failure)")
            try await expectConsistent(fixture)
            #expect(try await fixture.column("SELECT state FROM strata.runs WHERE id = 2") == ["stopped"])
            #expect(try await fixture.resume().fingerprintAfter == after)

            let undoing = Task { try await fixture.rollback(report: atGroup(group, cancelCurrentTask)) }
            let second = try await engineFailure(.resumable) { try await undoing.value }
            #expect(second.code == "interrupted", "\(second)")
            #expect(try await fixture.column("SELECT state FROM strata.runs WHERE id = 2") == ["undoing"])
            #expect(try await fixture.rollback().fingerprintAfter == before)
        }
    }

    @Test func interruptedAfterTheLastStepIsClosedByResuming() async throws {
        try await ApplyFixture.with { fixture in
            let plan = try await fixture.plan()
            let last = plan.steps.count
            let work = Task {
                try await fixture.apply(plan) { event in
                    if case .done(let step, _, _) = event, step.number == last { cancelCurrentTask() }
                }
            }
            let failure = try await engineFailure(.resumable) { try await work.value }
            #expect(failure.code == "run-not-closed", "\(failure)")
            let report = try await fixture.resume()
            #expect(report.stepsDone == 0 && report.stepsBefore == last)
            #expect(try await fixture.column("SELECT state FROM strata.runs") == ["done"])
        }
    }

    @Test func aStoppedRunCanBeUndoneInstead() async throws {
        try await ApplyFixture.with { fixture in
            let before = try await fixture.fingerprint()
            let work = Task { try await fixture.apply(report: atGroup(5, cancelCurrentTask)) }
            _ = try await engineFailure(.resumable) { try await work.value }
            let report = try await fixture.rollback()
            #expect(report.fingerprintAfter == before && report.stepsDone > 0)
            #expect(try await fixture.onConnection { try await Ledger($0).unfinished() } == nil)
        }
    }

    @Test(arguments: [Run.State.done, .undone, .undoing])
    func onlyACutOffRunIsResumed(state: Run.State) async throws {
        try await ApplyFixture.with { fixture in
            let report = try await fixture.apply()
            try await fixture.execute("UPDATE strata.runs SET state = '\(state.rawValue)'")
            let run = try await fixture.run(report.run)
            let failure = try await engineFailure(.failed) {
                try await fixture.exclusively { try await $0.resume(run) }
            }
            #expect(failure.code == "not-resumable" && failure.message.contains(state.rawValue))
            #expect(failure.nextStep?.contains(state == .undoing ? "strata rollback" : "strata plan") == true)
        }
    }
}
