import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// The admin database: what PgBouncer's tools ask, and who may.
@Suite("Proxy: admin database")
struct ProxyAdminTests {
    typealias Wire = WireClient

    @Test("Commands are read as PgBouncer spells them; what is none is named")
    func commands() {
        #expect(AdminCommand.parse("SHOW POOLS;") == .success(.show(.pools)))
        #expect(AdminCommand.parse("  show  clients ") == .success(.show(.clients)))
        #expect(AdminCommand.parse("PAUSE") == .success(.pause(.everything, patience: .seconds(30))))
        #expect(AdminCommand.parse("RESUME SCHEMA \"My s\";") == .success(.resume(.schema("My s"))))
        #expect(
            AdminCommand.parse("PAUSE SCHEMA app TIMEOUT 5")
                == .success(.pause(.schema("app"), patience: .seconds(5))))
        #expect(AdminCommand.parse("RESUME \"My Db\";") == .success(.resume(.database("My Db"))))
        #expect(AdminCommand.parse("KILL main") == .success(.kill(database: "main")))
        #expect(AdminCommand.parse("SHUTDOWN WAIT_FOR_CLIENTS") == .success(.drain))
        #expect(AdminCommand.parse("") == .success(.empty))
        for text in [
            "DROP TABLE t", "SHOW", "SHOW NOTHING", "KILL", "PAUSE a b", "PAUSE TIMEOUT x", "RESUME a TIMEOUT 5",
            "KILL_CLIENT x",
        ] {
            if case .success(let command) = AdminCommand.parse(text) { Issue.record("\(text) became \(command)") }
        }
    }

    @Test("Who is on no list is refused, also with trust; observers may only SHOW")
    func rights() async throws {
        try await withProxy(configure: {
            $0.administrators = ["boss"]
            $0.observers = ["watcher"]
        }) { proxy in
            let stranger = try proxy.wire(login: false)
            #expect(try stranger.start(user: "stranger", database: "strata").last?.error?.code == "42501")
            let watcher = try proxy.wire(user: "watcher", database: "strata")
            #expect(try watcher.query("SHOW VERSION").error == nil)
            #expect(try watcher.query("PAUSE").error != nil)
            let boss = try proxy.wire(user: "boss", database: "strata")
            #expect(try boss.query("SHOW LISTS").rows.contains { $0[0] == "databases" && $0[1] == "1" })
            #expect(try boss.query("NONSENSE").error != nil)
            #expect(try boss.query("PAUSE nowhere").error?.message == "no such database: nowhere")
            try boss.send(Wire.parse("", "SHOW POOLS") + Wire.bind() + Wire.execute() + Wire.sync)
            #expect(try boss.results().error != nil)
            #expect(try boss.query("SHOW HELP").error == nil)
        }
    }

    @Test("SHOW POOLS, CLIENTS, SERVERS, STATS, DATABASES and REPLICAS say what is the case")
    func reports() async throws {
        try await withProxy(configure: { $0.administrators = ["boss"] }) { proxy in
            let boss = try proxy.wire(user: "boss", database: "strata")
            let client = try proxy.wire(parameters: [("application_name", "watched")])
            _ = try client.query("BEGIN; CREATE TEMP TABLE kept (a int); COMMIT")
            func rows(_ report: String) throws -> [[String: String]] {
                try boss.send(Wire.query("SHOW \(report)"))
                let messages = try boss.receive(through: "Z")
                let names = messages.first { $0.tag == "T" }.map(Self.columns) ?? []
                return Wire.rows(messages).map { Dictionary(uniqueKeysWithValues: zip(names, $0.map { $0 ?? "" })) }
            }
            let pool = try #require(try rows("POOLS").first)
            #expect(pool["database"] == "main" && pool["user"] == proxy.user && pool["sv_active"] == "1")
            try await eventually("the server says what is left on it") {
                try rows("CLIENTS").contains { $0["keeps_server_for"] == "temporary table" }
            }
            let shown = try #require(try rows("CLIENTS").first { $0["application_name"] == "watched" })
            #expect(shown["state"] == "active")
            #expect(try rows("SERVERS").first?["link"] == shown["ptr"])
            let stats = try #require(try rows("STATS").first)
            #expect(Int(stats["total_query_count"] ?? "") == 1)
            #expect(Int(stats["total_received"] ?? "") ?? 0 > 40)
            #expect(Int(stats["total_sent"] ?? "") ?? 0 > 10)
            #expect(try rows("DATABASES").first?["pool_mode"] == "transaction")
            #expect(try rows("REPLICAS").first?["name"] == "primary")
        }
    }

    @Test("SHOW ROUTES: statements without their constants, where they go and why, and how often; also those not read")
    func routes() async throws {
        try await withProxy(
            setup: "CREATE TABLE t (a int)",
            configure: {
                $0.administrators = ["boss"]
                $0.eventLoops = 2
            }
        ) { proxy in
            let boss = try proxy.wire(user: "boss", database: "strata")
            let clients = try (0..<4).map { _ in try proxy.wire() }
            for (index, client) in clients.enumerated() {
                _ = try client.query("SELECT * FROM t WHERE a = \(4711 + index)")
                _ = try client.query("INSERT INTO t VALUES (\(4711 + index))")
            }
            _ = try clients[0].query("SELEKT 'secret'")
            let rows = try boss.query("SHOW ROUTES").rows
            let read = try #require(rows.first { $0[1]?.contains("FROM t WHERE") == true })
            #expect(read[0] == "main" && read[2] == "replica" && read[4] == "4")
            let write = try #require(rows.first { $0[1]?.hasPrefix("INSERT") == true })
            #expect(write[2] == "primary" && write[3]?.isEmpty == false && write[4] == "4")
            let unread = try #require(rows.first { $0[1]?.hasPrefix("SELEKT") == true })
            #expect(unread[2] == "primary" && unread[3]?.contains("syntax error") == true)
            #expect(!rows.contains { $0[1]?.contains("4711") == true || $0[1]?.contains("secret") == true })
        }
    }

    @Test("PAUSE holds what begins, RESUME releases it in its order; what runs goes on")
    func pause() async throws {
        try await withProxy(size: 2, setup: "CREATE TABLE t (a int)", configure: { $0.administrators = ["boss"] }) {
            proxy in
            let boss = try proxy.wire(user: "boss", database: "strata")
            let running = try proxy.wire()
            let first = try proxy.wire()
            _ = try running.query("BEGIN; INSERT INTO t VALUES (1)")
            let watch = try proxy.wire(user: "boss", database: "strata")
            try boss.send(Wire.query("PAUSE main"))
            try first.send(Wire.query("SELECT count(*) FROM t"))
            try await eventually("the client waits") {
                try watch.query("SHOW POOLS").rows.contains { $0[3] == "1" }
            }
            // It waits for what runs.
            #expect(try running.query("INSERT INTO t VALUES (2); COMMIT").error == nil)
            #expect(try boss.results().tags == ["PAUSE"])
            #expect(try boss.query("RESUME main").tags == ["RESUME"])
            #expect(try first.results().rows == [["2"]])
            // And gives up in time, with nothing paused.
            _ = try running.query("BEGIN; SELECT 1")
            let refused = try boss.query("PAUSE main TIMEOUT 1").error
            #expect(refused?.message.contains("given up after 1.0 seconds: 1 clients") ?? false)
            #expect(try first.query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("PAUSE SCHEMA holds what may touch the schema and nothing else; RESUME releases it in order")
    func pauseSchema() async throws {
        let setup = """
            CREATE SCHEMA app; CREATE TABLE app.t (id serial, who int); CREATE TABLE other (a int);
            CREATE VIEW seen AS SELECT who FROM app.t;
            CREATE FUNCTION opaque(q text) RETURNS int LANGUAGE plpgsql AS 'BEGIN EXECUTE q; RETURN 1; END';
            """
        try await withProxy(size: 10, setup: setup, configure: { $0.administrators = ["boss"] }) { proxy in
            let boss = try proxy.wire(user: "boss", database: "strata")
            let inside = try proxy.wire()
            let outside = try proxy.wire()
            let late = try proxy.wire()
            _ = try outside.query("BEGIN; INSERT INTO other VALUES (1)")
            _ = try late.query("BEGIN; INSERT INTO other VALUES (2)")
            _ = try inside.query("BEGIN; INSERT INTO app.t (who) VALUES (0)")
            try boss.send(Wire.query("PAUSE SCHEMA app"))
            let control = try proxy.wire(user: "boss", database: "strata")
            let waiting = try (1...5).map { _ in try proxy.wire() }
            // Whoever touches the schema from now on waits, through a view, by name, or where it cannot be known.
            let texts = [
                "INSERT INTO app.t (who) VALUES (1)", "SELECT count(who) FROM seen", "SELECT opaque('SELECT 1')",
                "SET search_path = app; INSERT INTO t (who) VALUES (4)", "INSERT INTO app.t (who) VALUES (5)",
            ]
            for (index, text) in texts.enumerated() {
                try waiting[index].send(Wire.query(text))
                try await eventually("client \(index) is held") {
                    try control.query("SHOW LISTS").rows.contains { $0[0] == "held_clients" && $0[1] == "\(index + 1)" }
                }
            }
            #expect(try outside.query("SELECT count(*) FROM other").rows.count == 1)
            #expect(try outside.query("COMMIT").error == nil)
            // A transaction that has begun to touch it ends; one that has not waits.
            try late.send(Wire.query("SELECT count(*) FROM app.t"))
            #expect(try inside.query("INSERT INTO app.t (who) VALUES (0); COMMIT").error == nil)
            #expect(try boss.results().tags == ["PAUSE"])
            #expect(try control.query("SHOW LISTS").rows.contains { $0[0] == "paused_schemas" && $0[1] == "1" })
            #expect(try boss.query("RESUME SCHEMA app").tags == ["RESUME"])
            for client in waiting { #expect(try client.results().error == nil) }
            #expect(try late.results().error == nil)
            // They were sent in their order, to several servers, which are not bound to any.
            let all = "SELECT string_agg(who::text, ',' ORDER BY who) FROM app.t"
            #expect(try waiting[0].query(all).rows == [["0,0,1,4,5"]])
        }
    }

    @Test("KILL_CLIENT ends one client, KILL those of a database, RECONNECT the idle servers")
    func ends() async throws {
        try await withProxy(configure: { $0.administrators = ["boss"] }) { proxy in
            let boss = try proxy.wire(user: "boss", database: "strata")
            let one = try proxy.wire()
            let two = try proxy.wire()
            let before = try two.query("SELECT pg_backend_pid()").rows
            let number = try #require(one.key).processID
            #expect(try boss.query("KILL_CLIENT \(number)").tags == ["KILL"])
            #expect(try one.receive(through: "E").last?.error?.code == "57P01")
            #expect(try boss.query("RECONNECT").tags == ["RECONNECT"])
            #expect(try two.query("SELECT pg_backend_pid()").rows != before)
            #expect(try boss.query("KILL main").tags == ["KILL"])
            #expect(try two.receive(through: "E").last?.error?.code == "57P01")
            #expect(try proxy.wire().query("SELECT 1").rows == [["1"]])
        }
    }

    private static func columns(_ description: WireClient.Message) -> [String] {
        description.body.withUnsafeBytes { bytes in
            var cursor = ByteCursor(bytes)
            return (0..<(cursor.int16() ?? 0)).map { _ in
                let name = cursor.string() ?? ""
                _ = cursor.take(18)
                return name
            }
        }
    }
}
