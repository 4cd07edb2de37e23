import Engine
import Planning
import Synchronization
import TestSupport
import Testing

@testable import PostgresDriver
@testable import Proxy

/// `strata switch` and `strata reverse` under a proxy that serves clients.
@Suite("Proxy: switch")
struct ProxySwitchTests {
    @Test("S1.6 S1.7 Switch, reverse, switch again under load: no statement fails, no write is lost or done twice")
    func load() async throws {
        try await SwitchFixture.with { fixture in
            let load = SwitchLoad()
            async let clients: Void = load.run(fixture.proxy, clients: 8)
            var reports: [SwitchReport] = []
            do {
                try await load.written(200)
                reports.append(try await fixture.change(.out).run())
                try await load.written(200)
                reports.append(try await fixture.change(.back).run())
                try await load.written(200)
                try await fixture.compare()
                reports.append(try await fixture.change(.out).run())
                try await load.written(200)
            } catch {
                load.end()
                _ = try? await clients
                throw error
            }
            load.end()
            try await clients
            try await load.expectWhole { try await fixture.query(fixture.books, $0) }
            #expect(reports.map(\.to) == ["books", "main", "books"] && reports.allSatisfy { $0.late.isEmpty })
            #expect(reports[0].epoch < reports[1].epoch && reports[1].epoch < reports[2].epoch)
            print(
                "held for \(reports.map(\.heldMilliseconds)) ms; longest statement \(load.result.longestMilliseconds) ms; phases \(reports.map { $0.phases.map { "\($0.name) \($0.milliseconds)" } })"
            )
        }
    }

    @Test("A transaction that stays open: the switch gives up, says who it was, and everything goes on")
    func openTransaction() async throws {
        try await SwitchFixture.with { fixture in
            let client = try fixture.proxy.wire(parameters: [("application_name", "slow")])
            let other = try fixture.proxy.wire()
            // It only reads: one that writes on the same server would keep the way back from being prepared.
            _ = try client.query("BEGIN; SELECT FROM billing.invoices")
            let failure = await refusal {
                try await fixture.change(.out) {
                    $0.budget = .seconds(2)
                    $0.longTransaction = .seconds(600)
                }.run()
            }
            #expect(failure?.contains("the switch was given up after") == true, "\(failure ?? "-")")
            #expect(failure?.contains("1 client of proxy") == true, "\(failure ?? "-")")
            #expect(try other.query("INSERT INTO billing.invoices (client, number) VALUES (2, 1)").error == nil)
            #expect(try client.query("COMMIT").tags == ["COMMIT"])
            #expect(try await fixture.record()?.state == .following)
            // Nothing is left of it: guards, holds, streams.
            let left = try await fixture.query(
                fixture.main,
                """
                SELECT (SELECT count(*) FROM pg_trigger WHERE tgname = 'strata_guard_write' AND tgenabled <> 'D'),
                       (SELECT count(*) FROM strata.routes WHERE hold IS NOT NULL),
                       (SELECT count(*) FROM strata.split_streams WHERE direction = 'back')
                """)
            #expect(left == [["0", "0", "0"]])
            // With sessions ended that are in the way, it is made.
            _ = try client.query("BEGIN; SELECT FROM billing.invoices")
            let report = try await fixture.change(.out) {
                $0.budget = .seconds(30)
                $0.longTransaction = .seconds(600)
                $0.endsTransactions = true
            }.run()
            #expect(report.to == "books")
            #expect(try other.query("SELECT client FROM billing.invoices ORDER BY 1").rows == [["2"]])
            let ended = try? client.query("COMMIT")
            #expect(ended.map { $0.error != nil } ?? true)
        }
    }

    @Test("Writes past the proxy are refused at the old place, and pass at the new one")
    func bypass() async throws {
        try await SwitchFixture.with { fixture in
            _ = try await fixture.change(.out).run()
            let old = try await fixture.main.connect()
            for statement in [
                "INSERT INTO billing.invoices (client, number) VALUES (9, 9)", "UPDATE billing.totals SET n = 7",
                "DELETE FROM billing.totals", "TRUNCATE billing.totals",
            ] {
                let error = await #expect(throws: PostgresError.self) { try await old.execute(statement) }
                #expect(
                    error?.sqlState?.rawValue == "25006"
                        && error?.message.contains("belongs to another database") == true)
            }
            await old.close()
            let new = try await fixture.books.connect()
            try await new.execute("INSERT INTO billing.invoices (client, number) VALUES (9, 9)")
            await new.close()
            // What is written at the new place comes to the old one, through its guard.
            try await eventually("the way back is followed") {
                try await fixture.query(fixture.main, "SELECT client FROM billing.invoices") == [["9"]]
            }
            let again = try await fixture.change(.out).run()
            #expect(again.wasMade)
            let report = try await fixture.change(.back).run()
            #expect(report.to == "main")
            let client = try fixture.proxy.wire()
            #expect(
                try client.query("INSERT INTO billing.invoices (client, number) VALUES (9, 10) RETURNING id").rows
                    .first?.first
                    != "1")
            #expect(try await fixture.query(fixture.main, "SELECT count(*) FROM billing.invoices") == [["2"]])
        }
    }

    @Test("What stands in the way is said before anything waits, in the dry run too")
    func readiness() async throws {
        try await SwitchFixture.with { fixture in
            try await fixture.main.execute("CREATE TABLE notes (invoice bigint REFERENCES billing.invoices)")
            let holder = try await fixture.main.connect(["application_name": "report"])
            try await holder.execute("BEGIN; SELECT count(*) FROM billing.invoices")
            try await eventually("its transaction is old") {
                try await fixture.change(.out).readiness().findings.contains {
                    $0.message.contains("(report, idle in transaction)")
                }
            }
            let found = try await fixture.change(.out).readiness()
            #expect(!found.isReady && found.followers.count == 1 && found.comparedMinutesAgo == 0)
            #expect(found.findings.contains { $0.message.hasPrefix("foreign key notes_invoice_fkey leads from notes") })
            #expect(found.sequences.map(\.name) == ["billing.invoices_id_seq"])
            let failure = await refusal { try await fixture.change(.out).run() }
            #expect(failure?.contains("across the cut") == true)
            try await holder.execute("ROLLBACK")
            await holder.close()
            try await fixture.main.execute("DROP TABLE notes")
            try await fixture.main.execute(
                "UPDATE strata.split_diffs SET finished_at = finished_at - interval '2 days'")
            let old = try await fixture.change(.out).readiness()
            #expect(old.findings.map(\.message) == ["the last comparison is 48 hours old; it must be younger than 24"])
            try await fixture.main.execute("DELETE FROM strata.split_diffs WHERE relation = 'billing.totals'::regclass")
            let none = try await fixture.change(.out).readiness()
            #expect(none.findings.map(\.message) == ["1 of 2 tables have not been compared"])
        }
    }

    @Test("A session-mode proxy could not lead its clients there, and says so")
    func sessionMode() async throws {
        try await SwitchFixture.with(copied: false, mode: .session) { fixture in
            _ = try? await fixture.copyWithoutWaiting()
            try await eventually("the proxy has said so") {
                try await fixture.change(.out).readiness().findings.contains {
                    $0.message.contains("pool.mode is session")
                }
            }
        }
    }

    @Test("A proxy whose session is lost in the middle is waited for, so that nobody reads at the old place afterwards")
    func lostSession() async throws {
        try await SwitchFixture.with { fixture in
            let settings = fixture.main.settings
            nonisolated(unsafe) let wire = try WireClient(port: UInt16(settings.port))
            try wire.start(
                user: settings.user, database: fixture.main.name, password: settings.resolvedPassword)
            let sessions = "application_name LIKE 'strata follower%' AND datname = current_database()"
            let holding = Mutex<[String]>([])
            let report = try await fixture.change(.out, configure: { _ in }) { event in
                switch event {
                case .phase("hold"):
                    _ = try? wire.query(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE \(sessions)")
                case .phase("guard"):
                    let sql = """
                        SELECT count(*) FROM strata.followers f JOIN pg_stat_activity a USING (pid)
                         WHERE f.hold IS NOT NULL AND \(sessions)
                        """
                    let answer = (try? wire.query(sql))?.rows.first?.first ?? nil
                    holding.withLock { $0.append(answer ?? "none") }
                default: break
                }
            }.run()
            #expect(holding.withLock { $0 } == ["1"])
            #expect(report.followers.count == 1 && report.late == [])
            _ = try await fixture.change(.back).run()
        }
    }
}
