import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// What schema `strata` remembers.
@Suite struct LedgerTests {
    @Test func aRunIsRecordedWhole() async throws {
        try await ApplyFixture.with { fixture in
            var options = ApplyFixture.quick
            options.identity = ActorIdentity(actor: "anna", host: "desk-7")
            let plan = try await fixture.plan()
            let report = try await fixture.exclusively(options: options) { applier in
                try await applier.apply(plan, accepted: [.bindsByName, .indexBuild])
            }
            let run = try await fixture.run(report.run)
            #expect(run.plan == plan && run.kind == .apply && run.state == .done && run.error == nil)
            #expect(run.actor == "anna" && run.host == "desk-7")
            #expect(run.fingerprintBefore == plan.fingerprint && run.fingerprintAfter == report.fingerprintAfter)
            #expect(run.stepStates.count == plan.steps.count && run.stepStates.values.allSatisfy { $0 == .done })
            #expect(
                try await fixture.column(
                    """
                    SELECT count(*) FROM strata.runs WHERE accepted = '{BINDS_BY_NAME,INDEX_BUILD}' AND plan_hash = md5(plan)
                    AND strata_version = '\(StrataVersion.current)' AND layout_fingerprint = '\(plan.layoutFingerprint)'
                    AND finished_at >= started_at AND lsn_after >= lsn_before AND fingerprint_undone IS NULL
                    """) == ["1"])
            #expect(
                try await fixture.column(
                    """
                    SELECT count(*) FROM strata.steps WHERE run = 1 AND state = 'done' AND attempts = 1 AND duration_ms >= 0
                    AND started_at <= finished_at AND lsn IS NOT NULL AND error IS NULL AND undone_at IS NULL
                    """) == ["\(plan.steps.count)"])
            #expect(
                try await fixture.column(
                    "SELECT number || ' ' || transaction || ' ' || kind || ' ' || object FROM strata.steps ORDER BY number"
                )
                    == plan.steps.map { "\($0.number) \($0.group) \($0.kind.rawValue) \($0.object)" })
            try await fixture.rollback()
            #expect(
                try await fixture.column("SELECT DISTINCT state || (undone_at IS NOT NULL) FROM strata.steps") == [
                    "undonetrue"
                ])
            #expect(
                try await fixture.column("SELECT state || (fingerprint_undone = fingerprint_before) FROM strata.runs")
                    == ["undonetrue"])
        }
    }

    @Test func triesAndErrorsAreRecorded() async throws {
        try await ApplyFixture.with { fixture in
            let writer = try await fixture.database.connect()
            try await writer.execute("BEGIN; UPDATE orders SET total = 0 WHERE id = 1")
            var options = ApplyFixture.quick
            options.lockTimeout = .milliseconds(20)
            options.patienceWithHolders = .seconds(3600)
            options.lockWaitLimit = .milliseconds(200)
            let failure = try await engineFailure(.resumable) { [options] in try await fixture.apply(options: options) }
            let errors = try await fixture.column("SELECT DISTINCT error FROM strata.steps WHERE error IS NOT NULL")
            #expect(errors == [failure.message])
            #expect(try await fixture.column("SELECT error FROM strata.runs") == [failure.message])

            options.lockWaitLimit = .seconds(60)
            let log = EventLog()
            let work = Task { [options] in try await fixture.resume(options: options, report: log.add) }
            try await eventually("strata tries again") { !log.retries.isEmpty }
            try await writer.execute("COMMIT")
            let report = try await work.value
            #expect(
                try await fixture.column("SELECT max(attempts) FROM strata.steps WHERE object = 'public.orders'")
                    == ["\(report.retries + 1)"])
            #expect(try await fixture.column("SELECT count(*) FROM strata.steps WHERE error IS NOT NULL") == ["0"])
            let history = try await fixture.onConnection { try await Ledger($0).history() }
            #expect(history.count == 1 && history[0].retries >= report.retries && history[0].error == nil)
            await writer.close()
        }
    }

    @Test func historyIsNewestFirstAndBounded() async throws {
        try await ApplyFixture.with { fixture in
            for _ in 1...3 {
                try await fixture.apply()
                try await fixture.rollback()
            }
            let history = try await fixture.onConnection { try await Ledger($0).history(limit: 2) }
            #expect(history.map(\.id) == [3, 2] && history.allSatisfy { $0.state == "undone" && $0.kind == "apply" })
            #expect(history.allSatisfy { $0.steps > 0 && $0.stepsDone == 0 && ($0.seconds ?? -1) >= 0 })
        }
    }

    @Test func aLedgerOfANewerStrataIsRefused() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute("UPDATE strata.ledger SET version = 99")
            let places = try await fixture.places()
            let failure = try await engineFailure(.failed) { try await fixture.rollback() }
            #expect(failure.code == "newer-ledger" && failure.message.contains("format 99"))
            #expect(try await fixture.places() == places)
        }
    }

    @Test func preparingAgainKeepsEverything() async throws {
        try await ApplyFixture.with { fixture in
            #expect(try await fixture.onConnection { try await Ledger($0).exists() } == false)
            let before = try await fixture.fingerprint()
            for _ in 1...2 { try await fixture.exclusively { try await $0.ledger.prepare() } }
            #expect(try await fixture.onConnection { try await Ledger($0).exists() })
            #expect(try await fixture.column("SELECT max(version) FROM strata.ledger") == ["2"])
            #expect(try await fixture.fingerprint() == before, "the ledger is no part of the catalog")
        }
    }

    @Test func clientsMayNotReadIt() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            for statement in ["SELECT * FROM strata.runs", "SELECT strata.expect_object('relation', 1, 'a', 'b')"] {
                try await fixture.onConnection(["user": fixture.app, "password": fixture.app]) { client in
                    _ = await #expect(throws: PostgresError.self) { try await client.execute(statement) }
                }
            }
        }
    }

    @Test func anEarlierLedgerIsBroughtUpToDate() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                DROP TABLE strata.looks, strata.catalogs;
                DELETE FROM strata.ledger; INSERT INTO strata.ledger VALUES (1);
                INSERT INTO strata.observations VALUES (now(), 1, 10, 5), (now(), 2, 10, 5);
                """)
            try await fixture.exclusively { try await $0.ledger.prepare() }
            #expect(try await fixture.column("SELECT max(version) FROM strata.ledger") == ["2"])
            #expect(try await fixture.column("SELECT count(*) FROM strata.looks WHERE evicted IS NULL") == ["1"])
            try await fixture.rollback()
        }
    }

    @Test func allRunsThatStandAreFound() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                INSERT INTO strata.runs (kind, state, plan, plan_hash, layout_fingerprint, fingerprint_before, actor, host, strata_version)
                SELECT kind, 'done', plan, plan_hash, layout_fingerprint, fingerprint_before, actor, host, strata_version
                FROM strata.runs, generate_series(1, 130)
                """)
            let found = try await fixture.onConnection { try await Ledger($0).standing() }
            #expect(found.runs.map(\.id) == Array(1...131) && found.unreadable.isEmpty)
        }
    }

    @Test(arguments: ["stopped", "done"]) func aPlanOfAnEarlierFormatIsNamed(state: String) async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                UPDATE strata.runs SET state = '\(state)', strata_version = '0.0.9', error = 'cut off',
                    plan = replace(plan, '"format":1', '"format":0')
                """)
            let ledger = { try await fixture.onConnection { try await Ledger($0).latestEffective() } }
            let failure = try await engineFailure(.failed) { try await ledger() }
            #expect(failure.code == "run-not-readable" && failure.message.contains("run 1 (\(state))"), "\(failure)")
            #expect(failure.message.contains("its format is 0") && failure.message.contains("0.0.9"), "\(failure)")
            #expect(failure.nextStep?.contains("with Strata 0.0.9") == true)
            try await fixture.onConnection { connection in
                let ledger = Ledger(connection)
                #expect(try await ledger.history().map(\.state) == [state])
                let standing = try await ledger.standing()
                #expect(standing.runs.isEmpty && standing.unreadable.map(\.severity) == [.warning])
                let open = try await ledger.openRun()
                #expect(open?.id == (state == "stopped" ? 1 : nil))
                if let open { #expect(open.warning.message.hasSuffix(": cut off")) }
            }
        }
    }

    @Test func aLedgerOfAnotherShapeIsNamed() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute("ALTER TABLE strata.runs DROP COLUMN started_at, DROP COLUMN strata_version")
            let looks: [@Sendable (Ledger) async throws -> Void] = [
                { _ = try await $0.history() }, { _ = try await $0.openRun() }, { _ = try await $0.latestEffective() },
            ]
            for look in looks {
                let failure = try await engineFailure(.failed) {
                    try await fixture.onConnection { try await look(Ledger($0)) }
                }
                #expect(failure.code == "ledger-format" && failure.nextStep?.contains("Strata that wrote it") == true)
            }
        }
    }
}
