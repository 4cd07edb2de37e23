import Foundation
import PostgresDriver
import PostgresWire
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// A running proxy among strangers: it goes on, nobody hangs, nobody else notices, and no server is lost.
/// `STRATA_FUZZ_SECONDS`, `STRATA_FUZZ_SEED`.
@Suite("Fuzzer: a running proxy", .serialized)
struct ProxyFuzzTests {
    private static let strangers = 4
    private static let size = 3

    private func withFuzz(
        _ what: String, _ attack: @escaping @Sendable (ProxyFixture, Int, inout SeededRandom) throws -> Void
    ) async throws {
        let seed = SeededRandom.seed(for: "fuzzer, \(what)")
        let user = try ConnectionSettings(TestServer.url()).user
        try await withProxy(
            size: Self.size, setup: ConversationGenerator.setup(clients: Self.strangers),
            configure: {
                $0.loginTimeout = .seconds(5)
                $0.administrators = [user]
            }, limits: { $0.maximumClients = 1000 }
        ) { proxy in
            let end = ContinuousClock.now + .milliseconds(Int(TestLength.fuzz * 1000))
            let found = try await ClientThreads.run(Self.strangers + 1) { index -> (count: Int, wrong: [String]) in
                var count = 0
                var wrong: [String] = []
                if index == Self.strangers {
                    let other = try proxy.wire()
                    while ContinuousClock.now < end {
                        let result = try other.query("SELECT \(count), current_setting('work_mem'), current_user")
                        if result.rows != [["\(count)", "4MB", proxy.user]] { wrong.append("\(result.messages)") }
                        count += 1
                    }
                    return (0, wrong)
                }
                var random = SeededRandom(seed &+ UInt64(index))
                while ContinuousClock.now < end {
                    try attack(proxy, index, &random)
                    count += 1
                }
                return (count, wrong)
            }
            print("fuzzer, \(what): \(found.reduce(0) { $0 + $1.count }) connections")
            let wrong = found.flatMap(\.wrong)
            #expect(wrong == [])
            try await expectWell(proxy)
        }
    }

    /// All servers serve again, and none does anything of its own.
    private func expectWell(_ proxy: ProxyFixture) async throws {
        let watcher = try await proxy.database.connect()
        let busy = """
            SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend' AND state <> 'idle'
            """
        try await eventually("no session is stuck") { try await watcher.query(busy).only().int(0) == 0 }
        await watcher.close()
        let admin = try proxy.wire(database: "strata")
        try await eventually("the proxy knows of nobody who works or waits") {
            let pools = try admin.query("SHOW POOLS").rows
            // cl_active, cl_waiting, sv_active, sv_idle, sv_login
            let counts = pools.map { row in [2, 3, 5, 6, 9].compactMap { row[$0].flatMap { Int($0) } } }
            return !counts.isEmpty && counts.allSatisfy { $0[1] == 0 && $0[2] == 0 && $0[3] <= Self.size && $0[4] == 0 }
        }
        let clients = try (0..<Self.size).map { _ in try proxy.wire() }
        let processes = try clients.map { client in
            #expect(try client.query("BEGIN").error == nil)
            return try client.query("SELECT pg_backend_pid()").rows
        }
        #expect(Set(processes).count == Self.size)
        for client in clients { #expect(try client.query("ROLLBACK").messages.last?.text == "I") }
        let again = try proxy.wire()
        for client in clients { try client.send(WireClient.message("X")) }
        #expect(try again.query("SHOW work_mem").rows == [["4MB"]])
    }

    @Test("Random startup packets: each connection is answered or ended")
    func startup() async throws {
        try await withFuzz("startup") { proxy, _, random in
            let corpus: [[UInt8]] = [
                StartupMessage(parameters: [.init("user", proxy.user), .init("database", "main")]).packet,
                StartupMessage(
                    minorVersion: random.below(5),
                    parameters: [
                        .init("user", proxy.user), .init("options", "-c work_mem=5MB"), .init("replication", "x"),
                    ],
                    protocolOptions: ["_pq_.x"]
                ).packet,
                [0, 0, 0, 8, 4, 210, 22, 47], [0, 0, 0, 8, 4, 210, 22, 48],
                [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 7, 1, 2, 3, 4],
            ]
            let connection = try WireClient(port: proxy.port, limit: 20)
            let first =
                random.once(in: 6)
                ? ByteMutation.random(random.below(300), &random)
                : ByteMutation.mutated(random.pick(corpus), random.pick(corpus), &random)
            try? connection.send(first)
            if random.once(in: 3) { try? connection.send(random.pick(corpus)) }
            connection.finish()
            try connection.readToEnd()
        }
    }

    @Test("Random messages after the login: each connection is answered or ended")
    func messages() async throws {
        try await withFuzz("messages") { proxy, index, random in
            var generator = ConversationGenerator(random.next(), client: index)
            let sent = generator.conversation().flatMap(\.bytes)
            let other = generator.conversation().flatMap(\.bytes)
            let connection = try WireClient(port: proxy.port, limit: 20)
            try? connection.send(
                StartupMessage(parameters: [.init("user", proxy.user), .init("database", "main")]).packet)
            switch random.below(6) {
            // As it should be, and cut off somewhere.
            case 0: try? connection.send(Array(sent.prefix(random.below(sent.count + 1))))
            case 1: try? connection.send(ByteMutation.random(random.below(500), &random))
            case 2: try? connection.send(sent + ByteMutation.mutated(other, sent, &random))
            default: try? connection.send(ByteMutation.mutated(sent, other, &random))
            }
            // Some hang up without waiting for anything.
            if random.once(in: 4) { return }
            connection.finish()
            try connection.readToEnd()
        }
    }
}
