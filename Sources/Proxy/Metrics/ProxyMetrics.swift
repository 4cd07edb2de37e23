internal import Planning

/// What the loops and the databases tell, as metrics. Pure.
struct ProxyMetrics {
    struct Node: Sendable {
        var database: String
        var status: NodeStatus
        var isUsable: Bool
        var isPrimary: Bool
    }

    var figures = WorkerFigures()
    var nodes: [Node] = []
    var loops = 0
    var isDraining = false
    var maximumClients = 0
    var lookups: (hits: Int, questions: Int, failures: Int) = (0, 0, 0)
    var version = ""

    var text: String {
        MetricFamily.text(
            general + clientFamilies + serverFamilies + work + caches + nodeFamilies, prefix: "strata_proxy_")
    }

    private var general: [MetricFamily] {
        var info = MetricFamily("info", .gauge, "The version that runs.")
        info.add(1, ("version", version))
        var loops = MetricFamily("event_loops", .gauge, "Threads that serve clients.")
        loops.add(self.loops)
        var draining = MetricFamily("draining", .gauge, "1: no new clients are taken.")
        draining.add(isDraining ? 1 : 0)
        var maximum = MetricFamily("clients_max", .gauge, "Clients of all databases that are accepted.")
        maximum.add(maximumClients)
        var loggingIn = MetricFamily("clients_logging_in", .gauge, "Connections that have not logged in yet.")
        loggingIn.add(figures.loggingIn)
        var logins = MetricFamily("logins_total", .counter, "Clients that have logged in.")
        logins.add(figures.logins)
        var refused = MetricFamily("logins_refused_total", .counter, "Clients that were refused, by SQLSTATE.")
        for (code, count) in sorted(figures.refusedLogins) { refused.add(count, ("sqlstate", code)) }
        var lookups = MetricFamily("user_lookups_total", .counter, "Users looked up by auth_query, and from memory.")
        lookups.add(self.lookups.questions - self.lookups.failures, ("result", "answered"))
        lookups.add(self.lookups.failures, ("result", "failed"))
        lookups.add(self.lookups.hits, ("result", "remembered"))
        return [info, loops, draining, maximum, loggingIn, logins, refused, lookups]
    }

    private var clientFamilies: [MetricFamily] {
        var clients = MetricFamily("clients", .gauge, "Clients that are logged in.")
        for (name, row) in sorted(figures.clients) {
            clients.add(row.active, ("database", name), ("state", "active"))
            clients.add(row.idle, ("database", name), ("state", "idle"))
            clients.add(row.waiting, ("database", name), ("state", "waiting"))
        }
        var paused = MetricFamily("paused", .gauge, "1: PAUSE holds what begins.")
        for (name, isPaused) in sorted(figures.paused) { paused.add(isPaused ? 1 : 0, ("database", name)) }
        return [clients, paused]
    }

    private var serverFamilies: [MetricFamily] {
        var merged: [String: WorkerReport.PoolRow] = [:]
        for row in figures.pools {
            let key = "\(row.database)\u{0}\(row.node)"
            guard var sum = merged[key] else {
                merged[key] = row
                continue
            }
            sum.add(row)
            merged[key] = sum
        }
        var servers = MetricFamily("servers", .gauge, "Connections to servers, of all users.")
        var waiting = MetricFamily("clients_waiting", .gauge, "Clients that wait for a connection to this server.")
        var oldest = MetricFamily("oldest_wait_seconds", .gauge, "For how long the first of them waits.")
        for (_, row) in sorted(merged) {
            let (database, node) = (("database", row.database), ("node", row.node))
            servers.add(row.serversActive, database, node, ("state", "active"))
            servers.add(row.serversIdle, database, node, ("state", "idle"))
            servers.add(row.serversLogin, database, node, ("state", "login"))
            waiting.add(row.clientsWaiting, database, node)
            oldest.add(row.oldestWait, database, node)
        }
        return [servers, waiting, oldest]
    }

    private var work: [MetricFamily] {
        func family(_ name: String, _ help: String, _ value: (Counters) -> Int) -> MetricFamily {
            var family = MetricFamily(name, .counter, help)
            for (name, counters) in sorted(figures.counters) { family.add(value(counters), ("database", name)) }
            return family
        }
        func time(_ name: String, _ help: String, _ value: (Counters) -> Duration) -> MetricFamily {
            var family = MetricFamily(name, .counter, help)
            for (name, counters) in sorted(figures.counters) { family.add(value(counters), ("database", name)) }
            return family
        }
        return [
            family("transactions_total", "Transactions; in session mode, sessions.") { $0.transactions },
            family("units_total", "Simple queries, and messages up to Sync.") { $0.units },
            family("replica_units_total", "Units that a replica answered.") { $0.onReplicas },
            family("retries_total", "Units that a replica could not answer, and the primary did.") {
                $0.movedToPrimary
            },
            family("errors_total", "Errors that are the proxy's own.") { $0.refusals },
            family("received_bytes_total", "From clients.") { $0.received },
            family("sent_bytes_total", "To clients.") { $0.sent },
            time("wait_seconds_total", "For how long clients waited for servers.") { .nanoseconds($0.waited) },
            time("transaction_seconds_total", "For how long servers belonged to clients.") {
                .nanoseconds($0.transactionTime)
            },
            time("query_seconds_total", "For how long units ran.") { .nanoseconds($0.unitTime) },
        ]
    }

    private var caches: [MetricFamily] {
        var asked = MetricFamily("decisions_total", .counter, "Statements, by whether their decision was remembered.")
        var entries = MetricFamily("decision_cache_entries", .gauge, "Decisions that are remembered.")
        var unparsed = MetricFamily(
            "unparsed_statements_total", .counter, "Statements that the parser refused; they went to the primary.")
        for (name, cache) in sorted(figures.caches) {
            asked.add(Int(clamping: cache.hits), ("database", name), ("result", "hit"))
            asked.add(Int(clamping: cache.misses), ("database", name), ("result", "miss"))
            entries.add(cache.entries, ("database", name))
            unparsed.add(Int(clamping: cache.unparsed), ("database", name))
        }
        return [asked, entries, unparsed]
    }

    private var nodeFamilies: [MetricFamily] {
        var usable = MetricFamily("node_usable", .gauge, "1: the server answers, and may be used.")
        var primary = MetricFamily("node_primary", .gauge, "1: writes go there.")
        var state = MetricFamily("node_state", .gauge, "What the server is now.")
        var breaker = MetricFamily("breaker_open", .gauge, "1: it failed too often and rests.")
        var active = MetricFamily("node_statements", .gauge, "Statements that run there; with replicas only.")
        var bytes = MetricFamily("replica_lag_bytes", .gauge, "Log that the replica has not replayed.")
        var age = MetricFamily("replica_lag_seconds", .gauge, "How old what it has may be.")
        for node in nodes {
            let labels = (("database", node.database), ("node", node.status.name))
            usable.add(node.isUsable ? 1 : 0, labels.0, labels.1)
            primary.add(node.isPrimary ? 1 : 0, labels.0, labels.1)
            state.add(1, labels.0, labels.1, ("state", node.status.state.kind.rawValue))
            breaker.add(node.status.state.kind == .suspended ? 1 : 0, labels.0, labels.1)
            active.add(node.status.active, labels.0, labels.1)
            if let lag = node.status.lagBytes { bytes.add(Int(clamping: lag), labels.0, labels.1) }
            if let lag = node.status.lag { age.add(lag, labels.0, labels.1) }
        }
        return [usable, primary, state, breaker, active, bytes, age]
    }

    private func sorted<Value>(_ values: [String: Value]) -> [(String, Value)] {
        values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
