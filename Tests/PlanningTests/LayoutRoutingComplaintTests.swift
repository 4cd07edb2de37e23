import Testing

@testable import Planning

@Suite("Layout: complaints about the proxy's settings")
struct LayoutRoutingComplaintTests {
    private static func pool(_ text: String) -> String { "strata: 1\ndatabases: { m: { pool: { \(text) } } }" }
    private static func routing(_ text: String) -> String { "strata: 1\nrouting: { \(text) }" }
    private static func rule(_ text: String) -> String {
        "strata: 1\nrouting: { auth: { type: scram, users: u, rules: [{ \(text) }] } }"
    }

    static let bounds: [LayoutComplaint] = [
        .init("query_wait_timeout", pool("query_wait_timeout: 8d"), "out-of-bounds", 2, 47, "0ms to 7d"),
        .init("query_timeout", pool("query_timeout: 5"), "bad-duration", 2, 42, "5s"),
        .init(
            "max_prepared_statements", pool("max_prepared_statements: 100001"), "out-of-bounds", 2, 52, "0 to 100000"),
        .init(
            "weight", "strata: 1\ndatabases: { m: { replicas: [{ name: r, url: host=x, weight: 0 }] } }",
            "out-of-bounds", 2, 62, "1 to 1000"),
        .init("event_loops", routing("event_loops: 65"), "out-of-bounds", 2, 25, "1 to 64"),
        .init("max_clients", routing("max_clients: 1000001"), "out-of-bounds", 2, 25, "1 to 1000000"),
        .init("login_timeout", routing("login_timeout: 0s"), "out-of-bounds", 2, 27, "1s to 10m"),
        .init("transactions", routing("transactions: optimist"), "unknown-choice", 2, 26, "did you mean `optimistic`?"),
        .init("metrics", routing("metrics: 9127"), "bad-address", 2, 21, "metrics: 127.0.0.1:9127"),
        .init(
            "metrics where clients connect", routing("listen: 127.0.0.1:1, metrics: 127.0.0.1:1"), "address-twice", 2,
            42, "another port"),
        .init("admins", routing("admins: postgres"), "wrong-type", 2, 20, "a list of names"),
        .init("admin twice", routing("admins: [a, a]"), "duplicate-entry", 2, 24),
        .init("admin public", routing("admins: [public]"), "reserved-name", 2, 21),
        .init("empty application", routing("routes: [{ application: \"\", to: primary }]"), "empty-value", 2, 36),
        .init("unknown key", routing("transaction: primary"), "unknown-key", 2, 12, "did you mean `transactions`?"),
    ]

    static let access: [LayoutComplaint] = [
        .init("tls without a key", routing("tls: { certificate: c }"), "missing-key", 2, 17, "`tls` needs `key`"),
        .init("tls without a certificate", routing("tls: { key: c }"), "missing-key", 2, 17, "needs `certificate`"),
        .init("tls in words", routing("tls: { certificate: c, key: k, require: yes }"), "wrong-type", 2, 52, "true"),
        .init(
            "cert without tls", routing("auth: { type: cert }"), "cert-without-authorities", 2, 26, "authorities:"),
        .init(
            "cert without authorities", routing("tls: { certificate: c, key: k }, auth: { type: cert }"),
            "cert-without-authorities", 2, 59),
        .init("cert by a rule", rule("type: cert"), "cert-without-authorities", 2, 51),
        .init(
            "cert on a unix socket",
            routing(
                "tls: { certificate: c, key: k, authorities: a }, auth: { type: cert, rules: [{ address: local, type: cert }] }"
            ), "cert-without-tls", 2, 113, "unix socket"),
        .init(
            "scram by a rule", routing("auth: { type: trust, rules: [{ type: scram }] }"), "auth-without-users", 2, 18,
            "of type scram"),
        .init("rule without a type", rule("user: ann"), "missing-key", 2, 51, "a rule of `auth` needs `type`"),
        .init("unknown type", rule("type: scrum"), "unknown-choice", 2, 59, "did you mean `scram`?"),
        .init("host name", rule("address: db.example.com, type: reject"), "bad-address", 2, 62, "not looked up"),
        .init("bits beyond", rule("address: 10.1.2.3/8, type: reject"), "bad-address", 2, 62, "write 10.0.0.0/8"),
        .init(
            "IPv6 bits beyond", rule("address: \"2001:db8::1/32\", type: reject"), "bad-address", 2, 62,
            "2001:db8::/32"),
        .init("length over 32", rule("address: 10.0.0.0/33, type: reject"), "bad-address", 2, 62, "up to 32"),
        .init("length over 128", rule("address: \"::/129\", type: reject"), "bad-address", 2, 62, "up to 128"),
        .init("no length", rule("address: 10.0.0.0/, type: reject"), "bad-address", 2, 62, "up to 32"),
        .init("user with quotes", rule("user: '\"ann\"', type: reject"), "quoted-name", 2, 59),
        .init("key of a rule", rule("adress: all, type: reject"), "unknown-key", 2, 53, "did you mean `address`?"),
    ]

    static let warnings: [LayoutComplaint] = [
        .init(
            "a rule behind one for everybody",
            "strata: 1\nrouting:\n  auth:\n    type: scram\n    users: u\n    rules:\n    - { type: reject }\n    - { address: local, type: trust }",
            "unreachable-rule", 8, 7, "line 7"),
        .init(
            "a range within an earlier one",
            "strata: 1\nrouting:\n  auth:\n    type: scram\n    users: u\n    rules:\n    - { address: 10.0.0.0/8, type: md5 }\n    - { address: 10.1.0.0/16, user: a, type: scram }",
            "unreachable-rule", 8, 7),
        .init(
            "a rule that trusts the network",
            "strata: 1\nrouting:\n  listen: 0.0.0.0:1\n  auth:\n    type: scram\n    users: u\n    rules: [{ address: 10.0.0.0/8, type: trust }]",
            "trust-on-network", 7, 13, "this rule"),
        .init(
            "trust where rules do not catch everybody",
            "strata: 1\nrouting:\n  listen: 0.0.0.0:1\n  auth: { type: trust, rules: [{ user: a, type: reject }] }",
            "trust-on-network", 4, 9, "everybody"),
        .init(
            "observer and admin", "strata: 1\nrouting: { admins: [a], observers: [b, a] }", "redundant-observer", 2,
            40, "may SHOW too"),
    ]

    @Test("bounds", arguments: bounds)
    func checksBounds(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("who may connect", arguments: access)
    func checksAccess(_ complaint: LayoutComplaint) { complaint.check(.error) }

    @Test("doubtful things are warnings", arguments: warnings)
    func checksWarnings(_ complaint: LayoutComplaint) { complaint.check(.warning) }

    @Test(
        "no warning where trust stays on this machine, or rules decide about everybody",
        arguments: [
            "rules: [{ address: local, type: trust }, { address: 127.0.0.0/8, type: trust }, { address: \"::1\", type: trust }], type: scram, users: u",
            "type: trust, users: u, rules: [{ address: 10.0.0.0/8, type: scram }, { type: reject }]",
            "type: scram, users: u, rules: [{ address: 10.1.0.0/16, type: md5 }, { address: 10.0.0.0/8, type: scram }]",
            "type: scram, users: u, rules: [{ user: a, type: md5 }, { user: b, type: scram }, { type: reject }]",
        ])
    func quiet(auth: String) throws {
        _ = try layout("strata: 1\nrouting: { listen: \"0.0.0.0:6432\", auth: { \(auth) } }")
    }
}
