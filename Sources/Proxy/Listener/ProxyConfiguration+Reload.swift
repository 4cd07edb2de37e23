internal import Planning
internal import PostgresDriver

extension ProxyConfiguration {
    /// What differs in another configuration and cannot be changed while the proxy runs, by the layout's names.
    func fixed(against new: ProxyConfiguration) -> [String] {
        var names: [String] = []
        if new.listen != listen { names.append("routing.listen") }
        if new.eventLoops != eventLoops { names.append("routing.event_loops") }
        if new.metrics != metrics { names.append("routing.metrics") }
        if !canWatch(new.freshness) { names.append("routing.freshness") }
        if new.schemas != schemas { names.append("schemas, where they live") }
        let known = Set(databases.map(\.name))
        names += new.databases.filter { !known.contains($0.name) }.map { "databases.\($0.name) (added)" }
        for old in databases {
            guard let other = new.databases.first(where: { $0.name == old.name }) else {
                names.append("databases.\(old.name) (removed)")
                continue
            }
            names += old.fixed(against: other)
        }
        return names
    }

    /// The new configuration, in which what is fixed is as it was.
    func taking(_ new: ProxyConfiguration) -> ProxyConfiguration {
        var taken = new
        taken.listen = listen
        taken.eventLoops = eventLoops
        taken.metrics = metrics
        taken.schemas = schemas
        taken.catalogInterval = catalogInterval
        taken.crossingInterval = crossingInterval
        taken.logger = logger
        taken.reload = reload
        if !canWatch(new.freshness) { taken.freshness = freshness }
        taken.databases = databases.map { old in
            guard let other = new.databases.first(where: { $0.name == old.name }) else { return old }
            return old.taking(other)
        }
        return taken
    }

    /// The servers are watched as often as the rule at the start demanded.
    private func canWatch(_ freshness: Routing.Freshness) -> Bool {
        guard case .atMost(let bound) = freshness, freshness != self.freshness else { return true }
        var current: Duration?
        if case .atMost(let bound) = self.freshness { current = bound }
        let (old, new) = (FreshnessSettings(atMost: current), FreshnessSettings(atMost: bound))
        return old.heartbeat <= new.heartbeat && old.lagLimit >= new.lagLimit
    }
}

extension ProxyConfiguration.DatabaseSettings {
    fileprivate func fixed(against new: Self) -> [String] {
        var names: [String] = []
        if new.limits.mode != limits.mode { names.append("databases.\(name).pool.mode") }
        for (index, node) in nodes.enumerated() {
            let path = index == 0 ? "databases.\(name)" : "databases.\(name).replicas.\(node.name)"
            guard let other = new.node(node.name) else {
                names.append("\(path) (removed)")
                continue
            }
            if !node.isSame(other) { names.append("\(path).url") }
        }
        for other in new.nodes where node(other.name) == nil {
            names.append("databases.\(name).replicas.\(other.name) (added)")
        }
        return names
    }

    fileprivate func taking(_ new: Self) -> Self {
        var taken = self
        taken.limits = new.limits
        taken.limits.mode = limits.mode
        taken.weights = nodes.map { node in
            new.nodes.firstIndex { $0.name == node.name }.map { new.weight(of: $0) } ?? 1
        }
        for node in nodes {
            guard let other = new.node(node.name), node.isSame(other) else { continue }
            // Its certificates and authorities were read anew.
            node.take(security: other.security)
        }
        return taken
    }

    private func node(_ name: String) -> NodeEndpoint? { nodes.first { $0.name == name } }
}

extension NodeEndpoint {
    fileprivate func isSame(_ other: NodeEndpoint) -> Bool {
        settings.description == other.settings.description && database == other.database
            && password == other.password && settings.tls.mode == other.settings.tls.mode
    }
}
