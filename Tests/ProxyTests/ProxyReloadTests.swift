import Foundation
import Logging
import Planning
import PostgresDriver
import PostgresWire
import Synchronization
import TestSupport
import Testing

@testable import Proxy

/// RELOAD: what is written anew holds, and no client notices.
@Suite("Proxy: reload")
struct ProxyReloadTests {
    typealias Wire = WireClient

    /// What the next reload reads, as an edit of what runs.
    private final class File: Sendable {
        private let edit = Mutex<@Sendable (inout ProxyConfiguration) throws -> Void>({ _ in })

        func write(_ new: @escaping @Sendable (inout ProxyConfiguration) throws -> Void) { edit.withLock { $0 = new } }
        func read(_ base: ProxyConfiguration) throws -> ProxyConfiguration {
            var copy = base
            try edit.withLock { $0 }(&copy)
            return copy
        }
    }

    private func withFile(
        size: Int = 3, configure: (inout ProxyConfiguration) -> Void = { _ in },
        _ body: (ProxyFixture, File, @escaping @Sendable () async throws -> [Wire.Message]) async throws -> Void
    ) async throws {
        let file = File()
        try await withProxy(
            size: size,
            configure: { configuration in
                configuration.administrators = ["boss"]
                configuration.eventLoops = 2
                configure(&configuration)
                let base = configuration
                configuration.reload = { try file.read(base) }
            }
        ) { proxy in
            let boss = try proxy.wire(user: "boss", database: "strata")
            try await body(proxy, file) {
                try await blocking {
                    try boss.send(Wire.query("RELOAD"))
                    return try boss.receive(through: "Z")
                }
            }
        }
    }

    @Test("Users, rules and pool sizes change under clients that stay")
    func changes() async throws {
        try await withFile { proxy, file, reload in
            let client = try proxy.wire()
            _ = try client.query("CREATE TEMP TABLE kept (a int)")
            file.write {
                $0.login = .scram
                $0.users = Users(secrets: [:])
                $0.databases[0].limits.maximumClients = 1
            }
            #expect(try await reload().map(\.tag) == ["C", "Z"])
            let stranger = try proxy.wire(login: false)
            let refused = try await blocking { try stranger.start(user: "x", database: "main", password: "x") }
            #expect(refused.last?.error?.code == "28P01")
            #expect(try client.query("SELECT count(*) FROM kept").rows == [["0"]])
            file.write { $0.databases[0].limits.maximumClients = 1 }
            _ = try await reload()
            let second = try proxy.wire(login: false)
            #expect(
                try second.start(user: proxy.user, database: "main").last?.error?.message.contains("too many") == true)
            file.write { _ in }
            _ = try await reload()
            #expect(try proxy.wire().query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("A file that is wrong changes nothing, and is answered with why")
    func wrong() async throws {
        try await withFile { proxy, file, reload in
            file.write {
                $0.login = .scram
                throw ProxyError("strata.yaml:3:1: nonsense", next: "mend it")
            }
            let messages = try await reload()
            #expect(messages.first?.error?.message == "nothing was reloaded: strata.yaml:3:1: nonsense; mend it")
            file.write { $0.tls = .init(certificate: "/nowhere.pem", key: "/nowhere.pem") }
            let second = try await reload()
            #expect(second.first?.error?.message.contains("/nowhere.pem") == true)
            #expect(try proxy.wire().query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("What needs a restart is named and stays as it was; the rest is taken")
    func fixed() async throws {
        try await withFile { proxy, file, reload in
            file.write {
                $0.listen = .tcp(host: "127.0.0.1", port: 1)
                $0.eventLoops = 5
                $0.databases[0].limits.mode = .session
                $0.databases[0].limits.maximumClients = 7
                $0.databases.append(.init(name: "more", nodes: $0.databases[0].nodes, limits: PoolLimits()))
                $0.freshness = .atMost(.seconds(1))
            }
            let notice = try #require(try await reload().first)
            #expect(notice.tag == "N")
            for name in [
                "routing.listen", "routing.event_loops", "databases.main.pool.mode", "databases.more (added)",
                "routing.freshness",
            ] { #expect(notice.text.contains(name), "\(name)") }
            let boss = try proxy.wire(user: "boss", database: "strata")
            let row = try #require(try boss.query("SHOW DATABASES").rows.first)
            #expect(row[8] == "transaction" && row[9] == "7")
        }
    }

    @Test("What differs, by the layout's names")
    func names() throws {
        func settings(_ url: String) throws -> NodeEndpoint {
            try NodeEndpoint(name: url.contains("6000") ? "r1" : "primary", settings: ConnectionSettings(url))
        }
        var old = ProxyConfiguration(
            listen: .tcp(host: "127.0.0.1", port: 1), databases: [], users: .everybody, logger: .init(label: "t"))
        let primary = try settings("host=127.0.0.1 port=5000 user=a dbname=b")
        let replica = try settings("host=127.0.0.1 port=6000 user=a dbname=b")
        old.databases = [.init(name: "main", nodes: [primary, replica], limits: PoolLimits())]
        old.databases[0].weights = [1, 1]
        var new = old
        #expect(old.fixed(against: new).isEmpty)
        new.databases[0].nodes = [try settings("host=127.0.0.1 port=5001 user=a dbname=b")]
        #expect(old.fixed(against: new) == ["databases.main.url", "databases.main.replicas.r1 (removed)"])
        new = old
        new.databases[0].weights = [1, 9]
        new.databases[0].limits.size = 99
        #expect(old.fixed(against: new).isEmpty)
        #expect(old.taking(new).databases[0].weights == [1, 9])
        #expect(old.taking(new).databases[0].limits.size == 99)
        new.databases[0].nodes.reverse()
        new.databases[0].weights = [4, 5]
        #expect(old.taking(new).databases[0].weights == [5, 4])
        new.freshness = .atMost(.milliseconds(100))
        #expect(old.fixed(against: new) == ["routing.freshness"])
        new.freshness = .atMost(.seconds(8))
        #expect(old.fixed(against: new).isEmpty)
    }

    @Test("A certificate that was renewed: new connections get it, those that are there go on")
    func certificates() async throws {
        try await TestCertificates.with { folder in
            let first = try folder.selfSigned("first")
            let second = try folder.selfSigned("second")
            try await withFile(
                configure: { $0.tls = .init(certificate: first.certificate, key: first.key) }
            ) { proxy, file, reload in
                func connect(_ authority: String) async throws -> Connection {
                    try await proxy.connect(["sslmode": "verify-ca", "sslrootcert": authority])
                }
                let old = try await connect(first.certificate)
                file.write { $0.tls = .init(certificate: second.certificate, key: second.key) }
                _ = try await reload()
                await #expect(throws: PostgresError.self) { _ = try await connect(first.certificate) }
                let new = try await connect(second.certificate)
                #expect(try await new.query("SELECT 1").only().int(0) == 1)
                #expect(try await old.query("SELECT 1").only().int(0) == 1)
                await new.close()
                await old.close()
            }
        }
    }
}
