import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// A read whose replica does not answer it is the primary's.
@Suite("Proxy: reads whose replica is lost", .serialized)
struct ReplicaLostTests {
    private static let port = "SELECT current_setting('port') FROM t LIMIT 1"

    /// A client that was served by replica 1.
    private func reader(_ setup: ProxyReplicaTests.Setup) async throws -> WireClient {
        let client = try setup.wire()
        try await eventually("replica 1 answers") { try setup.node(client) == 1 }
        return client
    }

    @Test("A read that waits for a frozen replica is answered by the primary")
    func frozen() async throws {
        try await ProxyReplicaTests().withReplicas(delays: [nil]) { setup in
            let client = try await reader(setup)
            try await setup.cluster.freeze(1)
            try client.send(WireClient.query(Self.port))
            let answered = try await ClientThreads.run(1) { _ in (try? client.results().rows.count) ?? 0 }
            await setup.cluster.thaw(1)
            #expect(answered == [1])
        }
    }

    @Test(
        "So is one whose ParseComplete needs no server, and the client gets one of each answer",
        arguments: [true, false])
    func frozenParse(isKilled: Bool) async throws {
        try await ProxyReplicaTests().withReplicas(delays: [nil]) { setup in
            let client = try await reader(setup)
            func ask(_ name: String) throws -> String {
                try client.send(
                    WireClient.parse(name, Self.port) + WireClient.bind("", name) + WireClient.describe("P")
                        + WireClient.execute() + WireClient.sync)
                return String(try client.results().messages.map(\.tag))
            }
            try await eventually("replica 1 has the statement") {
                let name = "s\(UInt32.random(in: 0...UInt32.max))"
                // The second time the proxy itself answers the Parse.
                #expect(try ask(name) == "12TDCZ")
                #expect(try ask(name + "again") == "12TDCZ")
                try client.send(WireClient.bind("", name) + WireClient.execute() + WireClient.sync)
                return try client.results().rows == [["\(setup.cluster.port(of: 1))"]]
            }
            try await setup.cluster.freeze(1)
            let lost = Task(executorPreference: ThreadExecutor.watchers) {
                try await Task.sleep(for: .milliseconds(100))
                if isKilled { try await setup.cluster.kill(1) }
            }
            let tags = Result { try ask("other") }
            try await lost.value
            if !isKilled { await setup.cluster.thaw(1) }
            #expect(try tags.get() == "12TDCZ")
        }
    }

    @Test("The first read of a transaction is answered by the primary when its replica dies")
    func firstRead() async throws {
        try await ProxyReplicaTests().withReplicas(delays: [nil]) { setup in
            let client = try await reader(setup)
            #expect(try client.query("BEGIN READ ONLY").tags == ["BEGIN"])
            try await setup.cluster.freeze(1)
            try client.send(WireClient.query(Self.port))
            try await setup.cluster.kill(1)
            let result = try client.results()
            #expect(result.rows == [["\(setup.cluster.port(of: 0))"]])
        }
    }
}
