extension LayoutReader {
    mutating func routing(_ node: LayoutNode, _ layout: Layout) -> Routing? {
        guard let fields = fields(of: node, as: .routing) else { return nil }
        var routing = Routing(place: node.place)
        if let node = fields["listen"] { routing.listen = address(node) }
        if let node = fields["auth"] { authentication(node, into: &routing) }
        if let node = fields["freshness"], let freshness = freshness(node) { routing.freshness = freshness }
        if let node = fields["routes"] {
            routing.routes = list(node, "`routes`", "a list of routes").compactMap { route($0, layout) }
        }
        if routing.authType == .trust, let listen = routing.listen, !LayoutReader.isLoopback(listen) {
            let message = "`listen` is open to the network and `auth` trusts everybody"
            let step = "choose type: scram, or listen on 127.0.0.1"
            warning("trust-on-network", message, (fields["auth"] ?? node).place, step)
        }
        return routing
    }

    /// `host:port`, with an IPv6 address in brackets.
    private mutating func address(_ node: LayoutNode) -> String? {
        guard let value = text(node, "`listen`", "host:port") else { return nil }
        let colon = value.text.lastIndex(of: ":")
        let host = colon.map { value.text[..<$0] } ?? ""
        let port = colon.flatMap { Int(value.text[value.text.index(after: $0)...]) } ?? 0
        let bracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard (1...65_535).contains(port), !host.isEmpty, !host.contains(" "), bracketed || !host.contains(":") else {
            let message = "`listen` is \(shown(value)), expected host:port with a port from 1 to 65535"
            error("bad-address", message, node.place, "write listen: 127.0.0.1:6432, or listen: \"[::1]:6432\"")
            return nil
        }
        return value.text
    }

    private static func isLoopback(_ address: String) -> Bool {
        address.hasPrefix("127.") || address.hasPrefix("localhost:") || address.hasPrefix("[::1]:")
    }

    private mutating func authentication(_ node: LayoutNode, into routing: inout Routing) {
        guard let fields = fields(of: node, as: .auth) else { return }
        if let node = fields["type"] { routing.authType = choice(node, of: Routing.AuthType.self, "type") }
        if let node = fields["users"] {
            routing.authUsersFile = nonEmptyText(node, "users", "the path of a file of users")
        }
        if let node = fields["auth_query"] { routing.authQuery = nonEmptyText(node, "auth_query", "a query in SQL") }
        let needsUsers = routing.authType == .scram || routing.authType == .md5
        if needsUsers, fields["users"] == nil, fields["auth_query"] == nil, let type = routing.authType {
            let step = "add users: users.txt, or auth_query: \"select ...\""
            error(
                "auth-without-users", "`auth` of type \(type.rawValue) does not say where the users are", node.place,
                step)
        }
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
        var database = layout.mainDatabase
        if let node = fields["table"], let table = tableReference(node, "table") {
            route.table = table.text
            database = table.schema.flatMap { listed.databases[$0] } ?? database
        }
        if fields["tag"] == nil, fields["table"] == nil {
            let step = "add `tag` or `table`: a rule for everything would override `freshness`"
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
