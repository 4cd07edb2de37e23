import Foundation
import PostgresDriver
import PostgresWire
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// A proxy that takes the place of another on the same port.
@Suite("Proxy: restart")
struct ProxyRestartTests {
    /// Connects, asks, and closes, until it is told to stop: how often, and what went wrong.
    private final class Load: Sendable {
        let rounds = Atomic<Int>(0)
        let isOver = Atomic<Bool>(false)
        let failures = Mutex<[String]>([])

        func run(_ port: UInt16, _ user: String) {
            while !isOver.load(ordering: .relaxed) {
                do {
                    let client = try WireClient(port: port)
                    let messages = try client.start(user: user, database: "main")
                    if let error = messages.last?.error {
                        failures.withLock { $0.append(error.message) }
                    } else if try client.query("SELECT 1").rows != [["1"]] {
                        failures.withLock { $0.append("a wrong answer") }
                    } else {
                        rounds.wrappingAdd(1, ordering: .relaxed)
                    }
                    try client.send(WireClient.message("X"))
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
        }
    }

    @Test("A successor on the same port under load: the old one drains, and no client fails", arguments: [1, 2])
    func handover(loops: Int) async throws {
        try await withProxy(configure: { $0.eventLoops = loops }) { old in
            let load = Load()
            let (port, user) = (old.port, old.user)
            let runners = (0..<4).map { _ in Task { await blocking { load.run(port, user) } } }
            try await eventually("there is load") { load.rounds.load(ordering: .relaxed) > 50 }
            let sitting = try old.wire()
            var configuration = old.server.shared.configuration
            configuration.listen = .tcp(host: "127.0.0.1", port: port)
            let new = try await ProxyServer.start(configuration)
            old.server.drain()
            let before = load.rounds.load(ordering: .relaxed)
            try await eventually("the load goes on") { load.rounds.load(ordering: .relaxed) > before + 100 }
            // Who was there before is served by the old one as long as it likes.
            #expect(try sitting.query("SELECT 2").rows == [["2"]])
            try sitting.send(WireClient.message("X"))
            await old.server.waitUntilEnded()
            let alone = load.rounds.load(ordering: .relaxed)
            try await eventually("the new one serves alone") { load.rounds.load(ordering: .relaxed) > alone + 50 }
            load.isOver.store(true, ordering: .relaxed)
            for runner in runners { await runner.value }
            new.stop()
            await new.waitUntilEnded()
            #expect(load.failures.withLock { $0 } == [])
        }
    }
}
