import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// Back to the catalog from before, run by run.
@Suite struct RollbackTests {
    private static let people = """
        strata: 1
        databases: { main: {} }
        schemas:
          people: { tables: [customers] }
        """
    private static let more = people + "\n  sales: { tables: [orders] }"
    private static let all = more + "\n  log: { tables: [events] }"

    @Test func severalRunsAreUndoneNewestFirst() async throws {
        try await ApplyFixture.with { fixture in
            var fingerprints = [try await fixture.fingerprint()]
            for layout in [Self.people, Self.more, Self.all] {
                fingerprints.append(try await fixture.apply(try await fixture.plan(layout)).fingerprintAfter)
            }
            #expect(Set(fingerprints).count == 4)
            for number in [3, 2, 1] {
                let report = try await fixture.rollback()
                #expect(report.run == number && report.fingerprintAfter == fingerprints[number - 1])
            }
            #expect(try await fixture.onConnection { try await Ledger($0).latestEffective() } == nil)
            // And forward again, as a new run.
            let again = try await fixture.apply(try await fixture.plan(Self.all))
            #expect(again.run == 4 && again.fingerprintAfter == fingerprints[3])
        }
    }

    @Test func aViewOnACompatibilityViewStopsItClearly() async throws {
        try await ApplyFixture.with { fixture in
            let before = try await fixture.fingerprint()
            try await fixture.apply()
            try await fixture.execute("CREATE VIEW big AS SELECT * FROM public.orders WHERE total > 100")
            let failure = try await engineFailure(.resumable) { try await fixture.rollback() }
            #expect(failure.code == "still-needed", "\(failure)")
            #expect(failure.message.contains("view public.big depends on view public.orders"), "\(failure)")
            #expect(failure.nextStep?.contains("drop what depends on it") == true)
            #expect(try await fixture.column("SELECT state FROM strata.runs") == ["undoing"])
            // In between everything works by the old names.
            #expect(try await fixture.column("SELECT count(*) FROM orders") == ["500"])
            #expect(try await fixture.column("SELECT count(*) FROM customers") == ["50"])
            try await fixture.execute("DROP VIEW big")
            #expect(try await fixture.rollback().fingerprintAfter == before)
        }
    }

    @Test func whatOthersPutIntoANewSchemaIsNotDropped() async throws {
        try await ApplyFixture.with { fixture in
            let before = try await fixture.fingerprint()
            try await fixture.apply()
            try await fixture.execute("CREATE TABLE sales.rebates (id integer); INSERT INTO sales.rebates VALUES (1)")
            let failure = try await engineFailure(.resumable) { try await fixture.rollback() }
            #expect(failure.code == "still-needed" && failure.message.contains("rebates"), "\(failure)")
            #expect(try await fixture.column("SELECT id FROM sales.rebates") == ["1"])
            #expect(try await fixture.places() == ApplyFixture.unmoved)
            try await fixture.execute("ALTER TABLE sales.rebates SET SCHEMA public")
            let report = try await fixture.rollback()
            // The table is somebody else's, and stays.
            #expect(report.fingerprintAfter != before && report.fingerprintBefore == before)
            #expect(report.differences == ["added table public.rebates"])
            try await fixture.execute("DROP TABLE public.rebates")
            #expect(try await fixture.fingerprint() == before)
        }
    }

    @Test func whatIsNotAsBeforeIsTold() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute("REVOKE UPDATE ON people.customers FROM @app; DROP FUNCTION public.order_total")
            let report = try await fixture.rollback()
            #expect(report.differences.count == 1, "\(report.differences)")
            #expect(report.differences.first?.hasPrefix("changed table public.customers: acl: ") == true)
            #expect(try await fixture.column("SELECT count(*) FROM strata.catalogs") == ["0"])
        }
    }

    @Test func whereTheCatalogWasNotKeptThatIsTold() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute("DELETE FROM strata.catalogs; CREATE TABLE public.extra ()")
            let report = try await fixture.rollback()
            #expect(report.differences.count == 1 && report.differences[0].contains("not known"), "\(report)")
        }
    }

    @Test func rowsWrittenMeanwhileStay() async throws {
        try await ApplyFixture.with { fixture in
            try await fixture.apply()
            try await fixture.execute(
                """
                INSERT INTO orders (customer, total) VALUES (1, 7);
                INSERT INTO sales.orders (customer, total) VALUES (1, 8);
                UPDATE customers SET name = 'renamed' WHERE id = 1;
                """)
            try await fixture.rollback()
            #expect(try await fixture.column("SELECT total FROM orders WHERE id > 500 ORDER BY id") == ["7", "8"])
            #expect(try await fixture.column("SELECT name FROM customers WHERE id = 1") == ["renamed"])
            #expect(try await fixture.column("SELECT nextval('orders_id_seq')") == ["503"])
        }
    }

    @Test func aTableRenamedMeanwhileStopsIt() async throws {
        try await ApplyFixture.with { fixture in
            let before = try await fixture.fingerprint()
            try await fixture.apply()
            try await fixture.execute("ALTER TABLE people.customers RENAME TO clients")
            let failure = try await engineFailure(.resumable) { try await fixture.rollback() }
            #expect(failure.code == "object-changed" && failure.message.contains("is now people.clients"), "\(failure)")
            try await fixture.execute("ALTER TABLE people.clients RENAME TO customers")
            #expect(try await fixture.rollback().fingerprintAfter == before)
        }
    }

    @Test func aLockHeldDuringRollbackIsWaitedFor() async throws {
        try await ApplyFixture.with { fixture in
            let before = try await fixture.fingerprint()
            try await fixture.apply()
            let reader = try await fixture.database.connect()
            try await reader.execute("BEGIN; SELECT count(*) FROM customers; SELECT pg_sleep(0.1)")
            var options = ApplyFixture.quick
            options.lockWaitLimit = .milliseconds(300)
            let failure = try await engineFailure(.resumable) { [options] in
                try await fixture.rollback(options: options)
            }
            #expect(failure.code == "lock-not-free", "\(failure)")
            try await reader.execute("COMMIT")
            await reader.close()
            #expect(try await fixture.rollback().fingerprintAfter == before)
        }
    }
}
