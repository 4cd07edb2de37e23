import Logging
import Planning
import PostgresWire
import SQLSyntax
import TestSupport
import Testing

@testable import Proxy

/// Routes of the layout for an application together with tags or tables.
@Suite("Proxy: routes by application and table")
struct ProxyRouteTests {
    typealias Wire = WireClient

    private static func route(
        _ toReplica: Bool, application: String?, table: String? = nil, tags: [String: String] = [:]
    )
        -> Routing.Route
    {
        var route = Routing.Route(toReplica: toReplica, place: SourcePlace(file: "t", line: 1, column: 1))
        route.application = application
        route.table = table
        route.tags = tags
        return route
    }

    /// Target of each statement with a, by SHOW ROUTES.
    private func targets(_ boss: WireClient, _ table: String) throws -> [String: String] {
        let rows = try boss.query("SHOW ROUTES").rows.filter { $0[1]?.contains("FROM \(table)") == true }
        return Dictionary(rows.map { (($0[3] ?? ""), ($0[2] ?? "")) }, uniquingKeysWith: { first, _ in first })
    }

    @Test("They hold for that application alone, with named statements that others share, and after a reload")
    func together() async throws {
        let routes = [
            Self.route(false, application: "reports", table: "public.t"), Self.route(true, application: "reports"),
            Self.route(false, application: "other", tags: ["route": "x"]),
        ]
        try await withProxy(
            setup: "CREATE TABLE t (a int); CREATE TABLE u (a int)",
            configure: {
                $0.administrators = ["boss"]
                $0.routes = routes
                let base = $0
                $0.reload = {
                    var copy = base
                    copy.routes = []
                    return copy
                }
            }
        ) { proxy in
            let boss = try proxy.wire(user: "boss", database: "strata")
            let clients = try ["reports", "app"].map { try proxy.wire(parameters: [("application_name", $0)]) }
            for client in clients {
                for table in ["t", "u"] {
                    try client.send(
                        Wire.parse("s_\(table)", "SELECT a FROM \(table)") + Wire.bind("", "s_\(table)")
                            + Wire.execute() + Wire.sync)
                    #expect(try client.results().error == nil)
                }
            }
            let forTable = try targets(boss, "t")
            #expect(forTable.values.sorted() == ["primary", "replica"])
            #expect(forTable.keys.contains { $0.contains("rule") || $0.contains("route") })
            #expect(Set(try targets(boss, "u").values) == ["replica"])
            try boss.send(Wire.query("RELOAD"))
            #expect(try boss.receive(through: "Z").first?.tag == "C")
            for client in clients {
                try client.send(Wire.bind("", "s_t") + Wire.execute() + Wire.sync)
                #expect(try client.results().error == nil)
            }
            #expect(Set(try targets(boss, "t").values) == ["replica"])
        }
    }

    @Test("An application that has such routes is routed by them alone, in their order")
    func order() {
        var configuration = ProxyConfiguration(
            listen: .tcp(host: "127.0.0.1", port: 0), databases: [], users: .everybody, logger: .init(label: "t"))
        configuration.routes = [Self.route(true, application: "plain"), Self.route(true, application: "mixed")]
        #expect(configuration.target(ofApplication: "plain") == .replica)
        #expect(configuration.target(ofApplication: "mixed") == .replica)
        configuration.routes.append(Self.route(false, application: "mixed", table: "t"))
        #expect(configuration.target(ofApplication: "plain") == .replica)
        #expect(configuration.target(ofApplication: "mixed") == nil)
        #expect(configuration.applicationsWithRules == ["mixed"])
    }
}
