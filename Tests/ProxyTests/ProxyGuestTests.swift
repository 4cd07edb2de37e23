import Logging
import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Databases that the layout does not list: `any_database`.
@Suite("Proxy: databases that are not listed")
struct ProxyGuestTests {
    private func withGuests(
        mode: Database.Pool.Mode = .transaction, patience: Duration = .seconds(60),
        _ body: (ProxyFixture, String) async throws -> Void
    ) async throws {
        try await withTestDatabase("guest") { guest in
            try await guest.execute("CREATE TABLE here (a int); INSERT INTO here VALUES (7)")
            try await withProxy(
                mode: mode,
                configure: {
                    $0.anyDatabase = true
                    $0.eventLoops = 2
                    $0.guestPatience = patience
                    $0.administrators = ["boss"]
                }
            ) { try await body($0, guest.name) }
        }
    }

    @Test(
        "A database of the server, by its name, for clients of all loops; one that is not there in the server's words")
    func asked() async throws {
        try await withGuests { proxy, name in
            for _ in 0..<6 {
                let client = try proxy.wire(database: name)
                #expect(try client.query("SELECT a, current_database() FROM here").rows == [["7", name]])
            }
            let missing = try proxy.wire(login: false)
            let error = try missing.start(user: proxy.user, database: "no_such_one").last?.error
            #expect(error?.code == "3D000")
            #expect(error?.message == "database \"no_such_one\" does not exist")
            let boss = try proxy.wire(user: "boss", database: "strata")
            #expect(try boss.query("SHOW DATABASES").rows.contains { $0[0] == name })
            #expect(try proxy.wire().query("SELECT current_database()").rows == [[proxy.database.name]])
        }
    }

    @Test(
        "What wants a database for itself gets it: connections that no client uses go",
        arguments: [Database.Pool.Mode.transaction, .session])
    func claimed(_ mode: Database.Pool.Mode) async throws {
        try await withGuests(mode: mode) { proxy, name in
            let main = try proxy.wire()
            func use(_ name: String) throws {
                for _ in 0..<4 {
                    let client = try proxy.wire(database: name)
                    #expect(try client.query("SELECT a FROM here").rows == [["7"]])
                    try client.send(WireClient.message("X"))
                    #expect(try client.receive() == nil)
                }
            }
            let copy = "\(name)_copy"
            for (used, sql) in [
                (name, "CREATE DATABASE \(copy) TEMPLATE \(name)"), (copy, "ALTER DATABASE \(copy) RENAME TO \(copy)2"),
                ("\(copy)2", "DROP DATABASE \(copy)2"),
            ] {
                try use(used)
                #expect(try main.query(sql).error == nil, "\(sql)")
            }
        }
    }

    @Test("Without the key they are refused")
    func refused() async throws {
        try await withTestDatabase("guest") { guest in
            try await withProxy { proxy in
                let client = try proxy.wire(login: false)
                #expect(try client.start(user: proxy.user, database: guest.name).last?.error?.code == "3D000")
            }
        }
    }

    @Test("One that nobody uses is forgotten: its servers are closed, and it can be dropped; asked again it is there")
    func forgotten() async throws {
        try await withGuests(patience: .milliseconds(100)) { proxy, name in
            var client: WireClient? = try proxy.wire(database: name)
            #expect(try client?.query("SELECT a FROM here").rows == [["7"]])
            #expect(proxy.server.shared.guests.count == 1)
            let again = try proxy.wire(database: name)
            client = nil
            // As long as one client is there, it stays.
            #expect(try again.query("SELECT a FROM here").rows == [["7"]])
            try again.send(WireClient.message("X"))
            try await eventually("it is forgotten") { proxy.server.shared.guests.count == 0 }
            let watching = try await proxy.database.connect()
            try await eventually("nobody is connected to it") {
                try await watching.query(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = $1", [.text(name)]
                ).only().int(0) == 0
            }
            await watching.close()
            let back = try proxy.wire(database: name)
            #expect(try back.query("SELECT a FROM here").rows == [["7"]])
        }
    }

    @Test("They are bounded")
    func bounded() throws {
        let guests = GuestDatabases()
        var logger = Logger(label: "t")
        logger.logLevel = .critical
        let node = try NodeEndpoint(name: "primary", settings: ConnectionSettings("host=127.0.0.1 port=1 dbname=a"))
        let configuration = ProxyConfiguration(
            listen: .tcp(host: "127.0.0.1", port: 0), databases: [], users: .everybody, logger: logger)
        func take(_ name: String) throws -> ProxyDatabase? {
            try guests.take(name) {
                ProxyDatabase(.init(name: name, nodes: [node], limits: PoolLimits()), configuration)
            } watch: { _ in
            }
        }
        for number in 0..<GuestDatabases.limit { #expect(try take("d\(number)") != nil) }
        #expect(try take("one_more") == nil)
        #expect(try take("d0") != nil)
        guests.release("d0")
        #expect(try take("one_more") == nil)
        guests.release("d0")
        #expect(try take("one_more") != nil)
        guests.releaseAll()
        #expect(guests.count == 0)
    }
}
