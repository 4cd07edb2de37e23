import Foundation
import Logging
import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Reads go to replicas, and nobody reads anything older than what somebody was told.
@Suite("Proxy: replicas")
struct ProxyReplicaTests {
    typealias Wire = WireClient

    struct Setup: Sendable {
        let server: ProxyServer
        let port: UInt16
        let cluster: ReplicationCluster

        func wire(_ parameters: [(String, String)] = []) throws -> WireClient {
            let client = try WireClient(port: port)
            let messages = try client.start(user: "strata_test", database: "main", parameters: parameters)
            if let error = messages.last(where: { $0.tag == "E" })?.error {
                throw ProxyFixture.LoginFailure(error: error.message)
            }
            return client
        }

        /// Which node answers: 0 is the primary.
        func node(_ client: WireClient, _ sql: String = "SELECT current_setting('port') FROM t LIMIT 1") throws -> Int?
        {
            let result = try client.query(sql)
            if let error = result.error { throw ProxyFixture.LoginFailure(error: error.message) }
            return Int(result.rows.first?[0] ?? "").flatMap { port in (0..<3).first { cluster.port(of: $0) == port } }
        }
    }

    func withReplicas<T: Sendable>(
        delays: [Duration?] = [nil, nil], freshness: Routing.Freshness = .table, routes: [Routing.Route] = [],
        setup: String = "CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
        configure: (inout ProxyConfiguration) -> Void = { _ in }, _ body: @Sendable (Setup) async throws -> T
    ) async throws -> T {
        let byNode = Dictionary(
            uniqueKeysWithValues: delays.enumerated().compactMap { index, delay in delay.map { (index + 1, $0) } })
        return try await ReplicationCluster.with(replicas: delays.count, delays: byNode) { cluster in
            if !setup.isEmpty { try await cluster.execute(0, setup) }
            for replica in 1...delays.count { try await cluster.catchUp(replica) }
            var logger = Logger(label: "proxy") { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = .critical
            let nodes = try (0...delays.count).map { index in
                try NodeEndpoint(name: index == 0 ? "primary" : "r\(index)", settings: cluster.settings(of: index))
            }
            var limits = PoolLimits()
            limits.size = 10
            var configuration = ProxyConfiguration(
                listen: .tcp(host: "127.0.0.1", port: 0),
                databases: [.init(name: "main", nodes: nodes, limits: limits)],
                users: .everybody, logger: logger)
            configuration.login = .trust
            configuration.freshness = freshness
            configuration.routes = routes
            configure(&configuration)
            let server = try await ProxyServer.start(configuration)
            guard case .tcp(_, let port) = server.address else { fatalError("a TCP address was asked for") }
            let result: Result<T, any Error>
            do {
                let setup = Setup(server: server, port: port, cluster: cluster)
                result = .success(try await blocking { try await body(setup) })
            } catch { result = .failure(error) }
            server.stop()
            await server.waitUntilEnded()
            return try result.get()
        }
    }

    /// Asks until a replica answers.
    private func untilReplica(
        _ setup: Setup, _ client: WireClient, _ sql: String = "SELECT current_setting('port') FROM t LIMIT 1"
    ) async throws {
        try await eventually("a replica answers") { try setup.node(client, sql) != 0 }
    }

    @Test("Reads go to replicas; writes, locks, volatile functions and unknown things go to the primary")
    func split() async throws {
        let ddl = """
            CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE SEQUENCE s;
            CREATE FUNCTION touch() RETURNS int LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = a; RETURN 1; END';
            CREATE UNLOGGED TABLE u AS SELECT 1 AS a;
            """
        try await withReplicas(setup: ddl) { setup in
            let client = try setup.wire()
            try await untilReplica(setup, client)
            for sql in [
                "SELECT current_setting('port') FROM t FOR UPDATE", "SELECT current_setting('port'), touch()",
                "WITH x AS (INSERT INTO t VALUES (2) RETURNING a) SELECT current_setting('port') FROM x",
                "SELECT current_setting('port') FROM (SELECT nextval('s')) n", "SELECT current_setting('port') FROM u",
                "SELECT current_setting('port'), pg_advisory_xact_lock(1)",
                "/* strata:primary */ SELECT current_setting('port')",
                "SELECT current_setting('port'), pg_current_wal_lsn()", "BEGIN; SELECT current_setting('port'); COMMIT",
            ] {
                #expect(try setup.node(client, sql) == 0, "\(sql)")
            }
        }
    }

    @Test("A write is read back at once through any other connection; the table returns to the replicas later")
    func readYourWrites() async throws {
        try await withReplicas(delays: [nil, .milliseconds(400)]) { setup in
            let writer = try setup.wire()
            let reader = try setup.wire()
            try await untilReplica(setup, reader)
            for value in 2..<40 {
                #expect(try writer.query("UPDATE t SET a = \(value)").error == nil)
                #expect(try reader.query("SELECT a FROM t").rows == [["\(value)"]])
            }
            try await untilReplica(setup, reader)
            #expect(try reader.query("SELECT a FROM t").rows == [["39"]])
        }
    }

    @Test("Who sees a commit on the primary before it was acknowledged does not see less on a replica")
    func unacknowledged() async throws {
        try await withReplicas(delays: [nil]) { setup in
            let writer = try setup.wire()
            let reader = try setup.wire()
            try await untilReplica(setup, reader)
            try await setup.cluster.execute(1, "SELECT pg_wal_replay_pause()")
            let lock = try await Connection.open(setup.cluster.settings(of: 0))
            try await lock.execute("SELECT pg_advisory_lock(1)")
            // Committed, but nothing is answered before the whole text is done.
            try writer.send(Wire.query("BEGIN; UPDATE t SET a = 2; COMMIT; SELECT pg_advisory_lock(1)"))
            try await eventually("the primary shows it") {
                try reader.query("/* strata:primary */ SELECT a FROM t").rows == [["2"]]
            }
            #expect(try reader.query("SELECT a FROM t").rows == [["2"]])
            try await lock.execute("SELECT pg_advisory_unlock(1)")
            #expect(try writer.results().error == nil)
            #expect(try reader.query("SELECT a FROM t").rows == [["2"]])
            await lock.close()
            try await setup.cluster.execute(1, "SELECT pg_wal_replay_resume()")
            try await untilReplica(setup, reader)
        }
    }

    @Test("EXECUTE of SQL's statements writes what they write, and no more")
    func execute() async throws {
        let ddl = "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE TABLE u (a int)"
        try await withReplicas(delays: [nil], setup: ddl) { setup in
            let writer = try setup.wire()
            let reader = try setup.wire()
            _ = try writer.query("PREPARE p AS INSERT INTO u VALUES (5); PREPARE q AS SELECT a FROM t")
            try await untilReplica(setup, reader)
            try await setup.cluster.execute(1, "SELECT pg_wal_replay_pause()")
            #expect(try writer.query("EXECUTE q").rows == [["1"]])
            #expect(try writer.query("EXECUTE p").tags == ["INSERT 0 1"])
            #expect(try setup.node(reader) == 1)
            #expect(try reader.query("SELECT a FROM u").rows == [["5"]])
            #expect(try setup.node(reader, "SELECT current_setting('port') FROM u") == 0)
            try await setup.cluster.execute(1, "SELECT pg_wal_replay_resume()")
        }
    }

    @Test("What a write touches beyond its text counts: triggers, cascades, views, functions")
    func beyondTheText() async throws {
        let ddl = """
            CREATE TABLE t (a int PRIMARY KEY); CREATE TABLE child (a int REFERENCES t ON DELETE CASCADE);
            CREATE TABLE log (n int); CREATE VIEW v AS SELECT count(*) AS n FROM log;
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (NEW.a); RETURN NEW; END';
            CREATE TRIGGER note AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();
            INSERT INTO t VALUES (1); INSERT INTO child VALUES (1);
            """
        try await withReplicas(delays: [.seconds(1)], setup: ddl) { setup in
            let writer = try setup.wire()
            let reader = try setup.wire()
            try await untilReplica(setup, reader, "SELECT current_setting('port') FROM v")
            _ = try writer.query("INSERT INTO t VALUES (2)")
            #expect(try reader.query("SELECT n FROM v").rows == [["2"]])
            _ = try writer.query("DELETE FROM t WHERE a = 1")
            #expect(try reader.query("SELECT count(*) FROM child").rows == [["0"]])
        }
    }

    private func expectOne(_ client: WireClient) throws {
        let result = try client.query("SELECT a FROM t")
        #expect(result.error == nil && result.rows == [["1"]], "\(result.messages)")
    }

    @Test("A replica that is stopped during load: no read fails")
    func stopped() async throws {
        try await withReplicas { setup in
            let client = try setup.wire()
            try await untilReplica(setup, client)
            let clients = try (0..<8).map { _ in try setup.wire() }
            for client in clients { try await untilReplica(setup, client) }
            try await setup.cluster.stop(1)
            for _ in 0..<20 { for client in clients { try expectOne(client) } }
            try await setup.cluster.stop(2)
            for _ in 0..<20 { for client in clients { try expectOne(client) } }
            #expect(try setup.node(client) == 0)
        }
    }

    @Test("Prepared statements and settings follow a client to replicas and back")
    func sessionOnReplicas() async throws {
        try await withReplicas { setup in
            let client = try setup.wire()
            try await untilReplica(setup, client)
            try client.send(Wire.parse("s0", "SELECT current_setting('port'), $1 || a FROM t") + Wire.sync)
            _ = try client.results()
            #expect(try client.query("SET TIME ZONE 'Asia/Tokyo'").error == nil)
            for round in 0..<6 {
                try client.send(Wire.bind("", "s0", ["x"]) + Wire.execute() + Wire.sync)
                #expect(try client.results().rows.first?[1] == "x1")
                if round % 2 == 0 { #expect(try client.query("SELECT 1 FROM t FOR UPDATE").error == nil) }
                #expect(try client.query("SHOW timezone").rows == [["Asia/Tokyo"]])
                #expect(try client.query("SELECT current_setting('timezone') FROM t").rows == [["Asia/Tokyo"]])
            }
            // An error of a read is PostgreSQL's own, from the primary.
            #expect(try client.query("SELECT nothing FROM t").error?.code == "42703")
            #expect(try client.query("SELECT a FROM t").rows == [["1"]])
        }
    }

    private func optimistic(_ configuration: inout ProxyConfiguration) { configuration.transactions = .optimistic }

    @Test("READ ONLY transactions run on a replica; others on the primary, unless transactions are optimistic")
    func transactions() async throws {
        let port = "SELECT current_setting('port') FROM t LIMIT 1"
        try await withReplicas { setup in
            let client = try setup.wire()
            try await untilReplica(setup, client)
            try await eventually("a transaction begins on a replica") {
                _ = try client.query("ROLLBACK")
                // All at once, without waiting for an answer.
                try client.send(
                    ["BEGIN READ ONLY", "SELECT a FROM t", "SELECT 2", "COMMIT"].flatMap { Wire.query($0) })
                for tag in ["BEGIN", "SELECT 1", "SELECT 1", "COMMIT"] {
                    #expect(try client.results().tags == [tag])
                }
                #expect(try client.query("BEGIN READ ONLY").tags == ["BEGIN"])
                return try setup.node(client, port) != 0
            }
            #expect(try client.query("COMMIT").messages.map(\.tag) == ["C", "Z"])
            #expect(try client.query("BEGIN").messages.last?.text == "T")
            #expect(try setup.node(client, port) == 0)
            #expect(try client.query("ROLLBACK").messages.last?.text == "I")
            // An empty one reaches no server.
            #expect(try client.query("BEGIN READ ONLY").messages.last?.text == "T")
            #expect(try client.query("COMMIT").tags == ["COMMIT"])
            // What a replica cannot do, the primary does, and says so in PostgreSQL's words.
            try await eventually("a transaction begins on a replica") {
                _ = try client.query("ROLLBACK")
                _ = try client.query("BEGIN READ ONLY")
                return try setup.node(client, port) != 0
            }
            #expect(try client.query("INSERT INTO t VALUES (9)").error?.code == "25006")
            #expect(try client.query("SELECT 1").error?.code == "25P02")
            #expect(try client.query("ROLLBACK").messages.last?.text == "I")
            #expect(try client.query("SELECT count(*) FROM t").rows == [["1"]])
        }
    }

    @Test("Optimistic: reads before the first write are a replica's; the write, and what follows, the primary's")
    func optimisticTransactions() async throws {
        let port = "SELECT current_setting('port') FROM t LIMIT 1"
        try await withReplicas(configure: optimistic) { setup in
            let client = try setup.wire()
            try await untilReplica(setup, client)
            try await eventually("a transaction begins on a replica") {
                _ = try client.query("ROLLBACK")
                #expect(try client.query("BEGIN").tags == ["BEGIN"])
                return try setup.node(client, port) != 0
            }
            #expect(try client.query("SET LOCAL work_mem = '7MB'").tags == ["SET"])
            #expect(try client.query("SAVEPOINT s").tags == ["SAVEPOINT"])
            #expect(try client.query("SHOW work_mem").rows == [["7MB"]])
            #expect(try client.query("INSERT INTO t VALUES (2)").tags == ["INSERT 0 1"])
            #expect(try setup.node(client, port) == 0)
            #expect(try client.query("SHOW work_mem").rows == [["7MB"]])
            #expect(try client.query("ROLLBACK TO s").tags == ["ROLLBACK"])
            #expect(try client.query("COMMIT").tags == ["COMMIT"])
            #expect(try client.query("SHOW work_mem").rows == [["4MB"]])
            #expect(try client.query("SELECT count(*) FROM t").rows == [["1"]])
            // An error on the way is the primary's, and the transaction is as failed as it would be.
            _ = try client.query("BEGIN")
            #expect(try client.query("SELECT nothing FROM t").error?.code == "42703")
            #expect(try client.query("SELECT 1").error?.code == "25P02")
            #expect(try client.query("COMMIT").tags == ["ROLLBACK"])
            try await untilReplica(setup, client)
            // Extended, as drivers do that send BEGIN and the first statement together.
            try await eventually("a transaction begins on a replica") {
                _ = try client.query("ROLLBACK")
                try client.send(
                    Wire.parse("", "BEGIN") + Wire.bind() + Wire.execute() + Wire.parse("", port) + Wire.bind()
                        + Wire.execute() + Wire.sync)
                let first = try client.results()
                #expect(first.tags == ["BEGIN", "SELECT 1"])
                return first.rows != [["\(setup.cluster.port(of: 0))"]]
            }
            try client.send(Wire.parse("", "UPDATE t SET a = 5") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try client.results().tags == ["UPDATE 1"])
            try client.send(Wire.parse("", "COMMIT") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try client.results().messages.last?.text == "I")
            #expect(try setup.wire().query("SELECT a FROM t").rows == [["5"]])
        }
    }

    @Test("A table made through the proxy is there for the next reader, wherever that is")
    func newTable() async throws {
        try await withReplicas(delays: [.milliseconds(500)]) { setup in
            let writer = try setup.wire()
            let reader = try setup.wire()
            for round in 0..<5 {
                #expect(try writer.query("CREATE TABLE made_\(round) AS SELECT \(round) AS a").error == nil)
                #expect(try reader.query("SELECT a FROM made_\(round)").rows == [["\(round)"]])
            }
        }
    }
}
