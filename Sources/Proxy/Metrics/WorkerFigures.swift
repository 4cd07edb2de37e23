/// What one loop counts, for metrics: sums only, so that ten thousand clients cost no more than ten.
struct WorkerFigures: Sendable {
    struct Clients: Sendable {
        var active = 0
        var idle = 0
        var waiting = 0
    }

    struct Cache: Sendable {
        var hits: UInt64 = 0
        var misses: UInt64 = 0
        var entries = 0
        var unparsed: UInt64 = 0
    }

    var clients: [String: Clients] = [:]
    var counters: [String: Counters] = [:]
    var caches: [String: Cache] = [:]
    var paused: [String: Bool] = [:]
    var pools: [WorkerReport.PoolRow] = []
    var loggingIn = 0
    var logins = 0
    /// By SQLSTATE.
    var refusedLogins: [String: Int] = [:]

    mutating func add(_ other: WorkerFigures) {
        for (name, figures) in other.clients {
            clients[name, default: Clients()].active += figures.active
            clients[name, default: Clients()].idle += figures.idle
            clients[name, default: Clients()].waiting += figures.waiting
        }
        for (name, figures) in other.counters { counters[name, default: Counters()].add(figures) }
        for (name, figures) in other.caches {
            caches[name, default: Cache()].hits += figures.hits
            caches[name, default: Cache()].misses += figures.misses
            caches[name, default: Cache()].entries += figures.entries
            caches[name, default: Cache()].unparsed += figures.unparsed
        }
        paused.merge(other.paused) { $0 || $1 }
        pools += other.pools
        loggingIn += other.loggingIn
        logins += other.logins
        refusedLogins.merge(other.refusedLogins, uniquingKeysWith: +)
    }
}

extension Worker {
    func figures() -> WorkerFigures {
        var figures = WorkerFigures()
        let now = loop.now
        for database in databases.values {
            figures.counters[database.name] = database.counters
            figures.caches[database.name] = database.cacheFigures
            figures.paused[database.name] = database.isPaused
            figures.clients[database.name] = .init()
            figures.pools += database.pools.values.map { $0.row(now) }
        }
        for client in clients.values {
            guard client.isCounted, let name = client.database?.name else {
                if !client.isCounted { figures.loggingIn += 1 }
                continue
            }
            if client.waitingIn != nil {
                figures.clients[name]?.waiting += 1
            } else if client.server != nil {
                figures.clients[name]?.active += 1
            } else {
                figures.clients[name]?.idle += 1
            }
        }
        figures.logins = logins
        figures.refusedLogins = refusedLogins
        return figures
    }
}
