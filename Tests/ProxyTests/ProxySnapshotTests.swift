import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// What a transaction's snapshot on a replica has to have.
@Suite("Proxy: snapshots on replicas", .serialized)
struct ProxySnapshotTests {
    @Test("SET TRANSACTION makes a transaction REPEATABLE READ as BEGIN does: its snapshot has all that was written")
    func repeatableRead() async throws {
        let ddl =
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE TABLE later (a int); INSERT INTO later VALUES (1)"
        try await ProxyReplicaTests().withReplicas(delays: [nil], setup: ddl) { setup in
            let client = try setup.wire()
            try await eventually("replica 1 answers") { try setup.node(client) == 1 }
            try await setup.cluster.pauseReplay(1)
            #expect(try setup.wire().query("UPDATE later SET a = 2").error == nil)
            _ = try client.query("BEGIN READ ONLY")
            _ = try client.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            #expect(try client.query("SELECT a FROM t").error == nil)
            try await setup.cluster.resumeReplay(1)
            try await setup.cluster.catchUp(1)
            let other = try setup.wire()
            try await eventually("the replica counts as fresh") {
                try setup.node(other, "SELECT current_setting('port') FROM later") == 1
            }
            let rows = try client.query("SELECT a FROM later").rows
            #expect(rows == [["2"]])
        }
    }
}
