import Planning
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Batches of many statements before one Sync.
@Suite("Proxy: long batches")
struct ProxyLongBatchTests {
    typealias Wire = WireClient

    private static let table = "CREATE TABLE t (a text, b int PRIMARY KEY)"
    private static let insert = "INSERT INTO t VALUES ($1, $2)"

    private func row(_ bytes: Int, _ key: Int) -> [UInt8] {
        Wire.bind("", "s", [String(repeating: "a", count: bytes), "\(key)"]) + Wire.execute()
    }

    /// The proxy has far less of it than it may hold back, and no Sync.
    @Test(
        "An error at the beginning reaches a client that goes on sending",
        arguments: [Database.Pool.Mode.session, .transaction])
    func earlyError(_ mode: Database.Pool.Mode) async throws {
        try await withProxy(mode: mode, setup: Self.table) { proxy in
            let client = try proxy.wire()
            try client.send(Wire.parse("s", Self.insert) + Wire.sync)
            #expect(try client.results().error == nil)
            var batch = row(1, 0) + row(1, 0)
            for key in 1...6 { batch += row(32_768, key) }
            #expect(batch.count < UnitScan.maximumBytes / 4)
            try client.send(batch)
            #expect(try client.receive(through: "E").last?.error?.code == "23505")
            // What comes now is skipped; the batch is one transaction.
            for key in 7...20 { try client.send(row(32_768, key)) }
            try client.send(Wire.sync)
            #expect(try client.receive(through: "Z").map(\.description) == ["Z(I)"])
            #expect(try client.query("SELECT count(*) FROM t").rows == [["0"]])
        }
    }

    @Test("One without an error is one transaction, answered in order, whatever its parts", arguments: [3, 40, 700])
    func parts(_ rows: Int) async throws {
        try await withProxy(size: 2, setup: Self.table) { proxy in
            let client = try proxy.wire()
            let other = try proxy.wire()
            var batch = Wire.parse("s", Self.insert)
            for key in 1...rows { batch += row(key % 7 == 0 ? 100_000 : 3_000, key) }
            try client.send(batch + Wire.parse("", "SELECT count(*) FROM t") + Wire.bind() + Wire.execute())
            // Nobody else sees any of it yet.
            #expect(try other.query("SELECT count(*) FROM t").rows == [["0"]])
            try client.send(Wire.sync)
            let messages = try client.receive(through: "Z")
            let expected =
                ["1"] + Array(repeating: ["2", "C"], count: rows).flatMap { $0 } + ["1", "2", "D", "C", "Z"]
            #expect(messages.map { String($0.tag) } == expected)
            #expect(Wire.rows(messages) == [["\(rows)"]])
            #expect(try other.query("SELECT count(*) FROM t").rows == [["\(rows)"]])
        }
    }

    @Test("With replicas, a batch that may yet write is not begun on one of them")
    func replicas() async throws {
        try await ProxyReplicaTests().withReplicas(delays: [nil], setup: Self.table + "; INSERT INTO t VALUES ('', 0)")
        { setup in
            let client = try setup.wire()
            try await eventually("replica 1 answers") { try setup.node(client) == 1 }
            let text = String(repeating: "a", count: 50_000)
            var batch = Wire.parse("r", "SELECT length($1::text), count(*) FROM t") + Wire.parse("s", Self.insert)
            for _ in 1...5 { batch += Wire.bind("", "r", [text]) + Wire.execute() }
            try client.send(batch + row(10, 1) + Wire.bind("", "r", [text]) + Wire.execute() + Wire.sync)
            let messages = try client.receive(through: "Z")
            #expect(messages.first { $0.tag == "E" }?.error == nil)
            #expect(Wire.rows(messages).map { $0[1] } == ["1", "1", "1", "1", "1", "2"])
        }
    }
}
