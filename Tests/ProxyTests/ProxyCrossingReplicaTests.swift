import Planning
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// What would cross the cut is counted once for each time it is done, whoever answers it.
@Suite("Proxy: crossings with replicas")
struct ProxyCrossingReplicaTests {
    typealias Wire = WireClient

    private static let join =
        "SELECT current_setting('port') FROM customers c JOIN billing.totals t ON t.client = c.id WHERE c.id = 1"
    private static let onPrimary = "/* strata:primary */ \(join)"

    /// A main database with a replica, whose schema `billing` is to leave and has not.
    private func withObserved(
        _ transactions: Routing.Transactions = .primary,
        _ body: @Sendable (SwitchServers, WireClient) async throws -> Void
    ) async throws {
        let wishes = SwitchServers.Wishes(replicas: ["main": 1], transactions: transactions)
        try await SwitchServers.with(["billing": "books"], wishes) { servers in
            try await eventually("it is observed") { servers.server.shared.crossings.isObserving }
            try await body(servers, try servers.wire(user: "boss", database: "strata"))
        }
    }

    /// By kind, what SHOW CROSSINGS has counted.
    private func counts(_ boss: WireClient) throws -> [String: Int] {
        var found: [String: Int] = [:]
        for row in try boss.query("SHOW CROSSINGS").rows {
            found[row[1] ?? "", default: 0] += Int(row[2] ?? "") ?? 0
        }
        return found
    }

    /// - Returns: 0: the primary has answered; 1: the replica.
    private func node(_ servers: SwitchServers, _ answer: [[String?]]) throws -> Int {
        let port = try #require(answer.first?.first.flatMap { $0 }.flatMap { Int($0) })
        return try #require((0..<2).first { servers.main.port(of: $0) == port })
    }

    @Test("Joins in all protocols count once, on the replica as on the primary, also while the replica dies")
    func joins() async throws {
        try await withObserved { servers, boss in
            let client = try servers.wire()
            try client.send(Wire.parse("j", Self.join) + Wire.sync)
            #expect(try client.results().error == nil)
            var asked = 0
            var answered = [0, 0]
            func ask(_ bytes: [UInt8]) throws {
                asked += 1
                try client.send(bytes)
                let answer = try client.results()
                #expect(answer.error == nil)
                answered[try node(servers, answer.rows)] += 1
            }
            try await eventually("the replica answers") {
                try ask(Wire.query(Self.join))
                return answered[1] > 0
            }
            for _ in 0..<10 {
                try ask(Wire.query(Self.join))
                try ask(Wire.bind("", "j") + Wire.execute() + Wire.sync)
                try ask(Wire.parse("", Self.join) + Wire.bind() + Wire.execute() + Wire.sync)
                try ask(Wire.query(Self.onPrimary))
            }
            #expect(answered[0] >= 10 && answered[1] > 10, "\(answered)")
            #expect(try counts(boss) == ["join": asked])
            // A read that the replica does not answer is asked again of the primary: once for the one who asked.
            try await servers.main.kill(1)
            for _ in 0..<20 { try ask(Wire.query(Self.join)) }
            #expect(try counts(boss) == ["join": asked])
            print("\(asked) joins: \(answered[0]) by the primary, \(answered[1]) by the replica")
        }
    }

    @Test("An error of a read counts once, whether the primary said it or a replica did first")
    func errors() async throws {
        try await withObserved { servers, boss in
            let client = try servers.wire()
            let failing = "SELECT 1 / (c.id - 1) FROM customers c JOIN billing.totals t ON t.client = c.id"
            try await eventually("the replica answers") {
                try node(servers, client.query("SELECT current_setting('port') FROM customers LIMIT 1").rows) == 1
            }
            for _ in 0..<5 {
                #expect(try client.query(failing).error?.code == "22012")
                #expect(try client.query("/* strata:primary */ \(failing)").error?.code == "22012")
            }
            #expect(try counts(boss) == ["join": 10])
        }
    }

    @Test("Transactions that read both sides count once: on a replica, on the primary, and begun there to end here")
    func transactions() async throws {
        try await withObserved(.optimistic) { servers, boss in
            let client = try servers.wire()
            let read = "SELECT current_setting('port') FROM customers WHERE id = 1"
            func run(_ statements: [String]) throws -> [Int] {
                try statements.compactMap { statement in
                    let answer = try client.query(statement)
                    #expect(answer.error == nil, "\(statement): \(answer.messages)")
                    return answer.rows.isEmpty ? nil : try node(servers, answer.rows)
                }
            }
            let other = "SELECT current_setting('port') FROM billing.totals WHERE client = 1"
            var done = 0
            try await eventually("a transaction is the replica's") {
                done += 1
                return try run(["BEGIN READ ONLY", read, other, "COMMIT"]) == [1, 1]
            }
            #expect(try counts(boss) == ["transaction": done])
            // The write takes it to the primary, where its reads are done again.
            var moved = 0
            try await eventually("one begins on the replica and ends on the primary") {
                moved += 1
                return try run([
                    "BEGIN", read, other, "UPDATE customers SET name = name RETURNING current_setting('port')",
                    "COMMIT",
                ])
                    == [1, 1, 0]
            }
            let plain = try run(["BEGIN", read, "/* strata:primary */ \(other)", "COMMIT"])
            #expect(plain.count == 2)
            #expect(try counts(boss) == ["transaction": done + moved + 1])
        }
    }
}
