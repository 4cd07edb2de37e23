import PostgresDriver
import TestSupport
import Testing

@testable import Proxy

/// Marks against real replicas: what is called fresh has the write.
@Suite(.serialized) struct FreshnessReplayTests {
    @Test("S4.50 A replica is fresh for a table only once it has replayed the last write to it")
    func replay() async throws {
        try await ReplicationCluster.with { cluster in
            try await cluster.execute(0, "CREATE TABLE t (id int)")
            try await ReplicaWatching.with(cluster) { watching in
                let nodes = watching.nodes
                for replica in 1...2 { try await watching.becomesFresh(replica, nodes.freshness.required(reads: [])) }
                try await cluster.pauseReplay(1)
                try await cluster.execute(0, "INSERT INTO t VALUES (1)")
                nodes.freshness.noteWrite(slots: [5])
                let required = nodes.freshness.required(reads: [5])
                try await watching.becomesFresh(2, required)
                #expect(try await count(cluster, 2) == 1)
                #expect(!nodes.isFresh(1, for: required))
                #expect(nodes.chooseReplica(required: required, preferred: 1) == .replica(2))
                let unconcerned = nodes.freshness.required(reads: [6])
                #expect(nodes.chooseReplica(required: unconcerned, preferred: 1) == .replica(1))
                #expect(try await count(cluster, 1) == 0)
                try await cluster.resumeReplay(1)
                try await watching.becomesFresh(1, required)
                #expect(try await count(cluster, 1) == 1)
            }
        }
    }

    @Test("What is fresh has the write: 300 writes and their reads, one replica delayed", arguments: ["on", "off"])
    func delayed(_ synchronousCommit: String) async throws {
        // What is not flushed is not sent: with `off`, a commit gets to replicas with the WAL writer's next turn.
        let settings = ["wal_writer_delay": "10ms"]
        try await ReplicationCluster.with(delays: [2: .milliseconds(500)], settings: settings) { cluster in
            try await cluster.execute(0, "CREATE TABLE t (id int)")
            try await ReplicaWatching.with(cluster) { watching in
                let freshness = watching.nodes.freshness
                let writer = try await Connection.open(try cluster.settings(of: 0))
                let readers = [
                    try await Connection.open(try cluster.settings(of: 1)),
                    try await Connection.open(try cluster.settings(of: 2)),
                ]
                try await writer.execute("SET synchronous_commit = \(synchronousCommit)")
                var fresh = [0, 0]
                for id in 1...300 {
                    try await writer.execute("INSERT INTO t VALUES (\(id))")
                    freshness.noteWrite(slots: [5])
                    let required = freshness.required(reads: [5])
                    // The quick one each time, the delayed one when it says so by itself.
                    try await watching.becomesFresh(1, required)
                    for replica in 1...2 where watching.nodes.isFresh(replica, for: required) {
                        let seen = try await readers[replica - 1].query("SELECT max(id) AS id FROM t").only()
                        #expect(try seen.optionalInt("id") ?? 0 >= id)
                        fresh[replica - 1] += 1
                    }
                }
                #expect(fresh[0] == 300)
                try await watching.becomesFresh(2, freshness.required(reads: [5]))
                #expect(try await readers[1].query("SELECT max(id) AS id FROM t").only().int("id") == 300)
                for connection in [writer] + readers { await connection.close() }
            }
        }
    }

    @Test("A log that ends with its page, or with its segment, is replayed to its end", arguments: [false, true])
    func boundaries(_ segment: Bool) async throws {
        try await ReplicationCluster.with(replicas: 1) { cluster in
            let connection = try await Connection.open(try cluster.settings(of: 0))
            let (insert, flush) = try await WALFiller(connection: connection).fill(segment: segment)
            #expect(insert.bytes - flush.bytes == (segment ? 40 : 24), "the server itself calls these one place")
            var probe = NodeProbe(try cluster.settings(of: 0), timeout: .seconds(10))
            let sample = try await probe.sample(details: true)
            #expect(sample.position == flush)
            #expect(try await probe.sample(details: false).position == flush)
            probe.abandon()
            try await cluster.catchUp(1)
            let replayed = try await cluster.query(1, "SELECT pg_last_wal_replay_lsn()::text AS p").only().string("p")
            #expect(WALPosition(replayed) == flush)
            try await ReplicaWatching.with(cluster) { watching in
                let mark = watching.nodes.freshness.noteWrite(slots: [1])
                try await watching.becomesFresh(1, mark)
            }
            await connection.close()
        }
    }

    @Test("Nothing is fresh before the first sample, and an idle proxy asks each server once a heartbeat")
    func idle() async throws {
        try await ReplicationCluster.with(replicas: 1) { cluster in
            try await ReplicaWatching.with(cluster, FreshnessSettings(heartbeat: .seconds(10))) { watching in
                let freshness = watching.nodes.freshness
                try await watching.becomesFresh(1, freshness.required(reads: []))
                let before = freshness.now()
                for _ in 0..<50 { #expect(watching.nodes.chooseReplica(required: 1) == .replica(1)) }
                #expect(freshness.now() == before, "reads of tables that nobody writes want no sample")
                let mark = freshness.noteWrite(slots: [1])
                try await watching.becomesFresh(1, mark)
                #expect(freshness.now() <= mark + 2)
            }
        }
    }

    @Test("at_most: a replica that does not replay is soon out of bounds, and back with its log")
    func atMost() async throws {
        try await ReplicationCluster.with(replicas: 1) { cluster in
            try await cluster.execute(0, "CREATE TABLE t (id int)")
            let bound = Duration.milliseconds(400)
            try await ReplicaWatching.with(cluster, FreshnessSettings(atMost: bound)) { watching in
                try await eventually("it is within") { watching.nodes.isWithin(bound, replica: 1) }
                try await cluster.pauseReplay(1)
                try await cluster.execute(0, "INSERT INTO t VALUES (1)")
                try await eventually("it is out of bounds") { !watching.nodes.isWithin(bound, replica: 1) }
                #expect(watching.nodes.chooseReplica(required: 0, within: bound) != .replica(1))
                try await cluster.resumeReplay(1)
                try await eventually("it is back") {
                    watching.nodes.chooseReplica(required: 0, within: bound) == .replica(1)
                }
                #expect(try await count(cluster, 1) == 1)
            }
        }
    }

    private func count(_ cluster: ReplicationCluster, _ node: Int) async throws -> Int {
        try await cluster.query(node, "SELECT count(*) AS n FROM t").only().int("n")
    }
}

/// Writes the log up to a border: its records end where a page, or a segment of 1 MB, does.
private struct WALFiller {
    let connection: Connection

    /// - Returns: where the next record begins, and where the last one ended.
    func fill(segment: Bool) async throws -> (insert: WALPosition, flush: WALPosition) {
        let (unit, header): (UInt64, UInt64) = segment ? (1 << 20, 40) : (8192, 24)
        // Another process of the server can write in between: then once more.
        for _ in 0..<200 {
            let (insert, flush) = try await positions()
            if insert.bytes % unit == header, segment || insert.bytes % (1 << 20) != 40 { return (insert, flush) }
            let left = 8192 - insert.bytes % 8192
            // Two records that hold 1,000 bytes take that much together.
            let overhead = try await self.overhead()
            let now = try await positions().insert
            let room = 8192 - now.bytes % 8192
            guard room > overhead + 512, left > 0 else {
                try await emit(800)
                continue
            }
            if segment, now.bytes % unit < unit - 8192 {
                try await emit(min(unit - 8192 - now.bytes % unit, 8192))
                continue
            }
            try await emit(room - overhead)
        }
        throw NotInTime(what: "the log ends at a border", limit: .zero)
    }

    /// What a message of 1,000 bytes takes beyond them, with its commit, where no page ends within.
    private func overhead() async throws -> UInt64 {
        while true {
            let before = try await positions().insert
            try await emit(1000)
            let after = try await positions().insert
            if before.bytes / 8192 == after.bytes / 8192 { return after.bytes - before.bytes - 1000 }
        }
    }

    private func emit(_ bytes: UInt64) async throws {
        try await connection.execute("SELECT pg_logical_emit_message(true, 'p', repeat('x', \(bytes)))")
    }

    private func positions() async throws -> (insert: WALPosition, flush: WALPosition) {
        let row = try await connection.query(
            "SELECT pg_current_wal_insert_lsn()::text AS i, pg_current_wal_flush_lsn()::text AS f"
        ).only()
        guard let insert = WALPosition(try row.string("i")), let flush = WALPosition(try row.string("f")) else {
            throw NotInTime(what: "the server gives positions", limit: .zero)
        }
        return (insert, flush)
    }
}
