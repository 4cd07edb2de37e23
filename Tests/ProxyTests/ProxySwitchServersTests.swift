import Engine
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// Two schemas of one main database go to servers of their own, one after the other, and both come back.
@Suite("Proxy: switch with three servers")
struct ProxySwitchServersTests {
    private static let homes = ["billing": "books", "audit": "archive"]

    @Test("S1.6 S1.7 S1.27 billing and audit to servers of their own and back, under load; what needs both is refused")
    func threeServers() async throws {
        try await SwitchServers.with(Self.homes) { servers in
            let loads = (SwitchLoad(schema: "billing"), SwitchLoad(schema: "audit"))
            async let billing: Void = loads.0.run(clients: 6) { try servers.wire() }
            async let audit: Void = loads.1.run(clients: 6) { try servers.wire() }
            do {
                try await walk(servers, loads.0, loads.1)
            } catch {
                for load in [loads.0, loads.1] { load.end() }
                _ = try? await billing
                _ = try? await audit
                throw error
            }
            for load in [loads.0, loads.1] { load.end() }
            try await billing
            try await audit
            for load in [loads.0, loads.1] {
                try await load.expectWhole { try await servers.query("main", $0) }
                print("\(load.schema): \(load.count) writes, longest step \(load.result.longestMilliseconds) ms")
            }
        }
    }

    private func walk(_ servers: SwitchServers, _ billing: SwitchLoad, _ audit: SwitchLoad) async throws {
        let client = try servers.wire()
        #expect(try places(client) == [nil, nil, nil])
        try await servers.copy("billing")
        try await servers.copy("audit")
        #expect(try places(client) == [nil, nil, nil])
        try await more(billing, audit)
        #expect(try await servers.change("billing", .out).run().to == "books")
        #expect(try places(client) == ["books main", "books main", nil])
        try await more(billing, audit)
        #expect(try await servers.change("audit", .out).run().to == "archive")
        #expect(try places(client) == ["archive books", "books main", "archive main"])
        try await more(billing, audit)
        // Each schema is where it belongs, and nowhere else.
        #expect(try await accepts(servers) == ["archive", "books"])
        #expect(try await servers.change("billing", .back).run().to == "main")
        #expect(try places(client) == ["archive main", nil, "archive main"])
        try await more(billing, audit)
        #expect(try await servers.change("audit", .back).run().to == "main")
        #expect(try places(client) == [nil, nil, nil])
        try await more(billing, audit)
    }

    private func more(_ billing: SwitchLoad, _ audit: SwitchLoad) async throws {
        try await billing.written(100)
        try await audit.written(100)
    }

    /// The databases that statements over two schemas were refused for; nil: it was answered.
    private func places(_ client: WireClient) throws -> [String?] {
        try [
            "SELECT 1 FROM billing.totals b JOIN audit.totals a USING (client) LIMIT 1",
            "SELECT 1 FROM billing.totals b JOIN customers c ON c.id = b.client LIMIT 1",
            "SELECT 1 FROM audit.totals a JOIN customers c ON c.id = a.client LIMIT 1",
        ].map { statement in
            let answer = try client.query(statement)
            guard let error = answer.error else {
                #expect(answer.rows == [["1"]])
                return nil
            }
            #expect(error.code == "0A000" && error.message == "a statement cannot use several databases at once")
            let detail = error.detail ?? ""
            return ["archive", "books", "main"].filter { detail.contains("database \"\($0)\"") }.joined(separator: " ")
        }
    }

    /// Databases that take writes of `billing` or `audit`.
    private func accepts(_ servers: SwitchServers) async throws -> [String] {
        var found: [String] = []
        for (schema, places) in [("audit", ["archive", "main"]), ("billing", ["books", "main"])] {
            for place in places {
                let isTaken =
                    (try? await servers.query(place, "UPDATE \(schema).totals SET n = n WHERE client = 63")) != nil
                if isTaken { found.append(place) }
            }
        }
        return found
    }
}
