import Foundation
import Planning
import PostgresDriver
import PostgresWire
import TestSupport
import Testing

@testable import Proxy

/// What monitoring reads: /metrics, /healthz, /readyz.
@Suite("Proxy: metrics")
struct ProxyMetricsTests {
    /// Sends bytes as they are and reads until the other side closes.
    private static func exchange(_ port: UInt16, _ request: String) throws -> String {
        let client = try WireClient(port: port)
        try client.send(Array(request.utf8))
        var answer: [UInt8] = []
        while let byte = try? client.receiveByte() { answer.append(byte) }
        return String(decoding: answer, as: UTF8.self)
    }

    private static func get(_ proxy: ProxyFixture, _ path: String) throws -> (status: Int, head: String, body: String) {
        guard case .tcp(_, let port)? = proxy.server.metricsAddress else { throw WireClient.Failure.closed }
        let answer = try exchange(port, "GET \(path) HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\n\r\n")
        let parts = answer.components(separatedBy: "\r\n\r\n")
        let status = Int(answer.split(separator: " ").dropFirst().first ?? "") ?? 0
        return (status, parts[0], parts.dropFirst().joined(separator: "\r\n\r\n"))
    }

    /// Value of each series of the text format, which is read strictly.
    private static func series(_ text: String) throws -> [String: Double] {
        var values: [String: Double] = [:]
        var types: [Substring: Substring] = [:]
        var current: Substring = ""
        #expect(text.hasSuffix("\n"))
        for line in text.split(separator: "\n") {
            if let help = line.firstMatch(of: /^# HELP ([a-z_]+) .+$/) {
                #expect(types[help.1] == nil, "a family comes once")
                current = help.1
                continue
            }
            if let type = line.firstMatch(of: /^# TYPE ([a-z_]+) (counter|gauge)$/) {
                #expect(type.1 == current)
                types[type.1] = type.2
                continue
            }
            let sample = try #require(line.firstMatch(of: /^([a-z_]+)(?:\{(.*)\})? (\S+)$/), "\(line)")
            #expect(sample.1 == current, "samples stand below their family")
            #expect(sample.1.hasSuffix("_total") == (types[sample.1] == "counter"), "\(sample.1)")
            let key = String(line.prefix(line.count - sample.3.count - 1))
            #expect(values[key] == nil, "\(key) comes once")
            values[key] = Double(sample.3)
        }
        return values
    }

    private static func withMetrics(_ configuration: inout ProxyConfiguration) {
        configuration.metrics = .tcp(host: "127.0.0.1", port: 0)
        configuration.eventLoops = 2
    }

    @Test("Figures of what was done, in the text format, summed over all loops")
    func figures() async throws {
        try await withProxy(configure: Self.withMetrics) { proxy in
            let clients = try (0..<6).map { _ in try proxy.wire() }
            for client in clients { _ = try client.query("SELECT 1") }
            _ = try clients[0].query("SELEC nonsense")
            _ = try clients[1].query("BEGIN")
            let stranger = try proxy.wire(login: false)
            _ = try stranger.start(user: proxy.user, database: "nowhere")
            let page = try Self.get(proxy, "/metrics")
            #expect(page.status == 200)
            #expect(page.head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
            #expect(page.head.contains("Content-Length: \(page.body.utf8.count)"))
            let values = try Self.series(page.body)
            func value(_ name: String) -> Double? { values["strata_proxy_" + name] }
            #expect(value(#"units_total{database="main"}"#) == 8)
            #expect(value("logins_total") == 6)
            #expect(value(#"logins_refused_total{sqlstate="3D000"}"#) == 1)
            // A server is asked what is set before it is given back.
            try await eventually("one client is in a transaction, the others are idle") {
                let now = try Self.series(Self.get(proxy, "/metrics").body)
                return ["active": 1.0, "idle": 5, "waiting": 0].allSatisfy {
                    now[#"strata_proxy_clients{database="main",state="\#($0)"}"#] == $1
                } && now[#"strata_proxy_servers{database="main",node="primary",state="active"}"#] == 1
            }
            #expect(value(#"unparsed_statements_total{database="main"}"#) == 1)
            #expect(value(#"decisions_total{database="main",result="hit"}"#) ?? 0 >= 4)
            #expect(value("event_loops") == 2)
            // The proxy listens after five seconds also where its server has not answered yet.
            try await eventually("the server has answered") {
                try Self.series(Self.get(proxy, "/metrics").body)[
                    #"strata_proxy_node_usable{database="main",node="primary"}"#] == 1
            }
            #expect(value(#"received_bytes_total{database="main"}"#) ?? 0 > 80)
        }
    }

    @Test("Alive and ready; while it drains it is alive and not ready")
    func health() async throws {
        try await withProxy(configure: Self.withMetrics) { proxy in
            #expect(try Self.get(proxy, "/healthz").body == "alive\n")
            #expect(try Self.get(proxy, "/readyz?verbose").status == 200)
            let client = try proxy.wire()
            proxy.server.drain()
            try await eventually("it is not ready") { try Self.get(proxy, "/readyz").status == 503 }
            #expect(try Self.get(proxy, "/readyz").body.contains("draining"))
            #expect(try Self.get(proxy, "/healthz").status == 200)
            // One loop has ended already, and its part is left out.
            try await eventually("the loop without clients has ended") {
                try Self.series(Self.get(proxy, "/metrics").body)["strata_proxy_event_loops"] == 1
            }
            #expect(try client.query("SELECT 1").rows == [["1"]])
        }
    }

    @Test("Ready means that a server of the main database can be used")
    func readiness() {
        func status(_ name: String, _ kind: NodeState.Kind, _ isUsable: Bool) -> NodeStatus {
            NodeStatus(
                name: name, state: NodeState(kind: kind, reason: "because"), isUsable: isUsable, weight: 1, active: 0,
                position: nil, lagBytes: nil, lag: nil)
        }
        let down = status("primary", .primaryDown, false)
        func judge(_ nodes: [NodeStatus], _ trouble: String? = nil) -> Readiness {
            Readiness.judge(isDraining: false, main: .init(database: "main", nodes: nodes, trouble: trouble))
        }
        #expect(judge([down, status("r1", .healthy, true)]) == .ready)
        #expect(
            judge([down, status("r1", .lagging, false)])
                == .not(
                    "no server of database main can be used: primary: primary down: because; r1: lagging: because"))
        #expect(judge([status("primary", .unknown, false)]) == .ready)
        #expect(judge([status("primary", .unknown, false)], "refused").response.status == 503)
        #expect(Readiness.judge(isDraining: true, main: nil).response.body.hasPrefix("not ready: draining"))
    }

    @Test("A server that cannot be reached: not ready, and why")
    func noServer() async throws {
        try await withProxy(configure: Self.withMetrics) { proxy in
            try await eventually("ready") { try Self.get(proxy, "/readyz").status == 200 }
            let name = proxy.database.settings.database
            let admin = try await proxy.database.connect(["dbname": "postgres"])
            try await admin.execute("ALTER DATABASE \"\(name)\" ALLOW_CONNECTIONS false")
            try await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(name)'")
            try await eventually("not ready, and why") {
                let page = try Self.get(proxy, "/readyz")
                return page.status == 503 && page.body.contains("is not currently accepting connections")
            }
            try await admin.execute("ALTER DATABASE \"\(name)\" ALLOW_CONNECTIONS true")
            try await eventually("ready again") { try Self.get(proxy, "/readyz").status == 200 }
            await admin.close()
        }
    }

    @Test("HTTP: what is no GET of a known path, is said; a long head, a slow or a silent client costs little")
    func http() async throws {
        func status(_ text: String) -> Int? {
            switch Array(text.utf8).withUnsafeBytes({ HTTPRequest.read($0) }) {
            case .refused(let response): response.status
            case .needsMore: nil
            case .get: 200
            }
        }
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\n") == nil)
        #expect(status("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == 200)
        #expect(status("GET / HTTP/1.0\r\n\r\n") == 200)
        #expect(status("GET / HTTP/1.1\r\n\r\n") == 400)
        #expect(status("POST / HTTP/1.1\r\nHost: a\r\n\r\n") == 405)
        #expect(status("GET / HTTP/2.0\r\nHost: a\r\n\r\n") == 505)
        #expect(status("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") == 400)
        #expect(status("nonsense\r\n\r\n") == 400)
        #expect(status("GET / HTTP/1.1\r\nHost: \(String(repeating: "a", count: 9000))") == 431)
        #expect(status("GET / HTTP/1.1\r\nHost: \(String(repeating: "a", count: 8171))\r\n\r\n") == 431)
        try await withProxy(configure: Self.withMetrics) { proxy in
            guard case .tcp(_, let port)? = proxy.server.metricsAddress else { return }
            #expect(try Self.get(proxy, "/nothing").status == 404)
            let head = try Self.exchange(port, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n"))
            let silent = try WireClient(port: port)
            #expect(throws: WireClient.Failure.self) { try silent.receiveByte() }
            let many = try (0..<MetricsEndpoint.maximumConnections).map { _ in try WireClient(port: port) }
            #expect(try Self.exchange(port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").isEmpty)
            _ = many
        }
    }

    @Test("Names with quotes, backslashes and line ends are escaped")
    func escaping() {
        var family = MetricFamily("x", .gauge, "back\\slash\nline")
        family.add(1, ("database", "a\"b\\c\nd"))
        family.add(.milliseconds(1500))
        #expect(
            MetricFamily.text([family], prefix: "strata_proxy_") == """
                # HELP strata_proxy_x back\\\\slash\\nline
                # TYPE strata_proxy_x gauge
                strata_proxy_x{database="a\\"b\\\\c\\nd"} 1
                strata_proxy_x 1.5

                """)
    }
}
