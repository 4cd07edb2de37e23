import Testing

@testable import Planning

@Suite("Layout: the proxy's settings")
struct LayoutRoutingTests {
    @Test("S2.10 S2.21 all keys of the pool, with the weights of replicas")
    func pool() throws {
        let layout = try layout(
            """
            strata: 1
            databases:
              main:
                replicas: [{ name: r1, url: host=a, weight: 3 }, { name: r2, url: host=b }]
                pool: { query_wait_timeout: 0s, query_timeout: 7d, max_prepared_statements: 0 }
            """)
        #expect(layout.databases[0].replicas.map(\.weight) == [3, 1])
        let pool = try #require(layout.databases[0].pool)
        #expect(pool.queryWaitTimeout == .zero && pool.queryTimeout == .seconds(604_800))
        #expect(pool.maxPreparedStatements == 0)
        let usual = Database.Pool()
        #expect(usual.queryWaitTimeout == .seconds(120) && usual.queryTimeout == .zero)
        #expect(usual.maxPreparedStatements == 200)
    }

    @Test("defaults of the proxy are those of the documentation")
    func defaults() throws {
        let routing = try #require(try layout("strata: 1\nrouting: {}").routing)
        #expect(routing.listen == nil && routing.tls == nil && routing.authType == nil && routing.authRules.isEmpty)
        #expect(routing.admins.isEmpty && routing.observers.isEmpty && routing.metrics == nil)
        #expect(routing.transactions == .primary && routing.freshness == .table && routing.eventLoops == 1)
        #expect(routing.maxClients == 10_000 && routing.loginTimeout == .seconds(60))
    }

    @Test("every key at once")
    func everything() throws {
        let layout = try layout(
            """
            strata: 1
            databases: { main: { replicas: [{ name: r1, url: host=a }] } }
            routing:
              listen: 0.0.0.0:6432
              metrics: 127.0.0.1:9127
              tls: { certificate: server.crt, key: /etc/server.key, authorities: clients.crt, require: true }
              auth:
                type: cert
                users: users.txt
                rules:
                  - { address: local, user: postgres, type: trust }
                  - { address: 10.1.0.0/16, user: all, type: md5 }
                  - { address: "2001:db8::/32", type: scram }
                  - { user: "Mona", type: reject }
              admins: [postgres, ops]
              observers: [monitor]
              transactions: optimistic
              event_loops: 4
              max_clients: 20000
              login_timeout: 10s
              routes: [{ application: kct_nextjs_reader, to: replica }]
            """)
        let routing = try #require(layout.routing)
        let tls = try #require(routing.tls)
        #expect(tls.certificate == "server.crt" && tls.key == "/etc/server.key" && tls.authorities == "clients.crt")
        #expect(tls.isRequired && tls.place == SourcePlace(file: "strata.yaml", line: 6, column: 8))
        #expect(routing.authType == .cert && routing.authRules.map(\.kind) == [.trust, .md5, .scram, .reject])
        #expect(routing.authRules.map(\.user) == ["postgres", nil, nil, "Mona"])
        #expect(routing.authRules[0].origin == .local && routing.authRules[3].origin == .all)
        #expect(routing.authRules[1].origin == .range(try IPRange.parse("10.1.0.0/16").get()))
        #expect(routing.authRules[1].place == SourcePlace(file: "strata.yaml", line: 12, column: 9))
        #expect(routing.admins == ["postgres", "ops"] && routing.observers == ["monitor"])
        #expect(routing.transactions == .optimistic && routing.eventLoops == 4 && routing.maxClients == 20_000)
        #expect(routing.loginTimeout == .seconds(10) && routing.metrics == "127.0.0.1:9127")
        #expect(routing.routes[0].application == "kct_nextjs_reader" && routing.routes[0].toReplica)
    }

    @Test("S2.10 a rule by application_name may stand alone, and beside a tag and a table")
    func applications() throws {
        let layout = try layout(
            """
            strata: 1
            schemas: { a: { tables: [t] } }
            routing:
              routes: [{ application: x, to: primary }, { application: y, tag: { a: b }, table: a.t, to: primary }]
            """)
        let routes = try #require(layout.routing?.routes)
        #expect(routes.map(\.application) == ["x", "y"] && routes[1].table == "a.t" && routes[1].tags == ["a": "b"])
    }

    @Test("values may come from the environment, and are not repeated")
    func variables() throws {
        let text =
            "strata: 1\nrouting: { event_loops: \"${LOOPS}\", auth: { rules: [{ address: \"${NET}\", type: reject }] } }"
        let routing = try layout(text, ["LOOPS": "2", "NET": "10.0.0.0/8"]).routing
        #expect(routing?.eventLoops == 2 && routing?.authRules.count == 1)
        let complaint = try #require(decode(text, ["LOOPS": "2", "NET": "10.9.9.9/8"]).diagnostics.first)
        #expect(complaint.code == "bad-address" && !"\(complaint)".contains("10."), "\(complaint)")
    }

    @Test(
        "which rule fits a client",
        arguments: [
            ("10.1.2.3", "ann", 1), ("10.2.0.1", "ann", 2), ("10.2.0.1", "bob", nil), ("::ffff:10.1.2.3", "x", 1),
            ("192.168.0.1", "ann", 2), ("2001:db8::5", "x", 3), ("2001:db9::5", "x", nil), ("", "x", 0),
            ("", "ann", 0),
        ])
    func fits(address: String, user: String, expected: Int?) throws {
        let rules = try #require(
            try layout(
                """
                strata: 1
                routing:
                  auth:
                    type: scram
                    users: u
                    rules:
                      - { address: local, type: trust }
                      - { address: 10.1.0.0/16, type: md5 }
                      - { user: ann, type: scram }
                      - { address: "2001:db8::/32", type: reject }
                """
            ).routing?.authRules)
        let found = rules.firstIndex { $0.fits(IPAddress(address), user: user) }
        #expect(found == expected)
    }
}
