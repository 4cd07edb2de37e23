import Foundation
import Logging
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// What is bounded: logins, clients, connections.
@Suite("Proxy: limits")
struct ProxyLimitTests {
    typealias Wire = WireClient

    @Test("Connections of an address that have not logged in are counted over all loops; a refusal frees no slot")
    func logins() async throws {
        try await withProxy(
            configure: {
                $0.eventLoops = 3
                $0.maximumLoginsPerAddress = 4
                $0.maximumClients = 5
            }, limits: { $0.maximumClients = 100 }
        ) { proxy in
            var silent = try (0..<4).map { _ in try WireClient(port: proxy.port) }
            // A client that comes before them could take a slot of theirs.
            try await eventually("all four have been taken") { proxy.server.shared.logins.count == 4 }
            let fifth = try proxy.wire(login: false)
            let error = try fifth.start(user: proxy.user, database: "main").last?.error
            #expect(error?.message.contains("that have not logged in") == true, "\(String(describing: error))")
            for _ in 0..<20 {
                let more = try WireClient(port: proxy.port)
                _ = try? more.receive(through: "E")
            }
            withExtendedLifetime(silent) {}
            silent = []
            // All slots are there again, and not one more.
            let kept = try await slots(proxy, 5)
            let sixth = try WireClient(port: proxy.port)
            #expect(try sixth.receive(through: "E").last?.error?.message == "sorry, too many clients already")
            withExtendedLifetime(kept) {}
        }
    }

    /// So many clients, as soon as the slots of those who have gone are free.
    private func slots(_ proxy: ProxyFixture, _ count: Int) async throws -> [WireClient] {
        var kept: [WireClient] = []
        while kept.count < count {
            try await eventually("a slot is free") {
                guard let client = try? proxy.wire() else { return false }
                kept.append(client)
                return true
            }
        }
        return kept
    }

    @Test("max_clients of a database counts the clients of all loops, and who leaves makes room")
    func clients() async throws {
        try await withProxy(configure: { $0.eventLoops = 3 }, limits: { $0.maximumClients = 4 }) { proxy in
            var kept = try (0..<4).map { _ in try proxy.wire() }
            for _ in 0..<6 {
                let refused = try proxy.wire(login: false)
                let error = try refused.start(user: proxy.user, database: "main").last?.error
                #expect(error?.detail == "Database \"main\" accepts 4 clients (max_clients).")
            }
            for _ in 0..<5 {
                kept.removeFirst()
                kept += try await slots(proxy, 1)
            }
            let refused = try proxy.wire(login: false)
            #expect(try refused.start(user: proxy.user, database: "main").last?.error?.code == "53300")
        }
    }

    @Test("A unix socket with several loops; a file that a crash left is replaced, one in use is not")
    func unixSocket() async throws {
        let folder = NSTemporaryDirectory() + "strata-\(UInt32.random(in: 0...UInt32.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await withProxy { other in
            var configuration = other.server.shared.configuration
            configuration.listen = .unix(path: "\(folder)/.s.PGSQL.6432")
            configuration.eventLoops = 3
            for _ in 0..<2 {
                let server = try await ProxyServer.start(configuration)
                #expect(throws: ProxyError.self) { _ = try ProxyServer(configuration) }
                for _ in 0..<9 {
                    let connection = try await Connection.open(
                        ConnectionSettings("host=\(folder) port=6432 user=\(other.user) dbname=main"))
                    #expect(try await connection.query("SELECT 1").only().int(0) == 1)
                    await connection.close()
                }
                // Its file stays behind, as after a crash.
                server.stop()
                await server.waitUntilEnded()
            }
        }
    }

    @Test("Pools that may open more than a server gives: a warning with the figures")
    func budget() async throws {
        let share = ConnectionBudget.Share(database: "main", size: 20, own: 3)
        let budget = ConnectionBudget(
            server: "db:5432", loops: 2, shares: [share, .init(database: "b", size: 5, own: 1)])
        #expect(budget.wanted == 54)
        #expect(budget.warning(.init(maximum: 100, reserved: 3, others: 43)) == nil)
        #expect(
            budget.warning(.init(maximum: 100, reserved: 3, others: 44))
                == "the pools of one user may open 54 connections to db:5432 (main: 2 × 20 + 3, b: 2 × 5 + 1), "
                + "which has 53 to give: max_connections 100, 3 reserved, 44 used by others")
        try await withTestDatabase("budget") { database in
            let node = try NodeEndpoint(name: "primary", settings: database.settings)
            let room = try await ConnectionBudget.room(node)
            #expect(room.maximum == 1000 && room.reserved == 3 && room.others >= 0)
            var configuration = ProxyConfiguration(
                listen: .tcp(host: "127.0.0.1", port: 0), databases: [], users: .everybody, logger: .init(label: "t"))
            configuration.databases = ["a", "b"].map { .init(name: $0, nodes: [node, node], limits: PoolLimits()) }
            configuration.authQuery = "x"
            #expect(ConnectionBudget.budgets(configuration).map(\.budget.wanted) == [4 * 20 + 4 + 2 + 2])
        }
    }

    @Test("A server that has no connection left: a pool that has others waits for them, and tries again")
    func fullServer() async throws {
        let settings = ["max_connections": "8", "superuser_reserved_connections": "0", "max_worker_processes": "2"]
        try await ReplicationCluster.with(replicas: 0, settings: settings) { cluster in
            let node = try NodeEndpoint(name: "primary", settings: cluster.settings(of: 0))
            try await withProxy(configure: { $0.databases[0].nodes = [node] }) { proxy in
                let first = try proxy.wire(user: "strata_test")
                _ = try first.query("BEGIN")
                let second = try proxy.wire(user: "strata_test")
                // Whatever the server still gives is taken by others.
                var others: [Connection] = []
                while let other = try? await Connection.open(cluster.settings(of: 0)) { others.append(other) }
                #expect(!others.isEmpty)
                try second.send(Wire.query("SELECT 'second'"))
                let third = try proxy.wire(user: "strata_test")
                try third.send(Wire.query("SELECT 'third'"))
                // The first gives its server back, and both get it.
                #expect(try first.query("COMMIT").error == nil)
                #expect(try second.results().rows == [["second"]])
                #expect(try third.results().rows == [["third"]])
                _ = try first.query("BEGIN")
                try second.send(Wire.query("SELECT 'again'"))
                await others.removeLast().close()
                // Now by a connection of its own, which was tried again.
                let rows = try second.results().rows
                #expect(rows == [["again"]])
                #expect(try first.query("COMMIT").error == nil)
                for other in others { await other.close() }
            }
        }
    }
}
