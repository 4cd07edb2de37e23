import Engine
import PostgresDriver
import TestSupport
import Testing

@testable import Proxy

/// Many clients at once, who write without a pause while their schema goes to the other database and comes back.
@Suite("Proxy: switch with 64 clients", .serialized)
struct ProxySwitchLoadTests {
    @Test("S1.6 S1.7 64 clients: switch, reverse, switch again; none fails, nothing is lost or done twice")
    func manyClients() async throws {
        try await SwitchFixture.with(loops: 2, size: 10) { fixture in
            let load = SwitchLoad()
            async let clients: Void = load.run(fixture.proxy, clients: 64)
            let reports: [SwitchReport]
            do {
                reports = try await thereAndBack(fixture, load)
            } catch {
                load.end()
                _ = try? await clients
                throw error
            }
            load.end()
            try await clients
            #expect(load.result.acknowledged.count == 64)
            try await load.expectWhole { try await fixture.query(fixture.books, $0) }
            #expect(reports.map(\.to) == ["books", "main", "books"] && reports.allSatisfy { $0.late.isEmpty })
            print(
                "64 clients: \(load.count) writes acknowledged, 0 failed; held for \(reports.map(\.heldMilliseconds)) ms; longest step of a client \(load.result.longestMilliseconds) ms"
            )
            try await sequencesNeverMeet(fixture, load)
        }
    }

    private func thereAndBack(_ fixture: SwitchFixture, _ load: SwitchLoad) async throws -> [SwitchReport] {
        var reports: [SwitchReport] = []
        // Every client has done each kind of statement.
        try await load.written(64 * 8)
        reports.append(try await fixture.change(.out).run())
        try await load.written(64 * 8)
        reports.append(try await fixture.change(.back).run())
        try await load.written(64 * 8)
        try await fixture.compare()
        reports.append(try await fixture.change(.out).run())
        try await load.written(64 * 8)
        return reports
    }

    /// What is drawn after the last change is beyond all that was drawn before, on either side.
    private func sequencesNeverMeet(_ fixture: SwitchFixture, _ load: SwitchLoad) async throws {
        var drawn = load.result.ids.max() ?? 0
        let client = try fixture.proxy.wire()
        for (number, direction) in [SplitRecord.Direction.back, .out].enumerated() {
            let insert = "INSERT INTO billing.invoices (client, number) VALUES (100, \(number)) RETURNING id"
            let id = try #require(Int(try client.query(insert).rows.first?.first.flatMap { $0 } ?? ""))
            #expect(id > drawn)
            drawn = id
            if direction == .out { try await fixture.compare() }
            _ = try await fixture.change(direction).run()
        }
    }
}
