import Logging
import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Who gets a server, and when.
@Suite("Proxy: pools")
struct ProxyPoolTests {
    typealias Wire = WireClient

    @Test("Many clients share few servers; in transaction mode a server is free after each transaction")
    func sharing() async throws {
        try await withProxy(size: 2) { proxy in
            let clients = try (0..<10).map { _ in try proxy.wire() }
            var processes: Set<String> = []
            for client in clients { processes.insert(try client.query("SELECT pg_backend_pid()").rows[0][0] ?? "") }
            #expect(processes.count <= 2)
        }
    }

    @Test("A freed server goes to whoever has waited longest")
    func oldestFirst() async throws {
        try await withProxy(size: 1, setup: "CREATE TABLE o (n int, at serial)") { proxy in
            let holder = try proxy.wire()
            _ = try holder.query("BEGIN")
            let waiting = try (0..<5).map { _ in try proxy.wire() }
            let admin = try await proxy.database.connect()
            for (index, client) in waiting.enumerated() {
                try client.send(Wire.query("INSERT INTO o (n) VALUES (\(index))"))
                // The next one comes later: one query through another connection of the proxy's process is enough.
                _ = try await admin.query("SELECT 1")
            }
            _ = try holder.query("COMMIT")
            for client in waiting { #expect(try client.results().error == nil) }
            let order = try holder.query("SELECT n FROM o ORDER BY at").rows.map { $0[0] }
            #expect(order == ["0", "1", "2", "3", "4"])
        }
    }

    @Test("server_lifetime 0: a server serves one session and is closed, whatever state that leaves")
    func servesOnce() async throws {
        try await withProxy(size: 2, mode: .session, limits: { $0.serverLifetime = .zero }) { proxy in
            let admin = try await proxy.database.connect()
            var processes: Set<String> = []
            for number in 0..<4 {
                let client = try proxy.wire()
                let process = try client.query("SELECT pg_backend_pid()").rows[0][0] ?? ""
                #expect(try client.query("SELECT pg_backend_pid()").rows[0][0] == process)
                _ = try client.query(number == 1 ? "BEGIN" : "SET work_mem = '1MB'")
                processes.insert(process)
                client.finish()
                let gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1) AS gone"
                for _ in 0..<3_000
                where try await !admin.query(gone, [.int(Int(process) ?? 0)]).only().bool("gone") {
                    try await Task.sleep(for: .milliseconds(10))
                }
            }
            #expect(processes.count == 4)
        }
    }

    @Test("No server within query_wait_timeout: 53300 with cause and next step, and the session lives on")
    func waitTimeout() async throws {
        try await withProxy(size: 1, limits: { $0.queryWaitTimeout = .milliseconds(300) }) { proxy in
            let holder = try proxy.wire()
            _ = try holder.query("BEGIN")
            let waiting = try proxy.wire()
            let result = try waiting.query("SELECT 1")
            #expect(result.error?.code == "53300")
            #expect(result.error?.severity == "ERROR")
            #expect(result.error?.message.contains("query_wait_timeout") == true)
            #expect(result.error?.hint != nil)
            _ = try holder.query("COMMIT")
            #expect(try waiting.query("SELECT 2").rows == [["2"]])
        }
    }

    @Test("The reserve is used once a client has waited reserve_timeout")
    func reserve() async throws {
        try await withProxy(
            size: 1,
            limits: {
                $0.reserve = 1
                $0.reserveTimeout = .milliseconds(300)
            }
        ) { proxy in
            let holder = try proxy.wire()
            _ = try holder.query("BEGIN")
            #expect(try proxy.wire().query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("A query that runs longer than query_timeout is ended")
    func queryTimeout() async throws {
        try await withProxy(limits: { $0.queryTimeout = .milliseconds(400) }) { proxy in
            let client = try proxy.wire()
            #expect(try client.query("SELECT pg_sleep(30)").error?.code == "57014")
            #expect(try proxy.wire().query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("A server that is ended by an administrator is replaced; an idle client does not notice")
    func replaced() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            let first = try client.query("SELECT pg_backend_pid()").rows[0][0] ?? ""
            let admin = try await proxy.database.connect()
            _ = try await admin.query("SELECT pg_terminate_backend(\(first), 5000)")
            let second = try client.query("SELECT pg_backend_pid()")
            #expect(second.error == nil)
            #expect(second.rows.first?[0] != first)
        }
    }

    @Test("A server that goes in the middle of a transaction: the client gets PostgreSQL's own FATAL and is closed")
    func lostServer() async throws {
        try await withProxy { proxy in
            let client = try proxy.wire()
            _ = try client.query("BEGIN")
            let process = try client.query("SELECT pg_backend_pid()").rows[0][0] ?? ""
            let admin = try await proxy.database.connect()
            _ = try await admin.query("SELECT pg_terminate_backend(\(process), 5000)")
            let messages = try client.receive(through: "E")
            #expect(messages.last?.error?.code == "57P01")
            while let more = try client.receive() { #expect(more.tag == "E") }
        }
    }

    @Test("A client that leaves in a transaction leaves nothing behind")
    func abandoned() async throws {
        try await withProxy(size: 1, setup: "CREATE TABLE t (a int)") { proxy in
            do {
                let leaving = try proxy.wire()
                _ = try leaving.query("BEGIN; INSERT INTO t VALUES (1)")
            }
            #expect(try proxy.wire().query("SELECT count(*) FROM t").rows == [["0"]])
        }
    }

    @Test("What a server says of one client's startup parameters is for nobody else, who may wait beside it")
    func strangersParameters() async throws {
        try await withProxy(size: 1) { proxy in
            let client = try proxy.wire()
            for _ in 0..<20 {
                let stranger = try WireClient(port: proxy.port)
                let parameters = [("user", proxy.user), ("database", "main"), ("nonsense", "1")]
                try stranger.send(
                    StartupMessage(parameters: parameters.map { .init($0.0, $0.1) }).packet)
                let result = try client.query("SELECT 7")
                #expect(result.error == nil && result.rows == [["7"]])
                let refused = try stranger.receive(through: "E").last?.error
                #expect(refused?.code == "42704" && refused?.severity == "FATAL")
            }
        }
    }

    @Test("Cancel: the running query of this client and no other; after its end the request hits nothing")
    func cancel() async throws {
        try await withProxy(size: 2) { proxy in
            let client = try proxy.wire()
            let other = try proxy.wire()
            let key = try #require(client.key)
            try client.send(Wire.query("SELECT pg_sleep(30)"))
            try other.send(Wire.query("SELECT pg_sleep(0.2), 'kept'"))
            // It is running once the server says so.
            let admin = try await proxy.database.connect()
            while try await admin.query(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep(30)%' AND state = 'active'"
            ).isEmpty {}
            let canceller = try proxy.wire(login: false)
            try canceller.send(key.cancelRequest)
            #expect(try canceller.receive() == nil)
            #expect(try client.results().error?.code == "57014")
            #expect(try other.results().rows.first?[1] == "kept")
            let late = try proxy.wire(login: false)
            try late.send(key.cancelRequest)
            #expect(try late.receive() == nil)
            for _ in 0..<5 { #expect(try client.query("SELECT 1").rows == [["1"]]) }
            let stranger = try proxy.wire(login: false)
            try stranger.send(CancelKey(processID: key.processID, secret: [0, 0, 0, 0]).cancelRequest)
            #expect(try stranger.receive() == nil)
        }
    }

    @Test("Statement mode: no transaction blocks, whichever way they are begun; everything else works")
    func statementMode() async throws {
        try await withProxy(size: 1, mode: .statement, setup: "CREATE TABLE t (a int)") { proxy in
            let client = try proxy.wire()
            for begin in ["BEGIN", "START TRANSACTION READ ONLY", "BEGIN; SELECT 1"] {
                let result = try client.query(begin)
                #expect(result.error?.message == "transaction blocks not allowed in statement pooling mode")
                #expect(result.messages.map(\.tag) == ["E", "Z"] && result.messages.last?.text == "I")
                try client.send(Wire.parse("", begin) + Wire.bind() + Wire.execute() + Wire.sync)
                #expect(try client.results().messages.map(\.tag) == ["E", "Z"])
            }
            #expect(try client.query("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)").error == nil)
            try client.send(Wire.parse("s", "SELECT count(*) FROM t") + Wire.sync)
            _ = try client.results()
            _ = try proxy.wire().query("SET work_mem = '7MB'")
            try client.send(Wire.bind("", "s") + Wire.execute() + Wire.sync)
            #expect(try client.results().rows == [["2"]])
            #expect(try client.query("SHOW work_mem").rows == [["4MB"]])
        }
    }

    @Test("Session mode: one server for as long as the client is there, clean for the next one")
    func sessionMode() async throws {
        try await withProxy(size: 1, mode: .session) { proxy in
            do {
                let first = try proxy.wire()
                _ = try first.query("SET search_path TO nowhere")
                _ = try first.query("CREATE TEMP TABLE tt AS SELECT 1 AS a")
                _ = try first.query("SET application_name TO 'first'")
                #expect(try first.query("SELECT a FROM tt").rows == [["1"]])
                #expect(try first.query("SHOW search_path").rows == [["nowhere"]])
                try first.send(Wire.message("X"))
                #expect(try first.receive() == nil)
            }
            let second = try proxy.wire()
            #expect(try second.query("SHOW search_path").rows == [["\"$user\", public"]])
            #expect(try second.query("SELECT a FROM tt").error?.code == "42P01")
            #expect(try second.query("SHOW application_name").rows == [[""]])
        }
    }

    @Test("A server that is not there: 08006 that says which, where and why")
    func serverDown() async throws {
        try await withTestDatabase("down") { database in
            let node = try NodeEndpoint(name: "primary", settings: database.settings.settings(["port": "1"]))
            var limits = PoolLimits()
            limits.size = 1
            var configuration = ProxyConfiguration(
                listen: .tcp(host: "127.0.0.1", port: 0),
                databases: [.init(name: "main", nodes: [node], limits: limits)],
                users: .everybody, logger: .init(label: "t"))
            configuration.logger.logLevel = .critical
            configuration.login = .trust
            let server = try await ProxyServer.start(configuration)
            guard case .tcp(_, let port) = server.address else { return }
            let client = try WireClient(port: port)
            let error = try client.start(user: "u", database: "main").last?.error
            #expect(error?.code == "08006")
            #expect(error?.message.contains("primary of database \"main\" at 127.0.0.1:1: Connection refused") == true)
            server.stop()
            await server.waitUntilEnded()
        }
    }
}
