import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Two clients in transaction mode, on one server and on two: whatever the first one sets, the second one does not see,
/// and the first one sees still, whichever server serves it.
@Suite("Proxy: nothing leaks")
struct ProxyLeakTests {
    /// What a client gets for the question: its first value, or the error.
    private func seen(_ client: WireClient, _ probe: LeakProbe) throws -> String {
        let result = try client.query(probe.see)
        // Which one depends on whether the server ever had a temporary schema.
        if result.error != nil { return "an error" }
        return result.rows.first.flatMap { $0.first ?? nil } ?? "nothing"
    }

    private func run(_ client: WireClient, _ statements: [String], extended: Bool = false) throws {
        for sql in statements {
            guard extended else {
                _ = try client.query(sql)
                continue
            }
            try client.send(WireClient.parse("", sql) + WireClient.bind() + WireClient.execute() + WireClient.sync)
            _ = try client.results()
        }
    }

    /// What the second client does, none of which is the first one's business.
    private static let disturbances = [
        "SELECT 1", "RESET ALL", "BEGIN; SET LOCAL work_mem = '44MB'; SET LOCAL search_path = none; COMMIT",
        "DISCARD ALL",
        "SET work_mem = '33MB'", "RESET work_mem", "DEALLOCATE ALL", "UNLISTEN *; CLOSE ALL", "SELECT 1/0",
        "DISCARD TEMP; DISCARD PLANS", "SELECT pg_advisory_unlock_all()", "RESET ROLE", "RESET SESSION AUTHORIZATION",
    ]

    /// - Returns: what leaked, or was lost.
    private func check(_ probe: LeakProbe, _ proxy: ProxyFixture, size: Int, hasEffect: Bool) throws -> [String] {
        var wrong: [String] = []
        func expect(_ isRight: Bool, _ what: String) { if !isRight { wrong.append("\(probe.name): \(what)") } }
        let (first, second) = (try proxy.wire(), try proxy.wire())
        let before = try seen(second, probe)
        try expect(seen(first, probe) == before, "the first client had it")
        try run(first, probe.set, extended: probe.isExtended)
        let set = try seen(first, probe)
        expect(!hasEffect || set != before, "it has no effect")
        for disturbance in Self.disturbances {
            _ = try second.query(disturbance)
            // Whoever is in a transaction has one server; the other client gets another, if there is one.
            if size > 1, !probe.isKept { _ = try second.query("BEGIN; SELECT 1") }
            try expect(seen(first, probe) == set, "lost after \(disturbance)")
            if size > 1, !probe.isKept { _ = try second.query("ROLLBACK") }
            if disturbance != "SET work_mem = '33MB'" {
                try expect(seen(second, probe) == before, "leaked, after \(disturbance)")
            }
        }
        try run(first, probe.undo)
        try expect(seen(first, probe) == before, "not undone")
        // Whoever comes after it has gone finds nothing either.
        try run(first, probe.set, extended: probe.isExtended)
        try first.send(WireClient.message("X"))
        while try first.receive() != nil {}
        let later = try (0..<size).map { _ in try proxy.wire() }
        for client in later {
            _ = try client.query("BEGIN")
            try expect(seen(client, probe) == before, "left behind")
        }
        for client in later { _ = try client.query("ROLLBACK") }
        return wrong
    }

    private static let leavesNothing: Set<String> = [
        "rolled back", "SET LOCAL", "undone by an exception", "failed behind it", "SET LOCAL ROLE",
        "temporary table that goes with COMMIT", "plain cursor", "advisory lock of a transaction",
    ]

    private func checkAll(_ probes: [LeakProbe], size: Int) async throws {
        let role = "role_\(UInt64.random(in: 0...UInt64.max))"
        try await withProxy(size: size, setup: LeakProbe.setup + "CREATE ROLE \(role)") { proxy in
            let wrong = try await ClientThreads.run(1) { _ in
                var wrong: [String] = []
                for var probe in probes {
                    let hasEffect = !Self.leavesNothing.contains(probe.name)
                    probe.set = probe.set.map { $0.replacing("$role", with: role) }
                    do {
                        wrong += try check(probe, proxy, size: size, hasEffect: hasEffect)
                    } catch {
                        wrong.append("\(probe.name): \(error)")
                    }
                }
                return wrong
            }
            #expect(wrong == [[]])
            try await proxy.database.execute("DROP ROLE \(role)")
        }
    }

    @Test("Settings of every kind", arguments: [1, 2])
    func settings(_ size: Int) async throws { try await checkAll(LeakProbe.settings, size: size) }

    @Test("Roles", arguments: [1, 2])
    func roles(_ size: Int) async throws { try await checkAll(LeakProbe.roles, size: size) }

    @Test("What keeps its server: temporary objects, LISTEN, held cursors, advisory locks, LOAD; and SQL's PREPARE")
    func kept() async throws { try await checkAll(LeakProbe.kept + LeakProbe.temporaryDefinitions, size: 2) }

    @Test("A server that LOAD changed serves nobody else")
    func loaded() async throws {
        try await withProxy(size: 1) { proxy in
            let first = try proxy.wire()
            _ = try first.query("LOAD 'auto_explain'")
            try first.send(WireClient.message("X"))
            while try first.receive() != nil {}
            let rows = try proxy.wire().query(LeakProbe.loaded[0].see).rows
            #expect(rows == [["0"]])
        }
    }

    @Test("Statements of the protocol, with the same name and different texts", arguments: [1, 2])
    func statements(_ size: Int) async throws {
        try await withProxy(size: size) { proxy in
            let clients = try (0..<3).map { _ in try proxy.wire() }
            for name in ["s0", ""] {
                for (index, client) in clients.enumerated() where index < 2 {
                    try client.send(WireClient.parse(name, "SELECT 'of \(index)'") + WireClient.sync)
                    #expect(try client.results().error == nil)
                }
                for _ in 0..<3 {
                    for (index, client) in clients.enumerated() {
                        try client.send(WireClient.bind("", name) + WireClient.execute() + WireClient.sync)
                        let result = try client.results()
                        if index < 2 {
                            #expect(result.rows == [["of \(index)"]])
                        } else {
                            #expect(result.error?.code == "26000")
                        }
                    }
                }
            }
            _ = try clients[0].query("DEALLOCATE ALL")
            try clients[1].send(WireClient.bind("", "s0") + WireClient.execute() + WireClient.sync)
            #expect(try clients[1].results().rows == [["of 1"]])
        }
    }

    @Test("currval and lastval never tell another client's value", arguments: [1, 2])
    func sequences(_ size: Int) async throws {
        try await withProxy(size: size, setup: LeakProbe.setup) { proxy in
            let (first, second) = (try proxy.wire(), try proxy.wire())
            for _ in 0..<4 {
                _ = try first.query("SELECT nextval('s')")
                #expect(try second.query("SELECT currval('s')").error?.code == "55000")
                #expect(try second.query("SELECT lastval()").error?.code == "55000")
                let own = try first.query("BEGIN; SELECT nextval('s'); SELECT currval('s'), lastval(); COMMIT").rows
                #expect(own.count == 2 && own[1] == [own[0][0], own[0][0]])
            }
        }
    }
}
