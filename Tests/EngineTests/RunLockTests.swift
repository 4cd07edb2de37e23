import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// One run at a time.
@Suite struct RunLockTests {
    @Test func theSecondNamesTheFirst() async throws {
        try await ApplyFixture.with { fixture in
            let reader = try await fixture.database.connect()
            try await reader.execute("BEGIN; SELECT count(*) FROM orders; SELECT pg_sleep(0.1)")
            var options = ApplyFixture.quick
            options.identity = ActorIdentity(actor: "anna", host: "desk-7")
            let log = EventLog()
            let first = Task { [options] in try await fixture.apply(options: options, report: log.add) }
            try await eventually("the first waits") { !log.holders.isEmpty }
            let pid = try #require(try await fixture.worker())

            for command in ["apply", "rollback"] {
                let failure = try await engineFailure(.failed) { try await fixture.exclusively(command) { _ in } }
                #expect(failure.code == "run-in-progress")
                #expect(failure.message.contains("strata apply anna@desk-7"), "\(failure)")
                #expect(failure.message.contains("pid \(pid)"), "\(failure)")
                #expect(failure.nextStep?.contains("strata status") == true)
            }
            try await reader.execute("COMMIT")
            await reader.close()
            #expect(try await first.value.stepsDone > 0)
            try await fixture.exclusively { _ in }
        }
    }

    @Test func theLockGoesWithItsSession() async throws {
        try await ApplyFixture.with { fixture in
            let dead = try await fixture.database.connect()
            try await RunLock(dead).take()
            let second = Task { try await fixture.exclusively { _ in } }
            try await fixture.execute("SELECT pg_terminate_backend(\(dead.backendPID), 10000)")
            try await second.value
            await dead.close()
        }
    }

    @Test func theLockIsGivenBackAfterAFailure() async throws {
        struct Broken: Error {}
        try await ApplyFixture.with { fixture in
            let connection = try await fixture.database.connect()
            let applier = Applier(connection)
            await #expect(throws: Broken.self) { try await applier.exclusively { _ in throw Broken() } }
            #expect(
                try await fixture.column(
                    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE locktype = 'advisory' AND datname = current_database()"
                ) == ["0"])
            await connection.close()
        }
    }

    @Test func otherDatabasesAreNotConcerned() async throws {
        try await ApplyFixture.with { one in
            try await ApplyFixture.with { other in
                try await one.exclusively { _ in
                    try await other.exclusively { _ in }
                }
            }
        }
    }
}
