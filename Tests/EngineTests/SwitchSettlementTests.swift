import PostgresDriver
import TestSupport
import Testing

@testable import Engine

/// What is done after a switch that was given up, or killed.
@Suite("Switch: settlement")
struct SwitchSettlementTests {
    private static let setup = """
        CREATE SCHEMA audit; CREATE TABLE audit.events (id int PRIMARY KEY);
        """
    private static let layout = """
        strata: 1
        databases: { main: { url: "postgresql:///main" }, archive: { url: "postgresql:///archive" } }
        schemas: { audit: { database: archive, tables: [events] } }
        """

    /// The statement that decides has been sent, and its commit takes longer than the time that was left.
    @Test("A decision that is being written when the time is over counts: nothing opens the old place again")
    func lateDecision() async throws {
        try await withFollowed(Self.setup, Self.layout) { main, other in
            try await SplitSite.with(main.settings, other.settings) { site in
                let ledger = SplitLedger(site.source)
                try await ledger.setState(.switching, of: 1)
                try await WriteGuard("audit", site.source).seal()
                let record = try #require(try await ledger.open("audit"))
                let hold = try await RouteStore(site.source).hold("audit", for: .seconds(600))
                let decider = try await main.connect()
                try await decider.execute("BEGIN")
                let epoch = try await RouteStore(decider).flip(
                    record, to: "archive", from: "main", hold: hold, state: .switched, reserve: .zero)
                #expect(epoch != nil)
                async let settled = SwitchSettlement(site: site, mainName: "main").settle(record)
                try await eventually("it waits for the decision") {
                    try await decider.query(
                        "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND pid = \(site.source.backendPID)"
                    ).only().int("n") > 0
                }
                try await decider.execute("COMMIT")
                await decider.close()
                #expect(try await settled.state == .switched)
                let refused = try await main.connect()
                let error = await #expect(throws: PostgresError.self) {
                    try await refused.execute("INSERT INTO audit.events VALUES (1)")
                }
                #expect(error?.sqlState?.rawValue == "25006")
                await refused.close()
            }
        }
    }

    @Test(
        "Who has written and does not end the transaction holds up nobody who opens the place once more",
        .timeLimit(.minutes(1)))
    func openWriter() async throws {
        try await withFollowed(Self.setup, Self.layout) { main, other in
            try await SplitSite.with(main.settings, other.settings) { site in
                let guardian = WriteGuard("audit", site.source)
                try await guardian.seal()
                try await guardian.enable()
                try await guardian.open()
                let writer = try await main.connect()
                try await writer.execute("BEGIN; INSERT INTO audit.events VALUES (1)")
                let second = try await main.connect()
                let isHeld = await #expect(
                    throws: PostgresError.self, "the writer holds no lock, and this shows nothing"
                ) {
                    try await second.execute("SELECT FROM strata.write_guards FOR UPDATE NOWAIT")
                }
                #expect(isHeld?.isLockTimeout == true)
                try await guardian.open()
                try await writer.execute("COMMIT")
                await writer.close()
                await second.close()
            }
        }
    }

    @Test("Once it is taken back, a decision that comes late finds nothing to decide")
    func lateDecider() async throws {
        try await withFollowed(Self.setup, Self.layout) { main, other in
            try await SplitSite.with(main.settings, other.settings) { site in
                let (ledger, store) = (SplitLedger(site.source), RouteStore(site.source))
                try await ledger.setState(.switching, of: 1)
                let record = try #require(try await ledger.open("audit"))
                let hold = try await store.hold("audit", for: .seconds(600))
                let settled = try await SwitchSettlement(site: site, mainName: "main").settle(record)
                #expect(settled.state == .following)
                let epoch = try await store.flip(
                    record, to: "archive", from: "main", hold: hold, state: .switched, reserve: .zero)
                #expect(epoch == nil)
                #expect(try await ledger.open("audit")?.state == .following)
                try await main.execute("INSERT INTO audit.events VALUES (1)")
            }
        }
    }
}
