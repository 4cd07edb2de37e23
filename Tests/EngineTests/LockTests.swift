import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Locks that others hold, and indexes that must wait for old transactions.
@Suite struct LockTests {
    /// A session that holds a lock since longer than Strata's patience.
    private func holder(_ fixture: ApplyFixture, _ statement: String) async throws -> Connection {
        let connection = try await fixture.database.connect(["application_name": "nightly report"])
        try await connection.execute("BEGIN; \(statement); SELECT pg_sleep(0.1)")
        return connection
    }

    @Test func aLongReaderIsWaitedForBesideTheQueue() async throws {
        try await ApplyFixture.with { fixture in
            let reader = try await holder(fixture, "SELECT count(*) FROM orders")
            var options = ApplyFixture.quick
            options.lockTimeout = .seconds(60)
            let log = EventLog()
            let work = Task { [options] in try await fixture.apply(options: options, report: log.add) }
            try await eventually("strata waits") { !log.holders.isEmpty }
            #expect(log.holders.first?.contains("nightly report") == true, "\(log.holders)")
            #expect(log.holders.first?.contains("pid \(reader.backendPID)") == true, "\(log.holders)")

            // NOWAIT fails behind a queued lock as well as behind a granted one.
            let client = try await fixture.database.connect(["user": fixture.app, "password": fixture.app])
            for number in 1...50 {
                try await client.execute("BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE NOWAIT")
                _ = try await client.query("INSERT INTO orders (customer) VALUES ($1)", [.int(number)])
                try await client.execute("COMMIT")
            }
            await client.close()
            try await reader.execute("COMMIT")
            let report = try await work.value
            #expect(report.waits > 0)
            #expect(try await fixture.places() == ApplyFixture.moved)
            #expect(try await fixture.column("SELECT count(*) FROM orders") == ["550"])
            await reader.close()
        }
    }

    @Test func aLockThatNeverComesFreeStopsTheRun() async throws {
        try await ApplyFixture.with { fixture in
            let before = try await fixture.fingerprint()
            let reader = try await holder(fixture, "SELECT count(*) FROM orders")
            var options = ApplyFixture.quick
            options.lockWaitLimit = .milliseconds(300)
            let failure = try await engineFailure(.resumable) { [options] in try await fixture.apply(options: options) }
            #expect(failure.code == "lock-not-free", "\(failure)")
            #expect(
                failure.message.contains("public.orders") && failure.message.contains("nightly report"), "\(failure)")
            #expect(failure.nextStep?.contains("--lock-wait") == true)

            // What is done is whole, what is not is untouched.
            #expect(try await fixture.places() == ["people.customers", "public.events", "public.orders"])
            #expect(
                try await fixture.column("SELECT relkind FROM pg_class WHERE oid = 'public.customers'::regclass") == [
                    "v"
                ])
            #expect(try await fixture.column("SELECT state FROM strata.runs") == ["stopped"])
            try await reader.execute("COMMIT")
            await reader.close()
            try await fixture.resume()
            #expect(try await fixture.places() == ApplyFixture.moved)
            #expect(try await fixture.plan().isEmpty)
            try await fixture.rollback()
            #expect(try await fixture.fingerprint() == before)
        }
    }

    @Test func aYoungLockIsTriedAgain() async throws {
        try await ApplyFixture.with { fixture in
            let writer = try await fixture.database.connect()
            try await writer.execute("BEGIN; UPDATE orders SET total = 0 WHERE id = 1")
            var options = ApplyFixture.quick
            options.lockTimeout = .milliseconds(20)
            options.patienceWithHolders = .seconds(3600)
            let log = EventLog()
            let work = Task { [options] in try await fixture.apply(options: options, report: log.add) }
            try await eventually("strata tries again") { log.retries.count >= 2 }
            #expect(log.retries.allSatisfy { $0 == "the lock was not free" } && log.holders.isEmpty)
            try await writer.execute("COMMIT")
            let report = try await work.value
            #expect(report.retries >= 2)
            #expect(try await fixture.places() == ApplyFixture.moved)
            await writer.close()
        }
    }

    @Test func aDeadlockIsResolvedAndTriedAgain() async throws {
        try await ApplyFixture.with { fixture in
            // Only Strata's session looks for deadlocks in time, so it is the one that is chosen.
            let client = try await fixture.database.connect(["options": "-c deadlock_timeout=60s"])
            try await client.execute("BEGIN; SELECT nextval('orders_id_seq')")
            var options = ApplyFixture.quick
            options.lockTimeout = .seconds(60)
            options.patienceWithHolders = .seconds(3600)
            let log = EventLog()
            let strata = ["options": "-c deadlock_timeout=2s"]
            let work = Task { [options] in try await fixture.apply(as: strata, options: options, report: log.add) }
            try await fixture.until(
                "strata has the table and waits for its sequence",
                "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'public.orders_id_seq'::regclass")
            try await client.execute("SELECT count(*) FROM orders")
            try await client.execute("COMMIT")
            let report = try await work.value
            #expect(log.retries == ["a deadlock was resolved"])
            #expect(report.retries == 1)
            #expect(try await fixture.places() == ApplyFixture.moved)
            await client.close()
        }
    }

    // MARK: Indexes

    /// Moves everything, then plans a single index, which has to wait for a transaction that wrote to its table.
    private func withIndexWaiting(
        _ body: (ApplyFixture, Connection, EventLog, Task<RunReport, any Error>) async throws -> Void
    ) async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            let plan = try await fixture.plan(
                ApplyFixture.layout + "\n  - { table: people.customers, columns: [name] }")
            #expect(plan.steps.map(\.kind) == [.buildIndex])
            let old = try await fixture.database.connect()
            try await old.execute("BEGIN; INSERT INTO people.customers (name) VALUES ('slow')")
            let log = EventLog()
            let work = Task { try await fixture.apply(plan, report: log.add) }
            try await fixture.until("the index waits", "SELECT count(*) = 1 FROM pg_index WHERE NOT indisvalid")
            try await body(fixture, old, log, work)
            await old.close()
        }
    }

    private func expectBuilt(_ fixture: ApplyFixture) async throws {
        #expect(try await fixture.invalidIndexes().isEmpty)
        #expect(
            try await fixture.column(
                "SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'people.customers'::regclass ORDER BY 1")
                == ["people.customers_pkey", "people.customers_name_idx"])
        #expect(try await fixture.column("SELECT state FROM strata.runs ORDER BY id") == ["done", "done"])
        let before = try await fixture.run(2).fingerprintBefore
        #expect(try await fixture.rollback().fingerprintAfter == before)
    }

    @Test func anIndexKilledHalfWayIsBuiltByResuming() async throws {
        try await withIndexWaiting { fixture, old, _, work in
            let pid = try #require(try await fixture.worker())
            try await fixture.execute("SELECT pg_terminate_backend(\(pid), 10000)")
            let failure = try await engineFailure(.resumable) { try await work.value }
            #expect(failure.code == "connection-lost", "\(failure)")
            #expect(try await fixture.invalidIndexes() == ["people.customers_name_idx"])
            try await old.execute("COMMIT")
            try await fixture.resume()
            try await expectBuilt(fixture)
        }
    }

    /// The transaction that is waited for goes on: an interruption must not wait for it either.
    @Test func anIndexInterruptedHalfWayEndsAtOnce() async throws {
        try await withIndexWaiting { fixture, old, _, work in
            work.cancel()
            let failure = try await engineFailure(.resumable) { try await work.value }
            #expect(failure.code == "interrupted", "\(failure)")
            #expect(await old.transactionStatus == .inTransaction)
            try await old.execute("COMMIT")
            try await fixture.resume()
            try await expectBuilt(fixture)
        }
    }

    @Test func anInterruptedIndexCanBeRolledBack() async throws {
        try await withIndexWaiting { fixture, old, _, work in
            work.cancel()
            _ = try await engineFailure(.resumable) { try await work.value }
            try await old.execute("COMMIT")
            let before = try await fixture.run(2).fingerprintBefore
            #expect(try await fixture.rollback().fingerprintAfter == before)
            #expect(try await fixture.invalidIndexes().isEmpty)
        }
    }

    @Test func aCancelledStatementIsNoLossOfTheRun() async throws {
        try await withIndexWaiting { fixture, old, _, work in
            let pid = try #require(try await fixture.worker())
            try await fixture.execute("SELECT pg_cancel_backend(\(pid))")
            let failure = try await engineFailure(.resumable) { try await work.value }
            #expect(failure.message.contains("57014"), "\(failure)")
            try await old.execute("COMMIT")
            try await fixture.resume()
            try await expectBuilt(fixture)
        }
    }

    @Test func aUniqueIndexOverDuplicatesStopsClearly() async throws {
        try await ApplyFixture.with { fixture in
            let unique = ApplyFixture.layout + "\n  - { table: people.customers, columns: [name], unique: true }"
            try await fixture.execute("INSERT INTO customers (name) VALUES ('customer 7')")
            let before = try await fixture.fingerprint()
            let failure = try await engineFailure(.resumable) {
                try await fixture.apply(try await fixture.plan(unique))
            }
            #expect(failure.code == "duplicate-rows", "\(failure)")
            #expect(failure.message.contains("(name)=(customer 7)"), "\(failure)")
            #expect(failure.nextStep?.contains("duplicates") == true)
            #expect(try await fixture.invalidIndexes().isEmpty)
            try await fixture.execute("DELETE FROM people.customers WHERE id = 51")
            try await fixture.resume()
            #expect(try await fixture.plan(unique).isEmpty)
            try await fixture.rollback()
            #expect(try await fixture.fingerprint() == before)
        }
    }
}
