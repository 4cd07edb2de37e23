import Engine
import Planning
import TestSupport
import Testing

@testable import Proxy

/// The new place has a replica that answers reads, late: after the switch nobody reads less than was written before it.
@Suite("Proxy: switch to a place with replicas", .serialized)
struct ProxySwitchReplicaTests {
    @Test(
        "S1.26 S1.7 After the switch no session reads less than it wrote, and reads come to the replica",
        arguments: [Routing.Freshness.table, .session])
    func freshness(_ freshness: Routing.Freshness) async throws {
        let wishes = SwitchServers.Wishes(replicas: ["books": 1], delay: .milliseconds(400), freshness: freshness)
        try await SwitchServers.with(["billing": "books"], wishes) { servers in
            let readers = SwitchReaders()
            let replica = try servers.cluster("books").port(of: 1)
            async let clients: Void = readers.run(clients: 6, isShared: freshness == .table) { try servers.wire() }
            do {
                try await servers.copy("billing")
                for round in 1...2 {
                    if round > 1 { try await servers.compare("billing") }
                    try await wroteMore(readers)
                    // The last writes before the decision are what the replica has last.
                    let report = try await servers.change(
                        "billing", .out, watching: { if $0 == .phase("hold") { readers.write(false) } }
                    ).run()
                    let before = readers.answers(of: replica)
                    try await eventually("the replica answers") {
                        readers.answers(of: replica) > before + 100 || !readers.result.failures.isEmpty
                    }
                    print(
                        "held for \(report.heldMilliseconds) ms; \(readers.answers(of: replica)) reads by the replica")
                    readers.write(true)
                    try await wroteMore(readers)
                    _ = try await servers.change("billing", .back).run()
                }
            } catch {
                readers.end()
                _ = try? await clients
                throw error
            }
            readers.end()
            try await clients
            let result = readers.result
            print("\(freshness): \(result.reads) reads, \(result.writes) writes, by server \(result.byPort)")
            #expect(result.failures.isEmpty, "\(result.failures.prefix(3))")
            #expect(result.stale == 0 && result.behind == 0)
            #expect(try await servers.query("main", "SELECT count(*) FROM billing.invoices") == [["\(result.writes)"]])
        }
    }

    private func wroteMore(_ readers: SwitchReaders) async throws {
        let wanted = readers.result.writes + 60
        try await eventually("more is written") { readers.result.writes > wanted || !readers.result.failures.isEmpty }
    }
}
