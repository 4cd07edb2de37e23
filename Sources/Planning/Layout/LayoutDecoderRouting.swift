extension LayoutReader {
    mutating func routing(_ node: LayoutNode, _ layout: Layout) -> Routing? {
        guard let fields = fields(of: node, as: .routing) else { return nil }
        var routing = Routing(place: node.place)
        if let node = fields["listen"] { routing.listen = address(node, "listen", 6432) }
        if let node = fields["tls"] { routing.tls = tls(node) }
        if let node = fields["auth"] { authentication(node, into: &routing) }
        administration(fields, into: &routing)
        if let node = fields["freshness"], let freshness = freshness(node) { routing.freshness = freshness }
        if let node = fields["transactions"],
            let transactions = choice(node, of: Routing.Transactions.self, "transactions")
        {
            routing.transactions = transactions
        }
        if let node = fields["routes"] {
            routing.routes = list(node, "`routes`", "a list of routes").compactMap { route($0, layout) }
        }
        limits(fields, into: &routing)
        return routing
    }

    private mutating func limits(_ fields: LayoutFields, into routing: inout Routing) {
        if let node = fields["event_loops"], let count = integer(node, "event_loops", in: 1...64) {
            routing.eventLoops = count
        }
        if let node = fields["max_clients"], let count = integer(node, "max_clients", in: 1...1_000_000) {
            routing.maxClients = count
        }
        if let node = fields["login_timeout"],
            let time = duration(node, "login_timeout", in: .seconds(1)...Duration.seconds(600))
        {
            routing.loginTimeout = time
        }
        if let node = fields["any_database"], let isOn = flag(node, "any_database") { routing.anyDatabase = isOn }
    }

    /// Who and what looks after the proxy.
    private mutating func administration(_ fields: LayoutFields, into routing: inout Routing) {
        if let node = fields["admins"] { routing.admins = names(node, .role, "admins").map(\.value) }
        if let node = fields["observers"] {
            for name in names(node, .role, "observers") {
                if routing.admins.contains(name.value) {
                    let message = "\(name.value) is in `admins`, who may SHOW too"
                    warning("redundant-observer", message, name.place, "remove it from `observers`")
                }
                routing.observers.append(name.value)
            }
        }
        guard let node = fields["metrics"] else { return }
        routing.metrics = address(node, "metrics", 9127)
        if let metrics = routing.metrics, metrics == routing.listen {
            error("address-twice", "`metrics` is the address of `listen`", node.place, "choose another port")
        }
    }

    /// `host:port`, with an IPv6 address in brackets.
    private mutating func address(_ node: LayoutNode, _ key: String, _ example: Int) -> String? {
        guard let value = text(node, "`\(key)`", "host:port") else { return nil }
        let colon = value.text.lastIndex(of: ":")
        let host = colon.map { value.text[..<$0] } ?? ""
        let port = colon.flatMap { Int(value.text[value.text.index(after: $0)...]) } ?? 0
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard (1...65_535).contains(port), !host.isEmpty, !host.contains(" "), bracketed || !host.contains(":") else {
            let message = "`\(key)` is \(shown(value)), expected host:port with a port from 1 to 65535"
            let step = "write \(key): 127.0.0.1:\(example), or \(key): \"[::1]:\(example)\""
            error("bad-address", message, node.place, step)
            return nil
        }
        return value.text
    }

    /// `table`, `session`, or `{ at_most: 5s }`.
    private mutating func freshness(_ node: LayoutNode) -> Routing.Freshness? {
        if case .map = node.content {
            guard let fields = fields(of: node, as: .freshness) else { return nil }
            guard let limit = fields["at_most"] else {
                missing("at_most", in: .freshness, node.place, "at_most: 5s")
                return nil
            }
            return duration(limit, "at_most", in: .milliseconds(1)...Duration.seconds(3600)).map { .atMost($0) }
        }
        guard case .text = node.content else {
            wrongType(node, "`freshness`", "table, session or { at_most: 5s }", "write freshness: table")
            return nil
        }
        guard let chosen = choice(node, among: ["table", "session"], "freshness") else { return nil }
        return chosen == "table" ? .table : .session
    }

    private mutating func route(_ node: LayoutNode, _ layout: Layout) -> Routing.Route? {
        guard let fields = fields(of: node, as: .route) else { return nil }
        guard let target = fields["to"] else {
            missing("to", in: .route, node.place, "to: primary")
            return nil
        }
        guard let chosen = choice(target, among: ["primary", "replica"], "to") else { return nil }
        var route = Routing.Route(toReplica: chosen == "replica", place: node.place)
        if let node = fields["tag"] { route.tags = tags(node) }
        if let node = fields["application"] {
            route.application = nonEmptyText(node, "application", "the application_name of a client")
        }
        var database = layout.mainDatabase
        if let node = fields["table"], let table = tableReference(node, "table") {
            route.table = table.text
            database = table.schema.flatMap { listed.databases[$0] } ?? database
        }
        if fields["tag"] == nil, fields["application"] == nil, fields["table"] == nil {
            let step = "add `tag`, `application` or `table`: a rule for everything would override `freshness`"
            error("empty-route", "the route does not say which statements it is for", node.place, step)
        }
        if route.toReplica, !layout.databases.contains(where: { $0.name == database && !$0.replicas.isEmpty }) {
            let message = "the route leads to a replica, database \(database) has none"
            let step = "add replicas: [{ name: r1, url: \"${DATABASE_READONLY_URL}\" }] to it, or write to: primary"
            error("no-replica", message, target.place, step)
        }
        return route
    }

    private mutating func tags(_ node: LayoutNode) -> [String: String] {
        let entries = entries(of: node, "`tag`", "tags with values") ?? []
        var tags: [String: String] = [:]
        for entry in entries {
            if let value = text(entry.value, "a tag", "the value of the tag") { tags[entry.key] = value.text }
        }
        if entries.isEmpty, node.kind == "keys with values" || node.kind == "nothing" {
            error("empty-route", "`tag` names no tag", node.place, "write tag: { route: \"GET /api/projects\" }")
        }
        return tags
    }
}
