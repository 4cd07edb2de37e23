import Engine
import TestSupport
import Testing

@testable import Proxy

/// Prepared transactions have no session that could be waited for or ended: they hold their locks until somebody comes.
@Suite("Proxy: switch and prepared transactions")
struct ProxySwitchPreparedTests {
    private static let wishes = SwitchServers.Wishes(settings: ["max_prepared_transactions": "10"])

    private static let insert = "INSERT INTO billing.invoices (client, number) VALUES (1, 1)"

    private func invoices(_ client: WireClient) throws -> [[String?]] {
        try client.query("SELECT client, number FROM billing.invoices ORDER BY 1, 2").rows
    }

    @Test(
        "One that has the schema's tables is named by the dry run, and the switch is refused; others are not in the way"
    )
    func before() async throws {
        try await SwitchServers.with(["billing": "books"], Self.wishes) { servers in
            try await servers.copy("billing")
            let client = try servers.wire()
            for statement in ["BEGIN", Self.insert, "PREPARE TRANSACTION 'payroll'"] {
                #expect(try client.query(statement).error == nil, "\(statement)")
            }
            for statement in ["BEGIN", "INSERT INTO customers VALUES (2, 'Bob')", "PREPARE TRANSACTION 'elsewhere'"] {
                #expect(try client.query(statement).error == nil, "\(statement)")
            }
            let dry = try await servers.change("billing", .out).readiness()
            let named = dry.findings.filter { $0.message.contains("prepared transaction") }
            #expect(!dry.isReady && named.count == 1 && named[0].message.contains("payroll"), "\(dry.findings)")
            #expect(named.first?.nextStep == "COMMIT PREPARED or ROLLBACK PREPARED it")
            let refused = await refusal { try await servers.change("billing", .out).run() }
            #expect(refused?.contains("prepared transaction payroll") == true, "\(refused ?? "-")")
            #expect(try await servers.state(of: "billing") == .following)
            // Nobody is held back by what was refused.
            #expect(try client.query("UPDATE billing.totals SET n = 1 WHERE client = 9").error == nil)
            #expect(try client.query("COMMIT PREPARED 'payroll'").error == nil)
            #expect(try await servers.change("billing", .out).readiness().findings.map(\.message) == [])
            #expect(try await servers.change("billing", .out).run().to == "books")
            #expect(try invoices(client) == [["1", "1"]])
            #expect(try client.query("ROLLBACK PREPARED 'elsewhere'").error == nil)
        }
    }

    @Test(
        "One that is prepared while the switch is made: it gives up in its time, with the gid",
        arguments: [false, true])
    func during(isBack: Bool) async throws {
        try await SwitchServers.with(["billing": "books"], Self.wishes) { servers in
            try await servers.copy("billing")
            if isBack { _ = try await servers.change("billing", .out).run() }
            let before = try await servers.state(of: "billing")
            let client = try servers.wire()
            let other = try servers.wire()
            // It only reads as yet: the trigger of the guard can be made.
            #expect(try client.query("BEGIN; SELECT FROM billing.invoices").error == nil)
            async let failure = givenUp(servers, isBack ? .back : .out)
            try await eventually("statements are held, and the transaction goes on") {
                try await servers.query(
                    "main", "SELECT count(*) FROM strata.followers WHERE hold IS NOT NULL AND busy = 1")
                    == [["1"]]
            }
            #expect(try client.query(Self.insert).error == nil)
            #expect(try client.query("PREPARE TRANSACTION 'payroll'").tags == ["PREPARE TRANSACTION"])
            // Held back meanwhile, it goes on where the schema was.
            #expect(try other.query("UPDATE billing.totals SET n = 1 WHERE client = 9").tags == ["UPDATE 1"])
            let message = await failure
            #expect(message?.contains("the switch was given up after") == true, "\(message ?? "-")")
            #expect(message?.contains("prepared transaction payroll") == true, "\(message ?? "-")")
            #expect(try await servers.state(of: "billing") == before)
            try await servers.cluster(isBack ? "books" : "main").execute(0, "COMMIT PREPARED 'payroll'")
            let report = try await servers.change("billing", isBack ? .back : .out).run()
            #expect(report.to == (isBack ? "main" : "books"))
            #expect(try invoices(other) == [["1", "1"]])
            #expect(try other.query("SELECT n FROM billing.totals WHERE client = 9").rows == [["1"]])
        }
    }

    private func givenUp(_ servers: SwitchServers, _ direction: SplitRecord.Direction) async -> String? {
        await refusal {
            try await servers.change("billing", direction) {
                // All of it waits so long; the transaction is prepared in the meantime.
                $0.budget = .seconds(15)
                $0.longTransaction = .seconds(600)
            }.run()
        }
    }
}
