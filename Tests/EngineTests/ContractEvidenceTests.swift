import PostgresDriver
import TestSupport
import Testing

@testable import Engine
@testable import Planning

/// What the counts of pg_stat_statements prove, and what they do not. On a server of its own: others count on the shared
/// one, and a reset is everybody's.
@Suite(.enabled("pg_stat_statements can be loaded", countingServers))
struct ContractEvidenceTests {
    private static let window = Duration.milliseconds(1)

    private func look(_ url: String, use: StatementUse? = nil) async throws -> ContractLook {
        try await connected(url) { connection in
            try await Applier(connection).exclusively { _ in
                if let use { _ = try await ShimObservations(connection).look(use, window: Self.window) }
                return try await ContractLook.take(connection, window: Self.window)
            }
        }
    }

    @discardableResult
    private func connected<T>(_ url: String, _ body: (Connection) async throws -> T) async throws -> T {
        let connection = try await Connection.open(ConnectionSettings(url))
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }

    /// A server with a small table of counters, a pile that was moved, and one look at the counts.
    private func with(
        settings: [String: String] = [:], _ body: (_ server: EmbeddedServer, _ url: String) async throws -> Void
    ) async throws {
        try await EmbeddedServerFixture.with { fixture in
            let all = ["shared_preload_libraries": "pg_stat_statements"].merging(settings) { $1 }
            let server = try fixture.server(settings: all)
            let url = try await server.start().url
            try await connected(url) { connection in
                try await connection.execute(
                    "CREATE ROLE app; CREATE EXTENSION pg_stat_statements;"
                        + ApplyFixture.pile.replacing("@app", with: "app"))
                let layout = ApplyFixture.layout.replacing("@app", with: "app")
                let (decoded, _) = try Pipeline.decode(layout, file: "strata.yaml", environment: [:])
                let plan = try await LivePlanner.plan(decoded, on: connection).plan
                _ = try await Applier(connection).exclusively { try await $0.apply(plan) }
            }
            _ = try await look(url)
            try await body(server, url)
        }
    }

    private func refusal(_ look: ContractLook, _ url: String) async throws -> Diagnostic {
        try await engineFailure(.hazards) {
            try await connected(url) { try Applier($0).check(look, accepted: []) }
        }
    }

    @Test func aResetWithinTheWindowIsUnknownUse() async throws {
        try await with { _, url in
            let quiet = try await look(url)
            #expect(quiet.plan.hazards.isEmpty, "\(quiet.plan.hazards)")
            try await connected(url) {
                try await $0.execute("SELECT count(*) FROM orders; SELECT pg_stat_statements_reset()")
            }
            let after = try await look(url)
            #expect(after.plan.hazards.map(\.code) == [.useUnknown], "\(after.plan.hazards)")
            #expect(after.looked.doubts.first?.contains("began to count anew at 2") == true, "\(after.looked.doubts)")
            #expect(try await refusal(after, url).message.contains("USE_UNKNOWN"))
            // From then on it counts again.
            #expect(try await look(url).plan.hazards.isEmpty)
        }
    }

    @Test func aPartialResetIsUnknownUse() async throws {
        try await with { _, url in
            try await connected(url) {
                try await $0.execute(
                    """
                    SELECT count(*) FROM sales.orders;
                    SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)
                    """)
            }
            let after = try await look(url)
            #expect(after.plan.hazards.map(\.code) == [.useUnknown], "\(after.plan.hazards)")
        }
    }

    @Test func evictedEntriesAreUnknownUse() async throws {
        try await with(settings: ["pg_stat_statements.max": "100"]) { _, url in
            try await connected(url) { connection in
                for width in 1...150 {
                    let columns = (1...width).map { "\($0) AS c\($0)" }.joined(separator: ", ")
                    try await connection.execute("SELECT \(columns)")
                }
            }
            let after = try await look(url)
            #expect(after.plan.hazards.contains { $0.code == .useUnknown }, "\(after.plan.hazards)")
            #expect(after.looked.doubts.contains { $0.contains("dropped entries") }, "\(after.looked.doubts)")
        }
    }

    @Test func aRestartWithoutSavingIsUnknownUse() async throws {
        try await with(settings: ["pg_stat_statements.save": "off"]) { server, url in
            try await server.stop()
            let second = try await server.start().url
            let after = try await look(second)
            #expect(after.plan.hazards.contains { $0.code == .useUnknown }, "\(after.plan.hazards)")
            #expect(
                after.looked.doubts.contains { $0.contains("pg_stat_statements.save is off") }, "\(after.looked.doubts)"
            )
        }
    }

    @Test func aRestartThatSavesGoesOnCounting() async throws {
        try await with { server, url in
            try await server.stop()
            let second = try await server.start().url
            let after = try await look(second)
            #expect(after.looked.coversWindow && after.looked.doubts == [], "\(after.looked.doubts)")
        }
    }

    /// On 13 no view tells of resets; an upgraded server whose extension was never updated has none either.
    @Test func whereResetsAreNotToldTheUseIsUnknown() async throws {
        try await with { _, url in
            try await connected(url) {
                try await $0.execute(
                    "DROP EXTENSION pg_stat_statements; CREATE EXTENSION pg_stat_statements VERSION '1.8'")
            }
            let after = try await look(url)
            #expect(
                after.plan.hazards.contains { $0.message.contains("does not tell whether") }, "\(after.plan.hazards)")
        }
    }

    @Test func aLookAtNothingIsALook() async throws {
        try await with { _, url in
            try await connected(url) {
                try await $0.execute("DELETE FROM strata.looks; DELETE FROM strata.observations")
            }
            let after = try await look(url, use: StatementUse(isKnown: true))
            #expect(after.looked.coversWindow && after.looked.before.isEmpty)
            #expect(after.looked.tooYoung(accepted: []) == nil)
        }
    }

    @Test func aResumedContractAsksAgain() async throws {
        try await with { _, url in
            let quiet = try await look(url)
            #expect(quiet.plan.hazards.isEmpty && quiet.plan.steps.count == 5)
            let work = Task {
                try await connected(url) { connection in
                    try await Applier(connection, report: atGroup(3, cancelCurrentTask)).exclusively {
                        try await $0.apply(quiet.plan, kind: .contract, catalog: quiet.catalog)
                    }
                }
            }
            _ = try await engineFailure(.resumable) { try await work.value }
            try await connected(url) { try await $0.execute("SELECT count(*) FROM orders") }
            let after = try await look(url)
            #expect(after.plan.steps.map(\.object) == ["public.mood", "public.order_total", "public.orders"])
            #expect(after.plan.hazards.map(\.object) == ["public.orders"], "\(after.plan.hazards)")
            #expect(try await refusal(after, url).message.contains("SHIM_IN_USE"))

            let later = try await look(url)
            try await connected(url) { connection in
                let report = try await Applier(connection).exclusively { applier in
                    try applier.check(later, accepted: [])
                    return try await applier.resume(try #require(try await applier.ledger.unfinished()))
                }
                #expect(report.stepsDone == 3)
            }
        }
    }
}

@Sendable private func countingServers() async throws -> Bool {
    let connection = try await Connection.open(ConnectionSettings(TestServer.url()))
    let found = try await connection.query(
        "SELECT count(*) > 0 FROM pg_available_extensions WHERE name = 'pg_stat_statements'"
    ).only().bool(0)
    await connection.close()
    return found
}
