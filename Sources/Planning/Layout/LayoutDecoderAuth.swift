/// `routing.auth` and `routing.tls`.
extension LayoutReader {
    mutating func tls(_ node: LayoutNode) -> Routing.TLS? {
        guard let fields = fields(of: node, as: .tls) else { return nil }
        let form = "the path of a file in PEM form"
        for (key, example) in [("certificate", "server.crt"), ("key", "server.key")] where fields[key] == nil {
            missing(key, in: .tls, node.place, "\(key): \(example)")
        }
        let certificate = fields["certificate"].flatMap { nonEmptyText($0, "certificate", form) }
        let key = fields["key"].flatMap { nonEmptyText($0, "key", form) }
        let authorities = fields["authorities"].flatMap { nonEmptyText($0, "authorities", form) }
        let isRequired = fields["require"].flatMap { flag($0, "require") } ?? false
        guard let certificate, let key else { return nil }
        var tls = Routing.TLS(certificate: certificate, key: key, place: node.place)
        tls.authorities = authorities
        tls.isRequired = isRequired
        return tls
    }

    /// After `listen` and `tls`, which decide what is safe and what can work.
    mutating func authentication(_ node: LayoutNode, into routing: inout Routing) {
        guard let fields = fields(of: node, as: .auth) else { return }
        var types: [(kind: Routing.AuthRule.Kind, place: SourcePlace)] = []
        if let node = fields["type"], let type = choice(node, of: Routing.AuthType.self, "type") {
            routing.authType = type
            if let kind = Routing.AuthRule.Kind(rawValue: type.rawValue) { types.append((kind, node.place)) }
        }
        if let node = fields["users"] {
            routing.authUsersFile = nonEmptyText(node, "users", "the path of a file of users")
        }
        if let node = fields["auth_query"] { routing.authQuery = nonEmptyText(node, "auth_query", "a query in SQL") }
        if let node = fields["rules"] {
            routing.authRules = list(node, "`rules`", "a list of rules").compactMap { authRule($0) }
            types += routing.authRules.map { ($0.kind, $0.place) }
        }
        if fields["users"] == nil, fields["auth_query"] == nil,
            let needy = types.first(where: { $0.kind == .scram || $0.kind == .md5 })
        {
            let step = "add users: users.txt, or auth_query: \"select ...\""
            let message = "`auth` of type \(needy.kind.rawValue) does not say where the users are"
            error("auth-without-users", message, node.place, step)
        }
        if routing.tls?.authorities == nil, let cert = types.first(where: { $0.kind == .cert }) {
            let message = "`auth` of type cert needs to know who signs the certificates of clients"
            let step = "add tls: { certificate: server.crt, key: server.key, authorities: clients.crt } to `routing`"
            error("cert-without-authorities", message, cert.place, step)
        }
        checkOrder(routing)
        checkTrust(routing, node.place)
    }

    private mutating func authRule(_ node: LayoutNode) -> Routing.AuthRule? {
        guard let fields = fields(of: node, as: .authRule) else { return nil }
        guard let typeNode = fields["type"] else {
            missing("type", in: .authRule, node.place, "type: scram")
            return nil
        }
        guard let kind = choice(typeNode, of: Routing.AuthRule.Kind.self, "type") else { return nil }
        var rule = Routing.AuthRule(kind: kind, place: node.place)
        if let node = fields["address"] {
            guard let origin = origin(node) else { return nil }
            rule.origin = origin
        }
        if let node = fields["user"] {
            guard let user = name(node, .role, "user") else { return nil }
            rule.user = user == "all" ? nil : user
        }
        if rule.origin == .local, kind == .cert {
            let message = "a client on a unix socket has no certificate"
            error("cert-without-tls", message, typeNode.place, "choose type: scram, or another address")
        }
        return rule
    }

    /// `all`, `local`, or addresses such as `10.0.0.0/8`.
    private mutating func origin(_ node: LayoutNode) -> Routing.AuthRule.Origin? {
        let expected = "all, local, or addresses such as 10.0.0.0/8"
        guard let value = text(node, "`address`", expected) else { return nil }
        switch value.text {
        case "all": return .all
        case "local": return .local
        default: break
        }
        switch IPRange.parse(value.text) {
        case .success(let range): return .range(range)
        case .failure(.noAddress):
            let step = "write all, local, 10.0.0.0/8 or \"2001:db8::/32\"; names are not looked up"
            error("bad-address", "`address` is \(shown(value)), expected \(expected)", node.place, step)
        case .failure(.length(let maximum)):
            let message = "`address` is \(shown(value)), whose length is no number up to \(maximum)"
            error("bad-address", message, node.place, "the number behind the slash says how many bits count")
        case .failure(.bitsBeyond(let range)):
            let message = "`address` is \(shown(value)), which has bits beyond those that count"
            let step = value.variables.isEmpty ? "write \(range), or leave out the length for the one address" : nil
            error("bad-address", message, node.place, step ?? "set the bits to zero that do not count")
        }
        return nil
    }

    private mutating func checkOrder(_ routing: Routing) {
        for (index, rule) in routing.authRules.enumerated() {
            guard let earlier = routing.authRules[..<index].first(where: { $0.covers(rule) }) else { continue }
            let message = "this rule never fits: the one at line \(earlier.place.line) fits first"
            warning("unreachable-rule", message, rule.place, "put it before that one, or remove it")
        }
    }

    private mutating func checkTrust(_ routing: Routing, _ place: SourcePlace) {
        guard let listen = routing.listen, !LayoutReader.isLoopback(listen) else { return }
        let step = "choose type: scram, or listen on 127.0.0.1"
        for rule in routing.authRules where rule.kind == .trust && !rule.isOfThisMachine {
            let message = "`listen` is open to the network and this rule trusts whoever comes from there"
            warning("trust-on-network", message, rule.place, "choose type: scram, or an address of this machine")
        }
        guard routing.authType == .trust, !routing.authRules.contains(where: { $0.origin == .all && $0.user == nil })
        else { return }
        let message = "`listen` is open to the network and `auth` trusts everybody"
        warning("trust-on-network", message, place, step)
    }

    private static func isLoopback(_ address: String) -> Bool {
        address.hasPrefix("127.") || address.hasPrefix("localhost:") || address.hasPrefix("[::1]:")
    }
}

extension Routing.AuthRule {
    /// Whether whatever fits the other one fits this one too.
    fileprivate func covers(_ other: Routing.AuthRule) -> Bool {
        guard user == nil || user == other.user else { return false }
        switch (origin, other.origin) {
        case (.all, _), (.local, .local): return true
        case (.range(let range), .range(let part)): return range.contains(part)
        default: return false
        }
    }

    fileprivate var isOfThisMachine: Bool {
        switch origin {
        case .all: false
        case .local: true
        case .range(let range): LoopbackRanges.all.contains { $0.contains(range) }
        }
    }
}

private enum LoopbackRanges {
    static let all = ["127.0.0.0/8", "::1"].compactMap { try? IPRange.parse($0).get() }
}
